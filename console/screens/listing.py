"""A dialog around a list: rows to choose from by arrows and mouse, above them perhaps a line to type into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from msgspec import Struct
from textual.message import Message

from console.screens.dialog import TOO_SOON, Dialog, Line, paragraph
from widgets.cells import Cell, wrap_cells
from widgets.line_editor import LineEditor
from widgets.text import clean

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

ROWS = 12
"""Lines of the list at most."""

LEAST = 3
"""Those that are shown however little room there is."""

HANGING = 4
"""Blanks before the second line of a row."""


class _Asked(Struct, frozen=True):
    """A question within a list: what a yes does, and when it was asked on the clock of the keys."""

    text: str
    yes: Callable[[], None]
    time: float


def in_view(heights: Sequence[int], marked: int, lines: int = ROWS) -> range:
    """Which of the items, so many lines high each, are shown in so many lines: the marked one is, about in the middle."""
    first, end = marked, marked + 1
    above, below = 0, heights[marked] if heights else 0
    while heights:
        before = first > 0 and above + below + heights[first - 1] <= lines
        behind = end < len(heights) and above + below + heights[end] <= lines
        if before and (above < lines // 2 or not behind):
            first -= 1
            above += heights[first]
        elif behind:
            below += heights[end]
            end += 1
        else:
            return range(first, end)
    return range(0)


class ListDialog(Dialog[ResultT | None], Generic[ResultT, ItemT]):
    """A subclass answers its `items`, draws one as cells, and says what Enter does.

    Where it `TYPES`, keys typed before it could be drawn count: what follows its key is meant for it.
    """

    TYPES: ClassVar[bool] = False
    PROMPT: ClassVar[str] = "> "
    CHOOSES = True

    def __init__(self, title: str, clock: Callable[[], float]) -> None:
        super().__init__(title, None, clock)
        self.editor = LineEditor(longest=60)
        self.marked = 0
        self.said = ""
        self.said_role = "warning"
        self._asked: _Asked | None = None
        self._places: list[int | None] = []
        """Of each line that was drawn the item that stands in it."""

    # ---- what a subclass gives

    def items(self) -> Sequence[ItemT]:
        raise NotImplementedError

    def cells(self, item: ItemT, marked: bool) -> list[Cell]:
        raise NotImplementedError

    def intro(self, width: int) -> list[Line]:
        """What stands above the line that is typed into, or above the rows."""
        return []

    def types_now(self) -> bool:
        """Whether there is a line to type into."""
        return self.TYPES

    def empty(self) -> str:
        """What stands there while there are no items."""
        return ""

    def footer(self) -> str:
        return ""

    def enter(self) -> None:
        raise NotImplementedError

    def other_key(self, key: str, character: str | None) -> None:
        """A key that neither moves nor takes."""

    # ---- a question

    def ask_to_delete(self, what: str, yes: Callable[[], None]) -> None:
        """No other key brings back what is deleted: its yes comes after a pause. Anything else is a no, and may come at once."""
        text = f"Delete {what}? y deletes it, anything else does not."
        self._asked, self._quiet_since, self.too_soon = _Asked(text, yes, Message().time), self._clock(), False

    def _answered(self, asked: _Asked, key: str, time: float) -> None:
        self.too_soon = key == "y" and (time < asked.time or not self.is_after_a_pause(time, self._quiet_since))
        self._quiet_since = self._clock()
        if not self.too_soon:
            self._asked = None
            if key == "y":
                asked.yes()

    def hints(self) -> Sequence[tuple[str, str]]:
        return (("y", "delete it"), ("Esc", "keep it")) if self._asked else super().hints()

    # ---- drawing

    @property
    def marked_item(self) -> ItemT | None:
        items = self.items()
        return items[self.marked] if 0 <= self.marked < len(items) else None

    def body(self, width: int) -> list[Line]:
        items = self.items()
        self.marked = min(self.marked, max(len(items) - 1, 0))
        lines = self.intro(width)
        if self._asked:
            lines += [*paragraph(f"{TOO_SOON} {self._asked.text}" if self.too_soon else self._asked.text, width, "warning"), []]
        if self.types_now():
            lines += [[Cell(self.PROMPT, "key"), *self.editor.cells], []]
        self._places = [None] * len(lines)
        rows = [self._lines_of(item, place == self.marked, width) for place, item in enumerate(items)]
        said = paragraph(self.said, width, self.said_role) if self.said else []
        # What is said, a complaint above all, stands under the rows: they leave it its room.
        most = max(min(ROWS, self.room - len(lines) - 1 - max(len(said), 1)), LEAST)
        shown = in_view([len(row) for row in rows], max(self.marked, 0), most)
        for place in shown:
            lines += rows[place]
            self._places += [place] * len(rows[place])
        if not items:
            lines += paragraph(self.empty(), width, "muted")
        counted = f"{self.marked + 1} of {len(items)}" if len(shown) < len(items) else ""
        text = " · ".join(filter(None, (counted, self.footer())))
        foot = said or (paragraph(text, width, "muted") if text else [])
        return [*lines, [], *foot] if foot else lines

    def _lines_of(self, item: ItemT, marked: bool, width: int) -> list[Line]:
        """A row, of more lines where it is long."""
        cells = [Cell(clean(text), role) for text, role in self.cells(item, marked)]
        return wrap_cells([Cell("▸ " if marked else "  ", "key"), *cells], width, HANGING)

    def say(self, text: str, role: str = "warning") -> None:
        self.said, self.said_role = text, role

    # ---- keys and mouse

    def take_key(self, key: str, character: str | None, time: float) -> None:
        if self._asked:
            self._answered(self._asked, key, time)
            self.draw()
        elif self.types_now() and key not in ("escape", "ctrl+c"):
            self.key(key, character)
        else:
            super().take_key(key, character, time)

    def take_paste(self, text: str) -> None:
        if self.types_now() and not self._asked:
            self.editor.paste(text)
            self.typed()
            self.draw()

    def typed(self) -> None:
        """The line that is typed into has changed."""

    def key(self, key: str, character: str | None) -> None:
        self.say("")
        letters = not self.types_now()
        if key == "enter":
            self.enter()
        elif key in ("down", "tab") or (letters and key == "j"):
            self._move(1)
        elif key in ("up", "shift+tab") or (letters and key == "k"):
            self._move(-1)
        elif key in ("pagedown", "pageup"):
            self._move(ROWS - 1 if key == "pagedown" else 1 - ROWS)
        elif not letters and (key not in ("delete", "ctrl+d") or self.editor.text) and self.editor.key(key, character):
            self.typed()
        else:
            self.other_key(key, character)
        if self.is_attached:
            self.draw()

    def _move(self, step: int) -> None:
        self.marked = min(max(self.marked + step, 0), max(len(self.items()) - 1, 0))

    def clicked(self, line: int, x: int, *, twice: bool) -> None:
        """A click marks a row, a second one takes it."""
        place = self._places[line] if line < len(self._places) else None
        if place is not None and place < len(self.items()):
            self.marked, self._asked = place, None
            self.say("")
            if twice:
                self.enter()
            if self.is_attached:
                self.draw()
