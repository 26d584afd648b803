"""Tells the simulated market: in the wall clock's time, faster, or as fast as its listener takes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from itertools import islice

from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar, Hours
from engine.feeds.companies import COMPANIES
from engine.feeds.names import check_symbols, listed, shown
from engine.feeds.new_york import SECOND, midnight_before
from engine.feeds.simulated.hours import AlwaysOpen, Slot, slots
from engine.feeds.simulated.script import THIN, Script
from engine.feeds.simulated.universe import known, universe
from engine.feeds.simulated.walk import Factors, SymbolWalk
from engine.feeds.timeframe import check_multiple
from engine.feeds.timeframe import timeframe as named
from engine.model.market import Bar, Instrument, Listing, MarketEvent, MarketStatus, Phase
from engine.model.settings import TIMEFRAMES, FeedSettings, Limits

_YEARS = range(1990, 2100)
_BATCH_S = 0.025
"""What became due is told this often at most: one wake-up of the loop for many quotes."""
_NAP_S = 1.0
"""And looked for this often at least: the machine may sleep through a night meanwhile, or its clock be set."""
_AT_ONCE = 50
"""Events told before the loop may look after others."""
_LATE_S = 1.0
"""Further behind than this, the market stood still meanwhile: nobody wants an hour's quotes at once after the machine slept."""


