"""The dialog that only shows: text to scroll through."""

from __future__ import annotations

from collections.abc import Callable

from console.screens.dialog import Dialog, Line, paragraph


class Reading(Dialog[None]):
    """Text to scroll through. Esc, q and Enter close it."""

    PLACE = "text"

    def __init__(self, title: str, lines: Callable[[int], list[Line]], clock: Callable[[], float]) -> None:
        super().__init__(title, None, clock)
        self._lines = lines

    def body(self, width: int) -> list[Line]:
        return self._lines(width)

    def key(self, key: str, character: str | None) -> None:
        if key in ("q", "enter", "question_mark", "f1"):
            self.answer(None)
        else:
            self.scroll_by(key)


def read_text(text: str, clock: Callable[[], float]) -> Reading:
    """All of a text that is cut elsewhere, and may have several lines."""
    return Reading("All of it", lambda width: [line for each in text.split("\n") for line in paragraph(each, width)], clock)
