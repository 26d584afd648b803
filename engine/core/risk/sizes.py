"""The rules about how much: of one order, of a position, of everything together, and of what the account can pay for."""

from __future__ import annotations

from decimal import Decimal

from engine.core.risk.case import RiskCase
from engine.core.risk.conduct import percent
from engine.core.risk.rules import Rule, cut, deny
from engine.model.money import HUNDRED, ZERO, exact, to_lot
from engine.model.orders import Side
from engine.model.verdicts import PASSED, Verdict


def short_sale(case: RiskCase) -> Verdict:
    """Selling more than is held opens a short position, which the settings must allow."""
    if case.intent.side is Side.BUY or (case.limits.short_selling and case.shortable):
        return PASSED
    free = f"{case.closable:f} {case.intent.symbol} are free to sell"
    setting = f"limits.symbols.{case.intent.symbol}.short_selling" if case.bounds.of("short_selling") else "limits.short_selling"
    off = not case.limits.short_selling
    why = f"{setting} is off" if off else "the broker does not lend it for a short sale"
    limit = f"{case.closable:f} shares ({'short selling is off' if off else 'the broker lends none'})"
    text = f"Selling {case.intent.quantity:f} would be short: {free}, and {why}."
    return _cut(case, case.closable, Rule.SHORT_SALE, limit, f"{case.intent.quantity:f} shares", text)


def order_size(case: RiskCase) -> Verdict:
    """One order's value against equity."""
    return _share_of_equity(case, ZERO, case.limits.max_order_pct, case.bounds.of("max_order_pct"), Rule.ORDER_SIZE, "The order")


def order_notional(case: RiskCase) -> Verdict:
    """One order's value."""
    allowed, value = case.limits.max_order_notional, case.opening * case.worth
    if allowed is None or value <= allowed:
        return PASSED
    limit, actual = f"{allowed:,.2f}", f"{value:,.2f}"
    text = f"The order would be worth {actual}, the limit{case.bounds.of('max_order_notional')} is {limit}."
    return _cut(case, case.closable + allowed / case.worth, Rule.ORDER_NOTIONAL, limit, actual, text)


def order_quantity(case: RiskCase) -> Verdict:
    """One order's shares."""
    allowed = case.limits.max_order_quantity
    if allowed is None or case.opening <= allowed:
        return PASSED
    limit, actual = f"{allowed:f} shares", f"{case.opening:f} shares"
    text = f"The order is for {actual}, the limit{case.bounds.of('max_order_quantity')} is {limit}."
    return _cut(case, case.closable + allowed, Rule.ORDER_QUANTITY, limit, actual, text)


def position_size(case: RiskCase) -> Verdict:
    """The symbol's position after this order and all that works on its side, against equity. A limit far below the market makes what is
    held no smaller."""
    already = case.committed * max(case.worth, case.market or ZERO)
    pct, whose = case.limits.max_position_pct, case.bounds.of("max_position_pct")
    return _share_of_equity(case, already, pct, whose, Rule.POSITION_SIZE, f"The {case.intent.symbol} position")


def total_exposure(case: RiskCase) -> Verdict:
    """All positions and all working entries together, against equity."""
    return _share_of_equity(case, case.exposure, case.limits.max_exposure_pct, "", Rule.TOTAL_EXPOSURE, "The total exposure")


def strategy_exposure(case: RiskCase) -> Verdict:
    """All that the strategy itself holds and may yet add, against the account's equity."""
    strategy = case.intent.strategy
    own = case.limits.strategies.get(strategy)
    if own is None or own.max_exposure_pct is None:
        return PASSED
    return _share_of_equity(case, case.strategy_exposure, own.max_exposure_pct, "", Rule.STRATEGY_EXPOSURE, f"{strategy}'s exposure")


def net_exposure(case: RiskCase) -> Verdict:
    """Long less short, or short less long, working entries on that side counted in. What closes moves it too."""
    pct = case.limits.max_net_exposure_pct
    if pct is None:
        return PASSED
    allowed, after = case.equity * pct / HUNDRED, case.net + case.intent.quantity * case.worth
    if after <= allowed:
        return PASSED
    limit, actual = f"{pct:f} % of equity ({allowed:,.2f})", f"{percent(after, case.equity)} % ({after:,.2f})"
    side = "long" if case.intent.side is Side.BUY else "short"
    most = max(case.closable, (allowed - case.net) / case.worth)
    return _cut(case, most, Rule.NET_EXPOSURE, limit, actual, f"The net exposure would be {actual} {side}, the limit is {limit}.")


