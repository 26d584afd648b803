"""Plays recorded bars of several symbols, merged by time, at a chosen pace of the wall clock. Market time is the bars' own."""

from __future__ import annotations

import itertools
import time
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from datetime import time as time_of_day
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter
from typing import NamedTuple, Protocol

from engine.feeds.actions import Action, adjust
from engine.feeds.bar_columns import columns_of
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar, Hours
from engine.feeds.companies import COMPANIES
from engine.feeds.names import listed, shown
from engine.feeds.new_york import SECOND, to_ns
from engine.feeds.played_sessions import PlayedSessions
from engine.feeds.timeframe import DAY_S, check_multiple, spacing
from engine.feeds.timeframe import timeframe as named
from engine.model.market import Bar, Dividend, Instrument, Listing, MarketEvent, Split
from engine.model.settings import TIMEFRAMES, Limits

_BEFORE_START = 60
"""Bars kept back as history where nobody named a start, so that charts and indicators have something to begin with."""
_SLACK_S = 0.25
"""Later than this, playing goes on from here: a machine that slept for an hour must not rush an hour's bars at the person who opens it."""
_HOLD_S = 0.002
"""For how long the loop is kept from others at most, one step apart."""
_AT: Callable[[Bar], int] = attrgetter("at")


async def _sleep(seconds: float) -> None:
    # Only who plays needs a loop: a backtest, which reads what is played here, starts without one.
    from asyncio import sleep

    await sleep(seconds)


async def _at_once() -> None:
    """Where nobody takes it, everybody has."""


class Recorded(NamedTuple):
    """One symbol's bars, oldest first, and its corporate actions in order of their days. A problem is a sentence for the log."""

    bars: Sequence[Bar]
    actions: Sequence[Action] = ()


class Source(Protocol):
    """Where bars of more symbols come from. Its methods read files, and so they are called on a thread."""

    def symbols(self) -> Sequence[str]:
        """All it holds. Raises FeedError."""

    def read(self, symbol: str) -> Recorded:
        """Raises FeedError where it holds none of `symbol`."""


