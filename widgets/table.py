"""LiveTable: a table that a person sorts, filters and arranges, while its rows change many times a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, Unpack

from msgspec import Struct
from textual import events
from textual.message import Message

from widgets import numbers
from widgets.cells import Cell, length
from widgets.columns import Arrangement, Column, ordered, shown
from widgets.filter_line import FilterLine
from widgets.row_painter import ASCENDING, DESCENDING
from widgets.row_table import RowTable, TableOptions

RowT = TypeVar("RowT")

AROUND_TITLES = 12
"""Cells of the top border that are neither title nor summary: corners, rules, digit, blanks."""


class Subset(Struct, Generic[RowT], frozen=True):
    """Some of a table's rows, by a name; without `holds`, all."""

    name: str
    holds: Callable[[RowT], bool] | None = None


class LiveTable(RowTable[RowT], Generic[RowT], inherit_bindings=True):
    """A RowTable whose columns, order, filter and subset a person chooses. `Rearranged` is posted when they sort it."""

    SUBSETS: ClassVar[Sequence[Subset[Any]]] = ()
    """What a person may look at one after another; the first is all rows."""

    class Rearranged(Message):
        """A person changed how the table is sorted."""

        def __init__(self, table: LiveTable[Any]) -> None:
            super().__init__()
            self.table = table

    def __init__(self, **options: Unpack[TableOptions]) -> None:
        super().__init__(**options)
        self._arrangement = Arrangement()
        self._today = numbers.NONE
        self._filter = FilterLine()
        self._filter_span = range(0)
        self._subset_spans: dict[str, range] = {}
        self._looked_at: int | None = None
        self._subset: Subset[RowT] | None = self.SUBSETS[0] if self.SUBSETS else None

    # ---- sorting and columns

    @property
    def arrangement(self) -> Arrangement:
        """How a person wants it."""
        return self._arrangement

    def rearrange(self, arrangement: Arrangement) -> None:
        """Show it like this from now on."""
        self._arrangement = arrangement
        self._painter.choose(shown(self.columns, arrangement))
        self._sort()

    def columns_on(self, today: str) -> Sequence[Column[RowT]]:
        """All columns as they are on this day of the market: a row of another day says which."""
        return self.COLUMNS

    def show_day(self, market_time: int) -> None:
        """Other rows are of today from now on, where this market time is of another day than the last one."""
        today = numbers.market_day(market_time)
        if today != self._today:
            self._today = today
            self.columns = self.columns_on(today)
            self.rearrange(self._arrangement)

    def column_choice(self) -> tuple[tuple[str, bool], ...]:
        """Every column by its title, in order, and whether it is shown."""
        wanted = {column.title for column in shown(self.columns, self._arrangement)}
        return tuple((column.title, column.title in wanted) for column in ordered(self.columns, self._arrangement.columns))

    def default_choice(self) -> tuple[tuple[str, bool], ...]:
        """As `column_choice`, before anybody chose."""
        return tuple((column.title, True) for column in self.columns)

    @property
    def sorted_by(self) -> Column[RowT] | None:
        """The column by which it is sorted; None for the order in which rows come."""
        title = self._arrangement.sort
        return next((column for column in self.columns if column.title == title and column.sort is not None), None) if title else None

    def sort_next(self) -> None:
        """Sort by the next column that is drawn; after the last, as the rows come."""
        columns = [column for column in self._painter.columns if column.sort is not None]
        if columns:
            by = self.sorted_by
            place = columns.index(by) + 1 if by in columns else 0
            self._sort_by(columns[place] if place < len(columns) else None)

    def sort_other_way(self) -> None:
        by = self.sorted_by
        if by is not None:
            self._sort_by(by, not self._arrangement.descending)

    def unsort(self) -> None:
        """As the rows come."""
        self._sort_by(None)

    def _sort_by(self, column: Column[RowT] | None, descending: bool | None = None) -> None:
        """Numbers begin with the largest."""
        self._arrangement.sort = column.title if column is not None else ""
        self._arrangement.descending = column is not None and (column.justify == "right" if descending is None else descending)
        self._sort()
        self.post_message(self.Rearranged(self))

    def _sort(self) -> None:
        by, before = self.sorted_by, self._window()
        self._painter.sorts_by(by.title if by is not None else "", self._arrangement.descending)
        self._model.sort(by.sort if by is not None else None, self._arrangement.descending)
        self._arrange(*before)
        self.refresh()

    # ---- filter and subset

    @property
    def typing(self) -> bool:
        """Whether a filter is being typed: every key that types is text then."""
        return self._filter.typing

    @property
    def filter_text(self) -> str:
        return self._filter.text

    def open_filter(self) -> None:
        self._filter.begin()
        self.refresh_foot()

    def take_filter_key(self, key: str, character: str | None) -> bool:
        """One key while `typing`; False where it is none of the filter's."""
        before = self._filter.words
        taken = self._filter.take(key, character)
        self._filtered(before != self._filter.words)
        return taken

    def take_filter_paste(self, text: str) -> None:
        self._filter.paste(text)
        self._filtered(True)

    def end_filter(self) -> None:
        """Keep what was typed."""
        if self._filter.typing:
            self._filter.end()
            self._filtered(False)

    def clear_filter(self) -> bool:
        """Show all rows again; False where nothing is filtered."""
        filters = bool(self._filter.text) or self._filter.typing
        self._filter.clear()
        if filters:
            self._filtered(True)
        return filters

    @property
    def subset(self) -> str:
        """The name of the rows that are looked at, or empty where there is no choice."""
        return self._subset.name if self._subset is not None else ""

    def next_subset(self) -> None:
        names = [subset.name for subset in self.SUBSETS]
        if names:
            self.look_at(names[(names.index(self.subset) + 1) % len(names)])

    def look_at(self, name: str) -> None:
        """Look at the subset of this name."""
        self._subset = next(subset for subset in self.SUBSETS if subset.name == name)
        self._filtered(True)

    def show_subsets(self, counts: Mapping[str, int]) -> None:
        """The title says what is looked at and, where that leaves the summary its room, what else there is: how many rows each subset has,
        by its name."""
        self._looked_at = counts[self.subset]
        words = {name: f"[{name} {count:,}]" if name == self.subset else f" {name} {count:,} " for name, count in counts.items()}
        if len("".join(words.values())) > self.size.width - len(self.TITLE) - len(self.summary_text) - AROUND_TITLES:
            words = {self.subset: words[self.subset]}
        self._subset_spans = {}
        end = len(f"╭─ {self.DIGIT} {self.TITLE} ")
        for name, text in words.items():
            self._subset_spans[name] = range(end, end + len(text))
            end += len(text)
        self.set_title(Cell(self.TITLE), *(Cell(text, "title" if name == self.subset else "muted") for name, text in words.items()))

    def _filtered(self, changed: bool) -> None:
        if changed:
            before = self._window()
            self._model.narrow(self._filter.words, self._subset.holds if self._subset is not None else None)
            self._arrange(*before)
        self.refresh_foot()

    def on_resize(self) -> None:
        super().on_resize()
        self.rows_changed()

    def on_blur(self) -> None:
        self.end_filter()

    # ---- the mouse

    def on_click(self, event: events.Click) -> None:
        """A column's head sorts by it, then the other way, then not at all; a subset in the title is looked at, the filter in
        the frame is cleared."""
        if event.y == self.size.height - 1 and event.x in self._filter_span:
            self.clear_filter()
        elif event.y == 0:
            for name, span in self._subset_spans.items():
                if event.x in span:
                    self.look_at(name)
        elif self.header_height and event.y == 1 and self.rows:
            self._click_head(event.x - 1)

    def _click_head(self, x: int) -> None:
        column = self._painter.column_at(x)
        if column is None or column.sort is None:
            return
        first = column.justify == "right"
        if column != self.sorted_by:
            self._sort_by(column, first)
        elif self._arrangement.descending == first:
            self._sort_by(column, not first)
        else:
            self._sort_by(None)

    # ---- the frame

    def foot(self, room: int) -> tuple[Sequence[Cell], Sequence[Cell]]:
        _, marks = super().foot(room)
        by = self.sorted_by
        order = [Cell(f" by {by.title} {DESCENDING if self._arrangement.descending else ASCENDING} ", "muted")] if by is not None else []
        right = [*marks, *order]
        left = self._filter.cells(len(self.rows), self.total if self._looked_at is None else self._looked_at, room - length(right))
        self._filter_span = range(2, 2 + length(left)) if left and not self.typing else range(0)
        return left, right

    def nothing(self) -> str:
        if not self.total:
            return self.empty_text
        if self._filter.text:
            return "No row passes the filter. {clear} shows all again."
        return "None here. {subset} shows the others."
