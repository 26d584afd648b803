"""The chart's bars with what is computed from them: averages, and candles of several bars. Only what is new is computed."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

from msgspec import Struct

from engine.model.market import Bar
from engine.model.views import ChartView
from widgets.price_axis import is_price

_AT = attrgetter("at")
_DROPPED_AT_ONCE = 64


class Average(Struct, frozen=True):
    """A moving average of closes: simple, or exponential with the weight 2 / (bars + 1) (Hunter 1986), begun with a simple one.

    It is drawn in its role, `on` of every `of` columns of dots; `sample` is how that looks.
    """

    name: str
    bars: int
    exponential: bool
    role: str
    sample: str
    on: int = 1
    of: int = 1

    def at(self, bars: Sequence[Bar], index: int, before: float | None) -> float | None:
        """Its value at a bar, None before there are enough of them. `before` is its value at the bar before."""
        if index + 1 < self.bars:
            return None
        if self.exponential and before is not None:
            return before + (bars[index].close - before) * 2 / (self.bars + 1)
        return sum(bar.close for bar in bars[index + 1 - self.bars : index + 1]) / self.bars


AVERAGES = (
    Average("SMA 20", 20, False, "warning", "⠒⠒⠒"),
    Average("SMA 50", 50, False, "primary", "⠒⠂⠒", 4, 6),
    Average("EMA 9", 9, True, "foreground", "⠂⠂⠂", 1, 2),
)


class Candle(Struct, frozen=True):
    """One or more bars in a row, drawn as one; `first` and `last` are their places among the bars."""

    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    first: int
    last: int

    @property
    def rises(self) -> bool:
        return self.close >= self.open


class ChartBars:
    """`bars` are those of the view whose prices are numbers, oldest first; `averages` stand beside them, by name."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.averages: dict[str, list[float | None]] = {average.name: [] for average in AVERAGES}
        self._given: tuple[Bar, ...] = ()
        self._key = ("", "")
        # How many bars were dropped before the first: candles of several bars keep their bars while the past is cut off.
        self._dropped = 0

    def update(self, chart: ChartView) -> None:
        given, before = chart.bars, self._given
        key = chart.symbol, chart.timeframe
        dropped = _dropped(before, given) if key == self._key else None
        self._given, self._key = given, key
        # A bar that is no bar is seldom; then all is looked at anew.
        if dropped is None or len(self.bars) != len(before):
            self._clear()
            self._extend(given)
            return
        if dropped:
            del self.bars[:dropped]
            for values in self.averages.values():
                del values[:dropped]
            self._dropped += dropped
        kept = len(before) - dropped - 1
        del self.bars[kept:]
        for values in self.averages.values():
            del values[kept:]
        self._extend(given[kept:])

    def _clear(self) -> None:
        self.bars.clear()
        self._dropped = 0
        for values in self.averages.values():
            values.clear()

    def _extend(self, more: Sequence[Bar]) -> None:
        start = len(self.bars)
        self.bars += [bar for bar in more if is_price(bar.open) and is_price(bar.high) and is_price(bar.low) and is_price(bar.close)]
        for average in AVERAGES:
            values = self.averages[average.name]
            for index in range(start, len(self.bars)):
                values.append(average.at(self.bars, index, values[-1] if values else None))

    def place(self, at: int) -> int:
        """Of the bar that closes at `at`, or of the first one later; the last one where there is none. There must be bars."""
        return min(bisect_left(self.bars, at, key=_AT), len(self.bars) - 1)

    def group(self, place: int, together: int) -> int:
        """The number of the candle of `together` bars that the bar at `place` is part of."""
        return (self._dropped + place) // together

    def candles(self, last: int, count: int, together: int) -> list[Candle]:
        """The `count` candles of `together` bars up to that with the bar at `last`, oldest first."""
        bars = self.bars
        if together == 1:
            first = max(0, last + 1 - count)
            return [
                Candle(bar.at, bar.open, bar.high, bar.low, bar.close, _volume(bar), place, place)
                for place, bar in enumerate(bars[first : last + 1], first)
            ]
        newest = self.group(last, together)
        candles = []
        for number in range(max(newest - count + 1, self.group(0, together)), newest + 1):
            first = max(0, number * together - self._dropped)
            end = min(len(bars), (number + 1) * together - self._dropped)
            part = bars[first:end]
            high, low = max(bar.high for bar in part), min(bar.low for bar in part)
            volume = sum(map(_volume, part))
            candles.append(Candle(part[-1].at, part[0].open, high, low, part[-1].close, volume, first, end - 1))
        return candles


def _volume(bar: Bar) -> float:
    return bar.volume if math.isfinite(bar.volume) and bar.volume > 0 else 0.0


def _dropped(before: Sequence[Bar], given: Sequence[Bar]) -> int | None:
    """How many of the bars `before` are gone from the beginning of `given`, which else only grew or changed its last; None where it is
    another series."""
    if not before or not given:
        return None
    for dropped, bar in enumerate(before[:_DROPPED_AT_ONCE]):
        if bar is given[0]:
            kept = len(before) - dropped
            whole = len(given) >= kept and (kept < 2 or given[kept - 2] is before[-2])
            return dropped if whole else None
    return None
