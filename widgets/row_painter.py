"""Draws the lines of a table: its heads, its rows and its totals, in columns that find room. A line that was drawn is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct
from rich.segment import Segment

from widgets.cells import UNLIMITED, Cell, Content, Forms, Gauge, fit_cells, length, pieces, segments, wrap_cells
from widgets.columns import Column, Placed, place
from widgets.numbers import NONE
from widgets.palette import Palette

RowT = TypeVar("RowT")

CACHED_LINES = 1000
"""Drawn lines kept at most; a few screens of scrolling back and forth."""

BETWEEN, SHORTEST = 2, 8
"""Blanks between the two parts of a sentence, and cells of its left part that are worth cutting it for."""

_HANGS_FROM = 60
"""Cells of a line from which a sentence of several lines stays clear of the columns before it; below that, it needs the room itself."""

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
        self._least: list[int] = []
        self._sorted, self._descending = "", False
        self.columns: Sequence[Column[RowT]] = ()
        self.choose(columns)

    def choose(self, columns: Sequence[Column[RowT]]) -> None:
        """Draw these columns from now on. Those that were there keep the room they had grown to."""
        before = dict(zip((column.title for column in self.columns), zip(self._needed, self._least, strict=True), strict=True))
        self.columns = columns
        widths = [before.get(column.title, (column.width, column.width)) for column in columns]
        self._needed, self._least = [needed for needed, _ in widths], [least for _, least in widths]
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
        needed, least = (
            [
                max(needed, len(column.title) + 1) if column.title == self._sorted and column.title else needed
                for column, needed in zip(self.columns, widths, strict=True)
            ]
            for widths in (self._needed, self._least)
        )
        self._placed, self._gap = place(self.columns, needed, least, max(0, width - 1), self._most_gap)
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
                self._wants(placed.index, totals[placed.column.title], length(pieces(totals[placed.column.title], placed.width)))
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
                drawn.append(_said(sentence, width - 1 - taken))
                break
            taken += placed.width + self._gap
            content = placed.column.cell(row)
            said = pieces(content, placed.width, plain=palette.plain)
            if placed.column.grow:
                self._wants(placed.index, content, length(said))
            drawn.append(fit_cells(said, placed.width, right=placed.column.justify == "right"))
        gutter = "●" if marked else "▸" if on_cursor else " "
        line = self._line(gutter, "cursor" if on_cursor else "", drawn, width, palette)
        if len(self._drawn) >= CACHED_LINES:
            self._drawn.clear()
        self._drawn[key] = row, state, line
        return line

    def tall(self, row: RowT, width: int, sentence: Sentence | None) -> list[list[Cell]]:
        """`row` in as many lines of at most `width` cells as its sentence needs, which stands behind the columns before it."""
        self.place(width + 1)
        lead: list[Cell] = []
        begins = self._begins(sentence)
        for placed in self._placed[: len(self._placed) if begins < 0 else begins]:
            content = placed.column.cell(row)
            said = pieces(content, placed.width)
            if placed.column.grow:
                self._wants(placed.index, content, length(said))
            lead += [*fit_cells(said, placed.width, right=placed.column.justify == "right"), Cell(" " * self._gap)]
        if sentence is None or begins < 0:
            return [lead]
        return wrap_cells([*lead, *_in_full(sentence, width - length(lead))], width, length(lead) if width >= _HANGS_FROM else BETWEEN)

    def left_out(self, row: RowT, width: int, sentence: Sentence | None) -> list[tuple[str, str]]:
        """What a line of `width` cells does not say whole of `row`: the column's title, empty for a sentence, and all the text. First what
        is cut or said shortly, then the columns that found no room, the most important first."""
        self.place(width)
        widths = {placed.column.title: placed.width for placed in self._placed}
        begins = self._begins(sentence)
        behind = {placed.column.title for placed in self._placed[begins:]} if begins >= 0 else set[str]()
        found: list[tuple[str, str]] = []
        if sentence is not None and begins >= 0:
            room = width - 2 - sum(placed.width + self._gap for placed in self._placed[:begins])
            if _size(sentence.forms[0]) > room:
                found.append(("", " ".join(filter(None, map(_plain, sentence.forms[0])))))
        elsewhere = []
        for column in self.columns:
            content = column.cell(row)
            text = "" if isinstance(content, Gauge) or column.title in behind else _plain(content)
            if not text or text == NONE or (sentence is not None and column.title == sentence.begins):
                continue
            if column.title not in widths:
                elsewhere.append((column.priority, column.title, text))
            elif length(pieces(content, UNLIMITED)) > widths[column.title]:
                found.append((column.title, text))
        return [*found, *((title, text) for _, title, text in sorted(elsewhere))]

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

    def _wants(self, index: int, content: Content, said: int) -> None:
        """The column of this index is to have room for `content`, which takes `said` cells now."""
        needed = least = said
        if isinstance(content, Forms):
            needed, least = (length(pieces(form, UNLIMITED)) for form in (content.long, content.shortest))
        column = self.columns[index]
        # What flexes is free text, which may be cut, but for its short form.
        cuttable = column.flex and not isinstance(content, Forms)
        needed, least = min(needed, column.grow), column.width if cuttable else min(least, column.grow)
        if needed > self._needed[index] or least > self._least[index]:
            self._needed[index] = max(self._needed[index], needed)
            self._least[index] = max(self._least[index], least)
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
        found.append("" if isinstance(content, Gauge) else _plain(content))
    if sentence is not None:
        found.append(" ".join(filter(None, map(_plain, sentence.forms[0]))))
    return found


def _plain(content: Content) -> str:
    """All its text, clean and uncut."""
    return "".join(cell.text for cell in pieces(content, UNLIMITED)).strip()


def _size(form: Form) -> int:
    """Cells that a sentence takes in this form."""
    start, end = (length(pieces(part, UNLIMITED)) for part in form)
    return start + BETWEEN * bool(end) + end


def _in_full(sentence: Sentence, width: int) -> list[Cell]:
    """The longest form that fits into one line, else the last one, which takes more."""
    for left, right in sentence.forms:
        cells = [*pieces(left, 0), *pieces(right, 0)]
        if length(cells) <= width:
            break
    return cells


def _said(sentence: Sentence, width: int) -> list[Cell]:
    for left, right in sentence.forms:
        start, end = pieces(left, 0), pieces(right, 0)
        room = width - length(end) - BETWEEN * bool(end)
        if length(start) <= room:
            break
    if room < SHORTEST:
        return fit_cells([*end, Cell(" " * BETWEEN), *start], max(0, width))
    return [*fit_cells(start, room), Cell(" " * BETWEEN * bool(end)), *end]