class BarFeed:
    """Implements Feed over `bars`, each symbol's oldest first. Symbols may start late, end early, miss days, and have bars of different
    lengths.

    A step tells the bars of one moment. Where all bars are of a day or longer, a session begins with its bar and lasts until the next
    one, so that the day's gains and losses are on the screen for as long as the day's price is. Shorter bars go through the phases of
    `calendar`, New York's by default, as the exchange does. `actions`, in order of their days, are told before anything else of their day.

    `pace` is steps a second of the wall clock, 0 as fast as they are taken; `start` is the first day to play. `problems` are sentences
    about what was left out of `bars`, for the log. `source` has the bars of symbols that are followed later. `clock` gives seconds and
    `sleep` waits for some; tests hand in their own.
    """

    own_time = True

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
        source: Source | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] | None = None,
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
        self.taken: Callable[[], Awaitable[None]] = _at_once
        self._clock = clock
        self._sleep = sleep or _sleep
        self._actions = tuple(actions)
        self._source = source
        self._sessions: PlayedSessions | None = None
        """Of the playing that is under way."""
        self._now = 0
        """The moment that was played last."""
        self._joined: dict[str, int] = {}
        """The moment after which a later symbol's bars are told."""
        self._merged = False
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
        joined = self._joined.get(symbol)
        end = bisect_left(series, self._first, key=_AT) if joined is None else bisect_right(series, joined, key=_AT)
        if not timeframe:
            return adjust(series[max(0, end - count) : end], self._past_of(symbol), self._calendar)
        held_s = self._spacings[symbol]
        check_multiple("its timeframe", timeframe, self.name, symbol, held_s)
        from engine.feeds.aggregate import aggregated

        # One more than asked for: the first may lack its beginning.
        part = series[max(0, end - (count + 1) * TIMEFRAMES[timeframe] // held_s) : end]
        larger = aggregated(columns_of(symbol, part), timeframe, self._calendar)
        return adjust(larger[max(0, len(larger) - count) :], self._past_of(symbol), self._calendar)

    def _past_of(self, symbol: str) -> Sequence[Action]:
        """What happened before the symbol's first event."""
        joined = self._joined.get(symbol)
        if joined is None:
            return self._past_actions
        return [action for action in self._actions if action.symbol == symbol and action.day <= self._calendar.day_of(joined)]

    def acts_after(self, session: str) -> Sequence[Split | Dividend]:
        return [self._missed(action) for action in self._past_actions if action.day.isoformat() >= session and action.symbol in self._bars]

    def _missed(self, action: Action) -> Split | Dividend:
        session = self._calendar.session_on(action.day)
        opens = session.opens if session else to_ns(datetime.combine(action.day, time_of_day.min, self._calendar.zone))
        return action.event(opens, self._last_close(action.symbol, opens))

    # ---- more symbols

    async def offers(self) -> Sequence[Listing]:
        from asyncio import to_thread

        more = await to_thread(self._source.symbols) if self._source is not None else ()
        return tuple(Listing(symbol, COMPANIES.get(symbol, "")) for symbol in dict.fromkeys((*self._bars, *more)))

    async def follow(self, symbol: str) -> Instrument:
        """Plays another symbol along, from the moment that is played now. Its bars must be as long as the others'."""
        if symbol in self._bars:
            return Instrument(symbol)
        if self._source is None:
            raise FeedError(f"{self.name} has no {shown(symbol)}: it holds {listed(list(self._bars))}.")
        from asyncio import to_thread

        bars, actions = await to_thread(self._source.read, symbol)
        held_s = spacing([bars])
        if held_s != self._spacing_s:
            raise FeedError(
                f"The bars of {symbol} are of {named(held_s)}, those that are played of {named(self._spacing_s)}: "
                "name it among the symbols at the start, or set feed.timeframe."
            )
        self._bars[symbol] = bars
        self._spacings[symbol] = held_s
        self._actions = tuple(sorted((*self._actions, *actions), key=lambda action: action.day))
        if self._sessions is None:
            self._past_actions = tuple(action for action in self._actions if action.day < self._calendar.day_of(self._first))
        else:
            self._joined[symbol] = self._now
            self._sessions.add(action for action in actions if action.day > self._calendar.day_of(self._now))
        self._merged = False
        return Instrument(symbol)

    def drop(self, symbol: str) -> None:
        if len(self._bars) > 1 and self._bars.pop(symbol, None) is not None:
            self._spacings.pop(symbol)
            self._joined.pop(symbol, None)
            self._actions = tuple(action for action in self._actions if action.symbol != symbol)
            self._merged = False

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        begun = held = self._clock()
        sessions = PlayedSessions(self._calendar, self._actions, self._last_close, daily=self._spacing_s >= DAY_S)
        self._sessions, self._now, self._joined = sessions, self._first - 1, {}
        last = 0
        moments = self._moments()
        for number in itertools.count():
            if not self._interval:
                await self.taken()
            moment = next(moments, None)
            if moment is None:
                break
            now = self._clock()
            early = begun + number * self._interval - now
            if early > 0 or now - held > _HOLD_S:
                await self._sleep(max(early, 0))
                held = self._clock()
            if early < -_SLACK_S:
                begun -= early
            if not self._merged:
                # Symbols came or went while this moment was waited for.
                moments = self._moments()
                moment = next(moments, moment)
            at, bars = moment
            for event in sessions.before(last, at) if number else sessions.first(at - self._spacing_s * SECOND, at):
                tell(event)
            for bar in bars:
                tell(bar)
            for event in sessions.after(at):
                tell(event)
            self._now = last = at
        tell(sessions.end(last))

    def _moments(self) -> Iterator[tuple[int, list[Bar]]]:
        """What is to be played after now, a moment after the other; of one moment in the order of the symbols."""
        self._merged = True
        remaining = (series[bisect_right(series, self._now, key=_AT) :] for series in self._bars.values())
        for at, bars in groupby(merge(*remaining, key=_AT), key=_AT):
            yield at, list(bars)

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
