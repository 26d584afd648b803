"""The emergency stop under load: a hundred orders at a broker far away, and everything in its way that may be."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from engine import waits
from engine.latch import Latch, latch_path
from engine.live import Engine
from engine.model.modes import TradingState
from engine.model.orders import Order, OrderState
from engine.model.views import View
from tests.engine.engines import HeldJournal, ToldBroker, limit, running, said, until

HUNDRED = 100


class FarBroker(ToldBroker):
    """Half a round trip passes before it hears of a cancel, and half before its word is back."""

    def __init__(self, round_trip_s: float) -> None:
        super().__init__()
        self.half_s = round_trip_s / 2
        self.told = threading.Event()
        """Every order has been named in a request by now."""

    async def cancel(self, orders: Sequence[Order]) -> None:
        if sum(map(len, self.cancels)) + len(orders) >= HUNDRED:
            self.told.set()
        await asyncio.sleep(self.half_s)
        await super().cancel(orders)
        await asyncio.sleep(self.half_s)

    async def snapshot(self, order_ids: Sequence[str]):  # type: ignore[no-untyped-def]
        await asyncio.sleep(self.half_s)
        picture = await super().snapshot(order_ids)
        await asyncio.sleep(self.half_s)
        return picture


def at_work(engine: Engine, broker: ToldBroker, count: int = HUNDRED) -> View:
    """The view once so many orders work, no two of them alike."""
    for number in range(count):
        engine.submit(limit(1 + number % 7, 50 + number % 40, ("AAPL", "MSFT", "IBM")[number % 3]))
    return until(engine, lambda view: len(broker.listed) == count and all(row.state is OrderState.WORKING for row in view.orders), 60)


def at_rest(view: View) -> bool:
    return view.stop is not None and view.stop.verified


def test_a_hundred_orders_are_cancelled_in_four_requests_and_proved_gone(tmp_path: Path) -> None:
    broker = FarBroker(0.02)
    with running(tmp_path, broker) as engine:
        at_work(engine, broker)
        asked = broker.snapshots
        engine.emergency_stop()
        assert engine._switch.closed or engine.status().account.state is TradingState.HALTED, "the gate is shut when the key is up"
        view = until(engine, at_rest)
        assert [len(batch) for batch in broker.cancels] == [broker.capabilities.cancels_at_once] * 4
        assert len({order_id for batch in broker.cancels for order_id in batch}) == HUNDRED
        assert broker.snapshots > asked
        assert {row.state for row in view.orders} == {OrderState.CANCELED}


def test_a_broker_that_does_not_answer_is_told_of_all_hundred_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "NEXT_CANCELS_S", 0.02)
    monkeypatch.setattr(waits, "CANCEL_ANSWER_S", 600)
    broker = FarBroker(0)

    async def mute(orders: Sequence[Order]) -> None:
        await asyncio.Event().wait()

    with running(tmp_path, broker) as engine:
        at_work(engine, broker)
        broker.on_cancel = mute
        engine.emergency_stop()
        assert broker.told.wait(20), "each request waited for the answer to the one before"
        assert len(engine.status().stop.left) == HUNDRED  # type: ignore[union-attr]
        broker.on_cancel = None


def test_the_stop_works_where_nothing_can_be_written_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker, journal = ToldBroker(), HeldJournal()

    def full(*given: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with running(tmp_path, broker, journal=journal) as engine:
        at_work(engine, broker, 10)
        journal.failing = "the disk is full"
        monkeypatch.setattr(os, "pwrite", full)
        engine.emergency_stop()
        view = until(engine, at_rest)
        assert (view.account.state, broker.listed) == (TradingState.HALTED, {})
        assert said(view, "cannot be written (No space left on device). Trading is halted, but a restart would not know it.")
        monkeypatch.undo()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with little room, where this system lets us make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"this system makes no small disk for us: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_full_refuses_orders_but_no_stop_and_loses_nothing(small_disk: Path) -> None:
    broker, padding = ToldBroker(), small_disk / "padding"
    with running(small_disk, broker) as engine:
        at_work(engine, broker, 10)
        until(engine, lambda view: not view.health.journal_backlog)
        fill_up(padding)
        broker.fill(next(iter(broker.listed)))
        until(engine, lambda view: view.positions and view.health.journal_backlog)
        until(engine, lambda view: said(view, "No order is sent until it can be written"))
        assert "cannot be written" in engine.answer(engine.submit(limit(99))).text
        engine.emergency_stop("no room left")
        view = until(engine, at_rest)
        assert (view.account.state, broker.listed, len(broker.submitted)) == (TradingState.HALTED, {}, 10)
        assert Latch(latch_path(small_disk / "paper.db")).read() == "no room left", "its room was taken at the start"
        assert not engine.answer(engine.resume("")).ok
        padding.unlink()
        until(engine, lambda view: not view.health.journal_backlog)
        until(engine, lambda view: said(view, "the journal can be written again; nothing was lost"))
        assert engine.answer(engine.resume("there is room again")).ok
        before = engine.status()
    with running(small_disk, broker) as engine:
        after = engine.status()
        assert (after.positions, after.account.cash, after.account.state) == (before.positions, before.account.cash, TradingState.ACTIVE)
        assert {(row.id, row.state, row.filled) for row in after.orders} == {(row.id, row.state, row.filled) for row in before.orders}


def fill_up(file: Path) -> None:
    """Takes the rest of the disk."""
    with file.open("wb", buffering=0) as padding, contextlib.suppress(OSError):
        while True:
            padding.write(bytes(512))


def test_the_stop_works_where_another_program_has_locked_the_database(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        at_work(engine, broker, 10)
        with closing(sqlite3.connect(tmp_path / "paper.db", isolation_level=None)) as other:
            until(engine, lambda view: not view.health.journal_backlog)
            other.execute("BEGIN IMMEDIATE")
            engine.emergency_stop("locked out")
            view = until(engine, at_rest)
            assert (broker.listed, view.health.journal_backlog > 0) == ({}, True)
            other.execute("ROLLBACK")
        until(engine, lambda view: not view.health.journal_backlog)
    with closing(sqlite3.connect(tmp_path / "paper.db")) as database:
        (body,) = database.execute("SELECT body FROM journal WHERE kind = 'TradingStateChanged'").fetchone()
        assert "locked out" in str(body)


def test_the_cancels_do_not_wait_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker, free = ToldBroker(), threading.Event()
    fsync = os.fsync

    def hang(file: int) -> None:
        free.wait(20)
        fsync(file)

    with running(tmp_path, broker) as engine:
        at_work(engine, broker, 10)
        monkeypatch.setattr(os, "fsync", hang)
        pressing = threading.Thread(target=engine.emergency_stop)
        pressing.start()
        try:
            until(engine, lambda view: not broker.listed, 5)
        finally:
            free.set()
            pressing.join()
        until(engine, at_rest)
