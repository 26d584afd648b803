"""What a person types to narrow the history down: a symbol, a day or days, or both: `AAPL 2025-06-01..2025-06-12`."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

_EXCHANGE = ZoneInfo("America/New_York")
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-/]{0,11}")
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})?\.\.(\d{4}-\d{2}-\d{2})?")
_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
HOW = "a symbol, a day, or days: AAPL 2025-06-01..2025-06-12"


class Narrowed(Struct, frozen=True):
    """Empty and None narrow nothing. Days are New York's, both included."""

    symbol: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def since(self) -> int | None:
        """Nanoseconds UTC, included."""
        return _midnight(self.first) if self.first is not None else None

    @property
    def until(self) -> int | None:
        """Nanoseconds UTC, not included."""
        return _midnight(self.last + timedelta(days=1)) if self.last is not None and self.last < date.max else None

    def __str__(self) -> str:
        if self.first is not None and self.first == self.last:
            days = self.first.isoformat()
        else:
            days = " ".join(f"{word} {day.isoformat()}" for word, day in (("from", self.first), ("to", self.last)) if day is not None)
        return " ".join(filter(None, (self.symbol, days)))


def read(text: str) -> Narrowed:
    """Raises ValueError saying which word is wrong and what would be right."""
    symbol, first, last, days = "", None, None, False
    for word in text.split():
        if (spread := _RANGE.fullmatch(word)) and any(spread.groups()) and not days:
            first, last = (_day(part) if part else None for part in spread.groups())
            days = True
        elif _DAY.fullmatch(word) and not days:
            first = last = _day(word)
            days = True
        elif _SYMBOL.fullmatch(word) and not symbol and not _DAY.fullmatch(word):
            symbol = word.upper()
        else:
            raise ValueError(f"{word!r} is one too many, or not understood. Give {HOW}")
    if first is not None and last is not None and first > last:
        raise ValueError(f"{first} is after {last}. Give the earlier day first")
    return Narrowed(symbol, first, last)


def _day(word: str) -> date:
    try:
        year, month, day = map(int, word.split("-"))
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"There is no day {word}. Write it as 2025-06-12") from None


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=_EXCHANGE).timestamp()) * 1_000_000_000
