"""Plays recorded bars of several symbols, merged by time, at a chosen pace of the wall clock. Market time is the bars' own."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from itertools import chain, groupby
from operator import attrgetter

from engine.feeds.base import FeedError
from engine.feeds.names import listed, shown
from engine.feeds.new_york import SECOND, day_of_close, open_of
from engine.feeds.timeframe import DAY_S, spacing, timeframe
from engine.model.market import Bar, Instrument, MarketEvent, MarketStatus, Phase
from engine.model.settings import Limits

_BEFORE_START = 60
"""Bars kept back as history where nobody named a start, so that charts and indicators have something to begin with."""
_SLACK_S = 0.25
"""Later than this, playing goes on from here: a machine that slept for an hour must not rush an hour's bars at the person who opens it."""
_HOLD_S = 0.002
"""For how long the loop is kept from others at most, one step apart."""


class BarFeed:
    """Implements Feed over `bars`, each symbol's oldest first. Symbols may start late, end early and miss days.

    A step tells the bars of one moment, and before a day's first bars its session, as a MarketStatus. On daily bars a session thus begins
    with its bar and lasts until the next one, so that the day's gains and losses are on the screen for as long as the day's price is.

    `pace` is steps a second of the wall clock, `start` the first day to play. `problems` are sentences about what was left out of
    `bars`, for the log. `clock` gives seconds and `sleep` waits for some; tests hand in their own.
    """

    def __init__(
        self,
        name: str,
        bars: Mapping[str, Sequence[Bar]],
        *,
        pace: float,
        start: date | None = None,
        problems: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises FeedError where there are no bars, or none from `start` on."""
        self.name = name
        self.problems = tuple(problems)
        self.quote_life_s: float | None = max(Limits().stale_after_s, 3 / pace)
        self._bars = dict(bars)
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        # Sorting is stable, so that bars of one moment keep the order of the symbols.
        merged = sorted(chain.from_iterable(bars.values()), key=attrgetter("at"))
        self._steps = [list(step) for _, step in groupby(merged, key=attrgetter("at"))]
        if not self._steps:
            raise FeedError(f"{name} has no bars.")
        self._first = self._first_step(start)
        spacing_s = spacing(bars.values())
        self.timeframe = timeframe(spacing_s)
        self._spacing = spacing_s * SECOND
        self._daily = spacing_s >= DAY_S

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(symbol) for symbol in self._bars)

    def history(self, symbol: str, count: int) -> Sequence[Bar]:
        series = self._bars.get(symbol)
        if series is None:
            raise FeedError(f"{self.name} has no {shown(symbol)}: it holds {listed(list(self._bars))}.")
        end = bisect_left(series, self._steps[self._first][0].at, key=attrgetter("at"))
        return series[max(0, end - count) : end]

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        begun = held = self._clock()
        for number in range(self._first, len(self._steps)):
            now = self._clock()
            early = begun + (number - self._first) / self._pace - now
            if early > 0 or now - held > _HOLD_S:
                await self._sleep(max(early, 0))
                held = self._clock()
            if early < -_SLACK_S:
                begun -= early
            if number == self._first or self._day(number) != self._day(number - 1):
                tell(self._session(number))
            for bar in self._steps[number]:
                tell(bar)
        tell(self._end())

    def _day(self, number: int) -> date:
        return day_of_close(self._steps[number][0].at)

    def _session(self, number: int) -> MarketStatus:
        """The session that step `number` is the first of, from the opening of its bar, but never before what was told already."""
        at, day = self._steps[number][0].at, self._day(number)
        opening = open_of(day) if self._daily else at - self._spacing
        if number:
            opening = max(opening, self._steps[number - 1][0].at)
        return MarketStatus(phase=Phase.REGULAR, text=f"playing {day:%a %Y-%m-%d}", session=day.isoformat(), at=min(opening, at))

    def _end(self) -> MarketStatus:
        day = self._day(len(self._steps) - 1)
        return MarketStatus(
            phase=Phase.CLOSED, text=f"closed: data end {day:%a %Y-%m-%d}", session=day.isoformat(), at=self._steps[-1][0].at
        )

    def _first_step(self, start: date | None) -> int:
        if start is None:
            # A short file is played from its middle at the latest.
            return min(_BEFORE_START, len(self._steps) // 2)
        first = bisect_left(self._steps, start, key=lambda step: day_of_close(step[0].at))
        if first == len(self._steps):
            raise FeedError(f"{self.name} has no bar from {start} on: its last is of {self._day(first - 1)}. Choose an earlier start.")
        return first
