"""Positions: what is held, at which cost, and what it has made."""

from __future__ import annotations

from decimal import Decimal

from engine.model.money import ZERO
from engine.model.views import PositionRow, View
from widgets import numbers
from widgets.cells import Cell, Content
from widgets.columns import Column
from widgets.table import LiveTable


def _last(row: PositionRow) -> Content:
    return Cell(numbers.price(row.last, row.tick), "stale" if row.stale_s is not None else "")


def _unrealised(row: PositionRow) -> Content:
    return Cell(numbers.profit(row.unrealised), "stale" if row.stale_s is not None else numbers.direction(row.unrealised))


def _percent(row: PositionRow) -> Content:
    if row.stale_s is not None:
        return Cell(numbers.stale(row.stale_s), "stale")
    return Cell(numbers.percent(row.unrealised_fraction), numbers.direction(row.unrealised_fraction))


def _profit(amount: Decimal) -> Cell:
    return Cell(numbers.profit(amount), numbers.direction(amount))


class Positions(LiveTable[PositionRow]):
    DIGIT = "2"
    TITLE = "Positions"
    EMPTY = "No positions. {buy} buys, {order_line} opens the order line."
    COLUMNS = (
        Column[PositionRow]("Symbol", lambda row: Cell(row.symbol), 6, grow=12, sort=lambda row: row.symbol),
        Column[PositionRow]("Qty", lambda row: Cell(numbers.quantity(row.quantity)), 5, "right", grow=12, sort=lambda row: row.quantity),
        Column[PositionRow](
            "Average", lambda row: Cell(numbers.price(row.average, row.tick)), 7, "right", grow=14, priority=2, sort=lambda row: row.average
        ),
        Column[PositionRow]("Last", _last, 7, "right", grow=14, priority=1, sort=lambda row: row.last, volatile=True),
        Column[PositionRow]("Unrealised", _unrealised, 10, "right", grow=18, sort=lambda row: row.unrealised, volatile=True),
        Column[PositionRow]("%", _percent, 8, "right", grow=12, priority=3, sort=lambda row: row.unrealised_fraction, volatile=True),
        Column[PositionRow]("Day", lambda row: _profit(row.day), 9, "right", grow=18, priority=4, sort=lambda row: row.day, volatile=True),
        Column[PositionRow](
            "Value",
            lambda row: Cell(numbers.money(row.value), "muted"),
            10,
            "right",
            grow=18,
            priority=5,
            sort=lambda row: row.value,
            volatile=True,
        ),
        Column[PositionRow]("Realised", lambda row: _profit(row.realised), 10, "right", grow=18, priority=6, sort=lambda row: row.realised),
    )

    def key_of(self, row: PositionRow) -> str:
        return row.symbol

    def can_mark(self, row: PositionRow) -> bool:
        return True

    def show(self, view: View) -> None:
        self.show_rows(view.positions)

    def rows_changed(self) -> None:
        """The totals are of what is shown: they follow the filter."""
        rows = self.rows
        unrealised = sum((row.unrealised for row in rows), ZERO)
        if not self.total:
            self.set_summary(Cell("none held"))
            self.set_totals({})
            return
        self.set_summary(Cell(f"{self.total} held  "), _profit(unrealised))
        self.set_totals(
            {
                "Symbol": Cell("Total"),
                "Unrealised": _profit(unrealised),
                "Day": _profit(sum((row.day for row in rows), ZERO)),
                "Value": Cell(numbers.money(sum((row.value for row in rows), ZERO))),
                "Realised": _profit(sum((row.realised for row in rows), ZERO)),
            }
            if len(rows) > 1
            else {}
        )
