"""The real engine (core, courier, journal in a file) on the real ib_insync, against the loopback TWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest
from msgspec.structs import replace

from engine import waits
from engine.brokers.ib import client, link
from engine.brokers.ib.broker import IbBroker
from engine.brokers.ib.config import IbConfig
from engine.live import Engine
from engine.model.modes import LinkState
from engine.model.money import cents
from engine.model.orders import OrderState
from engine.model.views import OrderRow, View
from tests.engine.brokers.ib_rig import at_noon
from tests.engine.engines import SETTINGS, limit, order_of, running, until
from tests.servers.tws.driver import TwsProcess

OnExit: TypeAlias = Literal["cancel_entries", "keep", "cancel_all"]
SOON = (0.02, 0.05, 0.1)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has the patience of the real thing. What a test waits for to be given up is longer than a busy machine's pauses."""
    monkeypatch.setattr(waits, "ASK_AGAIN_S", SOON)
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", SOON)
    monkeypatch.setattr(link, "AGAIN_S", SOON)
    monkeypatch.setattr(link, "HEARTBEAT_S", 0.3)
    monkeypatch.setattr(link, "CONNECT_S", 2.0)
    monkeypatch.setattr(client, "FIRST_WORD_S", 1.0)
    monkeypatch.setattr(client, "CANCELLED_S", 1.0)


@contextmanager
def trading(
    folder: Path,
    tws: TwsProcess,
    client_id: int = 7,
    *,
    on_exit: OnExit = "cancel_entries",
    settle_s: float = 0.5,
    wall: Callable[[], int] = at_noon,
) -> Iterator[Engine]:
    with running(folder, at(tws, folder, client_id, settle_s, wall), settings=replace(SETTINGS, on_exit=on_exit)) as engine:
        yield engine


def at(tws: TwsProcess, folder: Path, client_id: int = 7, settle_s: float = 0.5, wall: Callable[[], int] = at_noon) -> IbBroker:
    broker = IbBroker(IbConfig(port=tws.port, client_id=client_id, numbers=folder / "numbers"), wall)
    broker.settle_s = settle_s
    return broker


def link_of(view: View) -> LinkState:
    return view.health.links[0].state


def state(what: LinkState) -> Callable[[View], bool]:
    return lambda view: link_of(view) is what


def working(engine: Engine) -> OrderRow:
    """An order that works until something is done about it."""
    engine.submit(limit())
    return order_of(until(engine, is_in(1, OrderState.WORKING)), 1)


def is_in(number: int, *states: OrderState) -> Callable[[View], bool]:
    return lambda view: len(view.orders) >= number and order_of(view, number).state in states


def agree(engine: Engine, tws: TwsProcess) -> View:
    """Waits until the link is up and position and cash are TWS's to the cent."""

    def settled(view: View) -> bool:
        book = tws.do("book")
        held = {symbol: Decimal(shares) for symbol, shares in book["positions"].items()}
        return (
            view.health.ready
            and link_of(view) is LinkState.UP
            and {row.symbol: row.quantity for row in view.positions if row.quantity} == held
            and cents(view.account.cash) == cents(Decimal(book["cash"]))
            and not view.mismatches
        )

    return until(engine, settled)


def there(tws: TwsProcess, view: View, number: int = 1) -> dict[str, Any]:
    """TWS's one order for ours with this number; ValueError where there is none, or a second."""
    return tws.order(order_of(view, number).id)


def once(tws: TwsProcess, view: View) -> None:
    """Each order of ours is there exactly once."""
    refs = [row["ref"] for row in tws.orders() if row["ref"]]
    assert tws.copies == 0
    assert len(refs) == len(set(refs))
    assert set(refs) <= {row.id for row in view.orders}


def until_problem(engine: Engine, words: str) -> None:
    """Waits, as `until` does, for an engine that is not ready to say `words`."""
    end = time.monotonic() + 20
    while words not in engine.view().health.problem:
        assert time.monotonic() < end, engine.view().health
        time.sleep(0.01)
