"""Alpaca's JSON as our own values. What is missing or makes no sense there raises nothing here: news must never be lost over a field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Any, TypeAlias

from msgspec import Struct

from engine.model.inputs import AssetTold
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Side, Terms, TimeInForce

Raw: TypeAlias = Mapping[str, Any]

EVENTS = {
    "pending_new": OrderEvent.ACCEPT,
    "accepted": OrderEvent.ACCEPT,
    "accepted_for_bidding": OrderEvent.ACCEPT,
    "pending_review": OrderEvent.ACCEPT,
    "done_for_day": OrderEvent.ACCEPT,
    "suspended": OrderEvent.ACCEPT,
    "calculated": OrderEvent.ACCEPT,
    "held": OrderEvent.HOLD,
    "new": OrderEvent.WORK,
    "stopped": OrderEvent.WORK,
    "partially_filled": OrderEvent.FILL_PART,
    "pending_cancel": OrderEvent.ACCEPT,
    "pending_replace": OrderEvent.ACCEPT,
    "filled": OrderEvent.FILL_ALL,
    "canceled": OrderEvent.CANCEL,
    "expired": OrderEvent.EXPIRE,
    "rejected": OrderEvent.REJECT,
    "replaced": OrderEvent.SUPERSEDE,
}
"""What each status means. One that is not here keeps what was known. One on its way to another says only that the order is there."""

ENDED = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})

ALIVE = frozenset({OrderEvent.ACCEPT, OrderEvent.HOLD, OrderEvent.WORK, OrderEvent.FILL_PART})

TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
}
_TYPES = {word: kind for kind, word in TYPES.items()}
_SECOND = 1_000_000_000
FRACTION = Decimal("0.000000001")
"""Of a share: the smallest part that is traded."""
_CLOSED = {
    "account_blocked": "Alpaca has the account blocked (account_blocked)",
    "trading_blocked": "Alpaca has trading blocked for the account (trading_blocked)",
    "trade_suspended_by_user": "Trading is suspended in the account's own settings at Alpaca (trade_suspended_by_user)",
}
"""What an account may be marked with, and what that means."""


def closed(account: Raw) -> str:
    """Why Alpaca takes no entries for the account, nothing where it does."""
    return next((why for flag, why in _CLOSED.items() if account.get(flag) is True), "")


def asset(symbol: str, told: Raw) -> AssetTold:
    """How Alpaca trades it. A word that it leaves out is no no."""
    closed = f"{symbol} is not tradable at Alpaca" if told.get("tradable") is False else ""
    return AssetTold(symbol, closed, told.get("fractionable") is not False, told.get("shortable") is not False)


class Seen(Struct, frozen=True):
    """One order as Alpaca has just told it."""

    id: str
    client_id: str
    status: str
    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType
    tif: TimeInForce
    limit: Decimal | None
    stop: Decimal | None
    trail: Decimal | None
    trail_pct: Decimal | None
    extended_hours: bool
    filled: Decimal
    average: Decimal | None
    updated_at: int
    created_at: str
    replaces: str
    replaced_by: str
    notional: Decimal | None = None
    legs: tuple[Seen, ...] = ()


def seen(raw: Raw) -> Seen | None:
    """The order that `raw` tells, None where it tells none."""
    try:
        return Seen(
            id=str(raw["id"]),
            client_id=str(raw.get("client_order_id") or raw["id"]),
            status=str(raw.get("status") or ""),
            symbol=str(raw.get("symbol") or ""),
            side=Side.SELL if str(raw.get("side")).startswith("sell") else Side.BUY,
            quantity=_quantity(raw),
            type=_TYPES.get(str(raw.get("type") or raw.get("order_type")), OrderType.MARKET),
            tif=_tif(raw.get("time_in_force")),
            limit=amount(raw.get("limit_price")),
            stop=amount(raw.get("stop_price")),
            trail=amount(raw.get("trail_price")),
            trail_pct=amount(raw.get("trail_percent")),
            extended_hours=raw.get("extended_hours") is True,
            filled=amount(raw.get("filled_qty")) or ZERO,
            average=amount(raw.get("filled_avg_price")),
            updated_at=moment(raw.get("updated_at")),
            created_at=str(raw.get("created_at") or ""),
            replaces=str(raw.get("replaces") or ""),
            replaced_by=str(raw.get("replaced_by") or ""),
            notional=amount(raw.get("notional")),
            legs=tuple(leg for each in raw.get("legs") or () if (leg := seen(each)) is not None),
        )
    except (KeyError, TypeError, AttributeError):
        return None


def _quantity(raw: Raw) -> Decimal:
    """Of one placed by its value, which has none of its own: what filled where that is all, else what its money makes at the average so
    far; nothing while nothing filled."""
    told, notional = amount(raw.get("qty")), amount(raw.get("notional"))
    filled, average = amount(raw.get("filled_qty")) or ZERO, amount(raw.get("filled_avg_price"))
    if told is not None or notional is None or not average or raw.get("status") == "filled":
        return filled if told is None else told
    return max((notional / average).quantize(FRACTION, ROUND_UP), filled + FRACTION)


def all_seen(raws: object) -> list[Seen]:
    """The orders of a list. Raises ValueError where it is no list of orders."""
    if not isinstance(raws, list):
        raise ValueError("it is no list of orders")
    orders = [seen(raw) for raw in raws]
    if None in orders:
        raise ValueError("one of its orders has no id")
    return [order for order in orders if order is not None]


def amount(given: object) -> Decimal | None:
    """A number that was told as text, or as JSON's own; None where it is none."""
    if given is None or given == "" or isinstance(given, bool):
        return None
    try:
        value = Decimal(str(given))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def moment(given: object) -> int:
    """Nanoseconds of a time as in 2026-01-05T14:30:00.123456789Z, which may have any number of digits; 0 where it is none."""
    text = str(given or "")
    whole, _, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :] if rest else ""
    try:
        at = datetime.fromisoformat((whole + zone).replace("Z", "+00:00"))
    except ValueError:
        return 0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(at.timestamp()) * _SECOND + int(f"{digits:0<9}"[:9])


