"""A split in the running engine: from the feed to the paper account, the books, the chart and the orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from engine.model.market import Bar, MarketEvent, MarketStatus, Phase, Quote, Split
from tests.engine.engines import limit, market, running, said, until
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
        after = until(engine, lambda view: view.positions[0].quantity == 20)
        assert said(after, "AAPL split 2 for 1: 20 held now")
        assert [row.state.value for row in after.orders if row.number == 2] == ["CANCELED"]
        assert after.positions[0].average * 2 == before.positions[0].average
        assert after.chart is not None
        assert after.chart.bars[0].close == 50.0
        assert engine.answer(engine.sync()).ok
        assert not said(engine.status(), "our books say")