class SimulatedFeed:
    """Implements Feed: correlated random walks (see `walk`) for `symbols`, or for eight well-known ones, and for as many more as
    `universe` in the settings asks for.

    Each symbol is quoted `quotes_per_second` times a second of market time, at times of its own, and a bar of its trades closes every
    `bar_seconds` of the regular session. All events follow from the seed, the symbol and the moment at which the market begins (`start`,
    or that of construction); neither the other symbols nor the pace at which they are told change them. A symbol that is followed later
    begins its walk at that moment.

    Market time runs `speed` times as fast as `clock`, and never back; at 0 it is as fast as `run`'s listener. Where it is not the wall
    clock's, closed hours are left out. `clock` gives UTC nanoseconds and `sleep` waits for seconds; tests hand in their own.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        settings: FeedSettings,
        *,
        start: date | None = None,
        clock: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises FeedError where a symbol cannot be one, and where `start` is in no year that calendars are sure of."""
        if start is not None and start.year not in _YEARS:
            raise FeedError(f"The simulated market begins between {_YEARS[0]} and {_YEARS[-1]}, not on {start}: choose another start.")
        self.name = "sim"
        self.problems: tuple[str, ...] = ()
        self.own_time = start is not None or settings.speed != 1
        self.timeframe = settings.timeframe or named(settings.bar_seconds)
        self._sleep = sleep
        self._seed = settings.seed
        self._step_s = 1 / settings.quotes_per_second
        self._speed = settings.speed
        self._bar_seconds = _length(settings.timeframe, settings.bar_seconds)
        self.hours: Hours = AlwaysOpen() if settings.session == "always" else Calendar(settings.session)
        step_s = 1 / settings.quotes_per_second
        # The settings' limit applies, unless quotes are so rare that each would count as stale before the next.
        life_s = 3 * step_s * (1 if settings.session == "always" else THIN) / (self._speed or 1)
        self.quote_life_s: float | None = life_s if life_s > Limits().stale_after_s else None
        self._walks = {symbol: SymbolWalk(settings.seed, symbol, step_s) for symbol in universe(check_symbols(symbols), settings.universe)}
        self._factors = Factors(settings.seed, (walk.sector for walk in self._walks.values()), step_s)
        self._begin = clock() if start is None else self.hours.current_or_next(midnight_before(start)).pre
        self._time = _MarketTime(clock, self._begin, self._speed)
        self._script = Script(
            self._walks,
            self._factors,
            self.hours,
            begin=self._begin,
            step=round(SECOND * step_s),
            length=self._bar_seconds * SECOND,
        )
        # Room for the longest history asked for so far, by the length of its bars; the same for every symbol.
        self._slots: dict[int, list[Slot]] = {}
        self._joined: dict[str, int] = {}
        """When the market time was at which a later symbol joined: its history ends there."""
        self._dropped: dict[str, SymbolWalk] = {}
        self._told_at = self._begin
        self._events = iter(self._script)
        self._upcoming = next(self._events)

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(symbol) for symbol in self._walks)

    def history(self, symbol: str, count: int, timeframe: str = "") -> Sequence[Bar]:
        """In another timeframe it is a walk of its own, which ends where this market begins."""
        walk = self._walks.get(symbol)
        if walk is None:
            raise FeedError(f"{self.name} has no {shown(symbol)}: it was started with {listed(list(self._walks))}.")
        seconds = self._bar_seconds
        if timeframe not in ("", self.timeframe):
            check_multiple("its timeframe", timeframe, self.name, symbol, seconds)
            seconds = _length(timeframe, seconds)
        joined = self._joined.get(symbol)
        if joined is not None:
            before = list(islice(slots(self.hours, joined, seconds), count))
        else:
            before = self._slots.get(seconds, [])
            if count > len(before):
                before = self._slots[seconds] = list(islice(slots(self.hours, self._begin, seconds), count))
        bars = list(walk.past(before[:count], self._factors))
        bars.reverse()
        return bars

    async def offers(self) -> Sequence[Listing]:
        return tuple(Listing(symbol, COMPANIES.get(symbol, "")) for symbol in dict.fromkeys((*self._walks, *known())))

    async def follow(self, symbol: str) -> Instrument:
        """Takes any symbol, as the settings do."""
        check_symbols((symbol,))
        if symbol not in self._walks:
            walk = self._dropped.pop(symbol, None) or SymbolWalk(self._seed, symbol, self._step_s)
            walk.begin_here()
            self._factors.add(walk.sector)
            self._walks[symbol] = walk
            self._joined[symbol] = self._told_at
            self._script.join(symbol, walk)
        return Instrument(symbol)

    def drop(self, symbol: str) -> None:
        """It stays where it stands until it is followed again."""
        walk = self._walks.pop(symbol, None)
        if walk is not None:
            self._dropped[symbol] = walk
            self._joined.pop(symbol, None)
            self._script.leave(symbol)

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        if self._speed:
            await self._run_in_time(tell)
        while True:
            for _ in range(_AT_ONCE):
                tell(self._next())
            await self._sleep(0)

    async def _run_in_time(self, tell: Callable[[MarketEvent], None]) -> None:
        own_time, told = self._speed != 1, 0
        late = round(max(self._speed, 1) * _LATE_S * SECOND)
        while True:
            now = self._time.now()
            if now - self._upcoming.at > late:
                if own_time:
                    now = self._time.put(self._upcoming.at)
                else:
                    self._script.resumed = now
            while self._upcoming.at <= now:
                event = self._next()
                tell(event)
                if own_time and isinstance(event, MarketStatus) and event.phase is Phase.CLOSED:
                    now = self._time.put(self._upcoming.at)
                told += 1
                if told % _AT_ONCE == 0:
                    await self._sleep(0)
            await self._sleep(min(max(_BATCH_S, (self._upcoming.at - now) / SECOND / self._speed), _NAP_S))

    def _next(self) -> MarketEvent:
        event = self._upcoming
        self._told_at = event.at
        self._upcoming = next(self._events)
        return event


def _length(timeframe: str, otherwise: int) -> int:
    """Seconds of a bar of `timeframe`; a day's ends with its session, of which none is longer than the day on which summer ends."""
    return 25 * 3600 if timeframe == "1d" else TIMEFRAMES[timeframe] if timeframe else otherwise


class _MarketTime:
    """Runs `speed` times as fast as `clock`. Where that is set back, it goes on from where it was."""

    def __init__(self, clock: Callable[[], int], begin: int, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._wall = clock()
        self._now = begin

    def now(self) -> int:
        wall = self._clock()
        self._now += int(max(0, wall - self._wall) * self._speed)
        self._wall = wall
        return self._now

    def put(self, at: int) -> int:
        """Goes on from `at`."""
        self._now = at
        return at
