"""A split in the running engine: from the feed to the paper account, the books, the chart and the orders."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from engine import feed_runner
from engine.feeds.base import FeedLostError
from engine.model.market import Bar, MarketEvent, MarketStatus, Phase, Quote, Split
from engine.model.orders import OrderState
from engine.model.views import View
from tests.engine.engines import limit, market, order_of, running, said, until
from tests.quotes import DAY, STEP, SYMBOLS, QuoteFeed


class SplittingFeed(QuoteFeed):
    """Quotes AAPL around 100 and, once asked to, splits it two for one and quotes it around 50."""

    def __init__(self) -> None:
        super().__init__(history=[Bar("AAPL", DAY - STEP, 96.0, 104.0, 96.0, 100.0, 1_000.0)])
        self.splits = False

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        at, price = DAY, 100.0
        tell(MarketStatus(Phase.REGULAR, "quoting for a test", "2027-01-15", at))
        while True:
            at += STEP
            if self.splits and price > 50:
                tell(Split("AAPL", at, Decimal(2), price))
                price = 50.0
            for symbol in SYMBOLS:
                last = price if symbol == "AAPL" else 100.0
                tell(Quote(symbol, at, last - 0.01, last + 0.01, 1_000.0, 1_000.0, last))
            await asyncio.sleep(0.01)


def test_a_split_reaches_the_account_the_chart_and_the_orders(tmp_path: Path) -> None:
    feed = SplittingFeed()
    with running(tmp_path, feed=lambda: feed) as engine:
        assert engine.answer(engine.submit(market(10))).ok
        before = until(engine, lambda view: view.positions)
        assert engine.answer(engine.submit(limit(5, 90))).ok
        feed.splits = True
        after = until(engine, lambda view: view.positions[0].quantity == 20 and order_of(view, 2).state is OrderState.CANCELED)
        assert said(after, "AAPL split 2 for 1: 20 held now")
        assert after.positions[0].average * 2 == before.positions[0].average
        assert after.chart is not None
        assert after.chart.bars[0].close == 50.0
        assert engine.answer(engine.sync()).ok
        assert not said(engine.status(), "our books say")


class LostFeed(QuoteFeed):
    """Splits AAPL two for one, loses its line when it is asked to, and tells the split again when it is back."""

    def __init__(self) -> None:
        super().__init__()
        self.splits, self.lost = threading.Event(), threading.Event()
        self.begun = 0

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        self.begun += 1
        at = DAY + self.begun * 1_000 * STEP
        tell(MarketStatus(Phase.REGULAR, "quoting for a test", "2027-01-15", at))
        split = self.begun > 1
        if split:
            tell(Split("AAPL", DAY, Decimal(2), 100.0, "2027-01-15"))
            await asyncio.sleep(0.3)  # in which nobody tells a price that would put things right
        while self.begun > 1 or not self.lost.is_set():
            at += STEP
            if self.splits.is_set() and not split:
                split = True
                tell(Split("AAPL", DAY, Decimal(2), 100.0, "2027-01-15"))
            for symbol in SYMBOLS:
                last = 50.0 if symbol == "AAPL" and split else 100.0
                tell(Quote(symbol, at, last - 0.01, last + 0.01, 1_000.0, 1_000.0, last))
            await asyncio.sleep(0.01)
        raise FeedLostError("the line broke")


def test_a_split_that_is_told_again_after_the_line_was_lost_moves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_runner, "AGAIN_S", (0.05,))
    feed, seen = LostFeed(), set()
    with running(tmp_path, feed=lambda: feed) as engine:
        assert engine.answer(engine.submit(market(10))).ok
        until(engine, lambda view: view.positions)
        feed.splits.set()
        until(engine, lambda view: view.positions[0].quantity == 20 and view.watch[0].last == 50)
        feed.lost.set()
        heard = engine.status().metrics.market_events

        def looked(view: View) -> bool:
            seen.add((view.positions[0].quantity, view.watch[0].last, view.account.equity))
            return feed.begun > 1 and view.metrics.market_events > heard + 20

        until(engine, looked)
        assert len(seen) == 1
        assert engine.answer(engine.sync()).ok
