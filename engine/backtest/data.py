"""What a backtest runs over: columns of bars by symbol, and the day from which they are played. What lies before it is history."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from engine.feeds.actions import Action, adjust
from engine.feeds.bar_columns import BarColumns, columns_of
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar
from engine.feeds.names import check_known, check_symbols, is_fetched, source_path
from engine.feeds.open import FileSource
from engine.feeds.sample_bars import SYMBOLS, WHOLE, sample_bars
from engine.feeds.timeframe import spacing
from engine.feeds.timeframe import timeframe as named
from engine.model.market import Bar
from engine.model.settings import FeedSettings


class Data(Struct, frozen=True):
    """Bars by symbol, oldest first, of one length or several. Symbols may start late, end early and miss bars.

    Bars that close before `first` (ns UTC) are history: a strategy is told them to warm up, and nothing trades on them. `actions` are the
    splits and dividends of prices that are not adjusted, in order of their days. `problems` are sentences about what was left out.
    """

    name: str
    bars: Mapping[str, BarColumns]
    calendar: Calendar
    first: int = 0
    actions: tuple[Action, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def spacing_s(self) -> int:
        """The shortest of the symbols' distances between two bars, in seconds."""
        return min(spacing([series]) for series in self.bars.values())

    def played(self) -> dict[str, BarColumns]:
        """The bars from `first` on, of the symbols that have any."""
        parts = {symbol: series[self._begin(series) :] for symbol, series in self.bars.items()}
        return {symbol: series for symbol, series in parts.items() if len(series)}

    def past(self, symbol: str, count: int, until: int, day: date) -> Sequence[Bar]:
        """The newest `count` bars that have closed by `until`, oldest first, in the shares of the trading day `day`."""
        series = self.bars[symbol]
        end = int(series.columns.at.searchsorted(until, "right"))
        splits = [action for action in self.actions if action.symbol == symbol and action.kind == "split" and action.day <= day]
        bars = series[max(0, end - count) : end]
        return adjust(bars, splits, self.calendar) if splits else bars

    def between(self, start: date | None, end: date | None) -> Data:
        """Played from the trading day `start` on, through `end`. Raises FeedError where nothing is left to play."""
        if start is not None and end is not None and start > end:
            raise FeedError(f"The first day, {start}, lies after the last, {end}.")
        day_of = self.calendar.day_of
        bars, firsts = {}, []
        for symbol, series in self.bars.items():
            last = len(series) if end is None else bisect_left(series, True, key=lambda bar: day_of(bar.at) > end)
            begin = 0 if start is None else bisect_left(series, True, hi=last, key=lambda bar: day_of(bar.at) >= start)
            if last:
                bars[symbol] = series[:last]
            if begin < last:
                firsts.append(series[begin].at)
        if not firsts:
            held = [day_of(series[place].at) for series in self.bars.values() for place in (0, -1)]
            raise FeedError(f"{self.name} has no bar in these days: it reaches from {min(held)} to {max(held)}.")
        return replace(self, bars=bars, first=min(firsts))

    def latest(self, days: int | None, start: date | None, end: date | None) -> Data:
        """The same from the last `days` days on, where they are given and `start` is not. Raises FeedError."""
        if days is None or start is not None:
            return self.between(start, end)
        last = max(self.calendar.day_of(series[-1].at) for series in self.bars.values())
        return self.between(min(end or last, last) - timedelta(days=days), end)

    def in_timeframe(self, timeframe: str) -> Data:
        """The same in larger bars, as the feed makes them. Raises FeedError where they are no multiple of these."""
        from engine.feeds.aggregate import in_timeframe

        if timeframe == named(self.spacing_s):
            return self
        return replace(self, bars=in_timeframe(self.name, self.bars, timeframe, self.calendar))

    def fingerprint(self) -> str:
        """SHA-256 of everything a result depends on: every bar's numbers, what is history, and the actions."""
        seen = hashlib.sha256(repr((self.calendar.name, self.first, self.actions)).encode())
        for symbol in sorted(self.bars):
            seen.update(symbol.encode())
            for column in self.bars[symbol].columns:
                seen.update(column.tobytes())
        return seen.hexdigest()

    def _begin(self, series: BarColumns) -> int:
        return int(series.columns.at.searchsorted(self.first))


def open_between(
    settings: FeedSettings,
    symbols: Sequence[str],
    start: date | None,
    end: date | None,
    days: int | None,
    say: Callable[[str], None] | None = None,
) -> Data:
    """The data of `settings`, played from `start` or the last `days` days on, through `end`. A source that is asked is asked for those
    days alone, and `say` is told how far that is. Raises FeedError."""
    if is_fetched(settings.source):
        from engine.backtest.fetched import fetched_data

        return fetched_data(settings, symbols, start, end, days, say).latest(days, start, end)
    return open_data(settings, symbols).latest(days, start, end)


def open_data(settings: FeedSettings, symbols: Sequence[str] = ()) -> Data:
    """The bars that `settings.source` names, `sample` or the path of a file or a folder, of `symbols` or of all.

    Raises FeedError in words: no such source, no good bar, a symbol it does not have.
    """
    wanted = check_symbols(symbols)
    if settings.source == "sample":
        check_known("The sample", wanted, SYMBOLS)
        bars: Mapping[str, BarColumns] = {symbol: columns_of(symbol, series) for symbol, series in sample_bars(wanted or WHOLE).items()}
        data = Data("sample", bars, Calendar())
        return data.in_timeframe(settings.timeframe) if settings.timeframe else data
    if settings.source == "sim":
        raise FeedError("The simulated market keeps no past: give --data sample, or a file of bars.")
    source = FileSource(source_path(settings.source), settings)
    bars, problems = source.bars(wanted)
    actions = tuple(action for action in source.actions if action.symbol in bars)
    return Data(source.name, bars, source.calendar, actions=actions, problems=tuple(problems))
