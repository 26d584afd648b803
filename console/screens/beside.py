"""What stands beside a list where there is room for it: all about the row under the cursor, and a curve above it where it has one."""

from __future__ import annotations

from typing import cast

from textual.app import ComposeResult
from textual.containers import Vertical

from console.screens.dialog import HasKeys, Line, paragraph
from widgets.cells import Cell
from widgets.curve import Curve
from widgets.document import Document, Draw

BESIDE_FROM = 180
"""Cells of a screen on which a list keeps the width that it has on a usual one."""


class Beside(Vertical):
    """Says what Enter on the row would. Nobody goes there: the keys stay in the list. In plain text there is one thing at a time, and not
    this."""

    DEFAULT_CSS = """
    Beside { display: none; width: 2fr; min-width: 80; height: 1fr; }
    Beside Curve { display: none; height: 2fr; min-height: 7; }
    Beside Document { height: 3fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.curve = Curve("Equity")
        self.document = Document("")
        self.curve.can_focus = self.document.can_focus = False
        self._told = ""

    def compose(self) -> ComposeResult:
        yield self.curve
        yield self.document

    def takes_room(self) -> bool:
        """Whether there is room for it now, and with that whether it is to be filled."""
        room = self.app.size.width >= BESIDE_FROM and not cast(HasKeys, self.app).plain
        if room != self.display:
            self.display = room
        return room

    def tell(self, title: str, more: str, draw: Draw) -> None:
        """This text, without a curve; where it is another row's by its title, from its beginning."""
        self.curve.display = False
        self.document.set_title(Cell(title), Cell(more, "muted"))
        self.document.set_summary()
        self.document.show_text(draw)
        if self._told != title:
            self._told = title
            self.document.to_top()

    def say(self, title: str, text: str, role: str = "muted") -> None:
        """A sentence, where there is no row or nothing is known of it."""

        def lines(width: int) -> list[Line]:
            return paragraph(text, width, role)

        self.tell(title, "", lines)
