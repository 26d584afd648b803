"""What the tests of the courier share: an order's state to wait for, and the terms that are asked for."""

from __future__ import annotations

from decimal import Decimal

from engine.model.orders import OrderState, Terms
from tests.engine.engines import order_of


def state(order_state: OrderState, number: int = 1):  # type: ignore[no-untyped-def]
    return lambda view: view.orders and order_of(view, number).state is order_state


def terms(quantity: int = 20, price: int = 91) -> Terms:
    return Terms(Decimal(quantity), Decimal(price))
