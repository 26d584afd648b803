"""Orders of which more may fill than was let through: where a broker makes another order of one that is replaced, what filled while the
replace was on its way comes on top. What still works of it is cancelled, and the rest is a person's to decide about.
"""

from __future__ import annotations

from engine.core.desk import Desk
from engine.core.groups import Groups
from engine.model.modes import Level
from engine.model.orders import Order, OrderState, Side


class Surplus:
    __slots__ = ("_desk", "_groups")

    def __init__(self, desk: Desk, groups: Groups) -> None:
        self._desk = desk
        self._groups = groups

    def follow(self, order: Order, before: OrderState) -> None:
        """`order`, of which there is a surplus, stood at `before` and has had news."""
        asked, did = order.quantity - order.surplus, "bought" if order.side is Side.BUY else "sold"
        name = f"#{order.number} {order.side} {order.symbol}: {asked:f} asked for"
        if order.state.is_final:
            if not before.is_final:
                self._tell_end(order, f"{name}, {order.filled:f} {did}", order.filled > asked)
        elif order.state is not OrderState.PENDING_CANCEL:
            may = f"{order.quantity:f} may be {did}, for {order.filled:f} had filled before its replace was carried out"
            self._desk.note(Level.ERROR, "broker", f"{name}, and {may}. What works of it is cancelled now.")
            self._groups.on_surplus(order)
            self._desk.cancel([order], "a fill crossed its replace")

    def _tell_end(self, order: Order, what: str, too_much: bool) -> None:
        what = f"{what}, for a fill crossed its replace."
        if too_much:
            text = f"{what} Nothing trades back what is too much: to keep it or not is yours to decide."
        else:
            text = f"{what} The rest was cancelled, so that it would not be too much: order what is missing again if you want it."
        self._desk.note(Level.ERROR, "broker", text)
