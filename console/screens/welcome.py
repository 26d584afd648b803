"""What a newcomer is told before anything else: what this is, how the screen is read, and five keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.keys import KeyMap
from console.screens.dialog import Dialog, Line, paragraph
from widgets.cells import Cell

WHAT = "This trades on paper: no money, no keys, no network. The market is simulated and open at any hour."
SCREEN = (
    "The top line says which account this is, who decides, and whether anything is wrong. Under it: prices and their chart, what you hold, "
    "what works, what waits for your decision, your limits, the log."
)
AFTER = "Any key closes this; it does not come back. `tradeconsole init` writes your own config."
KEYS_WIDTH = 9


class Welcome(Dialog[None]):
    """Any key closes it, or a click, and does nothing else."""

    def __init__(self, keys: KeyMap, clock: Callable[[], float]) -> None:
        super().__init__("Welcome to tradeconsole", None, clock)
        self._five = five_keys(keys)

    def body(self, width: int) -> list[Line]:
        lines = [*paragraph(WHAT, width), [], *paragraph(SCREEN, width), []]
        for keys, does, role in self._five:
            lines += paragraph(does, width, role, Cell(f"{keys:<{KEYS_WIDTH}}", role or "key"))
        return [*lines, [], *paragraph(AFTER, width, "muted")]

    def hints(self) -> Sequence[tuple[str, str]]:
        return (("Esc", "or any other key closes"),)

    def key(self, key: str, character: str | None) -> None:
        self.answer(None)

    def clicked(self, line: int, x: int, *, twice: bool) -> None:
        self.answer(None)


def five_keys(keys: KeyMap) -> tuple[tuple[str, str, str], ...]:
    """Keys, what they do, and the role they are drawn in."""
    name = keys.names
    return (
        (name["emergency_stop"], "stops everything at once, from anywhere, and asks nothing", "stop"),
        (name["buy"], f"buys what the cursor is on; {name['order_line']} takes an order as a line", ""),
        (f"{name['approve']} {name['reject']}", f"yes or no to a strategy's signal, in panel {name['panel_signals']}", ""),
        (
            f"{name['panel_watch']}-{name['panel_chart']}",
            f"go to a panel; {name['row_down']} {name['row_up']} move in it, {name['zoom']} makes it large",
            "",
        ),
        (name["help"], "every key there is", ""),
    )
