"""Corporate actions: the file that tells them, the events they become, and bars restated in today's shares."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from msgspec import Struct

from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar
from engine.feeds.names import is_symbol, listed, shown
from engine.model.market import Bar, Dividend, Split
from engine.model.money import is_amount

_COLUMNS = ("symbol", "date", "kind", "value")


class Action(Struct, frozen=True):
    """What changes on the morning of `day`, the ex-date: by a split there are `value` shares for each one, by a dividend each share is
    paid `value` in cash."""

    symbol: str
    day: date
    kind: Literal["split", "dividend"]
    value: Decimal

    def event(self, at: int, price: float | None) -> Split | Dividend:
        """Told at `at`, when a share last cost `price`."""
        ex_date = self.day.isoformat()
        if self.kind == "split":
            return Split(self.symbol, at, self.value, price, ex_date)
        return Dividend(self.symbol, at, self.value, ex_date)


def read_actions(path: Path) -> tuple[Action, ...]:
    """The CSV file at `path`, in order of its days: columns symbol, date (YYYY-MM-DD), kind (split or dividend) and value.

    A wrong row is money wrongly booked, so none is skipped: raises FeedError with file and line.
    """
    file = shown(path.name)
    try:
        with path.expanduser().open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.reader(lines)
            titles = [title.strip().casefold() for title in next(rows, [])]
            if missing := [name for name in _COLUMNS if name not in titles]:
                raise FeedError(f"{file} lacks the column{'s' if len(missing) > 1 else ''} {listed(missing)}.")
            places = [titles.index(name) for name in _COLUMNS]
            actions = [_action(f"{file} line {rows.line_num}", row, places) for row in rows if any(field.strip() for field in row)]
    except FileNotFoundError as error:
        raise FeedError(f"There is no file {shown(str(path))}: feed.actions names it.") from error
    except (OSError, RuntimeError, ValueError, csv.Error) as error:  # a ~user who does not exist, a NUL in the name, text that is none
        raise FeedError(f"{shown(str(path))} cannot be read: {shown(str(error))}.") from error
    told: set[tuple[str, date, str]] = set()
    for action in actions:
        if (action.symbol, action.day, action.kind) in told:
            raise FeedError(f"{file} has two {action.kind}s of {action.symbol} on {action.day}: keep one.")
        told.add((action.symbol, action.day, action.kind))
    return tuple(sorted(actions, key=lambda action: action.day))


def _action(where: str, row: Sequence[str], places: Sequence[int]) -> Action:
    if len(row) <= max(places):
        raise FeedError(f"{where} has {len(row)} fields, {max(places) + 1} are needed.")
    symbol, day, kind, value = (row[place].strip() for place in places)
    symbol, kind = symbol.upper(), kind.casefold()
    if not is_symbol(symbol):
        raise FeedError(f"{where}: {shown(symbol)!r} is not a symbol.")
    if kind not in ("split", "dividend"):
        raise FeedError(f"{where}: {shown(kind)!r} is neither split nor dividend.")
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal(0)
    if not is_amount(number):
        raise FeedError(f"{where}: {shown(value)!r} is not a number above zero.")
    try:
        return Action(symbol, date.fromisoformat(day), "split" if kind == "split" else "dividend", number)
    except ValueError:
        raise FeedError(f"{where}: {shown(day)!r} is not a day: write it as YYYY-MM-DD.") from None


def adjust(bars: Sequence[Bar], actions: Iterable[Action], calendar: Calendar) -> list[Bar]:
    """One symbol's `bars`, oldest first, as if all its splits had always been. What trades on a split's day, in the sessions of
    `calendar`, is in the new shares."""
    if not bars:
        return []
    splits = [action for action in actions if action.kind == "split" and action.symbol == bars[0].symbol]
    firsts = [(bisect_left(bars, split.day, key=lambda bar: calendar.day_of(bar.at)), float(split.value)) for split in splits]
    pieces: list[list[Bar]] = []
    ratio, end = 1.0, len(bars)
    for first, value in sorted(firsts, reverse=True):
        pieces.append(restated(bars[first:end], ratio))
        ratio, end = ratio * value, first
    pieces.append(restated(bars[:end], ratio))
    return [bar for piece in reversed(pieces) for bar in piece]


def restated(bars: Iterable[Bar], ratio: float) -> list[Bar]:
    """`bars` in shares of which there are `ratio` for each one: prices divided, volumes multiplied."""
    if ratio == 1.0:
        return list(bars)
    return [Bar(b.symbol, b.at, b.open / ratio, b.high / ratio, b.low / ratio, b.close / ratio, b.volume * ratio) for b in bars]
