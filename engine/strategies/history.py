"""What was before now: the feed's own history and what came since, as it is or in larger bars that go on while the market does."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import merge

from engine.feeds.actions import restated
from engine.feeds.aggregate import Aggregator
from engine.feeds.base import Feed
from engine.model.market import Bar, Split

_ALL = 1_000_000
_KEPT = 250
"""Larger bars of a symbol that are kept for a strategy that starts again, at the least."""


class History:
    """Of `feed`. `told(symbol, count)` answers the newest bars that were told, oldest first and in today's shares, as far as they are
    kept; before them the feed's own."""

    def __init__(self, feed: Feed, told: Callable[[str, int], Sequence[Bar]]) -> None:
        self._feed = feed
        self._told = told

    def bars(self, symbol: str, count: int) -> list[Bar]:
        """The newest `count` bars so far, oldest first."""
        before, _, since = self.parts(symbol, count, "")
        bars = [*before, *since]
        return bars[max(0, len(bars) - count) :]

    def larger(self, timeframe: str, symbols: Iterable[str], count: int) -> LargerBars:
        """Bars in `timeframe` of `symbols`, with `count` of the past. Raises FeedError where the feed's are no part of them."""
        return LargerBars(timeframe, self, Aggregator(timeframe, self._feed.hours), symbols, count)

    def parts(self, symbol: str, count: int, timeframe: str) -> tuple[Sequence[Bar], int, Sequence[Bar]]:
        """Up to `count` bars in `timeframe` from before the feed's first event, of which the last is unfinished if it closes later than
        the time that comes with them; and the feed's own since then."""
        before, last = self._feed.history(symbol, count, timeframe), self._feed.history(symbol, 1)
        told = self._told(symbol, _ALL)
        if not last:
            return (), 0, told
        place = bisect_left(told, last[0].at, key=lambda bar: bar.at)
        if place == len(told) or told[place].at != last[0].at:
            # More was told than is kept: what came before would have a hole after it.
            return (), 0, told
        # A split since then changed what was told, and not what the feed remembers.
        return restated(before, last[0].close / told[place].close), last[0].at, told[place + 1 :]


class LargerBars:
    """One timeframe's bars: those of the past, and those that are finished as the market goes on."""

    def __init__(self, timeframe: str, history: History, aggregator: Aggregator, symbols: Iterable[str], count: int) -> None:
        """With `count` bars of the past, or the one that is unfinished. Raises FeedError."""
        self.timeframe = timeframe
        self.count = count
        self._aggregator = aggregator
        self._done: dict[str, deque[Bar]] = {}
        for symbol in symbols:
            before, until, since = history.parts(symbol, count + 1, timeframe)
            done = self._done[symbol] = deque(before, maxlen=max(count, _KEPT))
            if done and done[-1].at > until:
                aggregator.resume(done.pop())
            for bar in since:
                done.extend(aggregator.add(bar))

    def add(self, bar: Bar) -> list[Bar]:
        """The larger bars that `bar` finishes."""
        done = self._aggregator.add(bar)
        self._done[bar.symbol].extend(done)
        return done

    def before(self, at: int) -> list[Bar]:
        """Those whose time was over before `at`, and which no bar came to finish."""
        done = self._aggregator.until(at - 1)
        for bar in done:
            self._done[bar.symbol].append(bar)
        return done

    def bars(self, symbol: str, count: int) -> list[Bar]:
        """The newest `count` that are finished, oldest first."""
        done = list(self._done[symbol])
        return done[max(0, len(done) - count) :]

    def split(self, split: Split) -> None:
        ratio = float(split.ratio)
        self._aggregator.restate(split.symbol, ratio)
        done = self._done[split.symbol]
        self._done[split.symbol] = deque(restated(done, ratio), maxlen=done.maxlen)


class BarsOfOne:
    """The bars that one strategy is told, of `symbols`: the feed's own, or larger ones where it asked for them."""

    def __init__(self, history: History, symbols: Sequence[str]) -> None:
        self._history = history
        self._symbols = symbols
        self._larger: LargerBars | None = None

    def follow(self, timeframe: str, count: int) -> bool:
        """From now on bars in `timeframe`, the feed's own where it is empty, with `count` of the past; True where they are made anew.
        Raises FeedError."""
        held = self._larger
        if held and held.timeframe == timeframe and held.count >= count:
            return False
        self._larger = self._history.larger(timeframe, self._symbols, count) if timeframe else None
        return bool(held or self._larger)

    def add(self, bar: Bar) -> Sequence[Bar]:
        """What is to be told because of the feed's `bar`."""
        return self._larger.add(bar) if self._larger else (bar,)

    def before(self, at: int) -> Sequence[Bar]:
        """What is to be told because market time has come to `at`."""
        return self._larger.before(at) if self._larger else ()

    def past(self, count: int) -> list[Bar]:
        """The newest `count` of each symbol, in order of time."""
        source = self._larger or self._history
        return list(merge(*(source.bars(symbol, count) for symbol in self._symbols), key=lambda bar: bar.at))

    def split(self, split: Split) -> None:
        if self._larger:
            self._larger.split(split)
