"""The help screen, all of it from the table of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from console.keys import ACTIONS, PANELS, TITLES, Action, shown
from console.screens.dialog import Line, paragraph
from console.screens.reading import Reading
from widgets.cells import Cell

EXAMPLES = (
    ("buy 100 AAPL @ 187.50 day", "limit order; with mkt or no price at all: market order"),
    ("buy $5k AAPL @ bid+0.02", "for an amount, at a price by the quote"),
    ("sell half AAPL stop 184 gtc", "of the position: all, half, 25%; stop order"),
    ("close AAPL 50%", "never more than is held"),
    ("cancel AAPL    cancel *    cancel #12", "a symbol's orders, all, one"),
    ("mode semi    flatten", "execution mode; close everything"),
    ("preview buy 10 MSFT", "asks the gate, sends nothing"),
)
ABOUT_THE_LINE = (
    "The verb comes first and is written out; after it the order of words is free. Keywords are lower case, symbols upper case, "
    "and $ALL is the symbol where ALL is also a word. Up and Down: history. Tab completes. Esc clears the line, then leaves it."
)
INDENT = Cell("  ")


def help_dialog(clock: Callable[[], float], actions: Sequence[Action] = ACTIONS) -> Reading:
    """The help screen, all of it from the table of actions."""
    return Reading("Help", lambda width: _help(actions, width), clock)


def _help(actions: Sequence[Action], width: int) -> list[Line]:
    anywhere = [action for action in actions if action.typing]
    panels = [action for action in actions if action.name == "panel"]
    general = [action for action in actions if not action.panels and action not in anywhere and action not in panels]
    lines = [*_section("Everywhere", anywhere, width), *_section("In every panel", general, width)]
    lines += [
        [Cell("Panels", "title")],
        *paragraph("  ".join(f"{shown(a.keys[0])} {TITLES[a.argument]}" for a in panels), width, "", INDENT),
        [],
    ]
    grouped: dict[frozenset[str], list[Action]] = {}
    for action in actions:
        if action.panels:
            grouped.setdefault(action.panels, []).append(action)
    for where, some in grouped.items():
        lines += _section("In " + ", ".join(TITLES[panel] for panel in PANELS if panel in where), some, width)
    lines.append([Cell("The order line", "title")])
    for example, means in EXAMPLES:
        lines += [[INDENT, Cell(example, "key")], *paragraph(means, width, "muted", INDENT, INDENT, INDENT)]
    return [*lines, [], *paragraph(ABOUT_THE_LINE, width)]


def _section(title: str, actions: Iterable[Action], width: int) -> list[Line]:
    lines = [[Cell(title, "title")]]
    for action in actions:
        role = "stop" if action.required else "key"
        keys = Cell(f"{'  '.join(map(shown, action.keys)):<12}", role)
        lines += paragraph(action.does, width, "stop" if action.required else "", INDENT, keys)
    return [*lines, []]
