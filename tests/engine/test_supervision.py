"""Risk is looked after by the clock: what was lost trips its limit within a second, though the market says nothing more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from engine.model.inputs import OrderUpdate
from engine.model.market import MarketEvent, MarketStatus, Phase, Quote
from engine.model.modes import TradingState
from engine.model.order_states import OrderEvent
from engine.model.records import LossLimitTripped
from tests.engine.core.floor import OPEN_LIMITS, Floor
from tests.engine.core.floor import settings as floor_settings
from tests.engine.engines import SETTINGS, ToldBroker, market, order_of, running, until
from tests.quotes import DAY, STEP, SYMBOLS, QuoteFeed

TWO_PER_CENT = replace(SETTINGS, limits=replace(SETTINGS.limits, max_daily_loss_pct=Decimal(2), circuit_breaker_pct=Decimal(100)))


class FallingFeed(QuoteFeed):
    """Quotes 100, once AAPL at 85 when it is told to fall, and then nothing ever again."""

    def __init__(self) -> None:
        super().__init__()
        self.falls = threading.Event()
        self.fell_at = 0.0

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        at = DAY
        tell(MarketStatus(Phase.REGULAR, "quoting for a test", "2027-01-15", at))
        while not self.falls.is_set():
            at += STEP
            for symbol in SYMBOLS:
                tell(Quote(symbol, at, 99.99, 100.01, 1_000.0, 1_000.0, 100.0))
            await asyncio.sleep(0.01)
        self.fell_at = time.monotonic()
        tell(Quote("AAPL", at + STEP, 84.99, 85.01, 1_000.0, 1_000.0, 85.0))
        await asyncio.Event().wait()


def test_a_mark_that_breaks_the_daily_loss_trips_within_a_second_though_nothing_follows_it(tmp_path: Path) -> None:
    feed, tripped = FallingFeed(), []
    with running(tmp_path, feed=lambda: feed, settings=TWO_PER_CENT) as engine:
        engine.subscribe(LossLimitTripped, lambda trip: tripped.append(time.monotonic()))
        engine.submit(market(150))
        until(engine, lambda view: view.positions)
        feed.falls.set()
        view = until(engine, lambda view: view.account.state is TradingState.REDUCING)
        assert view.account.daily_loss >= view.account.daily_loss_limit
    assert tripped[0] - feed.fell_at < 1


def test_a_correction_in_a_silent_market_trips_at_once(tmp_path: Path) -> None:
    """The broker says that the shares cost 21 dollars more than it told."""
    broker, feed = ToldBroker(), FallingFeed()
    with running(tmp_path, broker, feed=lambda: feed, settings=TWO_PER_CENT) as engine:
        engine.submit(market(100, "MSFT"))
        until(engine, lambda view: view.orders and broker.listed)
        order = order_of(engine.status(), 1)
        broker.fill(order.id)
        until(engine, lambda view: view.positions)
        feed.falls.set()
        assert engine.status().account.state is TradingState.ACTIVE
        broker.say(OrderUpdate(order.id, OrderEvent.FILL_ALL, "T1", Decimal(100), Decimal(12_100), corrected=True))
        until(engine, lambda view: view.account.state is TradingState.REDUCING)


def test_only_the_clock_is_needed_to_see_a_loss() -> None:
    """No fill and no price between the mark that loses too much and the tick that says so."""
    floor = Floor(floor_settings(limits=replace(OPEN_LIMITS, max_daily_loss_pct=Decimal(2))), prices={"AAPL": 100.0})
    floor.hold(100, 100)
    floor.quote("AAPL", 80)
    assert floor.trading() is TradingState.ACTIVE
    floor.tick(0.1)
    assert floor.trading() is TradingState.REDUCING


def test_a_fee_that_is_told_late_in_a_silence_of_hours_trips() -> None:
    """The market is closed and says nothing; a fee that is told late takes more than the limit."""
    floor = Floor(floor_settings(limits=replace(OPEN_LIMITS, max_daily_loss_pct=Decimal(2))), prices={"AAPL": 100.0})
    floor.hold(100, 100)
    order = floor.last_order
    for _ in range(120):
        floor.tick(30)
    assert floor.trading() is TradingState.ACTIVE
    floor.handle(OrderUpdate(order.id, OrderEvent.FILL_ALL, order.broker_id, order.filled, order.cost, Decimal(2000)))
    floor.tick(30)
    assert floor.trading() is TradingState.REDUCING
