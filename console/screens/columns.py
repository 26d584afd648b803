"""The dialog in which a person chooses a table's columns and their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from console.screens.dialog import Dialog, Line, paragraph
from widgets.cells import Cell, length

Choice: TypeAlias = tuple[tuple[str, bool], ...]
"""Every column in its order, by title, and whether it is shown."""

HOW = "Space shows or hides, J and K move the column down and up, d is as it was at first. Enter keeps it, Esc changes nothing."


NAMES, ARROWS = 6, 28
"""The cells at which a column's title begins, and the arrows that move it."""


class ColumnChoice(Dialog[Choice | None]):
    """Starts at `choice`; `default` is how the table comes. One column always stays."""

    PLACE = "columns"
    CHOOSES = True

    def __init__(self, title: str, choice: Choice, default: Choice, clock: Callable[[], float]) -> None:
        super().__init__(title, None, clock)
        self._columns = list(choice)
        self._default = default
        self._cursor = 0
        self._complaint = ""

    def body(self, width: int) -> list[Line]:
        lines: list[Line] = []
        for place, (title, shown) in enumerate(self._columns):
            here = place == self._cursor
            mark = Cell("[x] " if shown else "[ ] ", "key" if shown else "muted")
            row = [Cell("▸ " if here else "  ", "key"), mark, Cell(f" {title} ", "title-focus" if here else "" if shown else "muted")]
            lines.append([*row, Cell(" " * (ARROWS - length(row))), Cell("▲ ▼", "key")] if here else row)
        return [*lines, [], *paragraph(self._complaint or HOW, width, "error" if self._complaint else "muted")]

    def key(self, key: str, character: str | None) -> None:
        self._complaint = ""
        count = len(self._columns)
        match key:
            case "down" | "j" | "tab":
                self._cursor = (self._cursor + 1) % count
            case "up" | "k" | "shift+tab":
                self._cursor = (self._cursor - 1) % count
            case "J":
                self._move(1)
            case "K":
                self._move(-1)
            case "space":
                self._turn()
            case "d":
                self._columns = list(self._default)
            case "enter":
                self.answer(tuple(self._columns))
                return
        self.draw()

    def clicked(self, line: int, x: int, *, twice: bool) -> None:
        """A click marks the column, on its box and twice shows or hides it, and on an arrow moves it."""
        if line >= len(self._columns):
            return
        self._complaint = ""
        was, self._cursor = self._cursor, line
        if x < NAMES or twice:
            self._turn()
        elif was == line and x in (ARROWS, ARROWS + 2):
            self._move(-1 if x == ARROWS else 1)
        self.draw()

    def _move(self, step: int) -> None:
        to = self._cursor + step
        if 0 <= to < len(self._columns):
            self._columns.insert(to, self._columns.pop(self._cursor))
            self._cursor = to

    def _turn(self) -> None:
        title, shown = self._columns[self._cursor]
        if shown and _count(self._columns) == 1:
            self._complaint = "One column stays: a table without columns shows nothing."
            return
        self._columns[self._cursor] = title, not shown


def _count(columns: Sequence[tuple[str, bool]]) -> int:
    return sum(shown for _, shown in columns)
