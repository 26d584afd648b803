"""Editing one line of text by keys, without a screen: the order line and the dialogs that ask for a word share it."""

from __future__ import annotations

import re

from widgets.cells import Cell
from widgets.text import clean, without_hidden

BACKWARD_WORD = re.compile(r"\S*\s*$")
FORWARD_WORD = re.compile(r"\s*\S*")


class LineEditor:
    """`text` and the place of the `cursor` in it. Every key is applied at once and in the order it comes."""

    def __init__(self, longest: int = 200) -> None:
        self.text = ""
        self.cursor = 0
        self.longest = longest

    @property
    def cells(self) -> list[Cell]:
        """The line as it is drawn: before the cursor, under it, a blank behind the last, and after it."""
        text = f"{self.text} "
        return [Cell(clean(text[: self.cursor])), Cell(clean(text[self.cursor]), "title-focus"), Cell(clean(text[self.cursor + 1 :]))]

    @property
    def is_full(self) -> bool:
        return len(self.text) >= self.longest

    def put(self, text: str, cursor: int | None = None) -> None:
        """Replace the whole line; the cursor goes to its end or to `cursor`."""
        self.text = text[: self.longest]
        self.cursor = len(self.text) if cursor is None else min(cursor, len(self.text))

    def insert(self, text: str) -> None:
        room = self.longest - len(self.text)
        text = text[:room]
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def paste(self, text: str) -> str:
        """The first line alone, without control characters: nothing pasted can press Enter. Answers in words what was left out, if any.

        What does not fit is not taken at all: cut off, a line would mean something else.
        """
        # Terminals send the ends of pasted lines as \r: what is no line's end to the cleaning must be cut off before it.
        lines = text.strip("\r\n").splitlines()
        first = without_hidden(lines[0]) if lines else ""
        if len(self.text) + len(first) > self.longest:
            return f"Not pasted: the line holds {self.longest} characters."
        self.insert(first)
        return f"Only the first of the {len(lines)} pasted lines is here." if len(lines) > 1 else ""

    def key(self, key: str, character: str | None) -> bool:
        """Apply one key by Textual's name of it. False where it edits nothing."""
        text, cursor = self.text, self.cursor
        if key in ("left", "ctrl+left", "right", "ctrl+right", "home", "ctrl+a", "end", "ctrl+e"):
            self.cursor = self._moved(key)
        elif key == "backspace":
            self._cut(max(cursor - 1, 0), cursor)
        elif key in ("delete", "ctrl+d"):
            self._cut(cursor, min(cursor + 1, len(text)))
        elif key == "ctrl+w":
            self._cut(self._word_before(), cursor)
        elif key == "ctrl+u":
            self._cut(0, cursor)
        elif key == "ctrl+k":
            self._cut(cursor, len(text))
        elif character is not None and len(character) == 1 and character.isprintable():
            self.insert(without_hidden(character))
        else:
            return False
        return True

    def _moved(self, key: str) -> int:
        match key:
            case "left":
                return max(self.cursor - 1, 0)
            case "right":
                return min(self.cursor + 1, len(self.text))
            case "ctrl+left":
                return self._word_before()
            case "ctrl+right":
                match_ = FORWARD_WORD.match(self.text, self.cursor)
                return match_.end() if match_ else len(self.text)
            case "home" | "ctrl+a":
                return 0
            case _:
                return len(self.text)

    def _word_before(self) -> int:
        found = BACKWARD_WORD.search(self.text[: self.cursor])
        return found.start() if found else 0

    def _cut(self, start: int, end: int) -> None:
        self.text = self.text[:start] + self.text[end:]
        self.cursor = start
