"""RowTable: rows with a cursor and marks, drawn line by line. It paints again only the lines whose row is another object."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypedDict, TypeVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message

from widgets.cells import Cell, Content, segments
from widgets.columns import Column
from widgets.marks import Marks
from widgets.panel import Panel
from widgets.row_painter import RowPainter, Sentence, texts
from widgets.rows import RESORT_S, RowModel, Rows

RowT = TypeVar("RowT")

SETTLING_S = 0.5
"""How long a person takes to see that another row has come under the cursor."""

HOLDING_S = 2.0
"""How long after a movement in it a sorted table holds still: somebody is about to act."""


class TableOptions(TypedDict, total=False):
    """What each kind of table hands on to the one below it. `clock` is monotonic seconds."""

    id: str | None
    classes: str | None
    clock: Callable[[], float]


class RowTable(Panel, Generic[RowT], inherit_bindings=False):
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
    MARKABLE: ClassVar[str] = "what stands here"
    """Which rows `can_mark` lets be marked, in words."""
    NEWEST_FIRST: ClassVar[bool] = False
    """Whether what matters comes in at the top. Such a table shows its top while nobody is in it."""

    class RowEvent(Message):
        """Something about one row: its `key`, and `row` as it was drawn."""

        def __init__(self, table: RowTable[Any], key: str, row: Any) -> None:
            super().__init__()
            self.table = table
            self.key = key
            self.row = row

        @property
        def control(self) -> RowTable[Any]:
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
        super().__init__(id=id, classes=classes)
        self.empty_text = self.EMPTY
        self._clock = clock
        self._shuffled_at = -math.inf
        self._unseen_since = -math.inf
        self._touched_at = -math.inf
        self._model: RowModel[RowT] = self.make_model()
        self._cursor = -1
        self.marks: Marks[RowT] = Marks(self._model)
        self.columns: Sequence[Column[RowT]] = self.COLUMNS
        """All there are to choose from."""
        self._painter: RowPainter[RowT] = RowPainter(self.columns, self.GAP, lambda: self.call_next(self._grown))
        self._totals: Mapping[str, Content] = {}
        self._settles = False

    # ---- what a subclass gives

    def key_of(self, row: RowT) -> str:
        """What names this row for as long as it lives."""
        raise NotImplementedError

    def make_model(self) -> RowModel[RowT]:
        """What holds the rows; `show_rows` needs this one."""
        return Rows(self.key_of, self.text_of, getattr(self, "section_of", None))

    def sentence(self, row: RowT) -> Sentence | None:
        """A row that ends in a sentence: the title of the column from which on it takes all the room, its left part and its right part."""
        return None

    def can_mark(self, row: RowT) -> bool:
        """Whether space marks this row."""
        return False

    def keeps_mark(self, row: RowT) -> bool:
        """Whether a row that was marked still is, as it is now."""
        return self.can_mark(row)

    def say_when_empty(self, text: str) -> None:
        """What stands in it from now on where there are no rows."""
        if text != self.empty_text:
            self.empty_text = text
            self.rows_changed()
            self.refresh()

    def lets_go(self, before: RowT, after: RowT) -> bool:
        """Whether the row under the cursor has become one that nobody waits on, so that the cursor goes to the top."""
        return False

    def rows_changed(self) -> None:
        """Other rows are shown, or they say something else: what the frame says of them is to be said anew."""

    def text_of(self, row: RowT) -> str:
        """What a filter looks at: the text of all columns that do not follow the market, folded."""
        return " ".join(texts([column for column in self.columns if not column.volatile], row, self.sentence(row))).casefold()

    # ---- rows

    @property
    def rows(self) -> Sequence[RowT]:
        """Those that are shown, from top to bottom."""
        return self._model.shown

    @property
    def all_rows(self) -> Sequence[RowT]:
        """Those that are not shown, too."""
        return self._model.all

    @property
    def total(self) -> int:
        return len(self._model.all)

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor, or None where there are no rows."""
        return self._model.key(self._cursor) if 0 <= self._cursor < len(self.rows) else None

    @property
    def cursor_row(self) -> RowT | None:
        return self.rows[self._cursor] if 0 <= self._cursor < len(self.rows) else None

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

    def show_rows(self, rows: Sequence[RowT]) -> None:
        """Draw these. A row that did not change must be the same object as before; keys must be unique."""
        model = self._model
        if not isinstance(model, Rows):
            raise TypeError("a table with a model of its own is not given all rows at once")
        if rows is not model.all:
            with_window = self._window()
            model.put(rows)
            self._arrange(*with_window)

    def select(self, key: str) -> bool:
        """Put the cursor on the row of this key; False where there is none."""
        index = self._model.index(key)
        if index is None:
            return False
        self._move_to(index)
        return True

    def _window(self) -> tuple[int, int, Sequence[RowT], str | None, RowT | None]:
        """What is on the screen before rows change: how many rows there are, the first line, its rows, and the cursor's key and row."""
        top = self.scroll_offset.y
        return len(self.rows), top, self.rows[top : top + self.shown_rows], self.cursor_key, self.cursor_row

    def _arrange(self, count: int, top: int, window: Sequence[RowT], cursor_key: str | None, cursor_row: RowT | None) -> None:
        """Show the model's rows as they are now, where before they were as `_window` answered."""
        cursor, now = self._cursor, self._clock()
        in_view = 0 <= cursor - top < self.shown_rows
        held = self.has_focus and now - self._touched_at < HOLDING_S
        moved = self._model.arrange(now, held)
        if moved:
            self._shuffled_at = now
        # The last one that waited keeps its place when it is decided.
        if moved or (cursor_row is not None and self.lets_go(cursor_row, self.rows[cursor])):
            self._follow(cursor_key, cursor_row)
            if self.cursor_key != cursor_key:
                self._unseen_since = now
        if self.marks.all and self.marks.keep(self.keeps_mark):
            self.refresh_foot()
        if len(self.rows) != count:
            self._resized(count, len(self.rows))
        if in_view or cursor < 0 or (self.NEWEST_FIRST and not self.has_focus):
            # Whoever scrolled away from the cursor is reading elsewhere and is not pulled back.
            self._into_view()
        fresh = self.rows[top : top + self.shown_rows]
        both = min(len(window), len(fresh))
        changed = [top + line for line in range(both) if window[line] is not fresh[line]]
        changed += range(top + both, top + max(len(window), len(fresh)))
        if cursor != self._cursor:
            changed += [cursor, self._cursor]
        self._refresh_rows(changed)
        if self.cursor_key != cursor_key:
            self._highlighted()
        self.rows_changed()
        if self._model.unsettled and not self._settles and self.is_attached:
            self._settles = True
            self.set_timer(RESORT_S, self._settle)

    def _settle(self) -> None:
        self._settles = False
        self._arrange(*self._window())

    def _follow(self, cursor_key: str | None, before: RowT | None) -> None:
        """The cursor after the rows moved: on its row, or, where that is gone, on the line where it stood; at the top where nobody is in
        the table to read on, or where the row's time is over."""
        index = self._model.index(cursor_key) if cursor_key is not None else None
        if index is not None:
            over = before is not None and self.lets_go(before, self.rows[index])
            self._cursor = 0 if over or (self.NEWEST_FIRST and not self.has_focus) else index
        else:
            self._cursor = min(max(self._cursor, 0), len(self.rows) - 1)

    def _resized(self, before: int, after: int) -> None:
        self._measure()
        if not before or not after:
            self.refresh()
        elif self._totals or self._thumb(self.inner_height):
            # The totals went down or up, or the thumb in the frame got another length or place.
            self.refresh()

    # ---- marks and copies

    def clear_marks(self) -> None:
        """Those of hidden rows, too."""
        self._unmark(self.marks.all)

    def acted_on_marks(self) -> None:
        """What was marked is done: the marks that are shown go, and the key, held on, does not reach the row under the cursor."""
        self._unmark(self.marks.keys)
        self._unseen_since = self._clock()

    def _unmark(self, keys: Iterable[str]) -> None:
        self._refresh_rows(self.marks.take(keys))
        self.refresh_foot()

    def texts_of(self, row: RowT) -> list[str]:
        """What the chosen columns show of a row, clean and uncut."""
        return texts(self._painter.columns, row, self.sentence(row))

    def left_out(self) -> Sequence[tuple[str, str]]:
        """What the table has no room to say of the row under the cursor: (column's title, text), the most important first."""
        row = self.cursor_row
        if row is None or not self.inner_width:
            return ()
        found = self._painter.left_out(row, self.inner_width, self.sentence(row))
        return found if self.HEADER else [("", text) for _, text in found]

    # ---- geometry

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, self.content_height(self.inner_height) + 2)

    def content_height(self, shown: int) -> int:
        return len(self.rows) + self._header_in(shown) + self._totals_in(shown)

    @property
    def header_height(self) -> int:
        return self._header_in(self.inner_height)

    def _header_in(self, shown: int) -> int:
        """A panel of one or two lines shows rows rather than headings."""
        return 1 if self.HEADER and shown >= 3 else 0

    def _totals_in(self, shown: int) -> int:
        return 1 if self._totals and self.rows and shown >= 4 else 0

    @property
    def shown_rows(self) -> int:
        shown = self.inner_height
        return shown - self._header_in(shown) - self._totals_in(shown)

    @property
    def _rows_in_view(self) -> int:
        return max(0, min(len(self.rows) - int(self.scroll_offset.y), self.shown_rows))

    def set_totals(self, totals: Mapping[str, Content]) -> None:
        """A line right under the last row: what stands under the heads of these titles. Empty for none."""
        if totals != self._totals:
            had, self._totals = bool(self._totals), totals
            if had != bool(totals):
                self._measure()
                self.refresh()
            else:
                self.refresh_content_line(self.header_height + self._rows_in_view)

    def _refresh_rows(self, indices: Iterable[int]) -> None:
        """Paint these rows again, where they are in view: one region a row, and one refresh for all."""
        width = self.size.width
        header, top, shown = self.header_height, self.scroll_offset.y, self.shown_rows
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
        self._painter.forget()

    # ---- the cursor

    def action_cursor(self, step: int) -> None:
        self._move_to(self._cursor + step)

    def action_page(self, direction: int) -> None:
        self._move_to(self._cursor + direction * max(1, self.shown_rows - 1))

    def action_first(self) -> None:
        self._move_to(0)

    def action_last(self) -> None:
        self._move_to(len(self.rows) - 1)

    def move_key(self, key: str) -> bool:
        """Move the cursor by a key of the bindings, for a page that takes all keys itself. False where it moves nothing."""
        match key:
            case "down" | "j":
                self.action_cursor(1)
            case "up" | "k":
                self.action_cursor(-1)
            case "pagedown":
                self.action_page(1)
            case "pageup":
                self.action_page(-1)
            case "home" | "g":
                self.action_first()
            case "end" | "G":
                self.action_last()
            case _:
                return False
        return True

    def action_choose(self) -> None:
        key, row = self.cursor_key, self.cursor_row
        if key is not None and row is not None:
            self.post_message(self.RowChosen(self, key, row))

    def action_mark(self) -> None:
        """Mark or unmark, and step on, so that a held space marks one after another."""
        if self._mark(self._cursor):
            self.action_cursor(1)

    def _mark(self, index: int) -> bool:
        if not 0 <= index < len(self.rows) or not self.can_mark(self.rows[index]):
            return False
        self.marks.turn(self._model.key(index))
        self._refresh_rows((index,))
        self.refresh_foot()
        return True

    def _move_to(self, index: int) -> None:
        self._touched_at = self._clock()
        if not self.rows:
            return
        index = min(max(index, 0), len(self.rows) - 1)
        if index != self._cursor:
            before, self._cursor = self._cursor, index
            # A movement leads to where a row was seen, and there may be another by now.
            self._unseen_since = self._shuffled_at
            self._refresh_rows((before, index))
            self._highlighted()
        self._into_view()

    def to_the_top(self) -> None:
        """The cursor goes there by itself: the row has to be read before a key may act on it."""
        if self._cursor > 0:
            self._move_to(0)
            self._unseen_since = self._clock()
        self._into_view()

    def _into_view(self) -> None:
        top, shown = int(self.scroll_target_y), self.shown_rows
        if self._cursor < 0 or shown <= 0:
            return
        if self._cursor < top:
            self.scroll_to_line(self._cursor)
        elif self._cursor >= top + shown:
            self.scroll_to_line(self._cursor - shown + 1)

    def _highlighted(self) -> None:
        key, row = self.cursor_key, self.cursor_row
        if key is not None and row is not None:
            self.post_message(self.RowHighlighted(self, key, row))

    # ---- the mouse

    def _row_at(self, event: events.MouseEvent) -> int | None:
        line = event.y - 1 - self.header_height
        index = self.scroll_offset.y + line
        return index if 0 <= line < self.shown_rows and index < len(self.rows) else None

    def on_click(self, event: events.Click) -> None:
        """The cursor goes to the row, in the first column its mark is set or taken, and twice opens its detail."""
        index = self._row_at(event)
        if index is None:
            return
        self._move_to(index)
        if event.chain == 2:
            self.action_choose()
        elif event.x == 1 and self.reveal():
            self._mark(index)

    # ---- drawing

    def foot(self, room: int) -> tuple[Sequence[Cell], Sequence[Cell]]:
        if not self.marks.all:
            return (), ()
        here, hidden = len(self.marks.keys), self.marks.hidden
        return (), (Cell(f" {here} marked{f', {hidden} hidden' if hidden else ''} ", "key"),)

    def content_line(self, y: int, width: int) -> list[Segment]:
        if not self.rows:
            return self.message_line(y, width, self.nothing())
        self._painter.place(width)
        if y < self.header_height:
            return self._painter.heads(width, self.palette)
        line = y - self.header_height
        if line == self._rows_in_view and self._totals_in(self.inner_height):
            return self._painter.totals(self._totals, width, self.palette)
        index = self.scroll_offset.y + line
        if index >= len(self.rows):
            return segments([Cell(" " * width)], self.palette)
        row, key = self.rows[index], self._model.key(index)
        on_cursor = index == self._cursor and self.has_focus
        return self._painter.row(row, key, width, self.palette, on_cursor=on_cursor, marked=key in self.marks, sentence=self.sentence(row))

    def nothing(self) -> str:
        """The sentence in a table that shows no row."""
        return self.empty_text

    def _grown(self) -> None:
        self._painter.grow()
        self.refresh()
