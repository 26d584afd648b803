"""The newest bars of each symbol as the feed told them, for strategies that start again and for the chart.

Those that grow too old to be kept go on in larger bars, so that a chart of hours does not forget a morning of seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from engine.feeds.actions import restated
from engine.feeds.aggregate import Aggregator
from engine.feeds.base import FeedError
from engine.feeds.calendar import Hours
from engine.feeds.timeframe import seconds_of
from engine.model.market import Bar, Split
from engine.model.money import is_amount, is_price
from engine.model.settings import TIMEFRAMES

KEPT = 1_000
"""Of each symbol, and as many larger ones of what is older."""
_AT_LEAST = 12
"""Bars of the feed in a larger one."""


class _Symbol:
    """`primed` is the close of the last bar from before the feed's first event; `ratio` how many shares each one of then has become."""

    def __init__(self) -> None:
        self.bars: deque[Bar] = deque(maxlen=KEPT)
        self.primed = 0
        self.ratio = 1.0
        self.older: deque[Bar] = deque(maxlen=KEPT)
        self.aggregator: Aggregator | None = None
        self.rolled = 0
        self.lost = False


class KeptBars:
    """Of a feed with bars of `timeframe` in `hours`. Lives on the engine's loop."""

    def __init__(self, symbols: Iterable[str], timeframe: str, hours: Hours) -> None:
        self._symbols = {symbol: _Symbol() for symbol in symbols}
        self._hours = hours
        own = seconds_of(timeframe)
        self._larger = next((name for name, s in TIMEFRAMES.items() if s >= own * _AT_LEAST and s % own == 0), "")

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._symbols

    def __iter__(self) -> Iterator[str]:
        """The symbols."""
        return iter(self._symbols)

    def begin(self, symbol: str) -> None:
        """One more symbol."""
        self._symbols.setdefault(symbol, _Symbol())

    def forget(self, symbol: str) -> None:
        self._symbols.pop(symbol, None)

    def prime(self, symbol: str, bars: Iterable[Bar]) -> None:
        """What was before the first that is told."""
        kept = self._symbols[symbol]
        kept.bars.extend(bars)
        kept.primed = kept.bars[-1].at if kept.bars else 0

    def add(self, bar: Bar) -> bool:
        """Whether it is kept: a bar of a symbol that nobody knows is not, and none with a price that is no price."""
        kept = self._symbols.get(bar.symbol)
        if kept is None or not all(map(is_price, (bar.open, bar.high, bar.low, bar.close))):
            return False
        if len(kept.bars) == KEPT and kept.bars[0].at > kept.primed:
            self._roll(kept, kept.bars[0])
        kept.bars.append(bar)
        return True

    def newest(self, symbol: str, count: int) -> tuple[Bar, ...]:
        """Up to `count`, oldest first."""
        kept = self._symbols.get(symbol)
        bars = kept.bars if kept else ()
        return tuple(islice(bars, max(len(bars) - count, 0), None))

    def since(self, symbol: str, seconds: int) -> tuple[list[Bar], bool]:
        """What bars of `seconds` can be made of since the feed's first event, the oldest of it in larger bars already; and whether it is
        all there was."""
        kept = self._symbols[symbol]
        bars = [bar for bar in kept.bars if bar.at > kept.primed]
        if not kept.rolled:
            return bars, not kept.lost
        if not self._larger or seconds % TIMEFRAMES[self._larger]:
            return bars, False
        unfinished = kept.aggregator.unfinished(symbol) if kept.aggregator else None
        # It ends with the last bar in it: the next ones go on in the same larger bar.
        rest = [replace(unfinished, at=kept.rolled)] if unfinished is not None else []
        return [*kept.older, *rest, *bars], not kept.lost

    def primed(self, symbol: str) -> tuple[int, float]:
        """When the bars end that were there before the feed's first event, and how many shares each one of then is now."""
        kept = self._symbols[symbol]
        return kept.primed, kept.ratio

    def split(self, split: Split) -> bool:
        """Tells what came before in today's shares, as every chart does: a cliff would be no move of the market."""
        kept = self._symbols.get(split.symbol)
        if kept is None or not is_amount(split.ratio):
            return False
        ratio = float(split.ratio)
        kept.ratio *= ratio
        for bars in (kept.bars, kept.older):
            told = restated(bars, ratio)
            bars.clear()
            bars.extend(told)
        if kept.aggregator is not None:
            kept.aggregator.restate(split.symbol, ratio)
        return True

    def _roll(self, kept: _Symbol, bar: Bar) -> None:
        """A bar is too old to be kept as it is."""
        if not self._larger:
            kept.lost = True
            return
        if kept.aggregator is None:
            kept.aggregator = Aggregator(self._larger, self._hours)
        try:
            done = kept.aggregator.add(bar)
        except FeedError:  # the calendar does not reach that far
            kept.lost = True
            return
        kept.lost = kept.lost or len(kept.older) + len(done) > KEPT
        kept.older.extend(done)
        kept.rolled = bar.at
