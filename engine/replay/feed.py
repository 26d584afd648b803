"""A recording as the chart asks it for bars: nothing after the playhead."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.feeds.aggregate import aggregated
from engine.feeds.bar_columns import columns_of
from engine.feeds.base import FeedError
from engine.feeds.timeframe import check_multiple, seconds_of
from engine.model.market import Bar, Instrument, MarketEvent
from engine.model.settings import TIMEFRAMES
from engine.replay.recording import Recording

_MOST = 60_000
"""Bars of the recording that larger ones are made of at most: what is older is left out of the chart."""


class ReplayFeed:
    """A Feed that runs nothing. `step` answers where the playhead stands."""

    quote_life_s: float | None = None
    problems: tuple[str, ...] = ()

    def __init__(self, recording: Recording, step: Callable[[], int]) -> None:
        self.name = recording.feed
        self.timeframe = recording.timeframe
        self.hours = recording.hours
        self._recording = recording
        self._step = step

    def instruments(self) -> tuple[Instrument, ...]:
        return self._recording.instruments

    def history(self, symbol: str, count: int, timeframe: str = "") -> Sequence[Bar]:
        """Up to `count` bars that had closed by the playhead, oldest first; in a larger `timeframe` the last may be unfinished. Raises
        FeedError where the recording's bars are no part of it."""
        if not timeframe or timeframe == self.timeframe:
            return self._recording.bars(symbol, self._step(), count)
        own, seconds = seconds_of(self.timeframe), TIMEFRAMES[timeframe]
        check_multiple("The chart", timeframe, self.name, symbol, own)
        bars = self._recording.bars(symbol, self._step(), min(count * (seconds // own), _MOST))
        return aggregated(columns_of(symbol, bars), timeframe, self.hours)[-count:]

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        raise FeedError("a recording is replayed, not traded")
