"""The dialog in which a person chooses what single strategy or symbol is to have a limit of its own, and which."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.preferences import Preference
from console.screens.dialog import Line, paragraph
from console.screens.listing import ListDialog
from widgets.cells import Cell
from widgets.text import clean
from widgets.words import Words


class OwnLimitChoice(ListDialog[Preference, Preference]):
    """Answers the limit whose value is to be typed. What is typed narrows the list: words of the name and of the limit."""

    PLACE = "symbols"
    TYPES = True

    def __init__(self, offered: Sequence[Preference], clock: Callable[[], float]) -> None:
        super().__init__("Limit one strategy or symbol", clock)
        self._offered = offered
        self._found: Sequence[Preference] = offered

    def intro(self, width: int) -> list[Line]:
        text = "Of this and the account's limit the tighter holds. Type parts of a name and of a limit, as: aapl order size"
        return [*paragraph(text, width, "muted"), []]

    def items(self) -> Sequence[Preference]:
        return self._found

    def cells(self, item: Preference, marked: bool) -> list[Cell]:
        return [Cell(f" {clean(item.name):<30} ", "title-focus" if marked else "title"), Cell(f"  {item.means}", "muted")]

    def empty(self) -> str:
        return "None is called so, or it has that limit already." if self._offered else "There is no strategy and no symbol in this run."

    def typed(self) -> None:
        self.marked = 0
        words = Words.of(self.editor.text)
        self._found = [item for item in self._offered if words.hold_in(item.name.casefold())]

    def enter(self) -> None:
        self.answer(self.marked_item)
