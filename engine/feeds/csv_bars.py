"""Reads bars from a CSV file. Columns are found by name; a row that cannot be trusted is skipped and told with its line and the reason."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from engine.feeds.base import FeedError
from engine.feeds.names import is_symbol, listed, shown
from engine.feeds.new_york import close_of, to_ns
from engine.model.market import Bar
from engine.model.money import is_price

_VALUES = ("open", "high", "low", "close", "volume")
_TIMES = ("datetime", "timestamp", "date", "time")
_SYMBOLS = ("symbol", "ticker")
_MOST_VOLUME = 1e15
_ROUNDING = 1.001
"""Adjusting for splits and dividends rounds, which may put an open or a close a hair past the high or the low."""
_YEARS = range(1800, 2200)  # Nanoseconds since 1970 fit into 64 bits from 1677 to 2262.


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was skipped. `line` is the file's, counted from 1, header included."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line} skipped: {self.reason}"


@dataclass(frozen=True, slots=True)
class BarFile:
    """What a file held: the bars of each symbol, oldest first, the symbols in the order of their first row, and the rows left out."""

    bars: dict[str, list[Bar]]
    problems: tuple[Problem, ...]


def read_bars(path: Path) -> BarFile:
    """All bars of the file at `path`, values as they stand there.

    Needed are the columns open, high, low, close, volume and one of datetime, timestamp or date (or date and time, which are joined); any
    case, any order, others are left alone. A column symbol or ticker tells symbols apart; without one the file's stem is the symbol.

    A date is a day's bar and closes at 16:00 New York; so does one at midnight, where the whole file has no other time of day. A date
    with a time is ISO 8601 and the bar's close, in UTC unless it says otherwise.

    Raises FeedError where the file cannot be read, lacks a column, runs backward in time, or has no good row.
    """
    file = shown(path.name)
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
            rows = csv.reader(lines)
            columns = _find_columns(file, next(rows, []))
            symbol = _symbol_of_file(path) if columns.symbol is None else ""
            parsed, problems = _parse(file, ((rows.line_num, row) for row in rows), columns, symbol)
    except FileNotFoundError as error:
        raise FeedError(f"There is no file {shown(str(path))}.") from error
    except OSError as error:
        raise FeedError(f"{shown(str(path))} cannot be read: {error.strerror}.") from error
    except csv.Error as error:
        raise FeedError(f"{file} cannot be read as CSV: {error}.") from error
    bars, disorder = _in_order(file, parsed)
    problems = sorted(problems + disorder, key=lambda problem: problem.line)
    if not bars:
        first = f" The first problem: {problems[0]}." if problems else " It has no rows."
        raise FeedError(f"{file} has no bar to play.{first}")
    return BarFile(bars, tuple(problems))


class _BadRowError(Exception):
    """The message is the reason."""


class _Columns(NamedTuple):
    """Where each column stands in a row."""

    time: tuple[int, ...]
    values: tuple[int, ...]
    symbol: int | None

    @property
    def width(self) -> int:
        """How many fields a row must have at least."""
        return max(*self.time, *self.values, -1 if self.symbol is None else self.symbol) + 1


class _Row(NamedTuple):
    """A row that is good in itself. `stamp` is naive where the file gives no offset; `bar.at` is set once all rows are known."""

    line: int
    stamp: datetime
    dated: bool
    bar: Bar


def _find_columns(file: str, header: Sequence[str]) -> _Columns:
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        name = title.strip().casefold()
        if name in places and name in (*_VALUES, *_TIMES, *_SYMBOLS):
            raise FeedError(f"{file} has two columns named {name}: keep one.")
        places[name] = place
    times = [name for name in _TIMES if name in places]
    missing = [name for name in _VALUES if name not in places]
    if not times or times == ["time"]:
        missing.insert(0, "date")
    if missing:
        found = listed([shown(title.strip()) for title in header]) or "nothing"
        raise FeedError(f"{file} lacks the column{'s' if len(missing) > 1 else ''} {listed(missing)}; its first line names {found}.")
    joined = ("date", "time") if times == ["date", "time"] else times[:1]
    symbol = next((places[name] for name in _SYMBOLS if name in places), None)
    return _Columns(tuple(places[name] for name in joined), tuple(places[name] for name in _VALUES), symbol)


def _symbol_of_file(path: Path) -> str:
    symbol = path.stem.upper()
    if not is_symbol(symbol):
        raise FeedError(f"{shown(path.name)} has no symbol column, and its name is not a symbol: call it AAPL.csv, say, or add the column.")
    return symbol


def _parse(file: str, rows: Iterable[tuple[int, list[str]]], columns: _Columns, symbol: str) -> tuple[list[_Row], list[Problem]]:
    parsed: list[_Row] = []
    problems: list[Problem] = []
    for line, row in rows:
        if not row:
            continue
        try:
            parsed.append(_parse_row(line, row, columns, symbol))
        except _BadRowError as error:
            problems.append(Problem(file, line, str(error)))
    return parsed, problems


def _parse_row(line: int, row: list[str], columns: _Columns, symbol: str) -> _Row:
    if len(row) < columns.width:
        raise _BadRowError(f"it has {len(row)} fields, {columns.width} are needed")
    text = " ".join(row[place].strip() for place in columns.time)
    if text.isdigit() and len(text) != len("20050228"):
        # Python would read some of these as a year of their own.
        raise _BadRowError(f"{shown(text)!r} looks like seconds since 1970: write ISO 8601 times")
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        raise _BadRowError(f"{shown(text)!r} is not a date or an ISO 8601 time") from None
    if stamp.year not in _YEARS:
        raise _BadRowError(f"the year {stamp.year} cannot be right")
    if columns.symbol is not None:
        symbol = row[columns.symbol].strip().upper()
        if not is_symbol(symbol):
            raise _BadRowError(f"{shown(symbol)!r} is not a symbol")
    values = [_number(name, row[place].strip()) for name, place in zip(_VALUES, columns.values, strict=True)]
    for name, value in zip(_VALUES[:4], values, strict=False):
        if value <= 0:
            raise _BadRowError(f"{name} is {value:g}, and a price is above zero")
        if not is_price(value):
            raise _BadRowError(f"{name} is {value:g}, which no market ever showed")
    open_, high, low, close, volume = values
    if volume < 0:
        raise _BadRowError(f"volume is {volume:g}, below zero")
    if volume > _MOST_VOLUME:
        raise _BadRowError(f"volume is {volume:g}, which no market ever showed")
    if high < low:
        raise _BadRowError(f"the high {high:g} is below the low {low:g}")
    for name, value in (("open", open_), ("close", close)):
        if not low / _ROUNDING <= value <= high * _ROUNDING:
            raise _BadRowError(f"the {name} {value:g} is not between the low {low:g} and the high {high:g}")
    return _Row(line, stamp, len(text) <= len("2005-02-28"), Bar(symbol, 0, open_, high, low, close, volume))


def _number(name: str, text: str) -> float:
    if not text:
        raise _BadRowError(f"{name} is empty")
    try:
        value = float(text)
    except ValueError:
        value = None
    # Python reads 1_000 as a number; in a price file it is a slip.
    if value is None or "_" in text:
        raise _BadRowError(f"{name} is {shown(text)!r}, not a number")
    if not isfinite(value):
        raise _BadRowError(f"{name} is {value:g}, not a finite number")
    return value


def _in_order(file: str, rows: Sequence[_Row]) -> tuple[dict[str, list[Bar]], list[Problem]]:
    """Gives each bar its time, and leaves out those that do not come after their symbol's bar before."""
    daily = all(row.stamp.time() == time() for row in rows)
    bars: dict[str, list[Bar]] = {}
    problems: list[Problem] = []
    backward = 0
    for line, stamp, dated, bar in rows:
        bar.at = _closing_time(stamp, day=stamp.date() if dated or daily else None)
        series = bars.setdefault(bar.symbol, [])
        if not series or bar.at > series[-1].at:
            series.append(bar)
            continue
        repeated = bar.at == series[-1].at
        backward += not repeated
        problems.append(Problem(file, line, f"{bar.symbol} {'has this time already' if repeated else 'goes back in time'}: {stamp}"))
    if backward > len(rows) // 2:
        raise FeedError(f"{file} runs backward in time, newest first: sort it oldest first.")
    return bars, problems


def _closing_time(stamp: datetime, day: date | None) -> int:
    if day is not None:
        return close_of(day)
    return to_ns(stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC))
