"""A feed for tests: an open market that quotes the same price of a few symbols, over and over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from engine.feeds.calendar import Calendar, Hours
from engine.model.market import Bar, Instrument, MarketEvent, MarketStatus, Phase, Quote

SYMBOLS = ("AAPL", "MSFT", "IBM")
DAY = 1_800_000_000 * 1_000_000_000
STEP = 10_000_000


class QuoteFeed:
    """Quotes 99.99 to 100.01 for each of SYMBOLS every `every_s` of the wall clock; market time moves 10 ms a round."""

    name = "quotes"
    timeframe = "1m"
    quote_life_s: float | None = 60.0
    problems: tuple[str, ...] = ()
    hours: Hours = Calendar()

    def __init__(self, every_s: float = 0.01, history: Sequence[Bar] = ()) -> None:
        self._every_s = every_s
        self._history = history

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(symbol) for symbol in SYMBOLS)

    def history(self, symbol: str, count: int, timeframe: str = "") -> Sequence[Bar]:
        return [bar for bar in self._history if bar.symbol == symbol][-count:]

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        at = DAY
        tell(MarketStatus(Phase.REGULAR, "quoting for a test", "2027-01-15", at))
        while True:
            at += STEP
            for symbol in SYMBOLS:
                tell(Quote(symbol, at, 99.99, 100.01, 1_000.0, 1_000.0, 100.0))
            await asyncio.sleep(self._every_s)
