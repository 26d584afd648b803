"""A seeded market that is open at any hour, quoting live in the wall clock's time: for a first try at midnight, demos and tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice

from engine.feeds.base import FeedError
from engine.feeds.names import check_symbols, listed, shown
from engine.feeds.new_york import SECOND, day_of, midnight_after
from engine.feeds.timeframe import timeframe
from engine.feeds.walk import LEVELS, MarketWalk, SymbolWalk
from engine.model.market import Bar, Instrument, MarketEvent, MarketStatus, Phase, Quote
from engine.model.settings import FeedSettings, Limits

_BATCH_S = 0.025
"""What became due is told this often at most: one wake-up of the loop for many quotes."""
_AT_ONCE = 50
"""Events told before the loop may look after others."""
_LATE = SECOND
"""Further behind than this, the market stood still meanwhile: nobody wants an hour's quotes at once after the machine slept."""


class SimulatedFeed:
    """Implements Feed: correlated random walks (see `walk`) for `symbols`, or for eight well-known ones.

    Each symbol is quoted `quotes_per_second` times a second at times of its own, and a bar of its trades closes every `bar_seconds`.
    All events follow from the seed, the symbol and the time of construction; neither the other symbols nor the pace at which
    the loop wakes up change them. A symbol that is not known gets a price level from its name and the seed.

    `clock` gives UTC nanoseconds and `sleep` waits for seconds; tests hand in their own. Market time follows the clock, but never back.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        settings: FeedSettings,
        *,
        clock: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises FeedError where a symbol cannot be one."""
        self.name = "sim"
        self.problems: tuple[str, ...] = ()
        self.timeframe = timeframe(settings.bar_seconds)
        life_s = 3 / settings.quotes_per_second
        # The settings' limit applies, unless quotes are so rare that each would count as stale before the next.
        self.quote_life_s: float | None = life_s if life_s > Limits().stale_after_s else None
        self._clock = clock
        self._sleep = sleep
        self._bar_seconds = settings.bar_seconds
        self._step = round(SECOND / settings.quotes_per_second)
        step_s = self._step / SECOND
        self._market = MarketWalk(settings.seed, step_s)
        self._walks = {symbol: SymbolWalk(settings.seed, symbol, step_s) for symbol in check_symbols(symbols) or LEVELS}
        self._begin = self._latest = clock()
        self._ahead = 0
        self._resumed = 0
        self._script = self._events()
        self._upcoming = next(self._script)

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(symbol) for symbol in self._walks)

    def history(self, symbol: str, count: int) -> Sequence[Bar]:
        walk = self._walks.get(symbol)
        if walk is None:
            raise FeedError(f"{self.name} has no {shown(symbol)}: it was started with {listed(list(self._walks))}.")
        length = self._bar_seconds * SECOND
        last = self._begin // length * length
        bars = [Bar(symbol, last - back * length, *sketch) for back, sketch in enumerate(islice(walk.past(self._bar_seconds), count))]
        bars.reverse()
        return bars

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        while True:
            now = self._now()
            if now - self._upcoming.at > _LATE:
                self._resumed = now
            told = 0
            while self._upcoming.at <= now:
                tell(self._upcoming)
                self._upcoming = next(self._script)
                told += 1
                if told % _AT_ONCE == 0:
                    await self._sleep(0)
            await self._sleep(max(_BATCH_S, (self._upcoming.at - now) / SECOND))

    def _now(self) -> int:
        """Market time. Where the clock is set back, it goes on from where it was, ahead of the clock from then on."""
        now = self._clock() + self._ahead
        if now < self._latest:
            self._ahead += self._latest - now
            now = self._latest
        self._latest = now
        return now

    def _events(self) -> Iterator[MarketEvent]:
        """All that is going to happen, in order of market time, without end."""
        length = self._bar_seconds * SECOND
        start = self._begin
        closing = (start // length + 1) * length
        midnight = midnight_after(start)
        makers = [_Maker(symbol, walk, self._step) for symbol, walk in self._walks.items()]
        yield _status(start)
        while True:
            move = self._market.step()
            turns = sorted((maker.quotes_at(start), number) for number, maker in enumerate(makers))
            for at, number in turns:
                while at >= closing or at >= midnight:
                    if closing <= midnight:
                        for maker in makers:
                            yield maker.close_bar(closing)
                        # No bars for the time in which the market stood still.
                        closing = max(closing, self._resumed // length * length) + length
                    else:
                        yield _status(midnight)
                        midnight = midnight_after(midnight)
                yield makers[number].quote(at, move)
            start = max(start + self._step, self._resumed)


class _Maker:
    """Makes one symbol's quotes, and its bars out of their trades."""

    def __init__(self, symbol: str, walk: SymbolWalk, step: int) -> None:
        self._symbol = symbol
        self._walk = walk
        # Each symbol has its own place in a step, so that quotes come spread over it, and strays a little from it.
        self._place = int(step * 0.8 * walk.random())
        self._stray = step * 0.2
        self._open = self._high = self._low = walk.last
        self._volume = 0.0

    def quotes_at(self, start: int) -> int:
        return start + self._place + int(self._stray * self._walk.random())

    def quote(self, at: int, move: float) -> Quote:
        bid, ask, bid_size, ask_size, last, volume = self._walk.step(move)
        if volume:
            if not self._volume:
                self._open = self._high = self._low = last
            elif last > self._high:
                self._high = last
            elif last < self._low:
                self._low = last
            self._volume += volume
        return Quote(self._symbol, at, bid, ask, bid_size, ask_size, last)

    def close_bar(self, at: int) -> Bar:
        last = self._walk.last
        bar = Bar(self._symbol, at, self._open, self._high, self._low, last, self._volume)
        self._open = self._high = self._low = last
        self._volume = 0.0
        return bar


def _status(at: int) -> MarketStatus:
    return MarketStatus(phase=Phase.REGULAR, text="simulated market, always open", session=day_of(at).isoformat(), at=at)
