"""LiveTable: a table for rows that change many times a second. It paints again only the lines whose row is another object."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message

from widgets.cells import Cell, Content, fit_cells, length, pieces, segments
from widgets.panel import Panel

RowT = TypeVar("RowT")

CACHED_LINES = 1000
"""Drawn lines kept at most; a few screens of scrolling back and forth."""

SETTLING_S = 0.5
"""How long a person takes to see that another row has come under the cursor."""


@dataclass(frozen=True)
class Column(Generic[RowT]):
    """One column: `cell` turns a row into what is drawn.

    `width` is in cells and a minimum where `flex` shares out what is left over, or where `grow` lets it follow its widest cell so far, up
    to that width: a number is worth more room than a name. Where the panel is too narrow, whole columns go, highest `priority` first;
    those of priority 0 stay and are cut.
    """

    title: str
    cell: Callable[[RowT], Content]
    width: int
    justify: Literal["left", "right"] = "left"
    flex: int = 0
    grow: int = 0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Placed(Generic[RowT]):
    """A column that found room: its index among all, and its width now."""

    index: int
    column: Column[RowT]
    width: int


def place(columns: Sequence[Column[RowT]], widths: Sequence[int], room: int, most_gap: int = 2) -> tuple[tuple[Placed[RowT], ...], int]:
    """Which columns are shown in `room` cells, how wide, and how many blanks between them. `widths` are what they need at least.

    A blank at the right end is kept where that costs nothing.
    """
    kept = list(range(len(columns)))
    while len(kept) > 1 and sum(widths[i] for i in kept) + len(kept) - 1 > room:
        least = max(reversed(kept), key=lambda i: columns[i].priority)
        if columns[least].priority == 0:
            break
        kept.remove(least)
    gaps = len(kept) - 1
    needed = sum(widths[i] for i in kept)
    gap = most_gap if needed + most_gap * gaps < room else 1
    spare = room - 1 - needed - gap * gaps
    flexes = sum(columns[i].flex for i in kept)
    placed: list[Placed[RowT]] = []
    for i in kept:
        extra = 0
        if spare > 0 and columns[i].flex:
            extra = spare * columns[i].flex // flexes
            spare -= extra
            flexes -= columns[i].flex
        placed.append(Placed(i, columns[i], widths[i] + extra))
    return tuple(placed), gap


class LiveTable(Panel, Generic[RowT], inherit_bindings=False):
    """A framed table of rows by key, drawn line by line.

    The cursor belongs to a row, not to a line: it goes where its row goes. `RowHighlighted` is posted when it comes to stand on another
    row, the first one included, and `RowChosen` on Enter and on a double click.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor(1)", "down", show=False),
        Binding("up,k", "cursor(-1)", "up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("home,g", "first", "first row", show=False),
        Binding("end,G", "last", "last row", show=False),
        Binding("enter", "choose", "detail", show=False),
        Binding("space", "mark", "mark", show=False),
    ]

    COLUMNS: ClassVar[Sequence[Column[Any]]] = ()
    HEADER: ClassVar[bool] = True
    GAP: ClassVar[int] = 2
    EMPTY: ClassVar[str] = ""
    NEWEST_FIRST: ClassVar[bool] = False
    """Whether what matters comes in at the top. Such a table shows its top while nobody is in it."""

    class RowEvent(Message):
        """Something about one row: its `key`, and `row` as it was drawn."""

        def __init__(self, table: LiveTable[Any], key: str, row: Any) -> None:
            super().__init__()
            self.table = table
            self.key = key
            self.row = row

        @property
        def control(self) -> LiveTable[Any]:
            return self.table

    class RowHighlighted(RowEvent):
        """The cursor came to stand on another row."""

    class RowChosen(RowEvent):
        """Enter, or a double click."""

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own word
        classes: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is monotonic seconds."""
        super().__init__(id=id, classes=classes)
        self.empty_text = self.EMPTY
        self._clock = clock
        self._shuffled_at = -math.inf
        self._unseen_since = -math.inf
        self._rows: Sequence[RowT] = ()
        self._keys: list[str] = []
        self._cursor = -1
        self._marked: set[str] = set()
        self._needed = [column.width for column in self.COLUMNS]
        self._placed: tuple[Placed[RowT], ...] = ()
        self._gap = 1
        self._placed_for = -1
        self._lines: dict[str, tuple[RowT, int, list[Segment]]] = {}
        self._growing = False

    # ---- what a subclass gives

    def key_of(self, row: RowT) -> str:
        """What names this row for as long as it lives."""
        raise NotImplementedError

    def sentence(self, row: RowT) -> tuple[str, Sequence[Cell], Sequence[Cell]] | None:
        """A row that ends in a sentence: the title of the column from which on it takes all the room, its left part and its right part."""
        return None

    def can_mark(self, row: RowT) -> bool:
        """Whether space marks this row."""
        return False

    def lets_go(self, before: RowT, after: RowT) -> bool:
        """Whether the row under the cursor has become one that nobody waits on, so that the cursor goes to the top."""
        return False

    # ---- rows

    @property
    def rows(self) -> Sequence[RowT]:
        return self._rows

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor, or None where there are no rows."""
        return self._keys[self._cursor] if 0 <= self._cursor < len(self._keys) else None

    @property
    def cursor_row(self) -> RowT | None:
        return self._rows[self._cursor] if 0 <= self._cursor < len(self._rows) else None

    def reveal(self) -> bool:
        """Bring the cursor's row into view. Whether it stood there long enough to be the row that a person means.

        Where it did not, the wait begins anew, so that a held key never gets through.
        """
        now = self._clock()
        in_view = 0 <= self._cursor - self.scroll_offset.y < self.shown_rows
        self._into_view()
        if in_view and now - self._unseen_since >= SETTLING_S:
            return True
        self._unseen_since = now
        return False

    @property
    def cursor_line(self) -> int | None:
        """The line of this widget that the cursor's row is drawn on, or None where it is out of view."""
        line = self._cursor - int(self.scroll_offset.y)
        return line + self.header_height + 1 if self._cursor >= 0 and 0 <= line < self.shown_rows else None

    @property
    def marked(self) -> tuple[str, ...]:
        """Keys of the marked rows, from top to bottom."""
        return tuple(key for key in self._keys if key in self._marked)

    def clear_marks(self) -> None:
        marked, self._marked = self._marked, set()
        self._refresh_rows(index for index, key in enumerate(self._keys) if key in marked)

    def show_rows(self, rows: Sequence[RowT]) -> None:
        """Draw these. A row that did not change must be the same object as before; keys must be unique."""
        if rows is self._rows:
            return
        before, cursor_key, cursor = self._rows, self.cursor_key, self._cursor
        in_view = 0 <= cursor - self.scroll_offset.y < self.shown_rows
        keys = list(map(self.key_of, rows))
        moved = keys != self._keys
        self._rows, self._keys = rows, keys
        if moved:
            self._shuffled_at = self._clock()
            self._follow(cursor_key, before[cursor] if cursor_key is not None else None)
            if self.cursor_key != cursor_key:
                self._unseen_since = self._shuffled_at
        if self._marked:
            self._marked = {key for row, key in zip(rows, keys, strict=True) if key in self._marked and self.can_mark(row)}
        if len(before) != len(rows):
            self._resized(len(before), len(rows))
        if in_view or cursor < 0 or (self.NEWEST_FIRST and not self.has_focus):
            # Whoever scrolled away from the cursor is reading elsewhere and is not pulled back.
            self._into_view()
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.shown_rows
        both = min(len(before), len(rows))
        changed = [index for index in range(top, min(both, bottom)) if before[index] is not rows[index]]
        changed += range(max(top, both), min(max(len(before), len(rows)), bottom))
        if cursor != self._cursor:
            changed += [cursor, self._cursor]
        self._refresh_rows(changed)
        if self.cursor_key != cursor_key:
            self._highlighted()

    def select(self, key: str) -> bool:
        """Put the cursor on the row of this key; False where there is none."""
        if key not in self._keys:
            return False
        self._move_to(self._keys.index(key))
        return True

    def _follow(self, cursor_key: str | None, before: RowT | None) -> None:
        """The cursor after the rows moved: on its row, or, where that is gone, on the line where it stood; at the top where nobody is in
        the table to read on, or where the row's time is over."""
        if cursor_key is not None and cursor_key in self._keys:
            index = self._keys.index(cursor_key)
            over = before is not None and self.lets_go(before, self._rows[index])
            self._cursor = 0 if over or (self.NEWEST_FIRST and not self.has_focus) else index
        else:
            self._cursor = min(max(self._cursor, 0), len(self._keys) - 1)

    def _resized(self, before: int, after: int) -> None:
        self._measure()
        if not before or not after:
            self.refresh()
        elif self._thumb(self.inner_height):
            # The thumb in the frame got another length or place.
            self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, self.content_height(self.inner_height) + 2)

    def content_height(self, shown: int) -> int:
        return len(self._rows) + self._header_in(shown)

    # ---- geometry

    @property
    def header_height(self) -> int:
        return self._header_in(self.inner_height)

    def _header_in(self, shown: int) -> int:
        """A panel of one or two lines shows rows rather than headings."""
        return 1 if self.HEADER and shown >= 3 else 0

    @property
    def shown_rows(self) -> int:
        shown = self.inner_height
        return shown - self._header_in(shown)

    def _refresh_rows(self, indices: Iterable[int]) -> None:
        """Paint these rows again, where they are in view: one region a row, and one refresh for all."""
        width, height = self.size
        header, top = self._header_in(height - 2), self.scroll_offset.y
        shown = height - 2 - header
        regions = [Region(0, index - top + header + 1, width, 1) for index in indices if 0 <= index - top < shown]
        if regions:
            self.refresh(*regions)

    def on_resize(self) -> None:
        self._measure()
        self._into_view()

    def on_show(self) -> None:
        # Nobody has read the rows of a panel that was out of sight until now.
        self._unseen_since = self._clock()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lines.clear()

    # ---- the cursor

    def action_cursor(self, step: int) -> None:
        self._move_to(self._cursor + step)

    def action_page(self, direction: int) -> None:
        self._move_to(self._cursor + direction * max(1, self.shown_rows - 1))

    def action_first(self) -> None:
        self._move_to(0)

    def action_last(self) -> None:
        self._move_to(len(self._rows) - 1)

    def action_choose(self) -> None:
        key, row = self.cursor_key, self.cursor_row
        if key is not None and row is not None:
            self.post_message(self.RowChosen(self, key, row))

    def action_mark(self) -> None:
        """Mark or unmark, and step on, so that a held space marks one after another."""
        key, row = self.cursor_key, self.cursor_row
        if key is None or row is None or not self.can_mark(row):
            return
        self._marked ^= {key}
        self._refresh_rows((self._cursor,))
        self.action_cursor(1)

    def _move_to(self, index: int) -> None:
        if not self._rows:
            return
        index = min(max(index, 0), len(self._rows) - 1)
        if index != self._cursor:
            before, self._cursor = self._cursor, index
            # A movement leads to where a row was seen, and there may be another by now.
            self._unseen_since = self._shuffled_at
            self._refresh_rows((before, index))
            self._highlighted()
        self._into_view()

    def _into_view(self) -> None:
        # Forced, because Textual thinks that what has no scroll bar yet cannot be scrolled.
        top, shown = int(self.scroll_target_y), self.shown_rows
        if self._cursor < 0 or shown <= 0:
            return
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor >= top + shown:
            self.scroll_to(y=self._cursor - shown + 1, animate=False, force=True)

    def _highlighted(self) -> None:
        key, row = self.cursor_key, self.cursor_row
        if key is not None and row is not None:
            self.post_message(self.RowHighlighted(self, key, row))

    def _row_at(self, event: events.MouseEvent) -> int | None:
        line = event.y - 1 - self.header_height
        index = self.scroll_offset.y + line
        return index if 0 <= line < self.shown_rows and index < len(self._rows) else None

    def on_click(self, event: events.Click) -> None:
        index = self._row_at(event)
        if index is None:
            return
        self._move_to(index)
        if event.chain == 2:
            self.action_choose()

    # ---- drawing

    def content_line(self, y: int, width: int) -> list[Segment]:
        if not self._rows:
            return self.message_line(y, width, self.empty_text)
        self._place(width)
        if y < self.header_height:
            return self._header_line(width)
        index = self.scroll_offset.y + y - self.header_height
        if index >= len(self._rows):
            return segments([Cell(" " * width)], self.palette)
        return self._row_line(index, width)

    def _place(self, width: int) -> None:
        if self._placed_for != width:
            self._placed, self._gap = place(self.COLUMNS, self._needed, max(0, width - 1), self.GAP)
            self._placed_for = width
            self._lines.clear()

    def _header_line(self, width: int) -> list[Segment]:
        titles = [
            fit_cells([Cell(placed.column.title, "muted")], placed.width, right=placed.column.justify == "right") for placed in self._placed
        ]
        return self._line(" ", "", titles, width)

    def _row_line(self, index: int, width: int) -> list[Segment]:
        row, key = self._rows[index], self._keys[index]
        on_cursor = index == self._cursor and self.has_focus
        state = on_cursor + 2 * (key in self._marked)
        cached = self._lines.get(key)
        if cached is not None and cached[0] is row and cached[1] == state:
            return cached[2]
        drawn: list[list[Cell]] = []
        sentence = self.sentence(row)
        taken = 1
        for placed in self._placed:
            if sentence is not None and placed.column.title == sentence[0]:
                drawn.append(self._sentence(sentence[1], sentence[2], width - 1 - taken))
                break
            taken += placed.width + self._gap
            content = pieces(placed.column.cell(row), placed.width, plain=self.palette.plain)
            if placed.column.grow:
                self._grow(placed, length(content))
            drawn.append(fit_cells(content, placed.width, right=placed.column.justify == "right"))
        gutter = "●" if key in self._marked else "▸" if on_cursor else " "
        line = self._line(gutter, "cursor" if on_cursor else "", drawn, width)
        if len(self._lines) >= CACHED_LINES:
            self._lines.clear()
        self._lines[key] = row, state, line
        return line

    def _sentence(self, left: Sequence[Cell], right: Sequence[Cell], width: int) -> list[Cell]:
        start, end = pieces(left, 0), pieces(right, 0)
        room = width - length(end) - 2
        return [*fit_cells(start, room), Cell("  "), *end] if room >= 8 else fit_cells([*end, Cell("  "), *start], max(0, width))

    def _line(self, gutter: str, base: str, drawn: list[list[Cell]], width: int) -> list[Segment]:
        cells = [Cell(gutter, "key")]
        blank = Cell(" " * self._gap)
        for number, column in enumerate(drawn):
            if number:
                cells.append(blank)
            cells.extend(column)
        return segments(fit_cells(cells, width), self.palette, base)

    def _grow(self, placed: Placed[RowT], needed: int) -> None:
        """A cell wants more than its column has: the column gets it, once the lines that are being drawn are done."""
        wanted = min(needed, placed.column.grow)
        if wanted > self._needed[placed.index]:
            self._needed[placed.index] = wanted
            if not self._growing:
                self._growing = True
                self.call_next(self._grown)

    def _grown(self) -> None:
        self._growing = False
        self._placed_for = -1
        self.refresh()
