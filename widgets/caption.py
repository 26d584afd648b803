"""Caption: one line that says what is being shown, with a place of its own, so that it covers nothing."""

from __future__ import annotations

from widgets.cells import Cell
from widgets.lines import Lines
from widgets.text import clean


class Caption(Lines):
    """At the bottom of a screen that floats over another it stands above that one's hints."""

    DEFAULT_CSS = """
    Caption { height: 1; }
    ModalScreen > Caption { dock: bottom; margin: 0 0 1 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._text = ""

    def show(self, text: str) -> None:
        """`text` in at most as many cells as the screen is wide less ten."""
        if text != self._text:
            self._text = clean(text)
            self.redraw()

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        return [("", [Cell(" "), Cell(" DEMO ", "title-focus"), Cell(" "), Cell(self._text, "accent")])]
