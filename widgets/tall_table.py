"""TallTable: a table whose rows take as many lines as what they say needs. It is scrolled row by row, and looks at no more rows than it
draws, so that a hundred thousand of them cost nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Generic, TypeVar, Unpack

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size

from widgets.cells import Cell, fit_cells, segments
from widgets.columns import Arrangement
from widgets.row_table import TableOptions
from widgets.table import LiveTable
from widgets.text import ELLIPSIS

RowT = TypeVar("RowT")

KEPT_ROWS = 1000
"""Rows whose lines are kept; a few screens of scrolling back and forth."""


class TallTable(LiveTable[RowT], Generic[RowT], inherit_bindings=True):
    """Without heads and totals. Each row has a sentence, and what of it has no room beside the columns before it goes on under itself."""

    HEADER = False

    def __init__(self, **options: Unpack[TableOptions]) -> None:
        self._lines: dict[str, tuple[RowT, int, list[list[Cell]]]] = {}
        super().__init__(**options)

    def rearrange(self, arrangement: Arrangement) -> None:
        self._lines.clear()
        super().rearrange(arrangement)

    # ---- geometry: `starts` are the lines, counted from the first in view, on which rows begin

    def _lines_of(self, index: int) -> list[list[Cell]]:
        """What the row says, in no more lines than the panel has."""
        row, key, width = self.rows[index], self._model.key(index), self.inner_width - 1
        kept = self._lines.get(key)
        if kept is None or kept[0] is not row or kept[1] != width:
            if len(self._lines) >= KEPT_ROWS:
                self._lines.clear()
            kept = self._lines[key] = row, width, self._painter.tall(row, width, self.sentence(row))
        lines, most = kept[2], max(1, self.inner_height)
        if len(lines) <= most:
            return lines
        return [*lines[: most - 1], fit_cells([*fit_cells(lines[most - 1], width - 2), Cell(f" {ELLIPSIS}")], width)]

    def _starts(self) -> list[int]:
        """Of the rows in view, and behind them the line on which the next one would begin."""
        starts = [0]
        for index in range(int(self.scroll_offset.y), len(self.rows)):
            if starts[-1] >= self.inner_height:
                break
            starts.append(starts[-1] + len(self._lines_of(index)))
        return starts

    @property
    def shown_rows(self) -> int:
        """Those that are in view, the last of them perhaps in part; before there are rows, as many as there are lines."""
        return max(1, len(self._starts()) - 1) if self.rows and self.inner_height else self.inner_height

    def first_above(self, last: int) -> int:
        """The row to begin with so that the row `last` is the lowest that is whole in view."""
        left, first = self.inner_height, last
        while first >= 0 and left >= len(self._lines_of(first)):
            left -= len(self._lines_of(first))
            first -= 1
        return min(first + 1, last)

    @property
    def last_top(self) -> int:
        """The row that is the topmost when the last one is in view."""
        return self.first_above(len(self.rows) - 1) if self.rows and self.inner_height and self.inner_width else 0

    def content_height(self, shown: int) -> int:
        return shown + self.last_top

    def _measure(self) -> None:
        last = self.last_top
        self.virtual_size = Size(self.size.width, self.size.height + last)
        if self.scroll_target_y > last:
            self.scroll_to_line(last)

    def _resized(self, before: int, after: int) -> None:
        super()._resized(before, after)
        self.refresh()

    def _grown(self) -> None:
        self._lines.clear()
        super()._grown()
        self._measure()

    @property
    def cursor_line(self) -> int | None:
        starts, place = self._starts(), self._cursor - int(self.scroll_offset.y)
        return starts[place] + 1 if self._cursor >= 0 and 0 <= place < len(starts) - 1 else None

    def _refresh_rows(self, indices: Iterable[int]) -> None:
        """All the lines from the first of these rows on: what is under it may have moved."""
        starts, top = self._starts(), int(self.scroll_offset.y)
        places = [place for index in indices if 0 <= (place := index - top) < max(self.shown_rows, len(starts))]
        if places:
            first = starts[min(min(places), len(starts) - 1)]
            self.refresh(Region(0, first + 1, self.size.width, max(0, self.inner_height - first)))

    def _into_view(self) -> None:
        top, cursor = int(self.scroll_target_y), self._cursor
        if cursor < 0 or self.inner_height <= 0 or not self.inner_width:
            return
        first = self.first_above(cursor)
        if cursor < top:
            self.scroll_to_line(cursor)
        elif first > top:
            self.scroll_to_line(first)

    def _place_at(self, line: int) -> tuple[int, int] | None:
        """The row that is drawn on this line of the content, and which of its lines that is."""
        for place, (start, end) in enumerate(pairwise(self._starts())):
            if start <= line < end:
                return int(self.scroll_offset.y) + place, line - start
        return None

    def _row_at(self, event: events.MouseEvent) -> int | None:
        found = self._place_at(event.y - 1) if 0 < event.y <= self.inner_height else None
        return None if found is None else found[0]

    # ---- drawing

    def left_out(self) -> Sequence[tuple[str, str]]:
        """Nothing, unless the row takes more lines than there are or somebody put its columns away."""
        index, row = self._cursor, self.cursor_row
        if row is None or not self.inner_width:
            return ()
        whole = self._painter.tall(row, self.inner_width - 1, self.sentence(row))
        return super().left_out() if len(whole) > len(self._lines_of(index)) else ()

    def content_line(self, y: int, width: int) -> list[Segment]:
        if not self.rows:
            return self.message_line(y, width, self.nothing())
        found = self._place_at(y)
        if found is None:
            return segments([Cell(" " * width)], self.palette)
        index, line = found
        on_cursor = index == self._cursor and self.has_focus
        gutter = " " if line else "●" if self._model.key(index) in self.marks else "▸" if on_cursor else " "
        return segments(fit_cells([Cell(gutter, "key"), *self._lines_of(index)[line]], width), self.palette, "cursor" if on_cursor else "")
