"""The filter of a table: one line to type into, in the frame, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence

from widgets.cells import Cell
from widgets.line_editor import LineEditor
from widgets.text import clean, cut
from widgets.words import Words

LONGEST = 60


class FilterLine:
    """`words` are those typed so far: rows are filtered while a person types. `typing` says whether it has the keys."""

    def __init__(self) -> None:
        self._editor = LineEditor(LONGEST)
        self.typing = False

    @property
    def text(self) -> str:
        """What is typed, as it is shown."""
        return clean(self._editor.text).strip()

    @property
    def words(self) -> Words:
        return Words.of(self.text)

    def begin(self) -> None:
        """Type on behind what is there."""
        self.typing = True
        self._editor.put(self._editor.text)

    def end(self) -> None:
        """Keep what was typed."""
        self.typing = False
        self._editor.put(self.text)

    def clear(self) -> None:
        self.typing = False
        self._editor.put("")

    def take(self, key: str, character: str | None) -> bool:
        """One key while typing; False where it means nothing here."""
        if key in ("enter", "tab"):
            self.end()
        elif key == "escape" or (key == "backspace" and not self._editor.text):
            self.clear()
        else:
            return self._editor.key(key, character)
        return True

    def paste(self, text: str) -> None:
        self._editor.paste(text)

    def cells(self, found: int, total: int, room: int) -> Sequence[Cell]:
        """For the frame, in at most `room` cells: the line that is typed, or the filter that is kept, and how many rows it leaves."""
        count = f"{found:,} of {total:,}"
        if not self.typing:
            if not self.text:
                return ()
            lead, end = Cell(f" {count}, filter: ", "muted"), Cell(" × ", "muted")
            return (lead, Cell(cut(self.text, max(room - len(lead.text) - len(end.text), 8)), "key"), end)
        before, at, after = self._editor.cells
        space = max(room - len(count) - 6, 8)
        return (Cell(" /", "key"), Cell(before.text[-space:]), at, after, Cell(f" {count} ", "muted"))
