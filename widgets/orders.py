"""Orders: the blotter of what works and what came of the rest, newest first as the view gives it."""

from __future__ import annotations

from engine.model.orders import OrderState, OrderType
from engine.model.views import OrderRow, View
from widgets import numbers
from widgets.cells import Cell, Content
from widgets.table import Column, LiveTable

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
    """A quantity that the gate cut down shows what was asked for, too."""
    cut_down = row.requested != row.quantity
    return Cell(
        numbers.quantity(row.quantity) + (f" of {numbers.quantity(row.requested)}" if cut_down else ""), "warning" if cut_down else ""
    )


def price_text(row: OrderRow) -> str:
    """`lmt 190.00`, `stp lmt 184.00 183.50`, `trl 2% 181.30` with where it stands now, `lmt 3% away` from an entry that has not filled."""
    prices = [numbers.price(value, row.tick) for value in (row.trail, row.stop, row.limit) if value is not None]
    if row.trail_pct is not None:
        prices.insert(0, f"{row.trail_pct.normalize():f}%")
    if row.exit_pct is not None and not row.released:
        prices.append(f"{row.exit_pct.normalize():f}% away")
    return " ".join([_TYPES[row.type], *prices])


def _state(row: OrderRow) -> Content:
    word = row.state.value.lower().replace("_", " ")
    # A question mark, because an unknown order may or may not be at the broker, and colour must not be the only one to say so.
    mark = "? " if row.state is OrderState.UNKNOWN else ""
    progress = f" {numbers.quantity(row.filled)}/{numbers.quantity(row.quantity)}" if row.filled and row.filled != row.quantity else ""
    return Cell(f"{mark}{word}{progress}", _STATE_ROLES.get(row.state, ""))


def _note(row: OrderRow) -> Content:
    hours = "extended hours" if row.extended_hours else ""
    return Cell(" · ".join(part for part in (row.strategy, row.reason, hours) if part), "muted")


class Orders(LiveTable[OrderRow]):
    DIGIT = "3"
    TITLE = "Orders"
    EMPTY = "No orders yet. {buy} buys, {order_line} opens the order line."
    NEWEST_FIRST = True
    COLUMNS = (
        Column[OrderRow]("#", lambda row: Cell(f"#{row.number}", "muted"), 3, "right", grow=7, priority=5),
        Column[OrderRow]("Side", lambda row: Cell(row.side.value, side_role(row)), 4),
        Column[OrderRow]("Qty", _quantity, 3, "right", grow=14),
        Column[OrderRow]("Symbol", lambda row: Cell(row.symbol), 6, grow=10),
        Column[OrderRow]("Price", lambda row: Cell(price_text(row)), 6, grow=20),
        Column[OrderRow]("TIF", lambda row: Cell(row.tif.value, "muted"), 3, priority=6),
        Column[OrderRow]("State", _state, 7, grow=24),
        Column[OrderRow]("Average", lambda row: Cell(numbers.price(row.average, row.tick)), 7, "right", grow=14, priority=2),
        Column[OrderRow]("Time", lambda row: Cell(numbers.market_time(row.created_at), "muted"), 8, priority=7),
        Column[OrderRow]("From", _note, 12, flex=1, priority=8),
    )

    def key_of(self, row: OrderRow) -> str:
        return row.id

    def show(self, view: View) -> None:
        working = sum(not row.state.is_final for row in view.orders)
        unknown = sum(row.state is OrderState.UNKNOWN for row in view.orders)
        parts = [Cell(f"{working} work{'s' if working == 1 else ''}" if working else "none works", "accent" if working else "")]
        if unknown:
            parts.append(Cell(f"  {unknown} unknown", "error"))
        self.set_summary(*parts)
        self.show_rows(view.orders)
