"""Orders: the blotter of what works and what came of the rest, newest first as the view gives it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Unpack

from engine.model.orders import OrderState, OrderType
from engine.model.views import OrderRow, View
from widgets import numbers
from widgets.cells import Cell, Content, Forms
from widgets.columns import Column, drawn_by
from widgets.row_table import TableOptions
from widgets.table import LiveTable, Subset

_TYPES = {
    OrderType.MARKET: "mkt",
    OrderType.LIMIT: "lmt",
    OrderType.STOP: "stp",
    OrderType.STOP_LIMIT: "stp lmt",
    OrderType.TRAILING_STOP: "trl",
}
_STATE_ROLES = {
    OrderState.UNKNOWN: "error",
    OrderState.REJECTED: "error",
    OrderState.PARTIAL: "accent",
    OrderState.WORKING: "accent",
    OrderState.PENDING_SUBMIT: "warning",
    OrderState.PENDING_CANCEL: "warning",
    OrderState.PENDING_REPLACE: "warning",
    OrderState.CANCELED: "muted",
    OrderState.EXPIRED: "muted",
    OrderState.REPLACED: "muted",
}


def side_role(row: OrderRow) -> str:
    """Only what can still trade is in the colour of its side."""
    return "muted" if row.state.is_final else row.side.value.lower()


def _quantity(row: OrderRow) -> Content:
    """A quantity that the gate cut down shows what was asked for, too, or, where that has no room, that it was more."""
    quantity = numbers.quantity(row.quantity)
    if row.requested <= row.quantity:
        # More than was asked for at first is what a person asked for since.
        return Cell(quantity)
    return Forms(Cell(f"{quantity} of {numbers.quantity(row.requested)}", "warning"), Cell(f"↓{quantity}", "warning"))


def price_text(row: OrderRow) -> str:
    """`lmt 190.00`, `stp lmt 184.00 183.50`, `trl 2% 181.30` with where it stands now, `lmt 3% away` from an entry that has not filled."""
    prices = [numbers.price(value, row.tick) for value in (row.trail, row.stop, row.limit) if value is not None]
    if row.trail_pct is not None:
        prices.insert(0, f"{row.trail_pct.normalize():f}%")
    if row.exit_pct is not None and not row.released:
        prices.append(f"{row.exit_pct.normalize():f}% away")
    return " ".join([_TYPES[row.type], *prices])


def _state(row: OrderRow) -> Content:
    """The state, and of a part how much: in shares or, where they have no room, in per cent."""
    role = _STATE_ROLES.get(row.state, "")
    # A question mark, because an unknown order may or may not be at the broker, and colour must not be the only one to say so.
    word = ("? " if row.state is OrderState.UNKNOWN else "") + row.state.words
    if not row.filled or row.filled == row.quantity:
        return Cell(word, role)
    part = numbers.fraction_of(row.filled, row.quantity)
    share = f"{math.floor(part * 100) or '<1'}%" if math.isfinite(part) else numbers.NONE
    return Forms(Cell(f"{word} {numbers.quantity(row.filled)}/{numbers.quantity(row.quantity)}", role), Cell(f"{word} {share}", role))


def _note(row: OrderRow) -> Content:
    """Who ordered it, and why; where that has no room, who."""
    hours = "extended hours" if row.extended_hours else ""
    return Forms(Cell(" · ".join(part for part in (row.strategy, row.reason, hours) if part), "muted"), Cell(row.strategy, "muted"))


def _works(row: OrderRow) -> bool:
    return not row.state.is_final


def _filled(row: OrderRow) -> bool:
    return row.state is OrderState.FILLED


def _ended(row: OrderRow) -> bool:
    """It ended otherwise; a part of it may have filled."""
    return row.state.is_final and row.state is not OrderState.FILLED


_SUBSETS = {"working": _works, "filled": _filled, "ended": _ended}


class Orders(LiveTable[OrderRow]):
    """Its title counts the orders of each kind, and a click on one of them looks at these alone."""

    DIGIT = "3"
    TITLE = "Orders"
    EMPTY = "No orders yet. {buy} buys, {order_line} opens the order line."
    UNKNOWN = "No orders are known yet. They appear once the engine is up."
    """Before the broker was asked: that nothing works would not be true."""
    NEWEST_FIRST = True
    SUBSETS = (Subset[OrderRow]("all"), *(Subset(name, holds) for name, holds in _SUBSETS.items()))
    COLUMNS = (
        Column[OrderRow]("#", lambda row: Cell(f"#{row.number}", "muted"), 3, "right", grow=7, priority=5, sort=lambda row: row.number),
        Column[OrderRow]("Side", lambda row: Cell(row.side.value, side_role(row)), 4, sort=lambda row: row.side.value),
        Column[OrderRow]("Qty", _quantity, 3, "right", grow=24, sort=lambda row: row.quantity),
        Column[OrderRow]("Symbol", lambda row: Cell(row.symbol), 6, grow=12, sort=lambda row: row.symbol),
        Column[OrderRow]("Price", lambda row: Cell(price_text(row)), 6, grow=36, priority=1, sort=lambda row: row.limit or row.stop),
        Column[OrderRow]("TIF", lambda row: Cell(row.tif.value, "muted"), 3, priority=6, sort=lambda row: row.tif.value),
        Column[OrderRow]("State", _state, 7, grow=36, sort=lambda row: row.state.value),
        Column[OrderRow](
            "Average", lambda row: Cell(numbers.price(row.average, row.tick)), 7, "right", grow=14, priority=2, sort=lambda row: row.average
        ),
        Column[OrderRow](
            "Time", lambda row: Cell(numbers.market_time(row.created_at), "muted"), 8, grow=11, priority=7, sort=lambda row: row.created_at
        ),
        Column[OrderRow]("From", _note, 4, grow=60, flex=1, priority=8, sort=lambda row: row.strategy),
    )

    def __init__(self, **options: Unpack[TableOptions]) -> None:
        super().__init__(**options)
        self._marked_ended: set[str] = set()
        """Of orders that had ended already when they were marked the ids: an ended order stays so."""

    def key_of(self, row: OrderRow) -> str:
        return row.id

    def can_mark(self, row: OrderRow) -> bool:
        return True

    def keeps_mark(self, row: OrderRow) -> bool:
        """A mark on what works is for what is done with that, and ends with it; one that was set on an ended order is for its copy."""
        return _works(row) or row.id in self._marked_ended

    def _mark(self, index: int) -> bool:
        marked = super()._mark(index)
        if marked and not _works(self.rows[index]):
            self._marked_ended.add(self.rows[index].id)
        return marked

    def columns_on(self, today: str) -> Sequence[Column[OrderRow]]:
        return drawn_by(self.COLUMNS, "Time", lambda row: Cell(numbers.moment(row.created_at, today), "muted"))

    def show(self, view: View) -> None:
        self.show_day(view.health.market_time)
        self.say_when_empty(self.EMPTY if view.health.ready else self.UNKNOWN)
        self.show_rows(view.orders)

    def rows_changed(self) -> None:
        counts = Counter(row.state for row in self.all_rows)
        working = sum(count for state, count in counts.items() if not state.is_final)
        filled, unknown = counts[OrderState.FILLED], counts[OrderState.UNKNOWN]
        total = sum(counts.values())
        none = "not known yet" if not total and self.empty_text == self.UNKNOWN else "none works"
        parts = [Cell(f"{working} work{'s' if working == 1 else ''}" if working else none, "accent" if working else "")]
        if unknown:
            parts.append(Cell(f"  {unknown} unknown", "error"))
        self.set_summary(*parts)
        self.show_subsets({"all": total, "working": working, "filled": filled, "ended": total - working - filled})
