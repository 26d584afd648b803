"""Sources of past bars by their name: built in, of an installed package, or in a Python file of the user's own.

A package adds one by an entry point of the group `tradeconsole.feeds`; a file is named by its path. Both bring a class with a method

    def history(self, symbol, timeframe, start, end)

that is made without arguments and answers a list of `Bar`, oldest first, each at its close, or a `Fetched` where there are splits and
dividends to tell. `start` and `end` are days and both belong to it. It may say `timeframes`, ("1d",) without it, and `adjusted`, and by a
method `reach(timeframe)` a `Reach`: how many days one call may span, and how far back there are any. It is called on a thread of its own,
one call at a time; what it raises is told in words, and its bars are looked at before they are believed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import BarCache, cache_folder
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.history import Fetched, History, Reach
from engine.feeds.names import ENTRY_POINTS, FETCHED, shown
from engine.model.market import Bar
from engine.model.settings import TIMEFRAMES, FeedSettings, IbSettings
from engine.own_file import line_in, run_file

if TYPE_CHECKING:
    from engine.brokers.ib.config import IbConfig
    from engine.feeds.alpaca.rest import Access


def installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def open_source(settings: FeedSettings, *, adjusted: bool | None = None) -> CachedHistory:
    """What `settings.source` names, through the user's cache. Asks nobody yet. Raises FeedError and CalendarError."""
    calendar = Calendar(settings.calendar)
    restated = settings.adjusted if adjusted is None else adjusted
    if settings.source == "alpaca":
        from engine.feeds.alpaca.history import AlpacaHistory

        history: History = AlpacaHistory(calendar, alpaca_access(settings), adjusted=restated)
    elif settings.source == "ib":
        from engine.feeds.ib.history import IbHistory
        from engine.feeds.ib.line import Line

        history = IbHistory(calendar, Line(ib_access(settings)), adjusted=restated)
    else:
        history = open_history(settings.source, calendar, adjusted=restated)
    return CachedHistory(history, BarCache(cache_folder()), calendar)


def alpaca_access(settings: FeedSettings, environment: Mapping[str, str] = os.environ) -> Access:
    """The keys that a broker would have, of whichever kind of account: both may ask for prices. Raises FeedError where there are none."""
    from engine.brokers.alpaca.config import keys_of
    from engine.brokers.base import BrokerError
    from engine.feeds.alpaca.rest import Access

    try:
        key, secret = keys_of(environment, settings.keys, "paper", "live", whose="Alpaca's prices need")
    except BrokerError as error:
        raise FeedError(str(error)) from None
    return Access(key, secret, settings.tape, settings.url)


def ib_access(settings: FeedSettings, environment: Mapping[str, str] = os.environ) -> IbConfig:
    """Where TWS is, for what the settings and the environment say. Raises FeedError."""
    from engine.brokers.base import BrokerError
    from engine.brokers.ib.config import place

    host, _, port = settings.tws.rpartition(":")
    try:
        return place(environment, IbSettings(host, int(port) if port else None))
    except BrokerError as error:
        raise FeedError(str(error)) from None


def open_history(source: str, calendar: Calendar, *, adjusted: bool = False) -> History:
    """The source by its name, and bare. Raises FeedError."""
    if source == "yahoo":
        from engine.feeds.yahoo import YahooHistory

        return YahooHistory(calendar, adjusted=adjusted)
    if source.endswith(".py"):
        return _from_file(Path(source).expanduser())
    point = installed().get(source)
    if point is None:
        raise FeedError(f"There is no source {shown(source)!r}: there are {', '.join(source_names())}, or a Python file with a `history`.")
    try:
        return Provided(source, point.load())
    except FeedError:
        raise
    except Exception as error:
        raise FeedError(f"The source {shown(source)!r} of an installed package cannot be opened ({_said(error)}).") from error


def source_names() -> tuple[str, ...]:
    return (*FETCHED, *sorted(installed()))


class Provided:
    """Implements History over somebody else's class. Raises FeedError where it is none."""

    def __init__(self, name: str, made_by: Any, path: Path | None = None) -> None:
        self.name = who = shown(path.name if path else name)
        self.kept_as = name
        self._path = path
        if not callable(getattr(made_by, "history", None)):
            raise FeedError(f"{who} brings {shown(getattr(made_by, '__name__', str(made_by)))}, which has no method `history`.")
        try:
            self._made = made_by()
        except Exception as error:
            raise FeedError(f"{who}: {made_by.__name__} cannot be made without arguments ({self._where(error)}).") from error
        told = getattr(self._made, "timeframes", ("1d",))
        if not isinstance(told, list | tuple) or not told or not all(each in TIMEFRAMES for each in told):
            raise FeedError(f"{who}: `timeframes` is {shown(repr(told))}; allowed are some of {', '.join(TIMEFRAMES)}.")
        self.timeframes: Sequence[str] = tuple(told)
        self.adjusted = bool(getattr(self._made, "adjusted", False))
        self._reaches = {each: self._asked_reach(each) for each in self.timeframes}

    def reach(self, timeframe: str) -> Reach:
        return self._reaches[timeframe]

    def _asked_reach(self, timeframe: str) -> Reach:
        if not callable(asked := getattr(self._made, "reach", None)):
            return Reach()
        try:
            told = asked(timeframe)
        except Exception as error:
            raise FeedError(f"{self.name}: its `reach` failed for {timeframe} ({self._where(error)}).") from error
        if not isinstance(told, Reach) or not all(days is None or (type(days) is int and days > 0) for days in (told.at_once, told.back)):
            said = f"its `reach` is {shown(repr(told))} for {timeframe}"
            raise FeedError(f"{self.name}: {said}; it is to be a Reach of days, 1 or more, or None.")
        return told

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        try:
            told = self._made.history(symbol, timeframe, start, end)
            fetched = told if isinstance(told, Fetched) else Fetched(list(told))
            return replace(fetched, bars=[_in_floats(bar) if isinstance(bar, Bar) else bar for bar in fetched.bars])
        except FeedError:
            raise
        except Exception as error:
            # Somebody else's code: whatever it is, another try may do.
            raise FeedLostError(f"{shown(self.name)} failed on {symbol} ({self._where(error)}).") from error

    def _where(self, error: Exception) -> str:
        line = line_in(self._path, error) if self._path is not None else ""
        return f"{line.removeprefix(', ')}: {_said(error)}" if line else _said(error)


def _in_floats(bar: Bar) -> Bar:
    """Python's own arithmetic makes whole numbers of prices: these are as good. What else is no bar is told by who looks at all of them."""
    values = bar.open, bar.high, bar.low, bar.close, bar.volume
    if all(type(value) is not int for value in values):
        return bar
    return Bar(bar.symbol, bar.at, *(float(value) if type(value) is int else value for value in values))


def _from_file(path: Path) -> Provided:
    try:
        path = path.resolve()
        there = path.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise FeedError(f"The file {shown(str(path))} cannot be opened: {shown(str(error))}.") from error
    if not there:
        raise FeedError(f"There is no file {shown(str(path))}: name the Python file with your `history`, or write yahoo.")
    try:
        module = run_file(path, "feed")
    except (Exception, SystemExit) as error:
        raise FeedError(f"{shown(str(path))}{line_in(path, error)}: {_said(error)}.") from error
    mine = [
        each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__ and hasattr(each, "history")
    ]
    if len(mine) != 1:
        found = f"{len(mine)} classes" if mine else "no class"
        raise FeedError(f"{shown(str(path))} has {found} with a method `history`; one is needed.")
    return Provided(str(path), mine[0], path)


def _said(error: BaseException) -> str:
    text = shown(str(error)).rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
