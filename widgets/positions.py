"""Positions: what is held, at which cost, and what it has made."""

from __future__ import annotations

from decimal import Decimal

from engine.model.views import PositionRow, View
from widgets import numbers
from widgets.cells import Cell, Content
from widgets.table import Column, LiveTable


def _last(row: PositionRow) -> Content:
    return Cell(numbers.price(row.last, row.tick), "stale" if row.stale_s is not None else "")


def _unrealised(row: PositionRow) -> Content:
    return Cell(numbers.profit(row.unrealised), "stale" if row.stale_s is not None else numbers.direction(row.unrealised))


def _percent(row: PositionRow) -> Content:
    if row.stale_s is not None:
        return Cell(f"stale {numbers.age(row.stale_s)}", "stale")
    return Cell(numbers.percent(row.unrealised_fraction), numbers.direction(row.unrealised_fraction))


class Positions(LiveTable[PositionRow]):
    DIGIT = "2"
    TITLE = "Positions"
    EMPTY = "No positions. {buy} buys, {order_line} opens the order line."
    COLUMNS = (
        Column[PositionRow]("Symbol", lambda row: Cell(row.symbol), 6, grow=10),
        Column[PositionRow]("Qty", lambda row: Cell(numbers.quantity(row.quantity)), 5, "right", grow=12),
        Column[PositionRow]("Average", lambda row: Cell(numbers.price(row.average, row.tick)), 7, "right", grow=14, priority=2),
        Column[PositionRow]("Last", _last, 7, "right", grow=14, priority=1),
        Column[PositionRow]("Unrealised", _unrealised, 10, "right", grow=18),
        Column[PositionRow]("%", _percent, 8, "right", grow=10, priority=3),
        Column[PositionRow]("Value", lambda row: Cell(numbers.money(row.value), "muted"), 10, "right", grow=18, priority=4),
        Column[PositionRow](
            "Realised", lambda row: Cell(numbers.profit(row.realised), numbers.direction(row.realised)), 10, "right", grow=18, priority=5
        ),
    )

    def key_of(self, row: PositionRow) -> str:
        return row.symbol

    def show(self, view: View) -> None:
        total = sum((row.unrealised for row in view.positions), Decimal(0))
        if view.positions:
            self.set_summary(Cell(f"{len(view.positions)} held  "), Cell(numbers.profit(total), numbers.direction(total)))
        else:
            self.set_summary(Cell("none held"))
        self.show_rows(view.positions)
