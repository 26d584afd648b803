"""Every rule the gate holds an entry to, in the order they are asked. The first DENY ends it; the smallest RESIZE wins.

An order that only reduces a position is asked none of them: one must always be able to get out.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from engine.core.risk.case import RiskCase
from engine.model.modes import TradingState
from engine.model.money import HUNDRED, ZERO, to_lot
from engine.model.orders import Side, Source
from engine.model.verdicts import PASSED, Outcome, Verdict

Check = Callable[[RiskCase], Verdict]
_SECOND = 1_000_000_000


def reducing_only(case: RiskCase) -> Verdict:
    """REDUCING lets through only what shrinks a position."""
    if case.trading is TradingState.REDUCING:
        return Verdict(
            Outcome.DENY,
            "reducing",
            "only orders that shrink a position",
            f"{case.opening:f} would open",
            f"Only orders that shrink a position are let through: {case.trading_reason}.",
        )
    return PASSED


def price_known(case: RiskCase) -> Verdict:
    """No price, no order: nothing could be said about its size."""
    if case.price is None:
        symbol = case.intent.symbol
        return Verdict(Outcome.DENY, "price", "a price", "none", f"{symbol} has no price yet, so the order's size cannot be judged.")
    return PASSED


def fresh_price(case: RiskCase) -> Verdict:
    """Entries need a price that is still fresh."""
    if case.fresh:
        return PASSED
    limit = f"{case.price_life_s:g} s"
    if case.price_age_s is None:
        text = f"{case.intent.symbol} has had no live price since the start: no entries until one comes."
        return Verdict(Outcome.DENY, "stale price", limit, "no live price", text)
    actual = f"{case.price_age_s:.0f} s"
    return Verdict(
        Outcome.DENY, "stale price", limit, actual, f"{case.intent.symbol}'s last price is {actual} old, the limit is {limit}: no entries."
    )


def collar(case: RiskCase) -> Verdict:
    """A limit far through the market, a buy above it or a sale below it, is a slip of the finger."""
    limit, market = case.intent.limit, case.market
    if limit is None or market is None:
        return PASSED
    through = (limit - market) * case.intent.side.sign / market * HUNDRED
    if through <= case.limits.collar_pct:
        return PASSED
    allowed, actual = f"{case.limits.collar_pct:f} %", f"{through:.2f} %"
    where = "above" if case.intent.side is Side.BUY else "below"
    text = f"The limit {limit:f} is {actual} {where} the market's {market:f}, the collar is {allowed}."
    return Verdict(Outcome.DENY, "collar", allowed, actual, text)


def self_trade(case: RiskCase) -> Verdict:
    """An order that would trade with one of our own: a wash trade, which venues forbid."""
    order, mine = case.intent, case.crossing
    at = order.limit or case.market
    if mine is None or mine.limit is None or at is None or (at - mine.limit) * order.side.sign < 0:
        return PASSED
    text = f"It would trade with our own #{mine.number}, {mine.side} {mine.remaining:f} at {mine.limit:f}: cancel that first."
    return Verdict(Outcome.DENY, "self-trade", f"#{mine.number} at {mine.limit:f}", f"{at:f}", text)


def short_sale(case: RiskCase) -> Verdict:
    """Selling more than is held opens a short position, which the settings must allow."""
    if case.intent.side is Side.BUY or case.limits.short_selling:
        return PASSED
    limit = f"{case.closable:f} shares"
    free = f"{case.closable:f} {case.intent.symbol} are free to sell"
    text = f"Selling {case.intent.quantity:f} would be short: {free}, and limits.short_selling is off."
    return _cap(case, case.closable, "short sale", limit, f"{case.intent.quantity:f} shares", text)


def daily_loss(case: RiskCase) -> Verdict:
    """The session's loss, unrealised and fees counted, against its opening equity."""
    limit = case.session_equity * case.limits.max_daily_loss_pct / HUNDRED
    if case.day_loss < limit or not limit:
        return PASSED
    actual = f"{_pct(case.day_loss, case.session_equity)} %"
    allowed = f"{case.limits.max_daily_loss_pct:f} %"
    return Verdict(Outcome.DENY, "daily loss", allowed, actual, f"Today's loss is {actual} of equity, the limit is {allowed}: no entries.")


