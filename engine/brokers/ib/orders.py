"""Our orders in TWS's words, and back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine.brokers.ib.facts import CURRENCY, Contract, OrderFields
from engine.model.orders import Order, OrderType, Side, Terms, TimeInForce

_TYPES = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
    OrderType.TRAILING_STOP: "TRAIL",
}
_AT_THE_CLOSE = {OrderType.MARKET: "MOC", OrderType.LIMIT: "LOC"}
_OURS = {theirs: ours for ours, theirs in _TYPES.items()} | {theirs: ours for ours, theirs in _AT_THE_CLOSE.items()}
REDUCE_WITH_BLOCK = 2
"""A fill of one order of the group takes from the others, and no two of them are in the market where both could fill."""


def written(order: Order, account: str, oca_group: str = "") -> OrderFields:
    """`order` as it is sent. The time in force is always named: without one TWS takes a preset, and says so by an error."""
    return _fields(order, order.terms, account, oca_group)


def rewritten(order: Order, terms: Terms, account: str, oca_group: str) -> OrderFields:
    """`order` as it is sent to work under `terms`."""
    return _fields(order, terms, account, oca_group)


def _fields(order: Order, terms: Terms, account: str, oca_group: str) -> OrderFields:
    at_close = order.tif is TimeInForce.CLS
    return OrderFields(
        action=str(order.side),
        quantity=terms.quantity,
        type=_AT_THE_CLOSE.get(order.type, "") if at_close else _TYPES[order.type],
        limit=terms.limit,
        aux=terms.trail if order.type is OrderType.TRAILING_STOP else terms.stop,
        tif="DAY" if at_close else str(order.tif),
        outside_rth=order.extended_hours,
        trail_stop=terms.stop if order.type is OrderType.TRAILING_STOP else None,
        trail_pct=terms.trail_pct,
        oca_group=oca_group,
        oca_type=REDUCE_WITH_BLOCK if oca_group else 0,
        account=account,
        ref=order.id,
    )


def side_of(fields: OrderFields) -> Side:
    return Side.BUY if fields.action == "BUY" else Side.SELL


def type_of(fields: OrderFields) -> OrderType:
    """An order of a kind that is not ours, as TWS itself can place one, counts as what limits it: a limit order, or one at the market."""
    return _OURS.get(fields.type, OrderType.LIMIT if fields.limit else OrderType.MARKET)


def tif_of(fields: OrderFields) -> TimeInForce:
    if fields.type in _AT_THE_CLOSE.values():
        return TimeInForce.CLS
    return TimeInForce(fields.tif) if fields.tif in TimeInForce.__members__ else TimeInForce.GTC


def terms_of(fields: OrderFields) -> Terms:
    """What the order is now, by the prices that its type has: TWS fills in others of its own."""
    kind = type_of(fields)
    limit = fields.limit if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None
    if kind is OrderType.TRAILING_STOP:
        by_amount = fields.aux if fields.trail_pct is None else None
        return Terms(fields.quantity, None, fields.trail_stop, by_amount, fields.trail_pct)
    return Terms(fields.quantity, limit, fields.aux if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None)


def same_but_for_the_trailed_stop(one: Terms, other: Terms) -> bool:
    """A trailing stop moves by itself: where it stands is no term of the order."""
    trails = one.trail is not None or one.trail_pct is not None
    return (one.quantity, one.limit, one.trail, one.trail_pct) == (other.quantity, other.limit, other.trail, other.trail_pct) and (
        trails or one.stop == other.stop
    )


def symbol_of(theirs: str) -> str:
    """BRK.B, which IB writes with a blank."""
    return theirs.replace(" ", ".")


def symbol_there(ours: str) -> str:
    return ours.replace(".", " ")


def no_one_stock(symbol: str, found: Sequence[Contract], elsewhere: Sequence[Contract] = ()) -> str:
    """Why `symbol` is not traded, of which IB has so many in our currency, or, where that is none, those in others."""
    if symbol != symbol_of(symbol):
        return f"IB knows no stock {symbol} by that name here: write {symbol_of(symbol)}, with a dot for its blank"
    if found:
        where = ", ".join(f"{each.symbol} at {each.primary}" for each in found)
        return f"IB knows several stocks {symbol}: {where}. It cannot be told which is meant"
    if elsewhere:
        currencies = ", ".join(sorted({each.currency for each in elsewhere}))
        return f"IB knows {symbol} in {currencies} and not in {CURRENCY}, in which alone is traded here"
    return f"IB knows no stock {symbol} in {CURRENCY}: look up how it spells it, and whether it is listed"


def shares(quantity: Decimal) -> str:
    return f"{quantity:f}"
