"""LongText: what a question says before it asks, a page at a time where it has no room: what is typed or chosen stays in sight below it."""

from __future__ import annotations

from console.screens.dialog import Line, paragraph
from widgets.cells import Cell

LEAST = 3
"""Lines of it that are shown however little room there is."""


class LongText:
    """`text` may have several paragraphs, one a line. PgUp and PgDn turn its pages."""

    def __init__(self, text: str) -> None:
        self.whole = text
        self._first = 0
        self._page = 0

    def lines(self, width: int, most: int) -> list[Line]:
        """All of it, or a page of `most` lines and how much is not on it."""
        lines = [line for part in self.whole.split("\n") for line in paragraph(part, width)]
        most = max(most, LEAST)
        if len(lines) <= most:
            self._page = 0
            return lines
        self._page = most - 1
        self._first = min(self._first, len(lines) - self._page)
        shown = lines[self._first : self._first + self._page]
        behind = len(lines) - self._first - len(shown)
        places = ((self._first, "above"), (behind, "below"))
        hidden = [f"{count} line{'' if count == 1 else 's'} {where}" for count, where in places if count]
        return [*shown, [Cell(f"… {', '.join(hidden)}: PgUp and PgDn turn", "muted")]]

    def turn(self, key: str) -> bool:
        """Whether `key` turns pages."""
        if key in ("pageup", "pagedown"):
            self._first = max(self._first + (self._page if key == "pagedown" else -self._page), 0)
            return True
        return False
