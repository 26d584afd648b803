"""Exits on live bars: they are written down before they are sent, and meet what came after their entry's fill all the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from engine.live import Engine
from engine.model.market import Bar, MarketEvent, MarketStatus, Phase
from engine.model.orders import Bracket, Exit, Intent, OrderState, Side
from engine.model.settings import PaperSettings, SlippageSettings
from engine.model.views import View
from tests.engine import engines
from tests.engine.core.floor import facts
from tests.engine.engines import HeldJournal, order_of, running, until
from tests.quotes import DAY, QuoteFeed

D = Decimal
MINUTE = 60_000_000_000
BRACKET = Intent("AAPL", Side.BUY, D(10), bracket=Bracket(Exit(price=D(110)), Exit(price=D(95))))
SETTINGS = replace(engines.SETTINGS, paper=PaperSettings(latency_ms=0, slippage=SlippageSettings(bps=0)))
BOTH = (100.0, 112.0, 94.0, 111.0)


class BarFeed(QuoteFeed):
    """Tells a bar of AAPL a minute of market time after the one before, whenever it is asked to."""

    quote_life_s: float | None = None

    def __init__(self) -> None:
        super().__init__()
        self.at = DAY
        self.runs = threading.Event()

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        self._tell, self._loop = tell, asyncio.get_running_loop()
        tell(MarketStatus(Phase.REGULAR, "told by a test", "2027-01-15", self.at))
        self.bar(100, 100, 100, 100)
        self.runs.set()
        await asyncio.Event().wait()

    def bar(self, open_: float, high: float, low: float, close: float) -> None:
        self.at += MINUTE
        self._loop.call_soon_threadsafe(self._tell, Bar("AAPL", self.at, open_, high, low, close, 1_000_000))


def bought(engine: Engine, feed: BarFeed) -> None:
    """The entry of BRACKET works, and the next bar is the first to meet it."""
    engine.wait_ready()
    assert feed.runs.wait(20)
    until(engine, lambda view: view.watch[0].last)
    reply = engine.answer(engine.submit(BRACKET))
    assert reply.ok, reply.text
    until(engine, lambda view: order_of(view, 1).state is OrderState.ACCEPTED)


def ended(view: View) -> bool:
    return order_of(view, 3).state is OrderState.FILLED and order_of(view, 2).state is OrderState.CANCELED


def test_the_stop_trades_in_the_bar_that_filled_the_entry(tmp_path: Path) -> None:
    feed = BarFeed()
    with running(tmp_path, feed=lambda: feed, settings=SETTINGS, ready=False) as engine:
        bought(engine, feed)
        feed.bar(*BOTH)
        view = until(engine, ended)
        assert facts(order_of(view, 1).average, order_of(view, 3).average) == (100, 95)
        assert not [row for row in view.positions if row.quantity]


def test_exits_that_the_disk_held_up_for_a_bar_meet_both(tmp_path: Path) -> None:
    feed, journal = BarFeed(), HeldJournal()
    with running(tmp_path, feed=lambda: feed, journal=journal, settings=SETTINGS, ready=False) as engine:
        bought(engine, feed)
        journal.held.set()
        feed.bar(*BOTH)
        feed.bar(100, 101, 99, 100)
        view = until(engine, lambda view: view.watch[0].last == 100 and order_of(view, 1).state is OrderState.FILLED)
        assert order_of(view, 3).state is OrderState.PENDING_SUBMIT
        journal.release()
        view = until(engine, ended)
        assert order_of(view, 3).average == 95


def test_an_engine_that_ended_in_between_goes_on_with_exits_that_work(tmp_path: Path) -> None:
    first, journal = BarFeed(), HeldJournal()
    with running(tmp_path, feed=lambda: first, journal=journal, settings=SETTINGS, ready=False) as engine:
        bought(engine, first)
        journal.held.set()
        first.bar(*BOTH)
        until(engine, lambda view: order_of(view, 1).state is OrderState.FILLED)
        engine.shutdown()
        journal.held.clear()
    feed = BarFeed()
    feed.at = first.at + 10 * MINUTE
    with running(tmp_path, feed=lambda: feed, settings=SETTINGS, ready=False) as engine:
        engine.wait_ready()
        until(engine, lambda view: sum(row.state in (OrderState.ACCEPTED, OrderState.WORKING) for row in view.orders) == 2)
        feed.bar(100, 101, 99, 100)
        feed.bar(*BOTH)
        until(engine, lambda view: not [row for row in view.positions if row.quantity])
