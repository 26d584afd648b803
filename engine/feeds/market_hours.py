"""The phases of a market by the clock, each told once and in order: what a live feed of bars says between them. Times are ns UTC."""

from __future__ import annotations

from collections.abc import Iterator

from engine.feeds.calendar import Calendar
from engine.feeds.new_york import SECOND
from engine.feeds.timeframe import DAY_S
from engine.model.market import MarketStatus


class MarketHours:
    """Of `calendar`. What was told is not told again, and market time never goes back."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._told = 0

    @property
    def begun(self) -> bool:
        return self._told > 0

    def now(self, at: int) -> MarketStatus:
        """How the market is at `at`, or at what was told last where that is later; what follows counts from there."""
        self._told = max(self._told, at)
        return self._status(self._told)

    def next_session(self) -> int:
        """When the first session begins after what was told, its extended hours included. Only once something was told."""
        session = self._calendar.current_or_next(self._told)
        return session.pre if self._told < session.pre else self._calendar.current_or_next(session.post).pre

    def until(self, at: int) -> Iterator[MarketStatus]:
        """What begins after what was told and by `at`."""
        if not self._told:
            return
        while (edge := self._next_edge()) <= at:
            self._told = edge
            yield self._status(edge)

    def _next_edge(self) -> int:
        session = self._calendar.current_or_next(self._told)
        edges = (session.pre, session.opens, *(session.pause or ()), session.closes, session.post)
        after = [edge for edge in edges if edge > self._told]
        return after[0] if after else self._calendar.current_or_next(session.post).pre

    def _status(self, at: int) -> MarketStatus:
        session = self._calendar.current_or_next(at)
        phase = session.phase(at)
        day = session.day if at >= session.pre else self._calendar.previous(at).day
        return MarketStatus(phase=phase, text=self._calendar.described(at), session=day.isoformat(), at=at)


def next_close(calendar: Calendar, seconds: int, at: int) -> int:
    """When the next bar of `seconds` closes in a regular session, after `at`."""
    session = calendar.current_or_next(at)
    if at >= session.closes:
        session = calendar.current_or_next(session.post)
    if seconds >= DAY_S:
        return session.closes
    if at < session.opens:
        return min(session.opens + seconds * SECOND, session.closes)
    length = seconds * SECOND
    return min(session.opens + ((at - session.opens) // length + 1) * length, session.closes)
