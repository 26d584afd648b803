"""Checks what a strategy asked for and makes it exact. Nothing a strategy sends is believed: not its numbers, not its text."""

from __future__ import annotations

import math
from decimal import Decimal

from engine.model.inputs import Proposal
from engine.model.money import exact
from engine.model.orders import OrderType
from engine.model.signals import Vote
from engine.strategies.base import REASON_LENGTH, Draft
from engine.strategies.params import StrategyError
from engine.strategies.text import one_line

MOST = 1e12
"""No share count and no price is larger; what is, is a slip."""
INDICATORS = 20
NAME_LENGTH = 32


def to_proposal(draft: Draft, proposal_id: str, strategy: str, symbols: tuple[str, ...]) -> Proposal:
    """The proposal that `draft` asks for. Raises StrategyError in words where a number or a symbol cannot be meant."""
    if draft.symbol not in symbols:
        raise StrategyError(f"it ordered {one_line(draft.symbol, 20)!r}, which is not one of its symbols ({', '.join(symbols)})")
    if draft.limit is not None and draft.stop is not None:
        raise StrategyError(f"its order in {draft.symbol} has a limit and a stop; give one of them")
    if not (math.isfinite(draft.strength) and 0.0 <= draft.strength <= 1.0):
        raise StrategyError(f"the strength of its order in {draft.symbol} is {draft.strength}; it must be from 0 to 1")
    quantity = _positive(draft, "quantity", draft.quantity)
    limit = _positive(draft, "limit", draft.limit)
    stop = _positive(draft, "stop", draft.stop)
    # An indicator that has no value yet is left out rather than shown as nan.
    seen = [(one_line(name, NAME_LENGTH), value) for name, value in draft.indicators.items() if math.isfinite(value)]
    return Proposal(
        id=proposal_id,
        strategy=strategy,
        symbol=draft.symbol,
        side=draft.side,
        quantity=quantity,
        type=OrderType.LIMIT if limit is not None else OrderType.STOP if stop is not None else OrderType.MARKET,
        limit=limit,
        stop=stop,
        strength=draft.strength,
        reason=one_line(draft.reason, REASON_LENGTH),
        votes=(Vote(strategy, draft.side, draft.strength, tuple(seen[:INDICATORS])),),
    )


def _positive(draft: Draft, what: str, value: float | None) -> Decimal | None:
    if value is None:
        return None
    if not (math.isfinite(value) and 0.0 < value <= MOST):
        raise StrategyError(f"the {what} of its order in {draft.symbol} is {value}; it must be a number above 0")
    return exact(value)
