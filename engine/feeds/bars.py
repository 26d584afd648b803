"""Plays recorded bars of several symbols, merged by time, at a chosen pace of the wall clock. Market time is the bars' own."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter

from engine.feeds.actions import Action, adjust
from engine.feeds.bar_columns import columns_of
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar, Hours
from engine.feeds.names import listed, shown
from engine.feeds.new_york import SECOND
from engine.feeds.played_sessions import PlayedSessions
from engine.feeds.timeframe import DAY_S, check_multiple, spacing
from engine.feeds.timeframe import timeframe as named
from engine.model.market import Bar, Instrument, MarketEvent
from engine.model.settings import TIMEFRAMES, Limits

_BEFORE_START = 60
"""Bars kept back as history where nobody named a start, so that charts and indicators have something to begin with."""
_SLACK_S = 0.25
"""Later than this, playing goes on from here: a machine that slept for an hour must not rush an hour's bars at the person who opens it."""
_HOLD_S = 0.002
"""For how long the loop is kept from others at most, one step apart."""
_AT: Callable[[Bar], int] = attrgetter("at")


class BarFeed:
    """Implements Feed over `bars`, each symbol's oldest first. Symbols may start late, end early, miss days, and have bars of different
    lengths.

    A step tells the bars of one moment. Where all bars are of a day or longer, a session begins with its bar and lasts until the next
    one, so that the day's gains and losses are on the screen for as long as the day's price is. Shorter bars go through the phases of
    `calendar`, New York's by default, as the exchange does. `actions`, in order of their days, are told before anything else of their day.

    `pace` is steps a second of the wall clock, 0 as fast as they are taken; `start` is the first day to play. `problems` are sentences
    about what was left out of `bars`, for the log. `clock` gives seconds and `sleep` waits for some; tests hand in their own.
    """

    def __init__(
        self,
        name: str,
        bars: Mapping[str, Sequence[Bar]],
        *,
        pace: float,
        start: date | None = None,
        problems: Sequence[str] = (),
        calendar: Calendar | None = None,
        actions: Sequence[Action] = (),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises FeedError where there are no bars, or none from `start` on."""
        self.name = name
        self.problems = tuple(problems)
        self._bars = {symbol: series for symbol, series in bars.items() if series}
        if not self._bars:
            raise FeedError(f"{name} has no bars.")
        self.hours: Hours
        self.hours = self._calendar = calendar or Calendar()
        self._interval = 1 / pace if pace else 0.0
        self._clock = clock
        self._sleep = sleep
        self._actions = tuple(actions)
        self._first = self._first_moment(start)
        # The first day's own are told as events, to whoever was told the history too.
        self._past_actions = tuple(action for action in actions if action.day < self._calendar.day_of(self._first))
        self._spacings = {symbol: spacing([series]) for symbol, series in self._bars.items()}
        self.timeframe = named(spacing(self._bars.values()))
        self.quote_life_s: float | None = max(Limits().stale_after_s, 3 * self._interval * self._steps_between())
        self._spacing_s = min(self._spacings.values())

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(symbol) for symbol in self._bars)

    def history(self, symbol: str, count: int, timeframe: str = "") -> Sequence[Bar]:
        series = self._bars.get(symbol)
        if series is None:
            raise FeedError(f"{self.name} has no {shown(symbol)}: it holds {listed(list(self._bars))}.")
        end = bisect_left(series, self._first, key=_AT)
        if not timeframe:
            return adjust(series[max(0, end - count) : end], self._past_actions, self._calendar)
        held_s = self._spacings[symbol]
        check_multiple("its timeframe", timeframe, self.name, symbol, held_s)
        from engine.feeds.aggregate import aggregated

        # One more than asked for: the first may lack its beginning.
        part = series[max(0, end - (count + 1) * TIMEFRAMES[timeframe] // held_s) : end]
        larger = aggregated(columns_of(symbol, part), timeframe, self._calendar)
        return adjust(larger[max(0, len(larger) - count) :], self._past_actions, self._calendar)

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        begun = held = self._clock()
        sessions = PlayedSessions(self._calendar, self._actions, self._last_close, daily=self._spacing_s >= DAY_S)
        remaining = (series[bisect_left(series, self._first, key=_AT) :] for series in self._bars.values())
        last = 0
        # Bars of one moment keep the order of the symbols.
        for number, (at, bars) in enumerate(groupby(merge(*remaining, key=_AT), key=_AT)):
            now = self._clock()
            early = begun + number * self._interval - now
            if early > 0 or now - held > _HOLD_S:
                await self._sleep(max(early, 0))
                held = self._clock()
            if early < -_SLACK_S:
                begun -= early
            for event in sessions.before(last, at) if number else sessions.first(at - self._spacing_s * SECOND, at):
                tell(event)
            for bar in bars:
                tell(bar)
            for event in sessions.after(at):
                tell(event)
            last = at
        tell(sessions.end(last))

    def _last_close(self, symbol: str, at: int) -> float | None:
        series = self._bars.get(symbol, ())
        end = bisect_right(series, at, key=_AT)
        return series[end - 1].close if end else None

    # ---- which moments

    def _first_moment(self, start: date | None) -> int:
        """The close of the first bars to play."""
        if start is None:
            every = groupby(merge(*self._bars.values(), key=_AT), key=_AT)
            # A short file is played from its middle at the latest.
            moments = [at for at, _ in islice(every, 2 * _BEFORE_START)]
            return moments[len(moments) // 2]
        firsts = ((series, bisect_left(series, start, key=lambda bar: self._calendar.day_of(bar.at))) for series in self._bars.values())
        moments = [series[place].at for series, place in firsts if place < len(series)]
        if not moments:
            last = self._calendar.day_of(max(series[-1].at for series in self._bars.values()))
            raise FeedError(f"{self.name} has no bar from {start} on: its last is of {last}. Choose an earlier start.")
        return min(moments)

    def _steps_between(self) -> int:
        """How many steps lie between two bars of the symbol that has the fewest."""
        finest = self._bars[min(self._spacings, key=lambda symbol: self._spacings[symbol])]
        most = 1
        for series in self._bars.values():
            middle = len(series) // 2
            if middle:
                before, after = (bisect_left(finest, bar.at, key=_AT) for bar in (series[middle - 1], series[middle]))
                most = max(most, after - before)
        return most
