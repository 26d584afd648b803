"""Every field of a row, for the panels whose rows have no life of their own: watchlist, log."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any

from console.screens.dialog import Line, paragraph
from console.screens.reading import Reading
from widgets import numbers
from widgets.cells import Cell
from widgets.text import clean, cut

PRICES = frozenset({"limit", "stop", "price", "average", "last", "bid", "ask"})


def row_dialog(row: Any, clock: Callable[[], float]) -> Reading:
    """Every field of `row` as it was when it was asked for."""
    symbol = getattr(row, "symbol", "")
    kind = type(row).__name__.removesuffix("Row").removesuffix("Line")
    number = getattr(row, "number", None)
    title = " ".join(filter(None, (kind, f"#{number}" if number is not None else "", symbol)))
    named = [(name, getattr(row, name)) for name in row.__struct_fields__ if name != "detail"]
    labels = max(len(name) for name, _ in named) + 2
    detail: str = getattr(row, "detail", "")
    tick: Decimal | None = getattr(row, "tick", None)

    def lines(width: int) -> list[Line]:
        drawn: list[Line] = []
        for name, value in named:
            label = f"{name.replace('_', ' '):<{labels}}"
            for part in written(name, value, tick):
                drawn += paragraph(part, width, "", Cell(label, "muted"))
                label = " " * labels
        if detail:
            # A traceback keeps its indentation: it is cut by the edge, never wrapped into another shape.
            drawn += [[], *([Cell(cut(clean(line), width))] for line in detail.splitlines())]
        return drawn

    return Reading(title, lines, clock)


def written(name: str, value: Any, tick: Decimal | None = None) -> list[str]:
    """A field's value as lines, prices on the row's tick; `-` where nothing applies."""
    if value is None or value == "" or value == ():
        return [numbers.NONE]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if name in ("wall", "at") or name.endswith("_at"):
        return [numbers.market_time(value, "%Y-%m-%d %H:%M:%S ET")]
    if isinstance(value, Enum):
        return [str(value.value)]
    if isinstance(value, tuple):
        return [clean(str(item)) for item in value]
    if tick is not None and name in PRICES:
        return [numbers.price(value, tick)]
    if isinstance(value, Decimal):
        return [numbers.quantity(value)]
    if isinstance(value, float):
        return [f"{value:,.6g}" if abs(value) < 1_000 else f"{value:,.2f}"]
    return [clean(str(value))]
