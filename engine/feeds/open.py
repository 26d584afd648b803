"""Opens the feed that the settings name: the simulated market, the bundled sample, bars from files, or a source that is asked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.feeds.actions import read_actions
from engine.feeds.bar_columns import BarColumns
from engine.feeds.bars import BarFeed, Recorded
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar, CalendarError
from engine.feeds.names import check_known, check_symbols, is_fetched, shown, source_path
from engine.feeds.sample_bars import SYMBOLS, WHOLE, sample_bars
from engine.feeds.timeframe import DAY_S, check_multiple, spacing
from engine.model.settings import FeedSettings

if TYPE_CHECKING:
    from engine.feeds.cached import CachedHistory
    from engine.feeds.polling import PollingFeed
    from engine.feeds.simulated.feed import SimulatedFeed

_USUAL_SHARE = 0.5
"""With fewer of a file's bars in the regular session, its clock is probably another one than we were told."""


def open_feed(settings: FeedSettings, symbols: Sequence[str] = ()) -> BarFeed | SimulatedFeed | PollingFeed:
    """The feed named by `settings.source`, for `symbols`, or for its own choice of them where there are none. Asks nobody yet.

    Raises FeedError in words: no such source or file, a file without a good bar, a symbol it does not have, a start that is no day.
    """
    if settings.source == "sim":
        from engine.feeds.simulated.feed import SimulatedFeed

        return SimulatedFeed(symbols, settings, start=_start(settings))
    if settings.source == "sample":
        return sample_feed(symbols, settings)
    try:
        if is_fetched(settings.source):
            return _polling_feed(symbols, settings)
        return file_feed(source_path(settings.source), symbols, settings)
    except CalendarError as error:
        raise FeedError(f"{error} feed.calendar names it.") from error


def _polling_feed(symbols: Sequence[str], settings: FeedSettings) -> PollingFeed:
    from engine.feeds.polling import PollingFeed
    from engine.feeds.sources import open_source

    if settings.start:
        name = shown(settings.source)
        raise FeedError(f"{name} follows the market as it is now: leave feed.start out. Days that are over are for a backtest.")
    source = open_source(settings, adjusted=False)
    if source.history.adjusted:
        raise FeedError(
            f"{source.history.name} has adjusted prices, at which nobody trades: it is good for a backtest, not for a live feed."
        )
    if settings.source == "alpaca":
        return _alpaca_feed(source, symbols, settings)
    if settings.source == "ib":
        return _ib_feed(source, symbols, settings)
    usual = "1m" if "1m" in source.history.timeframes else source.history.timeframes[0]
    return PollingFeed(source, symbols, settings.timeframe or usual)


def _alpaca_feed(source: CachedHistory, symbols: Sequence[str], settings: FeedSettings) -> PollingFeed:
    from engine.feeds.alpaca.feed import AlpacaFeed
    from engine.feeds.alpaca.history import AlpacaHistory
    from engine.feeds.alpaca.stream import PriceStream
    from engine.feeds.sources import alpaca_access

    access = alpaca_access(settings)
    assert isinstance(source.history, AlpacaHistory)
    return AlpacaFeed(source, symbols, settings.timeframe or "1m", history=source.history, make=partial(PriceStream, access))


def _ib_feed(source: CachedHistory, symbols: Sequence[str], settings: FeedSettings) -> PollingFeed:
    from engine.feeds.ib.feed import PATIENCE_S, IbFeed
    from engine.feeds.ib.history import IbHistory

    history = source.history
    assert isinstance(history, IbHistory)
    history.patience_s = PATIENCE_S
    return IbFeed(source, symbols, settings.timeframe or "1m", line=history.line)


def sample_feed(symbols: Sequence[str], settings: FeedSettings) -> BarFeed:
    """The bundled daily bars of AAPL, MSFT, IBM, GOOG and FB, adjusted for splits and not for dividends. Raises FeedError."""
    wanted = check_symbols(symbols) or WHOLE
    check_known("The sample", wanted, SYMBOLS)
    if settings.timeframe:
        for symbol in wanted:
            check_multiple("feed.timeframe", settings.timeframe, "the sample", symbol, DAY_S)
    return BarFeed("sample", sample_bars(wanted), pace=settings.pace, start=_start(settings), source=_SampleSource())


class _SampleSource:
    def symbols(self) -> Sequence[str]:
        return SYMBOLS

    def read(self, symbol: str) -> Recorded:
        check_known("The sample", (symbol,), SYMBOLS)
        return Recorded(sample_bars((symbol,))[symbol])


def file_feed(path: Path, symbols: Sequence[str], settings: FeedSettings) -> BarFeed:
    """The bars at `path` (see `read_bars`), of all its symbols where none are asked for. Raises FeedError and CalendarError."""
    from engine.feeds.aggregate import regular_share

    source = FileSource(path, settings)
    name, calendar = source.name, source.calendar
    bars, problems = source.bars(check_symbols(symbols))
    if not settings.timeframe and spacing(bars.values()) < DAY_S and (share := regular_share(bars.values(), calendar)) < _USUAL_SHARE:
        problems.append(
            f"{name}: only {share:.0%} of its bars are of the regular session of {calendar.name}; "
            "feed.timezone and feed.calendar say on which clock and where they were traded"
        )
    return BarFeed(
        name,
        bars,
        pace=settings.pace,
        start=_start(settings),
        problems=problems,
        calendar=calendar,
        actions=[action for action in source.actions if action.symbol in bars],
        source=source,
    )


class FileSource:
    """The bars at `path` by the rules of the settings. Raises FeedError and CalendarError."""

    def __init__(self, path: Path, settings: FeedSettings) -> None:
        from engine.feeds.table import Rules

        self.name = shown(path.resolve().name)
        self.calendar = Calendar(settings.calendar)
        self._path = path
        self._timeframe = settings.timeframe
        actions = None if settings.actions is None else read_actions(settings.actions)
        self.actions = actions or ()
        splits = None if actions is None else frozenset((action.symbol, action.day) for action in actions if action.kind == "split")
        zone, refuse = ZoneInfo(settings.timezone), settings.bad_rows == "refuse"
        self._rules = Rules(self.calendar, time.time_ns(), zone, settings.bar_time, refuse, splits)

    def bars(self, wanted: Sequence[str]) -> tuple[Mapping[str, BarColumns], list[str]]:
        """Those of `wanted`, or all, in the settings' timeframe; and sentences about what was left out."""
        from engine.feeds.aggregate import in_timeframe
        from engine.feeds.files import read_bars

        read = read_bars(self._path, self._rules, wanted)
        bars: Mapping[str, BarColumns] = read.bars
        if self._timeframe:
            bars = in_timeframe(self.name, read.bars, self._timeframe, self.calendar)
        return bars, list(read.problems)

    def symbols(self) -> Sequence[str]:
        from engine.feeds.files import symbols_at

        return symbols_at(self._path, self._rules)

    def read(self, symbol: str) -> Recorded:
        bars, _ = self.bars((symbol,))
        return Recorded(bars[symbol], [action for action in self.actions if action.symbol == symbol])


def _start(settings: FeedSettings) -> date | None:
    if not settings.start:
        return None
    try:
        return date.fromisoformat(settings.start)
    except ValueError:
        raise FeedError(f"The start {shown(settings.start)!r} is not a day: write it as YYYY-MM-DD, 2005-02-01 for example.") from None
