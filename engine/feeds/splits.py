"""Share splits: a table of them, and bars restated in today's shares."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.feeds.new_york import day_of_close
from engine.model.market import Bar


@dataclass(frozen=True, slots=True)
class Split:
    """From `day` on, `ratio` shares of `symbol` stand for one before it."""

    day: date
    symbol: str
    ratio: float


def read_splits(path: Path) -> tuple[Split, ...]:
    """The table at `path`: columns Date, Symbol, Ratio."""
    with path.open(newline="", encoding="utf-8") as lines:
        return tuple(Split(date.fromisoformat(row["Date"]), row["Symbol"], float(row["Ratio"])) for row in csv.DictReader(lines))


def adjust(bars: Sequence[Bar], splits: Iterable[Split]) -> list[Bar]:
    """One symbol's `bars`, oldest first, as if all its splits had always been: earlier prices divided, volumes multiplied."""
    adjusted: list[Bar] = []
    later = sorted((split for split in splits if bars and split.symbol == bars[0].symbol), key=lambda split: split.day)
    ratio = 1.0
    for bar in reversed(bars):
        while later and day_of_close(bar.at) < later[-1].day:
            ratio *= later.pop().ratio
        adjusted.append(Bar(bar.symbol, bar.at, bar.open / ratio, bar.high / ratio, bar.low / ratio, bar.close / ratio, bar.volume * ratio))
    adjusted.reverse()
    return adjusted
