"""The rules about the market an order would meet: whether it is open, what its price is worth, and whether the order is a slip."""

from __future__ import annotations

from engine.core.risk.case import RiskCase
from engine.core.risk.rules import Rule, deny
from engine.model.market import Phase
from engine.model.money import HUNDRED
from engine.model.orders import Side, TimeInForce
from engine.model.verdicts import PASSED, Outcome, Verdict

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_NOW = {
    Phase.CLOSED: "The market is closed",
    Phase.PRE: "The regular session has not begun",
    Phase.REGULAR: "The opening auction is over",
    Phase.POST: "The regular session is over",
}


def halted_symbol(case: RiskCase) -> Verdict:
    """A halted symbol may open again anywhere."""
    if case.halt is None:
        return PASSED
    why = f" ({case.halt})" if case.halt else ""
    return deny(Rule.HALTED_SYMBOL, f"{case.intent.symbol} is halted{why}: no entries until it trades again.")


def hours(case: RiskCase) -> Verdict:
    """While the market is closed to it, an order waits for the open or is refused, and says which."""
    tif = case.intent.tif
    if not case.waits or case.phase is None:
        return waiting(case)
    now = _NOW[case.phase]
    if tif in _AT_ONCE:
        return deny(Rule.HOURS, f"{now}, and an order that fills at once or never ({tif}) cannot wait for the open.")
    if case.limits.outside_hours == "deny":
        return deny(Rule.HOURS, f"{now}, and limits.outside_hours is deny: no entries until the regular session.")
    return waiting(case)


def waiting(case: RiskCase) -> Verdict:
    """A yes, which says so where the order will wait for the open."""
    if case.phase is None or not (case.waits or (case.intent.tif is TimeInForce.OPG and case.phase is Phase.REGULAR)):
        return PASSED
    return Verdict(Outcome.PASS, Rule.HOURS, text=f"{_NOW[case.phase]}: it waits for the open.")


def price_known(case: RiskCase) -> Verdict:
    """No price, no order: nothing could be said about its size, nor whether its limit is a slip."""
    if case.price is None or case.market is None:
        text = f"{case.intent.symbol} has no price yet, so the order's size cannot be judged."
        return deny(Rule.PRICE, text, "a price", "none")
    return PASSED


def fresh_price(case: RiskCase) -> Verdict:
    """Entries need a price that may be traded on. While the market is closed there is none, and what is entered waits."""
    if case.fresh or case.waits:
        return PASSED
    symbol, limit = case.intent.symbol, f"{case.price_life_s:g} s"
    if case.price_age_s is None:
        return deny(
            Rule.STALE_PRICE, f"{symbol} has had no live price since the start: no entries until one comes.", limit, "no live price"
        )
    if case.doubt:
        return deny(Rule.STALE_PRICE, f"{symbol}'s price is in doubt, {case.doubt}: no entries.", "a price beyond doubt", case.doubt)
    actual = f"{case.price_age_s:.0f} s"
    return deny(Rule.STALE_PRICE, f"{symbol}'s last price is {actual} old, the limit is {limit}: no entries.", limit, actual)


def collar(case: RiskCase) -> Verdict:
    """A limit far through the market, a buy above it or a sale below it, is a slip of the finger. A stop-limit's market is its stop."""
    limit, market = case.intent.limit, case.intent.stop or case.market
    if limit is None or market is None:
        return PASSED
    through = (limit - market) * case.intent.side.sign / market * HUNDRED
    if through <= case.limits.collar_pct:
        return PASSED
    allowed, actual = f"{case.limits.collar_pct:f} %", f"{through:.2f} %"
    where = "above" if case.intent.side is Side.BUY else "below"
    what = f"its stop at {market:f}" if case.intent.stop else f"the market's {market:f}"
    text = f"The limit {limit:f} is {actual} {where} {what}, the collar{case.bounds.of('collar_pct')} is {allowed}."
    return deny(Rule.COLLAR, text, allowed, actual)


def self_trade(case: RiskCase) -> Verdict:
    """An order that would trade with one of our own: a wash trade, which venues forbid."""
    order, mine = case.intent, case.crossing
    at = order.limit or case.market
    if mine is None or mine.limit is None or at is None or (at - mine.limit) * order.side.sign < 0:
        return PASSED
    text = f"It would trade with our own #{mine.number}, {mine.side} {mine.remaining:f} at {mine.limit:f}: cancel that first."
    return deny(Rule.SELF_TRADE, text, f"#{mine.number} at {mine.limit:f}", f"{at:f}")
