"""The normal form of a wish to trade: prices on the tick, money turned into shares, and nothing in it that no broker would take.

It says what is wrong with an order in itself. Whether the account may have it is the business of the checks that come after.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.risk.rules import Rule, deny
from engine.model.capabilities import Capabilities
from engine.model.market import Instrument
from engine.model.money import HUNDRED, ZERO, is_amount, to_lot, to_tick
from engine.model.orders import Bracket, Exit, Intent, OrderType, Side, TimeInForce
from engine.model.verdicts import Verdict

_PRICES: dict[OrderType, tuple[str, ...]] = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit",),
    OrderType.STOP: ("stop",),
    OrderType.STOP_LIMIT: ("limit", "stop"),
    OrderType.TRAILING_STOP: (),
}
_NO_PRICES = [None, None, None]
_WITHOUT_STOPS = frozenset({TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS})
_FILLS_WITHOUT_STOPS = (OrderType.MARKET, OrderType.LIMIT)
_PARTS = " Parts of a share trade in DAY orders at the market or a limit, without a bracket."


def normal_form(wish: Intent, instrument: Instrument, can: Capabilities, market: Decimal | None) -> tuple[Intent, Verdict | None]:
    """`wish` as it may be sent, or as much of it as can be printed and why it may not. `market` is what a market order would pay now.

    `instrument.lot` is the smallest step that the broker trades of it.
    """
    complaint = _numbers(wish)
    if complaint:
        return _without_nonsense(wish), deny(Rule.ORDER, complaint)
    complaint = _shape(wish) or _bracket_shape(wish)
    if complaint:
        return wish, deny(Rule.ORDER, complaint)
    complaint = _beyond(wish, can)
    if complaint:
        return wish, deny(Rule.BROKER, complaint)
    intent = wish
    if _prices(wish) != _NO_PRICES:
        intent = replace(
            wish,
            limit=_on_tick(wish.limit, instrument),
            stop=_on_tick(wish.stop, instrument),
            trail=_on_tick(wish.trail, instrument),
            bracket=wish.bracket
            and Bracket(_exit_on_tick(wish.bracket.take_profit, instrument), _exit_on_tick(wish.bracket.stop_loss, instrument)),
        )
    if any(price is not None and price <= 0 for price in _prices(intent)):
        return intent, deny(Rule.TICK_SIZE, f"The price is less than one tick of {instrument.tick:f}.")
    if wish.notional is not None:
        price = valued_at(intent, market)
        if price is None:
            return intent, deny(Rule.PRICE, f"{wish.symbol} has no price yet, so {wish.notional:f} of it is no number of shares.")
        intent = replace(intent, quantity=to_lot(wish.notional / price, instrument.lot), notional=None)
        if intent.quantity <= 0:
            what = f"{wish.notional:f} buys less than one lot of {instrument.lot:f} {wish.symbol} at {price:f}."
            return intent, deny(Rule.LOT_SIZE, what if wish.side is Side.BUY else what.replace("buys", "is"))
    else:
        intent = with_quantity(intent, to_lot(wish.quantity, instrument.lot))
        if intent.quantity <= 0:
            parts = "" if can.fraction is None or can.fraction >= instrument.lot else _PARTS
            return intent, deny(Rule.LOT_SIZE, f"{wish.quantity} is less than one lot of {instrument.lot:f}.{parts}")
    complaint = _bracket_sides(intent, market)
    return intent, deny(Rule.BRACKET, complaint) if complaint else None


def valued_at(intent: Intent, market: Decimal | None) -> Decimal | None:
    """What a share of it may cost at most, as far as prices tell. A buy never pays more than its limit, and a sale's stop trades below it;
    a sale's limit below the market, or a buy's stop, trades at the market's price however far from its own."""
    if intent.type is OrderType.TRAILING_STOP:
        if market is None or intent.side is Side.SELL:
            return market
        return market + (intent.trail or market * (intent.trail_pct or ZERO) / HUNDRED)
    own = intent.limit or intent.stop
    if own is None or market is None:
        return own or market
    is_cap = (intent.limit is not None) == (intent.side is Side.BUY)
    return own if is_cap else max(own, market)


def exit_price(entry: Decimal, side: Side, pct: Decimal, *, profit: bool) -> Decimal:
    """The price `pct` per cent away from an entry at `entry`, on the side where it gains (`profit`) or loses."""
    away = entry * pct / HUNDRED * side.sign
    return entry + away if profit else entry - away


def _numbers(wish: Intent) -> str:
    """Comes first: no rule after this one ever meets a NaN."""
    if wish.notional is None:
        if not is_amount(wish.quantity):
            return f"The quantity {wish.quantity} is not a number of shares above zero."
    elif not is_amount(wish.notional):
        return f"The notional {wish.notional} is not an amount of money above zero."
    elif not wish.quantity.is_zero():
        return "An order has a quantity or a notional, not both."
    for name in ("limit", "stop", "trail"):
        price = getattr(wish, name)
        if price is not None and not is_amount(price):
            return f"The {name} price {price} is not a price above zero."
    if wish.trail_pct is not None and not is_pct(wish.trail_pct):
        return f"The trail of {wish.trail_pct} % is not between 0 and 100."
    for name, leave in _exits(wish):
        if sum(given is not None for given in (leave.price, leave.pct, leave.trail, leave.trail_pct)) != 1:
            return f"The {name} needs a price or per cent{'' if name == 'take profit' else ' or a trail'}, one of them."
        if leave.trails and name == "take profit":
            return "A take profit does not trail: a stop loss does."
        for price in (leave.price, leave.trail):
            if price is not None and not is_amount(price):
                return f"The {name} price {price} is not a price above zero."
        for pct in (leave.pct, leave.trail_pct):
            if pct is not None and not is_pct(pct):
                return f"The {name} of {pct} % is not between 0 and 100."
    return ""


