"""The dialogs that only show: the help, and everything about one row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from typing import Any

from rich.text import Text

from console.keys import ACTIONS, PANELS, TITLES, Action, shown
from console.screens.dialog import Dialog
from engine.model import Vote
from engine.model.views import LogLine
from widgets import numbers
from widgets.text import clean

EXAMPLES = (
    ("buy 100 AAPL @ 187.50 day", "limit order; `mkt` or no price at all: market order"),
    ("buy $5k AAPL @ bid+0.02", "for an amount, at a price by the quote"),
    ("sell half AAPL stop 184 gtc", "of the position: all, half, 25%; stop order"),
    ("close AAPL 50%", "never more than is held"),
    ("cancel AAPL    cancel *    cancel #12", "a symbol's orders, all, one"),
    ("mode semi    flatten", "execution mode; close everything"),
    ("preview buy 10 MSFT", "asks the gate, sends nothing"),
)


class Reading(Dialog[None]):
    """Text to scroll through. Esc, q and Enter close it."""

    def __init__(self, title: str, text: Callable[[Reading], Text], clock: Callable[[], float]) -> None:
        super().__init__(title, None, clock)
        self._text = text

    def body(self) -> Text:
        return self._text(self)

    def key(self, key: str, character: str | None) -> None:
        if key in ("q", "enter", "question_mark", "f1"):
            self.answer(None)
        else:
            self.scroll_by(key)


def help_dialog(clock: Callable[[], float], actions: Iterable[Action] = ACTIONS) -> Reading:
    """The help screen, all of it from the table of actions."""
    actions = tuple(actions)

    def text(dialog: Reading) -> Text:
        palette = dialog.palette
        out = Text("", palette.style(""))

        def section(title: str, some: Iterable[Action]) -> None:
            out.append(f"{title}\n", palette.style("title"))
            for action in some:
                role = "stop" if action.required else "key"
                out.append(f"  {' '.join(map(shown, action.keys)):<10}", palette.style(role))
                out.append(f"{action.does}\n", palette.style("stop" if action.required else ""))
            out.append("\n")

        section("Everywhere", [a for a in actions if a.required or (a.typing and not a.panels)])
        section("In any panel", [a for a in actions if not a.panels and not a.required and not a.typing and a.name != "panel"])
        numbered = [a for a in actions if a.name == "panel"]
        keys = "  ".join(f"{shown(a.keys[0])} {TITLES[a.argument]}" for a in numbered)
        out.append("Panels\n", palette.style("title"))
        out.append(f"  {keys}\n\n", palette.style(""))
        seen: dict[frozenset[str], list[Action]] = {}
        for action in actions:
            if action.panels:
                seen.setdefault(action.panels, []).append(action)
        for panels, some in seen.items():
            section("In " + ", ".join(TITLES[panel] for panel in PANELS if panel in panels), some)
        out.append("The order line\n", palette.style("title"))
        for example, means in EXAMPLES:
            out.append(f"  {example}\n", palette.style("key"))
            out.append(f"      {means}\n", palette.style("muted"))
        out.append("  ↑ ↓ history, Tab completes, Esc clears and then leaves. Keywords are lower case,\n", palette.style(""))
        out.append("  symbols upper case, and $ALL is the symbol where ALL is also a word.\n", palette.style(""))
        return out

    return Reading("Help", text, clock)


def detail_dialog(title: str, row: Any, clock: Callable[[], float]) -> Reading:
    """Every field of a row as it was when it was asked for."""

    def text(dialog: Reading) -> Text:
        palette = dialog.palette
        out = Text("", palette.style(""))
        named = [(field.name, getattr(row, field.name)) for field in fields(row) if field.name != "detail"]
        width = max(len(name) for name, _ in named) + 2
        for name, value in named:
            lines = written(name, value)
            out.append(f"{name.replace('_', ' '):<{width}}", palette.style("muted"))
            out.append(f"{lines[0]}\n", palette.style(""))
            for line in lines[1:]:
                out.append(f"{' ' * width}{line}\n", palette.style(""))
        detail = getattr(row, "detail", "")
        if detail:
            out.append("\n")
            for line in detail.splitlines():
                out.append(f"{clean(line)}\n", palette.style("error" if isinstance(row, LogLine) else ""))
        return out

    return Reading(title, text, clock)


def written(name: str, value: Any) -> list[str]:
    """A field's value as lines; `-` where nothing applies."""
    if value is None or value == "" or value == ():
        return [numbers.NONE]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if name == "wall":
        return [numbers.wall_time(value, "%Y-%m-%d %H:%M:%S")]
    if name == "at" or name.endswith("_at"):
        return [numbers.market_time(value, "%Y-%m-%d %H:%M:%S ET")]
    if isinstance(value, Enum):
        return [str(value.value)]
    if isinstance(value, tuple):
        return [_vote(item) if isinstance(item, Vote) else clean(str(item)) for item in value]
    if isinstance(value, Decimal):
        return [numbers.quantity(value)]
    if isinstance(value, float):
        return [f"{value:,.6g}" if abs(value) < 1_000 else f"{value:,.2f}"]
    return [clean(str(value))]


def _vote(vote: Vote) -> str:
    values = "  ".join(f"{clean(name)} {value:,.4g}" for name, value in vote.indicators)
    side = vote.side.value if vote.side else "no opinion"
    return f"{clean(vote.strategy)}: {side} {vote.strength:.0%}  {values}".rstrip()
