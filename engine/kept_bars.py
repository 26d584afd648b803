"""The newest bars of each symbol as the feed told them, for strategies that start again and for the chart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from engine.feeds.actions import restated
from engine.model.market import Bar, Split
from engine.model.money import is_amount, is_price

KEPT = 1_000
"""Of each symbol."""


class KeptBars:
    """Lives on the engine's loop."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._bars: dict[str, deque[Bar]] = {symbol: deque(maxlen=KEPT) for symbol in symbols}

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._bars

    def __iter__(self) -> Iterator[str]:
        """The symbols."""
        return iter(self._bars)

    def begin(self, symbol: str) -> None:
        """One more symbol."""
        self._bars.setdefault(symbol, deque(maxlen=KEPT))

    def forget(self, symbol: str) -> None:
        self._bars.pop(symbol, None)

    def prime(self, symbol: str, bars: Iterable[Bar]) -> None:
        """What was before the first that is told."""
        self._bars[symbol].extend(bars)

    def add(self, bar: Bar) -> bool:
        """Whether it is kept: a bar of a symbol that nobody knows is not, and none with a price that is no price."""
        bars = self._bars.get(bar.symbol)
        if bars is None or not all(map(is_price, (bar.open, bar.high, bar.low, bar.close))):
            return False
        bars.append(bar)
        return True

    def newest(self, symbol: str, count: int) -> tuple[Bar, ...]:
        """Up to `count`, oldest first."""
        bars = self._bars.get(symbol, ())
        return tuple(islice(bars, max(len(bars) - count, 0), None))

    def split(self, split: Split) -> bool:
        """Tells what came before in today's shares, as every chart does: a cliff would be no move of the market."""
        bars = self._bars.get(split.symbol)
        if bars is None or not is_amount(split.ratio):
            return False
        told = restated(bars, float(split.ratio))
        bars.clear()
        bars.extend(told)
        return True
