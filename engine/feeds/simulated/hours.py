"""When the simulated market trades: always, or in an exchange's sessions. Times are ns UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from engine.feeds.calendar import Hours, Session
from engine.feeds.new_york import SECOND, day_of, midnight_after, midnight_of
from engine.feeds.simulated.tempo import Tempo, tempo_at
from engine.model.market import MarketStatus, Phase


class AlwaysOpen:
    """Sessions that adjoin: each of New York's days from midnight to midnight."""

    def current_or_next(self, at: int) -> Session:
        opens, closes = midnight_of(at), midnight_after(at)
        return Session(day_of(at), opens, opens, closes, closes)

    def previous(self, at: int) -> Session:
        return self.current_or_next(midnight_of(at) - 1)

    def day_of(self, at: int) -> date:
        return day_of(at - 1)

    def described(self, at: int) -> str:
        return "market, always open"


class Span(NamedTuple):
    """A stretch of time in one phase. `whole` says that it is told from its beginning; `day` is the session's."""

    phase: Phase
    start: int
    end: int
    session: Session
    day: date
    whole: bool
    text: str

    def status(self) -> MarketStatus:
        return MarketStatus(self.phase, self.text, self.day.isoformat(), self.start)


def spans(hours: Hours, begin: int) -> Iterator[Span]:
    """What comes from `begin` on, without end. While the market is closed, `day` is still the day before and `session` the next one."""
    session = hours.current_or_next(begin)
    day = hours.previous(begin).day
    at = begin
    while True:
        parts = (
            (Phase.CLOSED, day, at, session.pre),
            (Phase.PRE, session.day, session.pre, session.opens),
            (Phase.REGULAR, session.day, session.opens, session.closes),
            (Phase.POST, session.day, session.closes, session.post),
        )
        for phase, of, start, end in parts:
            if at < end and start < end:
                yield Span(phase, max(at, start), end, session, of, at <= start, f"simulated {hours.described(max(at, start))}")
        at, day = session.post, session.day
        session = hours.current_or_next(at)


class Slot(NamedTuple):
    """Room for one bar of the past: it closes at `at` after `seconds`, in a session of `session_s` that it may open or close.

    `night` is the session's day where the bar before it was of another day and the market closed between them.
    """

    at: int
    seconds: float
    tempo: Tempo
    session_s: float
    opening: bool
    closing: bool
    night: date | None


def slots(hours: Hours, begin: int, bar_seconds: int) -> Iterator[Slot]:
    """The bars of regular sessions that closed by `begin`, the newest first. Each session's begin with its open; its last may be short."""
    length = bar_seconds * SECOND
    session = hours.current_or_next(begin)
    if begin < session.pre:
        session = hours.previous(begin)
    while True:
        before = hours.previous(session.pre)
        opens, closes = session.opens, session.closes
        at = closes if begin >= closes else opens + (begin - opens) // length * length
        while at > opens:
            start = opens + (at - 1 - opens) // length * length
            night = session.day if start == opens and before.post < session.pre else None
            tempo = tempo_at(start, opens, closes)
            yield Slot(at, (at - start) / SECOND, tempo, (closes - opens) / SECOND, start == opens, at == closes, night)
            at = start
        session = before
