"""How an engine ends: what works is cancelled as the settings say, and whoever hangs does not hold it up."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine import waits
from engine.live import Engine
from engine.model.orders import OrderState, Side
from engine.model.records import OrderChanged
from tests.engine.engines import SETTINGS, HeldJournal, ToldBroker, limit, market, order_of, running, said, until
from tests.engine.inside import shell_of


@pytest.mark.parametrize(("on_exit", "left"), [("cancel_entries", {"SELL"}), ("keep", {"BUY", "SELL"}), ("cancel_all", set())])
def test_the_end_cancels_what_the_settings_say(tmp_path: Path, on_exit: Any, left: set[str]) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker, settings=replace(SETTINGS, on_exit=on_exit)) as engine:
        engine.submit(market())
        order = order_of(until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING), 1)
        broker.fill(order.id)
        until(engine, lambda view: view.positions)
        engine.submit(limit())
        engine.submit(limit(price=120, side=Side.SELL))
        until(engine, lambda view: len(broker.listed) == 2)
    assert {str(listed.side) for listed in broker.listed.values()} == left
    assert broker.closed


def test_an_order_that_waits_for_the_disk_at_the_end_is_not_sent(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal, settings=replace(SETTINGS, on_exit="keep")) as engine:
        changes: list[OrderChanged] = []
        engine.subscribe(OrderChanged, changes.append)
        journal.held.set()
        engine.submit(limit())
        until(engine, lambda view: view.orders)
        ending = threading.Thread(target=engine.shutdown)
        ending.start()
        until_shut(engine)
        journal.release()
        ending.join()
        assert broker.submitted == []
        assert [change.state for change in changes] == [OrderState.CANCELED]


def until_shut(engine: Engine) -> None:
    pause = threading.Event()
    while not shell_of(engine)._courier._link.shut:
        pause.wait(0.005)


def test_the_end_says_which_cancel_nobody_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.shell.EXIT_S", 0.1)

    async def silent(orders: object) -> None:
        """Takes it and says nothing."""

    with running(tmp_path, ToldBroker(on_cancel=silent)) as engine:
        engine.submit(limit())
        until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING)
    assert said(engine.view(), "the broker did not confirm the cancel of #1 AAPL: it may still work there")


@pytest.mark.parametrize("part", ["close", "cancel"])
def test_a_broker_that_hangs_does_not_keep_the_journal_from_the_runs_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("engine.shell.EXIT_S", 0.1)
    monkeypatch.setattr(waits, "CLOSE_S", 0.1)
    free = threading.Event()

    async def hang(*given: object) -> None:
        """As an adapter does that lets nobody cancel it."""
        while not free.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, lambda view: broker.listed)
        monkeypatch.setattr(broker, part, hang)
        ending = threading.Thread(target=engine.shutdown)
        ending.start()
        assert any(last_record(tmp_path) == "RunEnded" or free.wait(0.01) for _ in range(2_000)), "while the adapter still hangs"
        free.set()
        ending.join(20)
    words = "the link to told did not close within 0.1 s" if part == "close" else "the broker did not confirm the cancel of #1 AAPL"
    assert said(engine.view(), words)


def last_record(folder: Path) -> str:
    """The kind of the newest record but for the checkpoint that follows a run's end."""
    with closing(sqlite3.connect(folder / "paper.db")) as database:
        return str(database.execute("SELECT kind FROM journal WHERE kind != 'Checkpoint' ORDER BY rowid DESC LIMIT 1").fetchone()[0])
