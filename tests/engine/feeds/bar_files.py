"""Files of bars for tests, and reading them by rules of the test's choice."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from engine.feeds.calendar import Calendar
from engine.feeds.files import read_bars
from engine.feeds.new_york import to_ns
from engine.feeds.table import BarFile, Rules
from engine.model.market import Bar

HEADER = "Date,Open,High,Low,Close,Volume\n"
GOOD = "2005-02-25,10,11,9,10.5,1000\n"
NYSE = Calendar()


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return to_ns(datetime(year, month, day, hour, minute, tzinfo=UTC))


def read(
    path: Path,
    *,
    zone: str = "UTC",
    bar_time: Literal["open", "close"] = "close",
    refuse: bool = False,
    splits: frozenset[tuple[str, date]] | None = None,
    calendar: Calendar = NYSE,
    wanted: tuple[str, ...] = (),
) -> BarFile:
    """As on a day in 2026."""
    return read_bars(path, Rules(calendar, utc(2026, 11, 21), ZoneInfo(zone), bar_time, refuse, splits), wanted)


def bars_of(file: BarFile, symbol: str = "AAPL") -> list[Bar]:
    return list(file.bars[symbol])


def closes_at(file: BarFile, symbol: str = "AAPL") -> list[int]:
    return [bar.at for bar in file.bars[symbol]]