def order_rate(case: RiskCase) -> Verdict:
    """How often one strategy may enter, so that one that runs wild is held before it is expensive."""
    if case.intent.source is not Source.STRATEGY:
        return PASSED
    limits = case.limits
    for name, window, most in (
        ("second", _SECOND, limits.max_orders_second),
        ("minute", 60 * _SECOND, limits.max_orders_minute),
        ("day", 86_400 * _SECOND, limits.max_orders_day),
    ):
        sent = case.sent_within(window)
        if sent >= most:
            text = f"{case.intent.strategy} has sent {sent} orders within a {name}, the limit is {most}."
            return Verdict(Outcome.DENY, "order rate", f"{most} a {name}", f"{sent}", text)
    return PASSED


def order_size(case: RiskCase) -> Verdict:
    """One order's value against equity."""
    return _value_cap(case, ZERO, case.limits.max_order_pct, "order size", "The order")


def position_size(case: RiskCase) -> Verdict:
    """The symbol's position after this order and all that works on its side, against equity. A limit far below the market makes what is
    held no smaller."""
    already = case.committed * max(_price(case), case.market or ZERO)
    return _value_cap(case, already, case.limits.max_position_pct, "position size", f"The {case.intent.symbol} position")


def total_exposure(case: RiskCase) -> Verdict:
    """All positions and all working entries together, against equity."""
    return _value_cap(case, case.exposure, case.limits.max_exposure_pct, "total exposure", "The total exposure")


def margin(case: RiskCase) -> Verdict:
    """While a margin call stands, nothing is added to what caused it."""
    if case.equity >= case.maintenance or not case.maintenance:
        return PASSED
    limit, actual = f"{case.maintenance:,.2f}", f"{case.equity:,.2f}"
    text = f"A margin call stands: equity of {actual} is under the maintenance margin of {limit}. Reduce positions first."
    return Verdict(Outcome.DENY, "margin call", limit, actual, text)


def buying_power(case: RiskCase) -> Verdict:
    """What the account can pay for, working orders set aside, with the cushion for fees and for the price until it fills."""
    cost = case.opening * _price(case) * case.cushion
    if cost <= case.buying_power:
        return PASSED
    most = case.closable + max(case.buying_power, ZERO) / (_price(case) * case.cushion)
    limit, actual = f"{case.buying_power:,.2f}", f"{cost:,.2f}"
    return _cap(case, most, "buying power", limit, actual, f"The order needs {actual}, the buying power is {limit}.")


CHECKS: Final[tuple[Check, ...]] = (
    reducing_only,
    price_known,
    fresh_price,
    collar,
    self_trade,
    short_sale,
    daily_loss,
    margin,
    order_rate,
    order_size,
    position_size,
    total_exposure,
    buying_power,
)


def judge(case: RiskCase) -> Verdict:
    """The verdict of all checks together."""
    if case.reduces:
        return PASSED
    smallest = PASSED
    for check in CHECKS:
        verdict = check(case)
        if verdict.outcome is Outcome.DENY:
            return verdict
        if verdict.outcome is Outcome.RESIZE and (smallest.quantity is None or _quantity(verdict) < smallest.quantity):
            smallest = verdict
    return smallest


def _value_cap(case: RiskCase, already: Decimal, percent: Decimal, rule: str, what: str) -> Verdict:
    """Holds `already` plus the opening part of the order to `percent` of equity."""
    allowed = case.equity * percent / HUNDRED
    after = already + case.opening * _price(case)
    if after <= allowed:
        return PASSED
    most = case.closable + max(allowed - already, ZERO) / _price(case)
    limit = f"{percent:f} % of equity ({allowed:,.2f})"
    actual = f"{_pct(after, case.equity)} % ({after:,.2f})"
    return _cap(case, most, rule, limit, actual, f"{what} would be {actual}, the limit is {limit}.")


def _cap(case: RiskCase, most: Decimal, rule: str, limit: str, actual: str, text: str) -> Verdict:
    most = to_lot(most, case.instrument.lot)
    if most <= 0:
        return Verdict(Outcome.DENY, rule, limit, actual, text)
    return Verdict(Outcome.RESIZE, rule, limit, actual, f"{text} {most:f} would pass.", most)


def _price(case: RiskCase) -> Decimal:
    if case.price is None:
        raise ValueError("a check that values the order ran before price_known")
    return case.price


def _quantity(verdict: Verdict) -> Decimal:
    if verdict.quantity is None:
        raise ValueError(f"{verdict.rule} answered RESIZE without a quantity")
    return verdict.quantity


def _pct(part: Decimal, whole: Decimal) -> str:
    return f"{part / whole * HUNDRED:.2f}" if whole > 0 else "more than 100"