def _tif(given: object) -> TimeInForce:
    word = str(given or "").upper()
    return TimeInForce(word) if word in TimeInForce.__members__ else TimeInForce.DAY


class Fields(dict[str, Any]):
    """A request's fields as they go out: the library's own request classes would make floats of our numbers."""

    def to_request_fields(self) -> dict[str, Any]:
        return dict(self)


def order_fields(order: Order, client_id: str) -> Fields:
    fields = Fields(
        symbol=order.symbol,
        qty=f"{order.remaining:f}",
        side=order.side.lower(),
        type=TYPES[order.type],
        time_in_force=order.tif.lower(),
        client_order_id=client_id,
    )
    trails = order.type is OrderType.TRAILING_STOP
    prices = {
        "limit_price": order.limit,
        "stop_price": None if trails else order.stop,
        "trail_price": order.trail,
        "trail_percent": order.trail_pct,
    }
    fields.update({name: f"{price:f}" for name, price in prices.items() if price is not None})
    if order.extended_hours:
        fields["extended_hours"] = True
    return fields


def group_fields(profit: Order, loss: Order, client_id: str) -> Fields:
    """One order that takes the profit, with the one that ends the loss as its leg: each fill of one is taken from the other."""
    fields = order_fields(profit, client_id)
    ends = {"stop_price": loss.stop, "limit_price": loss.limit}
    fields["order_class"] = "oco"
    fields["take_profit"] = {"limit_price": fields.pop("limit_price")}
    fields["stop_loss"] = {name: f"{price:f}" for name, price in ends.items() if price is not None}
    return fields


def replace_fields(now: Terms, filled: Decimal, terms: Terms) -> Fields:
    """What changes. The order that takes the place of this one knows nothing of what it filled, so it is told what is left."""
    fields = Fields()
    if filled or terms.quantity != now.quantity:
        fields["qty"] = f"{terms.quantity - filled:f}"
    trails = now.trail is not None or now.trail_pct is not None
    for name, before, after in (
        ("limit_price", now.limit, terms.limit),
        ("stop_price", now.stop, None if trails else terms.stop),
        ("trail", now.trail or now.trail_pct, terms.trail or terms.trail_pct),
    ):
        if after is not None and after != before:
            fields[name] = f"{after:f}"
    return fields
