"""Draws the lines of a table: its heads, its rows and its totals, in columns that find room. A line that was drawn is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct
from rich.segment import Segment

from widgets.cells import Cell, Content, Gauge, fit_cells, length, pieces, segments
from widgets.columns import Column, Placed, place
from widgets.palette import Palette

RowT = TypeVar("RowT")

CACHED_LINES = 1000
"""Drawn lines kept at most; a few screens of scrolling back and forth."""

BETWEEN, SHORTEST = 2, 8
"""Blanks between the two parts of a sentence, and cells of its left part that are worth cutting it for."""

ASCENDING, DESCENDING = "↑", "↓"

Form: TypeAlias = tuple[Sequence[Cell], Sequence[Cell]]
"""The left part of a sentence and its right part."""


class Sentence(Struct, frozen=True):
    """What takes all the room of a row from the column with the title `begins` on, in `forms` from the longest to the shortest: the first
    that fits is said, and the last is cut where it must."""

    begins: str
    forms: tuple[Form, ...]


class RowPainter(Generic[RowT]):
    """`grown` is called where a column needs more room than it has: what was drawn until then is cut, and has to be drawn again."""

    def __init__(self, columns: Sequence[Column[RowT]], most_gap: int, grown: Callable[[], object]) -> None:
        self._most_gap = most_gap
        self._grown = grown
        self._growing = False
        self._gap = 1
        self._placed: tuple[Placed[RowT], ...] = ()
        self._placed_for = -1
        self._drawn: dict[str, tuple[RowT, int, list[Segment]]] = {}
        self._needed: list[int] = []
        self._sorted, self._descending = "", False
        self.columns: Sequence[Column[RowT]] = ()
        self.choose(columns)

    def choose(self, columns: Sequence[Column[RowT]]) -> None:
        """Draw these columns from now on. Those that were there keep the room they had grown to."""
        widths = {column.title: width for column, width in zip(self.columns, self._needed, strict=True)}
        self.columns = columns
        self._needed = [widths.get(column.title, column.width) for column in columns]
        self._placed_for = -1

    def sorts_by(self, title: str, descending: bool) -> None:
        """The head of this column has an arrow, and room for it."""
        self._sorted, self._descending = title, descending
        self._placed_for = -1

    def forget(self) -> None:
        """Colours changed: nothing that was drawn holds any more."""
        self._drawn.clear()

    def grow(self) -> None:
        """The lines that were being drawn are done: from now on, the columns have the room they asked for."""
        self._growing = False
        self._placed_for = -1

    @property
    def placed(self) -> tuple[Placed[RowT], ...]:
        """The columns that found room at the last drawing."""
        return self._placed

    def place(self, width: int) -> None:
        """Make ready for lines of `width` cells."""
        if self._placed_for == width:
            return
        needed = [
            max(needed, len(column.title) + 1) if column.title == self._sorted and column.title else needed
            for column, needed in zip(self.columns, self._needed, strict=True)
        ]
        self._placed, self._gap = place(self.columns, needed, max(0, width - 1), self._most_gap)
        self._placed_for = width
        self._drawn.clear()

    def column_at(self, x: int) -> Column[RowT] | None:
        """The column whose cells, or the blanks behind them, are at `x` of a line."""
        end = 1
        for placed in self._placed:
            end += placed.width + self._gap
            if 1 <= x < end:
                return placed.column
        return None

    def heads(self, width: int, palette: Palette) -> list[Segment]:
        titles = []
        for placed in self._placed:
            title = placed.column.title
            cells = [Cell(title, "muted")]
            if title and title == self._sorted:
                cells = [Cell(title, "title"), Cell(DESCENDING if self._descending else ASCENDING, "key")]
            titles.append(fit_cells(cells, placed.width, right=placed.column.justify == "right"))
        return self._line(" ", "", titles, width, palette)

    def totals(self, totals: Mapping[str, Content], width: int, palette: Palette) -> list[Segment]:
        """One line under the rows: what stands in `totals` under the heads of these titles."""
        cells = [
            fit_cells(pieces(totals.get(placed.column.title, Cell("")), placed.width), placed.width, right=placed.column.justify == "right")
            for placed in self._placed
        ]
        for placed in self._placed:
            if placed.column.grow and placed.column.title in totals:
                self._wants(placed, length(pieces(totals[placed.column.title], placed.width)))
        return self._line(" ", "title", cells, width, palette)

    def row(
        self, row: RowT, key: str, width: int, palette: Palette, *, on_cursor: bool, marked: bool, sentence: Sentence | None
    ) -> list[Segment]:
        state = on_cursor + 2 * marked
        kept = self._drawn.get(key)
        if kept is not None and kept[0] is row and kept[1] == state:
            return kept[2]
        drawn: list[list[Cell]] = []
        taken = 1
        begins = self._begins(sentence)
        for number, placed in enumerate(self._placed):
            if sentence is not None and number == begins:
                drawn.append(_said(sentence.forms, width - 1 - taken))
                break
            taken += placed.width + self._gap
            content = pieces(placed.column.cell(row), placed.width, plain=palette.plain)
            if placed.column.grow:
                self._wants(placed, length(content))
            drawn.append(fit_cells(content, placed.width, right=placed.column.justify == "right"))
        gutter = "●" if marked else "▸" if on_cursor else " "
        line = self._line(gutter, "cursor" if on_cursor else "", drawn, width, palette)
        if len(self._drawn) >= CACHED_LINES:
            self._drawn.clear()
        self._drawn[key] = row, state, line
        return line

    def _begins(self, sentence: Sentence | None) -> int:
        """The place of the sentence's column: the last one where nobody wants that column, none where it found no room."""
        if sentence is None:
            return -1
        titles = [placed.column.title for placed in self._placed]
        if sentence.begins in titles:
            return titles.index(sentence.begins)
        return -1 if any(column.title == sentence.begins for column in self.columns) else len(titles) - 1

    def _line(self, gutter: str, base: str, drawn: list[list[Cell]], width: int, palette: Palette) -> list[Segment]:
        cells = [Cell(gutter, "key")]
        blank = Cell(" " * self._gap)
        for number, column in enumerate(drawn):
            if number:
                cells.append(blank)
            cells.extend(column)
        return segments(fit_cells(cells, width), palette, base)

    def _wants(self, placed: Placed[RowT], needed: int) -> None:
        wanted = min(needed, placed.column.grow)
        if wanted > self._needed[placed.index]:
            self._needed[placed.index] = wanted
            if not self._growing:
                self._growing = True
                self._grown()


def texts(columns: Sequence[Column[RowT]], row: RowT, sentence: Sentence | None) -> list[str]:
    """What the columns show of `row`, uncut and clean, one text a column. A bar has no text; a sentence is one more text at the end."""
    found = []
    for column in columns:
        if sentence is not None and column.title == sentence.begins:
            break
        content = column.cell(row)
        found.append("" if isinstance(content, Gauge) else "".join(cell.text for cell in pieces(content, 0)).strip())
    if sentence is not None:
        found.append(" ".join("".join(cell.text for cell in pieces(part, 0)) for part in sentence.forms[0] if part).strip())
    return found


def _said(forms: Sequence[Form], width: int) -> list[Cell]:
    for left, right in forms:
        start, end = pieces(left, 0), pieces(right, 0)
        room = width - length(end) - BETWEEN * bool(end)
        if length(start) <= room:
            break
    if room < SHORTEST:
        return fit_cells([*end, Cell(" " * BETWEEN), *start], max(0, width))
    return [*fit_cells(start, room), Cell(" " * BETWEEN * bool(end)), *end]
