"""TabLine: the panels' names in one line, for screens with room for one panel."""

from __future__ import annotations

from textual import events
from textual.message import Message

from widgets.cells import Cell
from widgets.lines import Lines


class TabLine(Lines):
    """Draws `tabs`, pairs of (id, name), each with its digit and the one in front marked. A click posts `Chosen`."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, tabs: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self._tabs = tabs
        self._front = tabs[0][0]
        self._alerts: frozenset[str] = frozenset()

    def show(self, front: str, alerts: frozenset[str]) -> None:
        """`front` is the tab in front; `alerts` are tabs in which something waits for a person."""
        self._front, self._alerts = front, alerts
        self.redraw()

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        cells = []
        for number, (tab, name) in enumerate(self._tabs, 1):
            alert = "!" if tab in self._alerts else " "
            if tab == self._front and self.palette.plain:
                cells.append(Cell(f"[{number} {name}]", "title-focus"))
            elif tab == self._front:
                cells.append(Cell(f" {number} {name}{alert}", "title-focus"))
            else:
                cells += [Cell(f" {number} ", "key"), Cell(name, "title"), Cell(alert, "warning")]
        return [("", cells)]

    def places(self) -> dict[str, int]:
        """The cell that each tab begins at."""
        found, left = {}, 0
        for tab, name in self._tabs:
            found[tab] = left
            left += len(name) + 4
        return found

    def on_click(self, event: events.Click) -> None:
        tab = [tab for tab, left in self.places().items() if left <= event.x][-1:]
        if tab and event.x < sum(len(name) + 4 for _, name in self._tabs):
            self.post_message(self.Chosen(tab[0]))
