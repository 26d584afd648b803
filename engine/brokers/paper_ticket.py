"""One order at the paper broker: what it is there, how far it is, and how that is told."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from engine.model.inputs import BrokerOrder, OrderUpdate
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, Terms

_ENDED = frozenset({OrderEvent.FILL_ALL, OrderEvent.CANCEL, OrderEvent.EXPIRE, OrderEvent.REJECT})


class Ticket(Struct):
    """One order at the broker. `order` is its own copy, under the terms that hold; the totals are cumulative, as its updates tell them."""

    order: Order
    broker_id: str
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    event: OrderEvent = OrderEvent.ACCEPT
    reason: str = ""
    replaced: int = 0
    revision: int = 1
    """How many terms it has had."""

    @property
    def ended(self) -> bool:
        return self.event in _ENDED

    @property
    def left(self) -> Decimal:
        return self.order.quantity - self.filled

    def update(self, at: int, rule: str = "") -> OrderUpdate:
        """Where it stands at the market time `at`, after a fill by the matching rule `rule`."""
        figures = self.filled, self.cost, self.fees
        return OrderUpdate(self.order.id, self.event, self.broker_id, *figures, rule, self.reason, at, revision=self.revision)

    def listed(self) -> BrokerOrder:
        """As a snapshot lists it."""
        order = self.order
        return BrokerOrder(
            order_id=order.id,
            broker_id=self.broker_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            type=order.type,
            limit=order.limit,
            stop=order.stop,
            event=self.event,
            filled=self.filled,
            cost=self.cost,
            fees=self.fees,
            reason=self.reason,
            tif=order.tif,
            trail=order.trail,
            trail_pct=order.trail_pct,
            extended_hours=order.extended_hours,
        )


class Request(Struct, frozen=True):
    """A cancel, or with `terms` a replace, that reaches the market at `due`."""

    due: int
    order_id: str
    terms: Terms | None = None
    quantity: Decimal = ZERO
    """What the asker took the order's for: what its group traded that was not heard by then, or until `due`, comes off the new one too."""
    follows: bool = False
    """Whether an exit gets the price that its entry's new average makes."""


def left_in_group(order: Order, known: Iterable[Order]) -> Decimal:
    """What the orders of its group may still trade in all: a crash may have come between one's fill and the word to the others."""
    return order.requested - sum((other.filled for other in known if other.oco == order.oco), ZERO)
