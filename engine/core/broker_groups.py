"""Groups that a broker keeps itself: what it took from an order for a fill that it has yet to tell, and what it has yet to take.

A broker tells each order by itself, so that a leg may be smaller before the other's fill is heard: given back, that would be traded twice.
A replace that is under way while the other leg fills undoes what the broker took. Its list of all orders ends both.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine.core.desk import SECOND, Desk
from engine.model.money import ZERO
from engine.model.orders import Order

BROKERS_TURN = 2 * SECOND
"""How long the broker may take to take a fill of one order from the others."""


class BrokerGroups:
    """Says nothing where the broker keeps no groups."""

    __slots__ = ("_ahead", "_desk", "_reduced", "_since")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reduced: set[str] = set()
        """Orders that the broker made smaller by itself in what is being handled."""
        self._ahead: dict[str, Decimal] = {}
        """Of orders that it made smaller for fills that it has yet to tell: how much the others of the group filled, if that is so."""
        self._since: dict[str, int] = {}
        """Since when it has to take something from an order, in monotonic nanoseconds."""

    def on_terms(self, order: Order, had: Decimal, *, answered: bool) -> None:
        """The broker told other terms of `order`, which had the quantity `had`; `answered` where it was asked for them."""
        if order.quantity == had:
            return
        self._ahead.pop(order.id, None)
        self._reduced.discard(order.id)
        if self._desk.gate.capabilities.oco and order.oco and not answered and order.quantity < had:
            self._reduced.add(order.id)

    def on_listed(self) -> None:
        """The broker told how all its orders stand: no fill is missing now."""
        self._since = {order_id: since for order_id, since in self._since.items() if order_id in self._desk.state.book.open}
        self._ahead.clear()
        self._reduced.clear()

    def look(self, working: Sequence[Order], orders: Sequence[Order], shares: Decimal) -> None:
        """Takes in what the broker took by itself from the `working` ones of the family `orders`, which our books leave `shares`."""
        for order in working:
            if order.id in self._reduced:
                self._reduced.discard(order.id)
                self._ahead[order.id] = _others(order, orders) + max(shares - order.remaining, ZERO)

    def left_for(self, order: Order, orders: Sequence[Order], shares: Decimal) -> Decimal:
        """What of the `shares` that are left by our books `order` may trade: not what others filled that is yet to be told."""
        if order.id not in self._ahead:
            return shares
        untold = self._ahead[order.id] - _others(order, orders)
        if untold <= 0:
            del self._ahead[order.id]
            return shares
        return shares - untold

    def is_its_turn(self, order: Order) -> bool:
        """Whether the broker may yet take from `order`, by itself, what others of its group filled."""
        since = self._since.setdefault(order.id, self._desk.mono)
        return self._desk.mono - since < BROKERS_TURN

    def is_over(self, order: Order) -> None:
        """The broker would not make `order` smaller when it was asked to, so it will not by itself either."""
        self._since[order.id] = self._desk.mono - BROKERS_TURN

    def is_done(self, order: Order) -> None:
        """There is nothing to be taken from `order`."""
        self._since.pop(order.id, None)


def _others(order: Order, orders: Sequence[Order]) -> Decimal:
    """What the others of its group have filled."""
    return sum((other.filled for other in orders if other.oco == order.oco and other is not order), ZERO)
