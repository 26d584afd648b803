"""How a detail is written: facts with their labels, small tables, and sections beside each other where there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from console.screens.dialog import Line, paragraph
from widgets import numbers
from widgets.cells import UNLIMITED, Cell, fit_cells, length, pieces, wrap_cells

Value: TypeAlias = str | Cell | Sequence[Cell]

BESIDE = 104
"""From this width on sections stand in two columns."""
GUTTER = 3
LABELS = 17
"""Cells of a fact's label and the blanks behind it, so that the values of all sections stand under each other."""
FACT = 14
"""Cells that a fact's value has at least where a label is long."""


class Section(Struct, frozen=True):
    """A titled part; `lines` draws it for a width."""

    title: str
    lines: Callable[[int], list[Line]]


class Head(Struct, frozen=True):
    """A table's column. Where there is no room, whole columns go, highest `priority` first; those of priority 0 stay."""

    title: str
    right: bool = False
    priority: int = 0


def price(value: Decimal | float | None, tick: Decimal | None) -> str:
    """A price in the decimals it has, at least its tick's, or cents where that is not known any more: a fill may lie between two ticks.

    What the market said, a float, is on its tick.
    """
    if value is None or (tick is not None and isinstance(value, float)):
        return numbers.price(value, tick or Decimal(1))
    text = numbers.quantity(round(Decimal(repr(value)) if isinstance(value, float) else value, 6))
    least = 2 if tick is None else numbers.decimals_of(tick)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<{least}}" if text != numbers.NONE and (decimals or least) else text


def facts(pairs: Iterable[tuple[str, Value]], width: int, least: int = LABELS) -> list[Line]:
    """`label  value`, values under each other; a long one goes on below itself. `least` cells are the label's, for those of several
    sections to stand under each other."""
    given = list(pairs)
    labels = min(max([least, *(len(label) + 2 for label, _ in given)]), max(width // 2, width - FACT))
    lines: list[Line] = []
    for label, value in given:
        if len(label) >= labels:
            lines += paragraph(label, width, "muted")
            label = ""
        lead = Cell(f"{label:<{labels}}", "muted")
        if isinstance(value, str):
            value = Cell(value)
        if isinstance(value, Cell):
            lines += paragraph(value.text or numbers.NONE, width, value.role, lead)
        else:
            lines += wrap_cells([lead, *pieces(value, UNLIMITED)], width, labels)
    return lines


def table(heads: Sequence[Head], rows: Sequence[Sequence[Cell]], width: int) -> list[Line]:
    """Rows under their headings, each column as wide as its widest cell. Those that must stay and have no room stand in a line below."""
    drawn = [[pieces(cell, UNLIMITED) for cell in row] for row in rows]
    widths = [max([len(head.title), *(length(row[place]) for row in drawn)]) for place, head in enumerate(heads)]
    kept = list(range(len(heads)))
    while len(kept) > 1 and sum(widths[place] for place in kept) + 2 * (len(kept) - 1) > width:
        least = max(reversed(kept), key=lambda place: heads[place].priority)
        if not heads[least].priority:
            break
        kept.remove(least)
    titles = [[Cell(heads[place].title, "muted")] for place in range(len(heads))]
    lines: list[Line] = []
    for row in (titles, *drawn):
        line: Line = []
        for place in kept:
            if line and length(line) + 2 + widths[place] > width:
                lines.append(line)
                line = []
            line += [Cell("  ")] if line or place != kept[0] else []
            line += fit_cells(row[place], widths[place], right=heads[place].right)
        lines.append(line)
    return lines


def sections(parts: Sequence[Section], width: int) -> list[Line]:
    """Below each other, a blank line between them."""
    lines: list[Line] = []
    for part in parts:
        lines += [[]] if lines else []
        lines.append([Cell(part.title, "title")])
        lines += part.lines(width)
    return lines


def arranged(left: Sequence[Section], right: Sequence[Section], width: int, needs: tuple[int, int] | None = None) -> list[Line]:
    """`left` and `right` beside each other where there is room, else below each other. `needs` are the cells that each of them takes at
    least; the left one then gets no more."""
    if width < (BESIDE if needs is None else sum(needs) + GUTTER):
        return sections([*left, *right], width)
    room = min(76, (width - GUTTER) * 9 // 20) if needs is None else needs[0]
    ours, theirs = sections(left, room), sections(right, width - room - GUTTER)
    between = [Cell(" │ ", "line")]
    count = max(len(ours), len(theirs))
    return [
        [
            *fit_cells(ours[place] if place < len(ours) else [], room),
            *between,
            *(theirs[place] if place < len(theirs) else []),
        ]
        for place in range(count)
    ]


def profit(value: Decimal | float | None) -> Cell:
    """A result in the colour of its sign."""
    return Cell(numbers.profit(value), numbers.profit_direction(value))


def moment(at: int) -> str:
    """A market time with its day."""
    return numbers.market_time(at, "%Y-%m-%d %H:%M:%S ET")
