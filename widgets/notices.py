"""NoticeLine: that something matters which was not read yet, how much of it, and the newest. It takes no room while there is nothing.

What to do stands mostly at a text's end: a long one takes a second and a third line before it is cut.
"""

from __future__ import annotations

from textual import events
from textual.geometry import Size
from textual.message import Message

from engine.model.modes import Level
from widgets.cells import Cell, fit_cells, length, wrap_cells
from widgets.lines import Lines
from widgets.text import clean

_MARKS = {Level.ERROR: ("✗", "error"), Level.WARNING: ("!", "warning"), Level.INFO: ("●", "accent")}
"""As in the log: never by colour alone."""

MOST_LINES = 3
_FEW_ROWS = 20
"""Where the screen has fewer, the banner and the panel need them more: one is for the newest."""
HANGING = 3
"""Blanks before all lines but the first: the text stands behind the mark."""


class NoticeLine(Lines):
    """As many lines as the newest needs, up to `MOST_LINES`. A click posts `Chosen`."""

    DEFAULT_CSS = """
    NoticeLine {
        height: auto;
        display: none;
    }
    """

    class Chosen(Message):
        """The line was clicked."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self._said: tuple[int, Level, str, str, str, str] | None = None
        self._most = MOST_LINES

    def show(self, unread: int, level: Level, when: str, newest: str, key: str, elsewhere: str = "") -> None:
        """`unread` notices, the worst of `level`; the newest says `newest` and is of `when`. `key` reads them. `elsewhere` tells of which
        accounts that are not shown how many are."""
        said = (unread, level, when, clean(newest), key, clean(elsewhere))
        if said != self._said:
            self._said = said
            self.display = unread > 0
            # Its height follows from what it says.
            self.refresh(layout=True)
            self.redraw()

    def get_content_height(self, container: object, viewport: Size, width: int) -> int:
        self._most = MOST_LINES if viewport.height >= _FEW_ROWS else 1
        return len(self.draw(width))

    @property
    def text(self) -> str:
        """All it says now, for whoever cannot see colours."""
        return "".join(cell.text for _, cells in self.draw(10_000) for cell in cells).strip() if self.display else ""

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        if self._said is None:
            return [("", [])]
        unread, level, when, newest, key, elsewhere = self._said
        mark, role = _MARKS[level]
        count = Cell(f" {mark} {unread} notice{'' if unread == 1 else 's'} ", role)
        reads = [Cell("  "), Cell(key, "key"), Cell(" reads them " if width >= 100 else " reads ", "muted")]
        whose = [Cell(f"· {elsewhere} ", role)] if elsewhere else []
        said, time = [count, *whose], Cell(f" {when} ", "muted")
        untimed = [*said, Cell(" "), Cell(newest)]
        # A row is worth more than the time, which the list tells, and the word behind the key.
        forms = (([*said, time, Cell(newest)], reads), (untimed, reads), (untimed, [*reads[:2], Cell(" ")]))
        start, end = min(forms, key=lambda form: min(len(wrap_cells(form[0], max(width - length(form[1]), 1), HANGING)), self._most + 1))
        room = width - length(end)
        if room < length([count]):
            return [("", fit_cells(start, width))]
        lines = wrap_cells(start, room, HANGING)
        if len(lines) > self._most:
            *shown, last = lines[: self._most]
            more = [cell for line in lines[self._most :] for cell in (Cell(" "), *line[1:])]
            lines = [*shown, fit_cells([*last, *more], room)]
        return [("", [*fit_cells(lines[0], room), *end]), *(("", line) for line in lines[1:])]

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Chosen())