def combined_exposure(case: RiskCase) -> Verdict:
    """All that all accounts hold and may yet add, against the equity of all."""
    return _combined(case, case.combined.max_exposure_pct, case.exposure, Rule.COMBINED_EXPOSURE, "The exposure of all accounts")


def combined_position(case: RiskCase) -> Verdict:
    """The same of one symbol on the order's side. What one account holds long and another short is not netted."""
    already = case.committed * max(case.worth, case.market or ZERO)
    what = f"The {case.intent.symbol} position of all accounts"
    return _combined(case, case.combined.max_position_pct, already, Rule.COMBINED_POSITION, what)


def _combined(case: RiskCase, pct: Decimal | None, own: Decimal, rule: Rule, what: str) -> Verdict:
    """Holds `own` and what the others have plus the opening part of the order to `pct` of the equity of all."""
    others = case.others
    if pct is None or others is None:
        return PASSED
    if isinstance(others, str):
        text = f"Where the account {others} stands is not known, and the limit on all accounts counts it."
        return deny(rule, text, f"{pct:f} % of all equity", "not known")
    theirs = others.in_symbol(case.intent.symbol, case.intent.side) if rule is Rule.COMBINED_POSITION else others.exposure
    equity = case.equity + others.equity
    allowed, already = equity * pct / HUNDRED, own + theirs
    after = already + case.opening * case.worth
    if after <= allowed:
        return PASSED
    most = case.closable + max(allowed - already, ZERO) / case.worth
    limit, actual = f"{pct:f} % of all equity ({allowed:,.2f})", f"{percent(after, equity)} % ({after:,.2f})"
    return _cut(case, most, rule, limit, actual, f"{what} would be {actual}, the limit is {limit}.")


def margin_call(case: RiskCase) -> Verdict:
    """While a margin call stands, nothing is added to what caused it."""
    if case.equity >= case.maintenance or not case.maintenance:
        return PASSED
    limit, actual = f"{case.maintenance:,.2f}", f"{case.equity:,.2f}"
    text = f"A margin call stands: equity of {actual} is under the maintenance margin of {limit}. Reduce positions first."
    return deny(Rule.MARGIN_CALL, text, limit, actual)


def buying_power(case: RiskCase) -> Verdict:
    """What the account can pay for, working orders set aside, with the cushion for fees and for the price until it fills."""
    cost = case.opening * case.worth * case.cushion
    if cost <= case.buying_power:
        return PASSED
    most = payable(case.closable, case.worth, case.cushion, case.buying_power)
    limit, actual = f"{case.buying_power:,.2f}", f"{cost:,.2f}"
    return _cut(case, most, Rule.BUYING_POWER, limit, actual, f"The order needs {actual}, the buying power is {limit}.")


def payable(closable: Decimal, worth: Decimal, cushion: Decimal, power: Decimal) -> Decimal:
    """The most shares at `worth` each that the buying power pays for, with the `cushion`; what only closes costs none of it."""
    return closable + max(power, ZERO) / (worth * cushion)


def shares_of(equity: Decimal, pct: Decimal, strength: float, price: Decimal, held: Decimal, side: Side) -> Decimal:
    """How many shares make a position of `pct` per cent of `equity`, times `strength`, on `side`, where `held` (signed) are there or on
    their way; none where it is as large already."""
    target = equity * pct / HUNDRED * exact(strength) / price
    aim = target if side is Side.BUY else -target
    return max((aim - held) * side.sign, ZERO)


def _share_of_equity(case: RiskCase, already: Decimal, pct: Decimal, whose: str, rule: Rule, what: str) -> Verdict:
    """Holds `already` plus the opening part of the order to `pct` of equity; `whose` limit that is, as `Bounds.of` says it."""
    allowed = case.equity * pct / HUNDRED
    after = already + case.opening * case.worth
    if after <= allowed:
        return PASSED
    most = case.closable + max(allowed - already, ZERO) / case.worth
    limit, actual = f"{pct:f} % of equity ({allowed:,.2f})", f"{percent(after, case.equity)} % ({after:,.2f})"
    return _cut(case, most, rule, limit, actual, f"{what} would be {actual}, the limit{whose} is {limit}.")


def _cut(case: RiskCase, most: Decimal, rule: Rule, limit: str, actual: str, text: str) -> Verdict:
    return cut(rule, to_lot(most, case.instrument.lot), limit, actual, text)
