"""What stands beside a backtest's form on a wide screen: the strategy and its parameters, the bars there are, how their prices went."""

from __future__ import annotations

from typing import cast

from textual.app import ComposeResult
from textual.containers import Vertical

from console.backtest.at_hand import AtHand, Held
from console.screens.beside import BESIDE_FROM
from console.screens.details.writing import Head, Section, facts, sections, table
from console.screens.dialog import HasKeys, Line, paragraph
from widgets import numbers
from widgets.cells import Cell, fit_cells
from widgets.curves import CurveLine, Curves
from widgets.document import Document

READING = "Looking at the strategy and the bars …"
NO_BARS = "The prices of these days stand here where their bars are on this machine."
MOST_DRAWN = 6
"""Symbols whose prices are drawn."""


class FormBeside(Vertical):
    """Nobody goes there: the keys stay in the form. In plain text there is one thing at a time, and not this."""

    DEFAULT_CSS = """
    FormBeside { display: none; width: 2fr; min-width: 84; height: 1fr; }
    FormBeside Curves { height: 2fr; min-height: 7; }
    FormBeside Document { height: 3fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._curves = Curves("Prices of these days")
        self._document = Document("What it runs with")
        self._curves.can_focus = self._document.can_focus = False
        self._curves.show_lines((), READING)
        self._document.show_text(lambda width: paragraph(READING, width, "muted"))
        self._told = AtHand()
        """What was all right last."""

    def compose(self) -> ComposeResult:
        yield self._curves
        yield self._document

    def takes_room(self) -> bool:
        """Whether there is room for it now, and with that whether it is to be filled."""
        room = self.app.size.width >= BESIDE_FROM and not cast(HasKeys, self.app).plain
        if room != self.display:
            self.display = room
        return room

    def tell(self, found: AtHand) -> None:
        """This; where something is missing yet, under it what was all right last."""
        if not found.missing:
            self._told = found
            self._curves.show_lines([_line(each) for each in found.held[:MOST_DRAWN]], NO_BARS)
        missing, told = found.missing, self._told
        self._document.show_text(lambda width: lines(missing, told, width))


def _line(held: Held) -> CurveLine:
    return CurveLine(held.symbol, held.at, [close / held.opened - 1 for close in held.closes] if held.opened else [])


def lines(missing: str, found: AtHand, width: int) -> list[Line]:
    """All of it in so many cells."""
    head = [*paragraph(missing, width, "warning"), []] if missing else []
    parts = []
    if found.strategy:
        parts.append(Section(found.strategy, lambda room: _strategy(found, room)))
    if found.params:
        parts.append(Section("Parameters", lambda room: _params(found, room)))
    if found.data:
        parts.append(Section(f"Bars of {found.data}", lambda room: _bars(found, room)))
    if found.terms:
        parts.append(Section("What the fields and the config come to", lambda room: facts(found.terms, room)))
    return [*head, *sections(parts, width)]


def _strategy(found: AtHand, width: int) -> list[Line]:
    told = [*paragraph(found.told, width), []] if found.told else []
    return [*told, *facts(found.needs, width)]


def _params(found: AtHand, width: int) -> list[Line]:
    heads = (Head("Name"), Head("Value", right=True), Head("Default", right=True, priority=1), Head("It may be", priority=2))
    rows = [
        [
            Cell(each.name),
            Cell(each.value, "" if each.value == each.default else "accent"),
            Cell(each.default, "muted"),
            Cell(each.allowed, "muted"),
        ]
        for each in found.params
    ]
    return [fit_cells(line, width) for line in table(heads, rows, width)]


def _bars(found: AtHand, width: int) -> list[Line]:
    heads = (
        *(Head("Symbol"), Head("First day"), Head("Last day"), Head("Bars", right=True), Head("Before them", right=True, priority=1)),
        *(Head("First close", right=True, priority=3), Head("Last close", right=True, priority=2), Head("Held", right=True)),
    )
    rows = []
    for each in found.held:
        gain = each.closed / each.opened - 1 if each.opened else None
        rows.append(
            [
                *(
                    Cell(each.symbol),
                    Cell(f"{each.first}"),
                    Cell(f"{each.last}"),
                    Cell(f"{each.bars:,}"),
                    Cell(f"{each.before:,}", "muted"),
                ),
                *(Cell(f"{each.opened:,.2f}", "muted"), Cell(f"{each.closed:,.2f}", "muted")),
                Cell(numbers.change(gain), numbers.change_direction(gain)),
            ]
        )
    drawn = [fit_cells(line, width) for line in table(heads, rows, width)] if rows else []
    return [*drawn, *(line for text in found.data_told for line in paragraph(text, width, "muted"))]
