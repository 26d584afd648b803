"""Averages that a strategy has named before the run, worked out by column, and told to it a bar at a time.

What is told at a bar is what the average's own `add` would answer, to the last digit: the same sums in the same order, of many rounds of
the window at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Final

from engine.strategies.indicators import SMA
from engine.strategies.params import StrategyError

if TYPE_CHECKING:
    from engine.feeds.bar_columns import Floats

_ROWS = 65_536
"""Worked out at once: little enough to stay near the processor."""
_COMPENSATED: Final = sys.version_info >= (3, 12)
"""From there on the built-in `sum` carries along what rounding loses."""


class AverageColumn:
    """Of the `closes` from the row `begin` on, of which none was told yet. `values` are the averages after each.

    From the first round of its window on only the value of the `indicator` is set with each bar, until `bring_to` takes it further.
    """

    __slots__ = ("_aligned", "_before", "_begin", "_closes", "_left", "indicator", "values")

    def __init__(self, indicator: SMA, closes: Floats, begin: int) -> None:
        self.indicator, self._closes, self._begin = indicator, closes, begin
        self._before, self._left = copied(indicator), _state(indicator)
        short = indicator.period - (len(indicator._window) if indicator.value is None else indicator._oldest or indicator.period)
        self._aligned = begin + short
        """From this row on a round of the window begins."""
        self.values: Iterator[float | None] = chain.from_iterable(self._parts())

    def tell(self, _: float) -> None:
        """As the indicator's `add`, of a close that is known already."""
        self.indicator.value = next(self.values)

    def _parts(self) -> Iterator[Iterable[float | None]]:
        yield self._first()
        self._check()
        yield from _rounds(copied(self.indicator), self._closes[self._aligned :])

    def _first(self) -> Iterator[float | None]:
        """Until a round begins it is added to."""
        for close in self._closes[self._begin : self._aligned].tolist():
            self._check()
            value = self.indicator.add(close)
            self._left = _state(self.indicator)
            yield value

    def _check(self) -> None:
        if _state(self.indicator) != self._left:
            raise StrategyError("an average that ctx.indicator keeps up to date was told more than the closes; tell it nothing in on_bar")

    def bring_to(self, end: int) -> None:
        """The indicator as it is when the rows before `end` are told. Raises StrategyError where somebody else told it something."""
        self._check()
        period, begin = self.indicator.period, self._begin
        made, full = copied(self._before), self._aligned + (end - self._aligned) // period * period
        if full - period >= self._aligned:
            made, begin = SMA(period), full - period
        for close in self._closes[begin:end].tolist():
            made.add(close)
        _put(self.indicator, made)
        self._left = _state(made)


def copied(indicator: SMA) -> SMA:
    made = SMA(indicator.period)
    _put(made, indicator)
    return made


def _put(there: SMA, indicator: SMA) -> None:
    there._window = list(indicator._window)
    there._oldest, there._total, there.value = indicator._oldest, indicator._total, indicator.value


def _state(indicator: SMA) -> tuple[tuple[float, ...], int, float]:
    return tuple(indicator._window), indicator._oldest, indicator._total


def _rounds(started: SMA, closes: Floats) -> Iterator[Iterable[float]]:
    """The averages after each of `closes`, from an indicator of which a round of the window begins."""
    import numpy as np

    period, window, total = started.period, np.array(started._window), started._total
    rows = max(1, _ROWS // period) * period
    for begin in range(0, len(closes), rows):
        part = closes[begin : begin + rows]
        rounds = -(-len(part) // period)
        # A line for each place in the window, in it a column for each round.
        values = np.zeros((rounds + 1) * period)
        values[:period] = window
        values[period : period + len(part)] = part
        lines = np.ascontiguousarray(values.reshape(rounds + 1, period).T)
        sums = _sums(lines)
        sums[0] = total
        totals = np.empty((period, rounds))
        totals[0] = sums[:-1]
        np.subtract(lines[:-1, 1:], lines[:-1, :-1], out=totals[1:])
        np.add.accumulate(totals, axis=0, out=totals)
        told = np.empty((rounds, period))
        told[:, :-1] = totals[1:].T
        told[:, -1] = sums[1:]
        told /= period
        yield told.reshape(-1)[: len(part)].data
        window, total = values[-period:], sums[-1]


def _sums(lines: Floats) -> Floats:
    """Of each column, in the order and with the rounding of the built-in `sum`."""
    import numpy as np

    total: Floats = lines[0].copy()
    if not _COMPENSATED:
        for line in lines[1:]:
            total += line
        return total
    lost = np.zeros_like(total)
    after: Floats
    for line in lines[1:]:
        after = total + line
        lost += np.where(np.abs(total) >= np.abs(line), (total - after) + line, (line - after) + total)
        total = after
    whole: Floats = np.where(np.isfinite(lost), total + lost, total)
    return whole
