"""Larger bars out of smaller ones or of trades, aligned to the session: the 1h bars of one from 9:30 close at 10:30, 11:30, ..., 16:00.

Each stretch of trading (pre-market, the session, either side of a pause, after hours) is cut from its own beginning, and what is left at
its end is a shorter bar. A day's bar is of the regular session alone. Where nothing traded there is no bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from engine.feeds.actions import restated
from engine.feeds.bar_columns import BarColumns, Columns
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar, Hours, Session
from engine.feeds.new_york import SECOND
from engine.feeds.timeframe import DAY_S, check_multiple, seconds_of, spacing
from engine.model.market import Bar
from engine.model.settings import TIMEFRAMES

_NEVER = 2**63 - 1


class Aggregator:
    """Makes bars of `timeframe` (`5s`, `1h`, of a day at most) while the market goes on. What it is given of a symbol must come in order
    of time."""

    def __init__(self, timeframe: str, hours: Hours) -> None:
        self._seconds = min(seconds_of(timeframe), DAY_S)
        self._hours = hours
        self._stretch = (0, 0)
        self._making: dict[str, Bar] = {}
        # No later than the first of their ends: looking for those that are over is for when one may be.
        self._due = _NEVER

    def resume(self, bar: Bar) -> None:
        """Goes on with a larger bar that is unfinished."""
        self._making[bar.symbol] = bar
        self._due = min(self._due, bar.at)

    def restate(self, symbol: str, ratio: float) -> None:
        """From now on there are `ratio` shares for each one."""
        if symbol in self._making:
            self._making[symbol] = restated([self._making[symbol]], ratio)[0]

    def add(self, bar: Bar) -> list[Bar]:
        """The larger bars of the symbol that `bar` completes: one that lay before it, or the one it is the end of."""
        end = self.end(bar.at)
        if end is None:
            return []
        done = []
        made = self._making.get(bar.symbol)
        if made is not None and made.at < end:
            done.append(made)
            made = None
        if made is None:
            self.resume(Bar(bar.symbol, end, bar.open, bar.high, bar.low, bar.close, bar.volume))
        else:
            high, low = max(made.high, bar.high), min(made.low, bar.low)
            self._making[bar.symbol] = Bar(bar.symbol, end, made.open, high, low, bar.close, made.volume + bar.volume)
        if bar.at == end:
            done.append(self._making.pop(bar.symbol))
        return done

    def trade(self, symbol: str, at: int, price: float, volume: float) -> list[Bar]:
        """The same of a trade, or of a quote's last price with no volume. At the very moment of a close it belongs to the next bar."""
        return self.add(Bar(symbol, at + 1, price, price, price, price, volume))

    def until(self, at: int) -> list[Bar]:
        """The bars whose time is over at `at`, in the order of their closes: the last of a session need not wait for the next one."""
        if at < self._due:
            return []
        done = sorted((bar for bar in self._making.values() if bar.at <= at), key=lambda bar: bar.at)
        for bar in done:
            del self._making[bar.symbol]
        self._due = min((bar.at for bar in self._making.values()), default=_NEVER)
        return done

    def unfinished(self, symbol: str) -> Bar | None:
        """The larger bar of `symbol` that is being made, as it is by now."""
        return self._making.get(symbol)

    def end(self, at: int) -> int | None:
        """When the larger bar closes that a bar which closes at `at` is part of; None outside the hours."""
        start, end = self._stretch
        if not start < at <= end:
            session = self._hours.current_or_next(at - 1)
            around = [(start, end) for start, end in _pieces(session, self._seconds) if start < at <= end]
            if not around:
                return None
            self._stretch = start, end = around[0]
        length = self._seconds * SECOND
        return end if self._seconds == DAY_S else min(start + ((at - 1 - start) // length + 1) * length, end)


def aggregated(bars: BarColumns, timeframe: str, hours: Hours) -> BarColumns:
    """All of `bars` at once: the very bars that an Aggregator makes of them. May be empty."""
    import numpy as np

    seconds = TIMEFRAMES[timeframe]
    columns = bars.columns
    if not len(bars):
        return bars
    edges = np.array(stretches(hours, int(columns.at[0]) - 1, int(columns.at[-1]), seconds), dtype=np.int64).reshape(-1, 2)
    place = np.searchsorted(edges[:, 1], columns.at)
    inside = place < len(edges)
    inside[inside] = edges[place[inside], 0] < columns.at[inside]
    at, open_, high, low, close, volume = columns = columns.rows(inside)
    starts, ends = edges[place[inside]].T
    length = seconds * SECOND
    closes = ends if seconds == DAY_S else np.minimum(starts + ((at - 1 - starts) // length + 1) * length, ends)
    if not len(at):
        return BarColumns(bars.symbol, columns)
    begins = np.diff(closes, prepend=closes[0] - 1) != 0
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(at)) - 1
    highs, lows = np.maximum.reduceat(high, first), np.minimum.reduceat(low, first)
    # Adds one after the other, as an Aggregator does; reduceat rounds in another order.
    volumes = np.bincount(np.cumsum(begins) - 1, weights=volume).astype(np.float64, copy=False)
    return BarColumns(bars.symbol, Columns(closes[first], open_[first], highs, lows, close[last], volumes))


def in_timeframe(name: str, bars: Mapping[str, BarColumns], timeframe: str, calendar: Calendar) -> dict[str, BarColumns]:
    """The recorded `bars` of `name`, all in `timeframe`. Raises FeedError where some cannot be, or all lie outside the session."""
    seconds = TIMEFRAMES[timeframe]
    larger: dict[str, BarColumns] = {}
    for symbol, series in bars.items():
        check_multiple("feed.timeframe", timeframe, name, symbol, spacing([series]) if len(series) > 1 else seconds)
        if len(made := aggregated(series, timeframe, calendar)):
            larger[symbol] = made
    if not larger:
        raise FeedError(f"{name} has no bar in the hours of {calendar.name}: feed.calendar and feed.timezone say when they are.")
    return larger


def regular_share(bars: Iterable[BarColumns], calendar: Calendar) -> float:
    """Which part of all these bars, from 0 to 1, closes in the regular session."""
    import numpy as np

    total = inside = 0
    for series in bars:
        at = series.columns.at
        edges = np.array(stretches(calendar, int(at[0]) - 1, int(at[-1]), DAY_S), dtype=np.int64).reshape(-1, 2)
        total += len(at)
        inside += int((np.searchsorted(edges[:, 0], at) - np.searchsorted(edges[:, 1], at)).sum())
    return inside / total


def stretches(hours: Hours, first: int, last: int, seconds: int = 1) -> list[tuple[int, int]]:
    """The stretches of trading between `first` and `last` that bars of `seconds` are cut from, beginning and end, in order."""
    found = []
    session = hours.current_or_next(first)
    while session.pre < last:
        found += _pieces(session, seconds)
        session = hours.current_or_next(session.post)
    return found


def _pieces(session: Session, seconds: int) -> list[tuple[int, int]]:
    if seconds == DAY_S:
        return [(session.opens, session.closes)]
    edges = [session.pre, session.opens, *(session.pause or ()), session.closes, session.post]
    return [(start, end) for start, end in pairwise(edges) if start < end and (start, end) != session.pause]
