"""The orders of the loopback Alpaca: what it keeps of each, and how it tells it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

ZERO = Decimal(0)
OPEN = frozenset({"new", "accepted", "pending_new", "held", "partially_filled", "pending_cancel", "pending_replace", "stopped"})
"""Statuses in which an order may still trade."""


class RefusedError(Exception):
    """An answer that is no: the HTTP status, Alpaca's code, its words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(slots=True)
class Execution:
    id: str
    quantity: Decimal
    price: Decimal
    at: str


@dataclass(slots=True)
class Order:
    """`client_id` is what the client calls it; a leg of a group has one of the server's own."""

    id: str
    client_id: str
    symbol: str
    side: str
    quantity: Decimal
    type: str
    tif: str
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    extended: bool = False
    order_class: str = ""
    status: str = "new"
    executions: list[Execution] = field(default_factory=list)
    legs: list[Order] = field(default_factory=list)
    parent: Order | None = None
    replaces: str = ""
    replaced_by: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    high: Decimal | None = None
    triggered: bool = False
    created_at: str = ""
    updated_at: str = ""
    ended_at: dict[str, str] = field(default_factory=dict)
    notional: Decimal | None = None
    """Of one placed by its value, which has no quantity."""

    @property
    def sign(self) -> int:
        return 1 if self.side == "buy" else -1

    @property
    def filled(self) -> Decimal:
        return sum((each.quantity for each in self.executions), ZERO)

    @property
    def cost(self) -> Decimal:
        return sum((each.quantity * each.price for each in self.executions), ZERO)

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled

    def left_at(self, price: Decimal) -> Decimal:
        """How many shares more it wants at `price`."""
        if self.notional is None:
            return self.left
        return ((self.notional - self.cost) / price).quantize(Decimal("0.000000001"), ROUND_DOWN)

    @property
    def works(self) -> bool:
        return self.status in OPEN


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shown(order: Order, *, nested: bool = True) -> dict[str, Any]:
    """An order as Alpaca tells it."""
    filled = order.filled
    average = (order.cost / filled).quantize(Decimal("0.000001")) if filled else None
    return {
        "id": order.id,
        "client_order_id": order.client_id,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "submitted_at": order.created_at,
        **{name: order.ended_at.get(name) for name in ("filled_at", "expired_at", "canceled_at", "replaced_at", "rejected_at")},
        "failed_at": None,
        "replaced_by": order.replaced_by or None,
        "replaces": order.replaces or None,
        "asset_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, order.symbol)),
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "notional": text_of(order.notional),
        "qty": None if order.notional is not None else text_of(order.quantity),
        "filled_qty": text_of(filled),
        "filled_avg_price": None if average is None else text_of(average),
        "order_class": order.order_class,
        "order_type": order.type,
        "type": order.type,
        "side": order.side,
        "time_in_force": order.tif,
        "limit_price": text_of(order.limit),
        "stop_price": text_of(order.stop),
        "status": order.status,
        "extended_hours": order.extended,
        "legs": [shown(leg) for leg in order.legs] if nested and order.legs else None,
        "trail_percent": text_of(order.trail_pct),
        "trail_price": text_of(order.trail),
        "hwm": text_of(order.high),
    }


def trailed(order: Order) -> Decimal:
    assert order.high is not None
    away = order.trail if order.trail is not None else order.high * (order.trail_pct or ZERO) / 100
    return order.high + order.sign * away


def price_of(given: object) -> Decimal | None:
    return None if given in (None, "") else Decimal(str(given))


def text_of(value: Decimal | None) -> str | None:
    if value is None:
        return None
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
