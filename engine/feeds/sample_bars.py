"""The bundled sample. It is known to be sound (a test reads it with every check), and so it opens without pandas."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from operator import itemgetter
from pathlib import Path

from engine.feeds.actions import adjust, read_actions
from engine.feeds.calendar import Calendar
from engine.model.market import Bar

SAMPLE = Path(__file__).parent / "sample"
SYMBOLS = ("AAPL", "MSFT", "IBM", "GOOG", "FB")
WHOLE = ("AAPL", "MSFT", "IBM")
"""Played where nobody named symbols: they trade from the sample's first day to its last, the other two start years into it."""
_VALUES = ("Open", "High", "Low", "Close", "Volume")


def sample_bars(symbols: Sequence[str]) -> dict[str, list[Bar]]:
    """Daily bars of some of SYMBOLS, adjusted for splits and not for dividends."""
    calendar = Calendar()
    actions = read_actions(SAMPLE / "actions.csv")
    return {symbol: adjust(list(_read(symbol, calendar)), actions, calendar) for symbol in symbols}


def _read(symbol: str, calendar: Calendar) -> Iterator[Bar]:
    with (SAMPLE / f"{symbol}.csv").open(newline="", encoding="utf-8") as lines:
        rows = csv.reader(lines)
        head = next(rows)
        day_of, values_of = itemgetter(head.index("Date")), itemgetter(*map(head.index, _VALUES))
        for row in rows:
            session = calendar.session_on(date.fromisoformat(day_of(row)))
            if session is not None:
                yield Bar(symbol, session.closes, *map(float, values_of(row)))
