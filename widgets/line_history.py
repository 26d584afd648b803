"""The lines that were entered, newest last, and going back through those that begin as the line does."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from widgets.text import without_hidden

MOST = 500


class LineHistory:
    """`changed` is handed all lines whenever one was added."""

    def __init__(self, lines: Iterable[str] = (), changed: Callable[[list[str]], None] | None = None, longest: int = 200) -> None:
        """`lines` come from outside, a file: what is too long to have been entered, or empty, is left out."""
        cleaned = [without_hidden(line).strip() for line in lines]
        self._lines = [line for line in cleaned if line and len(line) <= longest][-MOST:]
        self._changed = changed
        self._place: int | None = None
        self._begun = ""
        self._beginning = ""

    def add(self, line: str) -> None:
        self.leave()
        if self._lines[-1:] != [line]:
            self._lines = [*self._lines, line][-MOST:]
            if self._changed is not None:
                self._changed(self._lines)

    def leave(self) -> None:
        """The line is edited: the next way back begins from what it is then."""
        self._place = None

    def step(self, back: bool, text: str, cursor: int) -> str | None:
        """The next line back or forward that begins as what stood before the cursor at the first step; None where there is none.

        `text` and `cursor` are those of the line now. The way forward ends at what was typed.
        """
        if self._place is None:
            if not back:
                return None
            self._place, self._begun, self._beginning = len(self._lines), text, text[:cursor]
        places = range(self._place - 1, -1, -1) if back else range(self._place + 1, len(self._lines))
        for place in places:
            # What looks the same is passed over: a step that changes nothing looks like a key that was lost.
            if self._lines[place].startswith(self._beginning) and self._lines[place] != text:
                self._place = place
                return self._lines[place]
        if back:
            return None
        self._place = None
        return self._begun