def _shape(wish: Intent) -> str:
    """What of a type, its prices and its time in force does not belong together."""
    kind = wish.type.lower().replace("_", "-")
    for name in ("limit", "stop"):
        wanted, given = name in _PRICES[wish.type], getattr(wish, name) is not None
        if wanted and not given:
            return f"A {kind} order needs a {name} price."
        if given and not wanted:
            return f"A {kind} order takes no {name} price."
    trails = (wish.trail is not None) + (wish.trail_pct is not None)
    if wish.type is OrderType.TRAILING_STOP:
        if trails != 1:
            return "A trailing-stop order needs its trail as a price or in per cent, one of the two."
    elif trails:
        return f"A {kind} order has no trail: that is a trailing stop's."
    if wish.tif in _WITHOUT_STOPS and wish.type not in _FILLS_WITHOUT_STOPS:
        return f"A {kind} order cannot be {wish.tif}: only market and limit orders can."
    if wish.extended_hours and (wish.type is not OrderType.LIMIT or wish.tif is not TimeInForce.DAY):
        return "Extended hours take limit orders for the day alone."
    return ""


def _bracket_shape(wish: Intent) -> str:
    if wish.bracket is None:
        return ""
    if not list(_exits(wish)):
        return "A bracket needs a take profit, a stop loss, or both."
    if wish.reduce_only:
        return "An order that only closes has no position of its own to leave: it takes no bracket."
    return ""


def _bracket_sides(intent: Intent, market: Decimal | None) -> str:
    """A take profit on the losing side, or a stop loss on the winning one, would trade at once."""
    entry = intent.limit or intent.stop or market
    for name, leave in _exits(intent):
        if leave.price is None or entry is None:
            continue
        complaint = wrong_side(leave.price, entry, intent.side, profit=name == "take profit")
        if complaint:
            return complaint
    return ""


def wrong_side(price: Decimal, entry: Decimal, side: Side, *, profit: bool) -> str:
    """Why an exit at `price`, a take profit or a stop loss, cannot leave what `side` enters at `entry`; nothing where it can."""
    gain = (price - entry) * side.sign
    if gain > 0 if profit else gain < 0:
        return ""
    above = (side is Side.BUY) == profit
    return f"The {'take profit' if profit else 'stop loss'} at {price:f} must be {'above' if above else 'below'} the entry at {entry:f}."


def _beyond(wish: Intent, can: Capabilities) -> str:
    """What this broker cannot do."""
    exits, tifs = _exit_kinds(wish), [wish.tif]
    if wish.bracket is not None:
        tifs.append(TimeInForce.GTC)
    for kind in (wish.type, *exits):
        if kind not in can.types:
            return f"This broker takes no {kind.lower().replace('_', '-')} orders."
    if can.oco and len(exits) > 1 and (alone := next((kind for kind in exits if kind not in can.oco_types), None)):
        return f"This broker takes no {alone.lower().replace('_', '-')} order beside another exit: leave one of the two out."
    for tif in tifs:
        if tif not in can.tifs:
            return f"This broker takes no {tif} orders{': the exits of a bracket are' if tif is not wish.tif else ''}."
    if wish.extended_hours and not can.extended_hours:
        return "This broker does not trade in extended hours."
    return ""


def _exit_kinds(wish: Intent) -> list[OrderType]:
    kinds = []
    if wish.bracket is not None and wish.bracket.take_profit:
        kinds.append(OrderType.LIMIT)
    if wish.bracket is not None and (loss := wish.bracket.stop_loss):
        kinds.append(OrderType.TRAILING_STOP if loss.trails else OrderType.STOP)
    return kinds


def with_quantity(intent: Intent, quantity: Decimal) -> Intent:
    """`intent` for another quantity. Most keep theirs, and to make one anew costs more than all its checks."""
    same = quantity == intent.quantity and quantity.same_quantum(intent.quantity)
    return intent if same else replace(intent, quantity=quantity)


def _exits(wish: Intent) -> list[tuple[str, Exit]]:
    if wish.bracket is None:
        return []
    named = (("take profit", wish.bracket.take_profit), ("stop loss", wish.bracket.stop_loss))
    return [(name, leave) for name, leave in named if leave is not None]


def _prices(intent: Intent) -> list[Decimal | None]:
    return [intent.limit, intent.stop, intent.trail, *(price for _, leave in _exits(intent) for price in (leave.price, leave.trail))]


def _on_tick(price: Decimal | None, instrument: Instrument) -> Decimal | None:
    return None if price is None else to_tick(price, instrument.tick)


def _exit_on_tick(leave: Exit | None, instrument: Instrument) -> Exit | None:
    return leave and replace(leave, price=_on_tick(leave.price, instrument), trail=_on_tick(leave.trail, instrument))


def is_pct(value: Decimal) -> bool:
    return is_amount(value) and value < HUNDRED


def _without_nonsense(wish: Intent) -> Intent:
    """For the record of a denial: nobody after us should have to print, store or add up a NaN or a number of a million digits."""
    return replace(
        wish,
        quantity=wish.quantity if is_amount(wish.quantity) else ZERO,
        limit=_amount_or_none(wish.limit),
        stop=_amount_or_none(wish.stop),
        trail=_amount_or_none(wish.trail),
        trail_pct=_amount_or_none(wish.trail_pct),
        notional=_amount_or_none(wish.notional),
        bracket=None,
    )


def _amount_or_none(value: Decimal | None) -> Decimal | None:
    return value if value is not None and is_amount(value) else None
