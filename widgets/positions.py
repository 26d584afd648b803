"""Positions: what is held, at which cost, and what it has made."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Unpack

from engine.model.money import ZERO
from engine.model.views import PositionRow, View
from widgets import numbers
from widgets.cells import Cell, Content
from widgets.columns import Column
from widgets.row_table import TableOptions
from widgets.table import LiveTable


def _last(row: PositionRow) -> Content:
    return Cell(numbers.price(row.last, row.tick), "stale" if row.stale_s is not None else "")


def _unrealised(row: PositionRow) -> Content:
    return Cell(numbers.profit(row.unrealised), "stale" if row.stale_s is not None else numbers.profit_direction(row.unrealised))


def _percent(row: PositionRow) -> Content:
    if row.stale_s is not None:
        return Cell(numbers.stale(row.stale_s), "stale")
    return Cell(numbers.percent(row.unrealised_fraction), numbers.direction(row.unrealised_fraction))


def _profit(amount: Decimal) -> Cell:
    return Cell(numbers.profit(amount), numbers.profit_direction(amount))


THIS, ALL, TOGETHER = "this account", "all accounts", "together"


def together(rows: Sequence[PositionRow]) -> tuple[PositionRow, ...]:
    """The positions of all accounts by symbol, long and short in it offset. Where they are, `account` says: it names several."""
    by_symbol: dict[str, list[PositionRow]] = {}
    for row in rows:
        by_symbol.setdefault(row.symbol, []).append(row)
    return tuple(its[0] if len(its) == 1 else _together(its) for its in by_symbol.values())


def _together(rows: Sequence[PositionRow]) -> PositionRow:
    """As one. The average is what the whole cost a share, so that it and the last price give the profit."""
    quantity = sum((row.quantity for row in rows), ZERO)
    cost = sum((row.quantity * row.average for row in rows), ZERO)
    spent = sum((abs(row.quantity) * row.average for row in rows), ZERO)
    unrealised = sum((row.unrealised for row in rows), ZERO)
    stale = [row.stale_s for row in rows if row.stale_s is not None]
    return PositionRow(
        symbol=rows[0].symbol,
        quantity=quantity,
        average=cost / quantity if quantity else ZERO,
        last=rows[0].last,
        value=sum((row.value for row in rows), ZERO),
        unrealised=unrealised,
        unrealised_fraction=float(unrealised / spent) if spent else None,
        realised=sum((row.realised for row in rows), ZERO),
        stale_s=max(stale, default=None),
        tick=rows[0].tick,
        day=sum((row.day for row in rows), ZERO),
        account="+".join(row.account for row in rows),
    )


class Positions(LiveTable[PositionRow]):
    """Of several accounts those that are shown, those of all, or all of them by symbol: see `LOOKS`."""

    LOOKS = (THIS, ALL, TOGETHER)
    DIGIT = "2"
    TITLE = "Positions"
    EMPTY = "No positions. {buy} buys, {order_line} opens the order line."
    UNKNOWN = "No positions are known yet. They appear once the engine is up."
    """Before the broker was asked: that nothing is held would not be true."""
    MARKABLE = "positions of one account"
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

    def __init__(self, **options: Unpack[TableOptions]) -> None:
        super().__init__(**options)
        self._look = THIS
        self._view: View | None = None
        self._counts: dict[str, int] = {}

    def key_of(self, row: PositionRow) -> str:
        return f"{row.symbol} {row.account}" if row.account else row.symbol

    def can_mark(self, row: PositionRow) -> bool:
        return "+" not in row.account

    # ---- several accounts

    @property
    def subset(self) -> str:
        return self._look if self._counts else ""

    def next_subset(self) -> None:
        if self._counts:
            self.look_at(self.LOOKS[(self.LOOKS.index(self._look) + 1) % len(self.LOOKS)])

    def look_at(self, name: str) -> None:
        self._look = name
        if self._view is not None:
            self.show(self._view)

    def show(self, view: View) -> None:
        self._view = view
        self.say_when_empty(self.EMPTY if view.health.ready else self.UNKNOWN)
        if not view.accounts:
            self.show_rows(view.positions)
            return
        everywhere = [row for each in view.accounts for row in each.positions]
        looks = {THIS: view.positions, ALL: tuple(everywhere), TOGETHER: together(everywhere)}
        self._counts = {name: len(rows) for name, rows in looks.items()}
        columns = self.COLUMNS if self._look == THIS else WITH_ACCOUNT
        if self.columns is not columns:
            self.columns = columns
            self.rearrange(self.arrangement)
        self.show_rows(looks[self._look])
        self.rows_changed()

    def rows_changed(self) -> None:
        """The totals are of what is shown: they follow the filter."""
        rows = self.rows
        if self._counts:
            self.show_subsets(self._counts)
        unrealised = sum((row.unrealised for row in rows), ZERO)
        if not self.total:
            self.set_summary(Cell("not known yet" if self.empty_text == self.UNKNOWN else "none held"))
            self.set_totals({})
            return
        # The sum is of the rows that are shown, so their number must be told with it.
        held = str(self.total) if len(rows) == self.total else f"{len(rows)} of {self.total}"
        self.set_summary(Cell(f"{held} held  "), _profit(unrealised))
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


WITH_ACCOUNT = (
    Positions.COLUMNS[0],
    Column[PositionRow]("Account", lambda row: Cell(row.account, "muted"), 7, grow=24, sort=lambda row: row.account),
    *Positions.COLUMNS[1:],
)
