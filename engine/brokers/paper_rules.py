"""What the paper broker refuses, in the words of a real one: those of Alpaca's Trading API where it has such a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from engine.core.margin import Figures
from engine.core.portfolio import Portfolio
from engine.model.market import Instrument, Phase
from engine.model.money import ZERO
from engine.model.orders import Order, OrderType, Side, TimeInForce
from engine.model.settings import MarginSettings

FRACTION = Decimal("0.0001")
"""The smallest part of a share that is traded."""
_AUCTIONS = {TimeInForce.OPG, TimeInForce.CLS}


class Working(Struct, frozen=True):
    """An order that works at the broker: `left` is what it may still trade, and it is being `cancelled` where somebody asked for that."""

    order: Order
    left: Decimal
    cancelled: bool = False


class Conditions(Struct, frozen=True):
    """What an order is judged by: the market, and the account with its prices marked to it. `prices` are what a market order of each side
    would pay in the symbol now."""

    instrument: Instrument | None
    phase: Phase
    quoted: bool
    halted: bool
    prices: Mapping[Side, Decimal]
    portfolio: Portfolio
    margin: MarginSettings
    hard_to_borrow: frozenset[str]


def refusal(order: Order, conditions: Conditions, working: Iterable[Working]) -> str:
    """Why the broker does not take `order`, beside those that are `working` already; empty where it does."""
    if conditions.instrument is None:
        return f"asset {order.symbol} is not tradable"
    return (
        _price(order, conditions.instrument)
        or _hours(order, conditions)
        or _wash_trade(order, conditions, working)
        or account_refusal(order, conditions, [each for each in working if each.order.id != order.id])
    )


def _price(order: Order, instrument: Instrument) -> str:
    step = min(instrument.lot, FRACTION)
    if order.quantity <= 0 or order.remaining % step:
        return f"qty must be a multiple of {step:f} and above zero"
    trails = order.type is OrderType.TRAILING_STOP
    for name, price in (("limit_price", order.limit), ("stop_price", None if trails else order.stop), ("trail_price", order.trail)):
        if price is not None and price % instrument.tick:
            return f"invalid {name} {price:f}. sub-penny increment does not fulfill minimum pricing criteria"
    return ""


def _hours(order: Order, conditions: Conditions) -> str:
    at_once = order.tif in (TimeInForce.IOC, TimeInForce.FOK)
    if order.extended_hours and (order.type is not OrderType.LIMIT or order.tif not in (TimeInForce.DAY, TimeInForce.GTC)):
        return "extended hours order must be DAY or GTC limit orders"
    if at_once and conditions.halted:
        return f"trading in {order.symbol} is halted"
    if at_once and conditions.phase is not Phase.REGULAR:
        return f"{order.tif.lower()} orders are only accepted during market hours"
    if order.tif is TimeInForce.OPG and conditions.quoted and conditions.phase is Phase.REGULAR:
        return "opg orders are only accepted before the market opens"
    if order.tif is TimeInForce.CLS and conditions.quoted and conditions.phase is Phase.POST:
        return "cls orders are not accepted after the close: submit before it"
    return ""


def _wash_trade(order: Order, conditions: Conditions, working: Iterable[Working]) -> str:
    for other in working:
        across = other.order.symbol == order.symbol and other.order.side is order.side.opposite
        grouped = order.oco and other.order.oco == order.oco
        if across and not other.cancelled and not grouped and _cross(order, other.order, conditions.prices):
            return "potential wash trade detected. use complex orders"
    return ""


def _cross(one: Order, other: Order, prices: Mapping[Side, Decimal]) -> bool:
    """Whether the two would trade with each other: one of them waits at a price that the other takes. An auction has one price for all."""
    kinds = {one.type, other.type}
    if OrderType.LIMIT not in kinds or not kinds <= {OrderType.MARKET, OrderType.LIMIT} or {one.tif, other.tif} & _AUCTIONS:
        return False
    bid, ask = (order.limit or prices[order.side] for order in sorted((one, other), key=lambda order: order.side))
    return bid >= ask


def account_refusal(order: Order, conditions: Conditions, working: list[Working]) -> str:
    """Why the account cannot have `order`, beside those that are `working`; empty where it can."""
    held = conditions.portfolio.position(order.symbol)
    if order.side is Side.SELL and order.symbol in conditions.hard_to_borrow:
        selling = _sides([each for each in working if each.order.symbol == order.symbol])[Side.SELL]
        available = max(held - selling, ZERO)
        if order.oco:
            available = max(held, ZERO)
        if order.remaining > available:
            asked = f"(requested: {order.remaining:f}, available: {available:f})"
            return f"asset {order.symbol} cannot be sold short: insufficient qty available for order {asked}"
    before, after = _to_cover(order, conditions, working)
    if after <= before:
        return ""
    figures = Figures(conditions.portfolio.equity(), conditions.portfolio.gross(), before, conditions.portfolio.net(), conditions.margin)
    return "insufficient buying power" if after - before > figures.buying_power else ""


def _to_cover(order: Order, conditions: Conditions, working: list[Working]) -> tuple[Decimal, Decimal]:
    """What working orders may add to the positions' value, before `order` and with it."""
    before = after = ZERO
    by_symbol: dict[str, list[Working]] = {order.symbol: []}
    for each in working:
        by_symbol.setdefault(each.order.symbol, []).append(each)
    for symbol, orders in by_symbol.items():
        held = conditions.portfolio.position(symbol)
        added = _added(held, orders)
        price = max((each.order.mark for each in orders), default=ZERO)
        before += added * price
        if symbol == order.symbol:
            # What was let in at its own price stays at it; what comes on top is judged at today's.
            after += added * price + max(_added(held, [*orders, Working(order, order.remaining)]) - added, ZERO) * _cost(order, conditions)
        else:
            after += added * price
    return before, after


def _cost(order: Order, conditions: Conditions) -> Decimal:
    """What a share of `order` may cost: its own price where it names one, but to sell short no less than the market's."""
    named = order.limit or order.stop
    if order.side is Side.BUY and named is not None:
        return named
    return max(conditions.prices[Side.BUY], named or ZERO)


def _added(held: Decimal, working: Iterable[Working]) -> Decimal:
    """How many shares larger a position may grow, whichever side fills first."""
    sides = _sides(working)
    return max(abs(held + sides[Side.BUY]), abs(held - sides[Side.SELL]), abs(held)) - abs(held)


def _sides(working: Iterable[Working]) -> Mapping[Side, Decimal]:
    """Shares that may trade on each side; of one `oco` the largest alone."""
    sums = {Side.BUY: ZERO, Side.SELL: ZERO}
    shared: dict[tuple[str, Side], Decimal] = {}
    for each in working:
        if each.order.oco:
            key = each.order.oco, each.order.side
            shared[key] = max(shared.get(key, ZERO), each.left)
        else:
            sums[each.order.side] += each.left
    for (_, side), left in shared.items():
        sums[side] += left
    return sums
