"""What is told around recorded bars: the phases of their sessions, and the corporate actions of each day. Times are ns UTC."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from engine.feeds.actions import Action
from engine.feeds.calendar import Calendar
from engine.model.market import MarketEvent, MarketStatus, Phase

_SPOKEN = {Phase.PRE: ", pre-market", Phase.REGULAR: "", Phase.POST: ", after hours", Phase.CLOSED: ", closed"}


class PlayedSessions:
    """Of one playing. Gives events between the bars, in order of time and never twice.

    With `daily` bars a session begins with its bar and lasts until the next one. Else it goes through the calendar's phases: what
    begins at the very close of a bar follows that bar, all else waits for the next, for nobody knows yet whether there is one.
    """

    def __init__(self, calendar: Calendar, actions: Iterable[Action], price: Callable[[str, int], float | None], *, daily: bool) -> None:
        """`actions` in order of their days; `price` answers what a symbol last cost at a time, None where it had no bar yet."""
        self._calendar = calendar
        self._actions = deque(actions)
        self._price = price
        self._daily = daily
        self._told = 0

    def add(self, actions: Iterable[Action]) -> None:
        """Corporate actions of another symbol, those that are still to come."""
        self._actions = deque(sorted((*self._actions, *actions), key=lambda action: action.day))

    def first(self, opens: int, at: int) -> Iterator[MarketEvent]:
        """Before the first bar to play, which opens at `opens` and closes at `at`."""
        day = self._calendar.day_of(at)
        session = self._calendar.session_on(day) if self._daily else None
        self._told = min(session.opens, at) if session else opens
        while self._actions and self._actions[0].day < day:
            self._actions.popleft()
        yield from self._actions_until(day)
        phase = Phase.REGULAR if self._daily else self._calendar.phase(opens)
        yield _status(self._told, phase, day)

    def before(self, last: int, at: int) -> Iterator[MarketEvent]:
        """Before a bar that closes at `at`, where the one before closed at `last`."""
        day = self._calendar.day_of(at)
        another = day != self._calendar.day_of(last)
        if self._daily:
            if another:
                session = self._calendar.session_on(day)
                self._told = max(last, min(session.opens, at) if session else last)
                yield from self._actions_until(day)
                yield _status(self._told, Phase.REGULAR, day)
            return
        yield from self._edges(last, at - 1)
        self._told = max(self._told, last)
        if another:
            yield from self._actions_until(day)
        yield from self._edges(at, at - 1)

    def after(self, at: int) -> Iterator[MarketEvent]:
        """After the bars that closed at `at`."""
        if not self._daily:
            yield from self._edges(at, at)

    def end(self, at: int) -> MarketStatus:
        day = self._calendar.day_of(at)
        return MarketStatus(phase=Phase.CLOSED, text=f"closed: data end {day:%a %Y-%m-%d}", session=day.isoformat(), at=at)

    def _edges(self, at: int, until: int) -> Iterator[MarketStatus]:
        """The phases of the session around `at` that were not told yet, those that begin by `until`."""
        session = self._calendar.current_or_next(at - 1)
        for edge in (session.pre, session.opens, *(session.pause or ()), session.closes, session.post):
            if self._told < edge <= until:
                self._told = edge
                # Where markets never close, one session's end is the opening of the next.
                following = self._calendar.current_or_next(edge)
                phase = following.phase(edge)
                yield _status(edge, phase, session.day if phase is Phase.CLOSED else following.day)

    def _actions_until(self, day: date) -> Iterator[MarketEvent]:
        while self._actions and self._actions[0].day <= day:
            action = self._actions.popleft()
            yield action.event(self._told, self._price(action.symbol, self._told))


def _status(at: int, phase: Phase, day: date) -> MarketStatus:
    return MarketStatus(phase=phase, text=f"playing {day:%a %Y-%m-%d}{_SPOKEN[phase]}", session=day.isoformat(), at=at)
