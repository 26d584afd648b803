"""What a broker can do, so that the gate refuses in words what it cannot, before anything is sent."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from engine.model.orders import OrderType, TimeInForce


class Capabilities(Struct, frozen=True):
    """`fraction` is the smallest step of a quantity where parts of a share can be traded (in which orders, `step` says), else None.

    `oco` says that the broker itself takes a fill of one order from the others of its group; where it does not, the engine has them
    replaced and cancelled, and a race of two fills can close more than is held. Such a group is sent as one, of orders of `oco_types`; its
    quantity can be replaced where `oco_resize` says so, else another group takes its place.

    `cancels_at_once` is how many orders one request to cancel may name; `cancels_all` says that one message can end all there are, so that
    the stop does not wait for those whose cancels go out one by one.

    `cash` says that its word on cash is the account's own: what no trade explains there was paid in or out.
    """

    types: frozenset[OrderType] = frozenset(OrderType)
    tifs: frozenset[TimeInForce] = frozenset(TimeInForce)
    extended_hours: bool = False
    fraction: Decimal | None = None
    short: bool = True
    replace: bool = True
    oco: bool = False
    oco_types: frozenset[OrderType] = frozenset(OrderType)
    oco_resize: bool = True
    cancels_at_once: int = 25
    cancels_all: bool = False
    cash: bool = False


def step(lot: Decimal, fraction: Decimal | None, kind: OrderType, tif: TimeInForce, *, bracketed: bool = False) -> Decimal:
    """The smallest step of an order's quantity: `fraction` in orders for the day at the market or a limit that bring no exits along, the
    only ones in which brokers trade parts of a share; the instrument's `lot` in all others, and where there is no fraction."""
    simple = tif is TimeInForce.DAY and kind in (OrderType.MARKET, OrderType.LIMIT) and not bracketed
    return min(lot, fraction) if simple and fraction is not None else lot
