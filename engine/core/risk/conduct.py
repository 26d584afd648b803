"""The rules about who trades and how it went so far: tripped breakers, losses, the pace of entries."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from engine.core.risk.case import RiskCase
from engine.core.risk.rules import Rule, deny
from engine.model.modes import TradingState
from engine.model.money import HUNDRED, ZERO
from engine.model.orders import Source
from engine.model.verdicts import PASSED, Verdict

_SECOND = 1_000_000_000
_WINDOWS: Final = (("second", _SECOND), ("minute", 60 * _SECOND), ("day", 86_400 * _SECOND))


def reducing_only(case: RiskCase) -> Verdict:
    """REDUCING lets through only what shrinks a position."""
    if case.trading is not TradingState.REDUCING:
        return PASSED
    text = f"Only orders that shrink a position are let through: {case.trading_reason}."
    return deny(Rule.REDUCING, text, "only orders that shrink a position", f"{case.opening:f} would open")


def strategy_loss(case: RiskCase) -> Verdict:
    """What the strategy itself lost in this session, unrealised and fees counted."""
    strategy = case.intent.strategy
    own = case.limits.strategies.get(strategy)
    pct = own.max_daily_loss_pct if own is not None else None
    return _session_loss(case, Rule.STRATEGY_LOSS, strategy, pct, case.strategy_loss, case.strategy_tripped, "it enters no more")


def strategy_breaker(case: RiskCase) -> Verdict:
    """A strategy that fell too far, or too fast, waits for a person."""
    if not case.strategy_trip:
        return PASSED
    text = f"{case.intent.strategy} enters no more until a person resets its breaker: {case.strategy_trip}."
    return deny(Rule.STRATEGY_BREAKER, text, "no breaker tripped", case.strategy_trip)


def symbol_loss(case: RiskCase) -> Verdict:
    """What everybody together lost in the symbol in this session, unrealised and fees counted."""
    symbol = case.intent.symbol
    own = case.limits.symbols.get(symbol)
    pct = own.max_daily_loss_pct if own is not None else None
    return _session_loss(case, Rule.SYMBOL_LOSS, symbol, pct, case.symbol_loss, case.symbol_tripped, "nothing is entered in it")


def _session_loss(case: RiskCase, rule: Rule, whose: str, pct: Decimal | None, loss: Decimal, tripped: bool, what: str) -> Verdict:
    """What has `tripped` holds for the session, whatever the limit is by now: `pct` of its opening equity, None without one."""
    limit = case.session_equity * pct / HUNDRED if pct is not None else ZERO
    reached = limit > 0 and loss >= limit
    if not tripped and not reached:
        return PASSED
    allowed = f"{pct:f} %" if reached else "the one that was reached"
    of, actual = f" of {allowed} of equity" if reached else "", f"{percent(loss, case.session_equity)} %"
    return deny(rule, f"{whose} reached its loss limit{of} in this session: {what} until the next.", allowed, actual)


def daily_loss(case: RiskCase) -> Verdict:
    """The session's loss, unrealised and fees counted, against its opening equity."""
    limit = case.session_equity * case.limits.max_daily_loss_pct / HUNDRED
    if case.day_loss < limit or limit <= 0:
        return PASSED
    actual, allowed = f"{percent(case.day_loss, case.session_equity)} %", f"{case.limits.max_daily_loss_pct:f} %"
    return deny(Rule.DAILY_LOSS, f"Today's loss is {actual} of equity, the limit is {allowed}: no entries.", allowed, actual)


def order_rate(case: RiskCase) -> Verdict:
    """How often one strategy, everybody in one symbol, and all together may enter: what runs wild is held before it is expensive."""
    who, symbol = case.intent.strategy, case.intent.symbol
    own = case.limits.symbols.get(symbol)
    for name, window in _WINDOWS:
        if case.intent.source is Source.STRATEGY:
            most: int = getattr(case.limits, f"max_orders_{name}")
            if (sent := case.strategy_sent(window)) >= most:
                text = f"{who} has sent {sent} orders within a {name}, the limit{case.bounds.of(f'max_orders_{name}')} is {most}."
                return deny(Rule.ORDER_RATE, text, f"{most} a {name}", f"{sent}")
        allowed: int | None = getattr(own, f"max_orders_{name}") if own is not None else None
        if allowed is not None and (sent := case.symbol_sent(window)) >= allowed:
            text = f"{sent} orders in {symbol} were sent within a {name}, the limit is {allowed}."
            return deny(Rule.ORDER_RATE, text, f"{allowed} a {name}", f"{sent}")
        most = getattr(case.limits, f"max_account_orders_{name}")
        if (sent := case.account_sent(window)) >= most:
            text = f"The account has sent {sent:,} orders within a {name}, the limit is {most:,}."
            return deny(Rule.ORDER_RATE, text, f"{most} a {name}", f"{sent}")
    return PASSED


def percent(part: Decimal, whole: Decimal) -> str:
    return f"{part / whole * HUNDRED:.2f}" if whole > 0 else "more than 100"
