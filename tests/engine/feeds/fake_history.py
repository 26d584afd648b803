"""A source of bars that a test can look into: it makes them by the calendar, counts what it is asked, and fails on command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import chain

from engine.feeds.actions import Action
from engine.feeds.calendar import Calendar
from engine.feeds.history import Fetched, Reach
from engine.feeds.new_york import SECOND, to_ns
from engine.feeds.timeframe import DAY_S, seconds_of
from engine.model.market import Bar


def at(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC))


class FakeHistory:
    """Of each bar the open is its number in the day, so that one can be told from another. `without` are days that have none."""

    def __init__(self, now: int, *, adjusted: bool = False, reach: Reach | None = None) -> None:
        self.name = self.kept_as = "fake"
        self.timeframes: Sequence[str] = ("1m", "1h", "1d")
        self.adjusted = adjusted
        self.now = now
        self.asked: list[tuple[str, str, date, date]] = []
        self.without: set[date] = set()
        self.actions: list[Action] = []
        self.error: Exception | None = None
        self.scale = 1.0
        self._reach = reach or Reach()

    def clock(self) -> int:
        return self.now

    def reach(self, timeframe: str) -> Reach:
        return self._reach

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        self.asked.append((symbol, timeframe, start, end))
        if self.error is not None:
            raise self.error
        bars = [bar for bar in self._bars(symbol, timeframe, start, end) if bar.at <= self.now]
        return Fetched(bars, tuple(action for action in self.actions if start <= action.day <= end))

    def _bars(self, symbol: str, timeframe: str, start: date, end: date) -> list[Bar]:
        length = seconds_of(timeframe) * SECOND
        found = []
        years = (Calendar().sessions_from(max(start, date(year, 1, 1))) for year in range(start.year, end.year + 1, 2))
        for session in chain.from_iterable(years):
            if session.day > end or session.day in self.without:
                continue
            ends = (
                [session.closes]
                if length == DAY_S * SECOND
                else [min(begin + length, session.closes) for begin in range(session.opens, session.closes, length)]
            )
            found += [Bar(symbol, end, *(self.scale * (100.0 + n),) * 4, 1000.0 + n) for n, end in enumerate(ends)]
        return found
