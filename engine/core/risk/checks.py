"""Every rule the gate holds an entry to, in the order they are asked. The first DENY ends it; the smallest RESIZE wins.

An order that only reduces a position is asked none of them: one must always be able to get out.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from engine.core.risk.case import RiskCase
from engine.core.risk.conduct import daily_loss, order_rate, reducing_only, strategy_breaker, strategy_loss, symbol_loss
from engine.core.risk.market import collar, fresh_price, halted_symbol, hours, price_known, self_trade, waiting
from engine.core.risk.sizes import (
    buying_power,
    combined_exposure,
    combined_position,
    margin_call,
    net_exposure,
    order_notional,
    order_quantity,
    order_size,
    position_size,
    short_sale,
    strategy_exposure,
    total_exposure,
)
from engine.model.verdicts import Outcome, Verdict

CHECKS: Final[tuple[Callable[[RiskCase], Verdict], ...]] = (
    reducing_only,
    halted_symbol,
    hours,
    price_known,
    fresh_price,
    collar,
    self_trade,
    short_sale,
    strategy_loss,
    strategy_breaker,
    symbol_loss,
    daily_loss,
    margin_call,
    order_rate,
    order_size,
    order_notional,
    order_quantity,
    position_size,
    total_exposure,
    strategy_exposure,
    net_exposure,
    combined_exposure,
    combined_position,
    buying_power,
)


def judge(case: RiskCase) -> Verdict:
    """The verdict of all checks together. A yes says so where the order will wait for the open."""
    if case.reduces:
        return waiting(case)
    smallest: Verdict | None = None
    for check in CHECKS:
        verdict = check(case)
        if verdict.outcome is Outcome.DENY:
            return verdict
        if verdict.outcome is Outcome.RESIZE and (smallest is None or _quantity(verdict) < _quantity(smallest)):
            smallest = verdict
    return smallest or waiting(case)


def _quantity(verdict: Verdict) -> Decimal:
    if verdict.quantity is None:
        raise ValueError(f"{verdict.rule} answered RESIZE without a quantity")
    return verdict.quantity
