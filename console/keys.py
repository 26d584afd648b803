"""The one table of actions: it dispatches keys and feeds the hint line and the help screen. A key nobody listed here does nothing.

Keys are Textual's names (`f12`, `ctrl+g`, `colon`). Only keys that survive SSH, tmux and a browser's terminal belong here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PANELS = ("watch", "positions", "orders", "signals", "risk", "log", "chart")
"""In the order of the digits that go to them."""
TITLES = dict(zip(PANELS, ("Watch", "Positions", "Orders", "Signals", "Risk", "Log", "Chart"), strict=True))
WITH_SYMBOL = frozenset({"watch", "positions", "orders", "signals", "chart"})
WITH_ROWS = frozenset(PANELS) - {"chart"}


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is the method `do_<name>` of the trading screen, called with `argument` where there is one.

    `panels` are those with the focus in which the keys work; empty means all. `typing` keys work in the order line as well.
    A `required` action works everywhere, dialogs included, and its keys cannot be taken away. `hint` is for the hint line, or empty.
    """

    name: str
    keys: tuple[str, ...]
    does: str
    hint: str = ""
    panels: frozenset[str] = frozenset()
    argument: str = ""
    typing: bool = False
    required: bool = False

    def works_in(self, panel: str) -> bool:
        return not self.panels or panel in self.panels


STOP = Action(
    "emergency_stop",
    ("f12", "ctrl+g"),
    "EMERGENCY STOP, from anywhere, asks nothing: closes the gate and cancels everything that works",
    "EMERGENCY STOP",
    typing=True,
    required=True,
)

ACTIONS: tuple[Action, ...] = (
    STOP,
    Action("approve", ("a",), "approve the signal: risk and price are checked again", "approve", frozenset({"signals"})),
    Action("reject", ("x",), "reject the signal, with a reason if you like", "reject", frozenset({"signals"})),
    Action("mark", ("space",), "mark the signal, for A", panels=frozenset({"signals"})),
    Action("approve_marked", ("A",), "approve all marked signals", panels=frozenset({"signals"})),
    Action("cancel", ("c",), "cancel the order", "cancel", frozenset({"orders"})),
    Action("help", ("question_mark", "f1"), "this help", "help", typing=True),
    Action("buy", ("b",), "buy: opens the order line on the row's symbol", "buy", WITH_SYMBOL),
    Action("sell", ("s",), "sell: opens the order line on the row's symbol", "sell", WITH_SYMBOL),
    Action("order_line", ("colon",), "the order line: buy 100 AAPL @ 187.50 day, cancel *, mode semi", "order line"),
    Action("mode", ("m",), "execution mode; also the way out of a stop", "mode"),
    Action("zoom", ("z",), "give the panel the whole screen, and back", "zoom"),
    Action("quit", ("q", "ctrl+c"), "quit: says what still works, and asks", "quit", typing=True),
    Action("detail", ("enter",), "everything about the row", "detail", WITH_ROWS),
    Action("cancel_symbol", ("C",), "cancel all orders of the row's symbol", "cancel all of the symbol", WITH_SYMBOL - {"chart"}),
    Action("flatten", ("f9",), "flatten: close every position, after the word FLATTEN", typing=True),
    Action("row_up", ("k", "up"), "one row up", panels=WITH_ROWS),
    Action("row_down", ("j", "down"), "one row down", panels=WITH_ROWS),
    Action("page_up", ("pageup",), "one page up", panels=WITH_ROWS),
    Action("page_down", ("pagedown",), "one page down", panels=WITH_ROWS),
    Action("first_row", ("g", "home"), "the first row", panels=WITH_ROWS),
    Action("last_row", ("G", "end"), "the last row", panels=WITH_ROWS),
    *(Action("panel", (str(n),), f"go to {TITLES[panel]}", argument=panel) for n, panel in enumerate(PANELS, 1)),
    Action("next_panel", ("tab",), "the next panel"),
    Action("previous_panel", ("shift+tab",), "the panel before"),
    Action("theme", ("t",), "the next theme"),
)
LINE_HINTS = (("Enter", "send"), ("Tab", "complete"), ("↑", "history"), ("Esc", "clear, then leave"), ("F1", "help"))
"""The order line takes its keys itself; these are the ones to tell of."""

TYPED = {"question_mark": "?", "colon": ":", "slash": "/", "space": "Space", "pageup": "PgUp", "pagedown": "PgDn"}
ARROWS = {"up": "↑", "down": "↓", "left": "←", "right": "→"}


def shown(key: str) -> str:
    """A key as a person reads it: `^G`, `F12`, `?`, `Enter`."""
    if key.startswith("ctrl+"):
        return "^" + key[5:].upper()
    if len(key) == 1:
        return key
    return TYPED.get(key) or ARROWS.get(key) or "+".join(part.capitalize() for part in key.split("+"))


class KeyMap:
    """Finds the action of a key. Raises ValueError for a table in which one key means two things, naming both."""

    def __init__(self, actions: Iterable[Action] = ACTIONS) -> None:
        self.actions = tuple(actions)
        self._by_key: dict[str, list[Action]] = {}
        for action in self.actions:
            for key in action.keys:
                for other in self._by_key.get(key, ()):
                    if not action.panels or not other.panels or action.panels & other.panels:
                        raise ValueError(f"The key {shown(key)} means both {other.name} ({other.does}) and {action.name} ({action.does}).")
                self._by_key.setdefault(key, []).append(action)

    def find(self, key: str, panel: str, typing: bool = False, character: str | None = None) -> Action | None:
        """The action of `key` while `panel` has the focus, or while a person types: then a key that types `character` is text."""
        if typing and character is not None and character.isprintable():
            return None
        for action in self._by_key.get(key, ()):
            if action.works_in(panel) and (action.typing or not typing):
                return action
        return None

    def hints(self, panel: str) -> tuple[tuple[str, str], ...]:
        """(key, what it does) for the hint line of `panel`, most particular first; the stop is shown apart."""
        hinted = [action for action in self.actions if action.hint and action.works_in(panel) and not action.required]
        hinted.sort(key=lambda action: len(action.panels) != 1)
        return tuple((shown(action.keys[0]), action.hint) for action in hinted)
