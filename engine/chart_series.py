"""The bars of one symbol in one time frame, as the chart shows them: those of the past, and those that come while the market goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from msgspec.structs import replace

from engine.feeds.aggregate import Aggregator
from engine.feeds.base import FeedError
from engine.feeds.calendar import Hours
from engine.feeds.timeframe import DAY_S, seconds_of
from engine.model.market import Bar

KEPT = 2_000
"""Bars that are shown at most."""


class ChartSeries:
    """Begins with the bars `before`, of up to `count` that were asked for, the last of them unfinished where it closes later than `until`,
    and with what the feed told `since`. `own` says that `timeframe` is the feed's: its bars are taken as they are.

    Raises FeedError, also later, where the feed's bars are no part of that time frame or its calendar does not reach that far."""

    def __init__(
        self, symbol: str, timeframe: str, hours: Hours, count: int, before: Sequence[Bar], until: int, since: Iterable[Bar], *, own: bool
    ) -> None:
        self.symbol = symbol
        self.timeframe = timeframe
        self.count = count
        self._aggregator = None if own else Aggregator(timeframe, hours)
        self._hours = hours
        self._closed: deque[Bar] = deque(maxlen=KEPT)
        self._shown: tuple[Bar, ...] | None = None
        self._sessions: deque[int] = deque(maxlen=KEPT)
        self._shown_sessions: tuple[int, ...] = ()
        # A day's bars are a session each: there is nothing to mark.
        self._session_end: int | None = None if seconds_of(timeframe) >= DAY_S else 0
        unfinished = None
        if self._aggregator is not None and before and before[-1].at > until:
            *before, unfinished = before
        for bar in before:
            self._close(bar)
        if self._aggregator is not None and unfinished is not None:
            self._aggregator.resume(replace(unfinished))
        for bar in since:
            self.add(bar)

    def add(self, bar: Bar) -> None:
        """The next bar of the feed."""
        for done in [bar] if self._aggregator is None else self._aggregator.add(bar):
            self._close(done)

    def settle(self, now: int) -> None:
        """Closes what was over before `now` and which no bar came to finish."""
        if self._aggregator is not None:
            for done in self._aggregator.until(now - 1):
                self._close(done)

    def bars(self, quoted: Bar | None) -> tuple[tuple[Bar, ...], bool]:
        """The bars, oldest first, and whether the last of them is still forming. `quoted` is what was quoted since the feed's last bar."""
        if self._shown is None:
            self._shown = tuple(self._closed)
        forming = self._forming(quoted)
        if forming is None:
            return self._shown, False
        return (*self._shown, *forming), True

    def sessions(self) -> tuple[int, ...]:
        """The closes of the bars that are the first of their session, oldest first, but for the very first bar."""
        if len(self._shown_sessions) != len(self._sessions) or self._shown_sessions[-1:] != tuple(islice(reversed(self._sessions), 1)):
            self._shown_sessions = tuple(self._sessions)
        return self._shown_sessions

    def _forming(self, quoted: Bar | None) -> tuple[Bar, ...] | None:
        if self._aggregator is None:
            # Quotes of the last bar's own time are in it.
            late = quoted is None or (self._closed and quoted.at <= self._closed[-1].at)
            return None if late or quoted is None else (replace(quoted),)
        made = self._aggregator.unfinished(self.symbol)
        end = self._aggregator.end(quoted.at) if quoted is not None else None
        if quoted is None or end is None or (made is not None and made.at > end):
            return None if made is None else (replace(made),)
        if made is None:
            late = self._closed and end <= self._closed[-1].at
            return None if late else (replace(quoted, at=end),)
        if made.at < end:
            return replace(made), replace(quoted, at=end)
        high, low = max(made.high, quoted.high), min(made.low, quoted.low)
        return (replace(made, high=high, low=low, close=quoted.close, volume=made.volume + quoted.volume),)

    def _close(self, bar: Bar) -> None:
        self._mark_session(bar)
        self._closed.append(bar)
        self._shown = None

    def _mark_session(self, bar: Bar) -> None:
        if self._session_end is None or bar.at <= self._session_end:
            return
        try:
            session = self._hours.current_or_next(bar.at - 1)
        except FeedError:  # the calendar does not reach that far: a chart without breaks is a chart
            self._session_end = None
            return
        if self._session_end:
            self._sessions.append(bar.at)
        self._session_end = max(session.post, bar.at)
