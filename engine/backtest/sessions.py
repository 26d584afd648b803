"""What a feed would tell between the bars of a backtest: sessions, splits and dividends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, time

from engine.backtest.data import Data
from engine.feeds.played_sessions import PlayedSessions
from engine.feeds.timeframe import DAY_S
from engine.model.market import Dividend, MarketEvent, Split

SECOND = 1_000_000_000
_NEVER = 2**63 - 1


class Sessions:
    """Worked out only where somebody needs it, in order of time and never twice. `next_act` is a time before which no split and no
    dividend is due; `daily` says that each bar is its session. Before `due` nothing is to be told by `before` or by `after`, and of daily
    bars nothing but that another day has come."""

    def __init__(self, data: Data, first: int) -> None:
        self.calendar = data.calendar
        self._first, self._spacing = first, data.spacing_s * SECOND
        self.daily = data.spacing_s >= DAY_S
        self._told = PlayedSessions(data.calendar, data.actions, self._price, daily=self.daily)
        self._prices = data.bars
        self._quiet = 0
        """Up to this time nothing is to be told: of the session under way, no edge lies before it."""
        day = data.calendar.day_of(first)
        self._days = [action.day for action in data.actions if action.day >= day]
        self.next_act = self.due = _NEVER
        self._plan()

    def first(self) -> Iterable[MarketEvent]:
        return self._counted(self._told.first(self._first - self._spacing, self._first))

    def before(self, last: int, at: int) -> Iterable[MarketEvent]:
        """What is told between the moment `last` and the bars of `at`."""
        return self._counted(self._told.before(last, at)) if at >= self._quiet or at > self.next_act else ()

    def after(self, at: int) -> Iterable[MarketEvent]:
        """What is told after the bars of `at`."""
        return () if at < self._quiet or self.daily else self._after(at)

    def _after(self, at: int) -> Iterator[MarketEvent]:
        yield from self._told.after(at)
        session = self.calendar.current_or_next(at)
        edges = (session.pre, session.opens, *(session.pause or ()), session.closes, session.post)
        self._quiet = min((edge for edge in edges if edge > at), default=0)
        self._watch()

    def end(self, last: int) -> MarketEvent:
        return self._told.end(last)

    def _counted(self, events: Iterator[MarketEvent]) -> Iterator[MarketEvent]:
        for event in events:
            if isinstance(event, Split | Dividend):
                self._days.pop(0)
                self._plan()
            yield event

    def _plan(self) -> None:
        if self._days:
            midnight = datetime.combine(self._days[0], time(), self.calendar.zone)
            self.next_act = int(midnight.timestamp()) * SECOND
        else:
            self.next_act = _NEVER
        self._watch()

    def _watch(self) -> None:
        self.due = self.next_act + 1 if self.daily else min(self._quiet, self.next_act + 1)

    def _price(self, symbol: str, at: int) -> float | None:
        columns = self._prices[symbol].columns
        end = int(columns.at.searchsorted(at, "right"))
        return float(columns.close[end - 1]) if end else None
