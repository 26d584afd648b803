"""The dialog of the notices: what mattered, the newest first, until it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.notices import Notice, Notices
from console.screens.listing import ListDialog
from engine.model.modes import Level
from widgets import numbers
from widgets.cells import Cell
from widgets.text import clean

_ROLES = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: ""}
_MARKS = {Level.ERROR: "✗ ", Level.WARNING: "! ", Level.INFO: "  "}
"""As in the log, for whoever sees no colours."""


class NoticesDialog(ListDialog[Notice, Notice]):
    """Answers the notice whose row is to be gone to; that one is read then. One of another day than `today` says which."""

    PLACE = "notices"

    def __init__(self, notices: Notices, today: Callable[[], str], clock: Callable[[], float]) -> None:
        super().__init__("Notices", clock)
        self._today = today
        self._notices = notices

    def items(self) -> Sequence[Notice]:
        return self._notices.newest_first

    def cells(self, item: Notice, marked: bool) -> list[Cell]:
        times = f" ({item.count} times)" if item.count > 1 else ""
        # Of an account that is called as its broker is, the name stands there once.
        named = item.source in ("alert", "fill", "order") or item.said.startswith(f"{item.source}: ")
        said = clean(item.said) if named else f"{clean(item.source)}: {clean(item.said)}"
        role = "muted" if item.read else _ROLES[item.level]
        return [
            Cell("  " if item.read else "● ", "accent"),
            Cell(f"{numbers.moment(item.at, self._today())} ", "muted"),
            Cell(_MARKS[item.level], role),
            Cell(f"{said}{times}", "title-focus" if marked else role),
        ]

    def empty(self) -> str:
        return "Nothing yet. What matters stays here until you have read it."

    def footer(self) -> str:
        unread = len(self._notices.unread)
        return f"{unread} not read yet" if unread else "all read" if self.items() else ""

    def enter(self) -> None:
        item = self.marked_item
        if item is not None:
            self._notices.read(item.number)
        self.answer(item)

    def other_key(self, key: str, character: str | None) -> None:
        item = self.marked_item
        if key == "a":
            self._notices.read_all()
        elif key == "r" and item is not None:
            self._notices.read(item.number)
            self.marked = min(self.marked + 1, len(self.items()) - 1)
        elif key == "q":
            self.answer(None)
