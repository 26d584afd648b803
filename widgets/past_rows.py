"""Orders and signals of a recording: their times with the day, for what is looked at may be years of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from engine.model.views import OrderRow, SignalRow
from widgets import numbers
from widgets.cells import Cell, Content
from widgets.columns import Column, RowT, drawn_by
from widgets.orders import Orders
from widgets.signals import Signals, waits

PRIORITIES = {"#": 3, "Time": 4}
"""Of an order's columns that are otherwise than now: when it was says more than how long it stood, and by its number others tell of it."""


def pattern_for(timeframe: str, first_at: int, last_at: int) -> str:
    """How a moment of a recording in bars of `timeframe` is written that begins at the market time `first_at` and ends at `last_at`: a
    daily bar has no time of day, and one day needs not be said."""
    if timeframe.endswith("d"):
        return "%Y-%m-%d"
    first, last = (numbers.market_time(at, "%Y-%m-%d") for at in (first_at, last_at))
    return "%H:%M:%S" if first == last else "%m-%d %H:%M" if first[:4] == last[:4] else "%Y-%m-%d %H:%M"


def pattern_of_ends(first_at: int, last_at: int) -> str:
    """How the ends of a recording are written: by their days, or where these are one by their times."""
    first, last = (numbers.market_time(at, "%Y-%m-%d") for at in (first_at, last_at))
    return "%Y-%m-%d" if first != last else "%H:%M:%S"


class PastOrders(Orders):
    def write_times(self, pattern: str) -> None:
        """As `pattern_for` answers it."""

        def time(row: OrderRow) -> Content:
            return Cell(numbers.market_time(row.created_at, pattern), "muted")

        columns = [replace(column, priority=PRIORITIES.get(column.title, column.priority)) for column in self.COLUMNS]
        self.columns = with_times(columns, "Time", time, pattern)
        self.rearrange(self.arrangement)

    def show_day(self, market_time: int) -> None:
        """How its times are written is said once, by `write_times`."""


class PastSignals(Signals):
    GAP = 1
    EMPTY = ALONE = "No signals until now."

    def write_times(self, pattern: str) -> None:
        """As `pattern_for` answers it."""
        left = next(column for column in self.COLUMNS if column.title == "Left").cell

        def time(row: SignalRow) -> Content:
            return left(row) if waits(row) else Cell(numbers.market_time(row.raised_at, pattern), "muted")

        self.columns = with_times(self.COLUMNS, "Left", time, pattern, called="When")
        self.rearrange(self.arrangement)

    def show_day(self, market_time: int) -> None:
        """How its times are written is said once, by `write_times`."""


def with_times(
    columns: Sequence[Column[RowT]], title: str, cell: Callable[[RowT], Content], pattern: str, called: str = ""
) -> tuple[Column[RowT], ...]:
    """`columns` with the one of this `title` drawn by `cell`, as wide as the times of `pattern` are, and `called` otherwise where that is
    given."""
    width = len(numbers.market_time(1, pattern))
    return drawn_by(columns, title, cell, title=called or title, width=width, grow=width)
