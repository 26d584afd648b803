"""Checks what a strategy asked for and makes it exact. Nothing a strategy sends is believed: not its numbers, not its text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from engine.model.inputs import Proposal
from engine.model.money import exact
from engine.model.orders import Bracket, Exit, OrderType, Side
from engine.model.signals import Vote
from engine.strategies.base import REASON_LENGTH, Draft
from engine.strategies.params import StrategyError
from engine.strategies.wire import Seen
from engine.text import one_line

MOST = 1e12
"""No share count and no price is larger; what is, is a slip."""
INDICATORS = 20
NAME_LENGTH = 32


def to_proposal(draft: Draft, proposal_id: str, strategy: str, symbols: tuple[str, ...]) -> Proposal:
    """The proposal that `draft` asks for. Raises StrategyError in words where a number or a symbol cannot be meant."""
    if draft.symbol not in symbols:
        raise StrategyError(f"it ordered {one_line(draft.symbol, 20)!r}, which is not one of its symbols ({', '.join(symbols)})")
    if not (math.isfinite(draft.strength) and 0.0 <= draft.strength <= 1.0):
        raise StrategyError(f"the strength of its order in {draft.symbol} is {draft.strength}; it must be from 0 to 1")
    quantity = _positive(draft, "quantity", draft.quantity)
    limit, stop = _positive(draft, "limit", draft.limit), _positive(draft, "stop", draft.stop)
    trail, trail_pct = _positive(draft, "trail", draft.trail), _positive(draft, "trail_pct", draft.trail_pct)
    take_profit = _exit(draft, "take_profit", draft.take_profit, draft.take_profit_pct)
    stop_loss = _exit(draft, "stop_loss", draft.stop_loss, draft.stop_loss_pct)
    return Proposal(
        id=proposal_id,
        strategy=strategy,
        symbol=draft.symbol,
        side=draft.side,
        quantity=quantity,
        type=_type(limit, stop, trail, trail_pct),
        limit=limit,
        stop=stop,
        strength=draft.strength,
        reason=one_line(draft.reason, REASON_LENGTH),
        votes=(Vote(strategy, draft.side, draft.strength, _indicators(draft.indicators)),),
        tif=draft.tif,
        trail=trail,
        trail_pct=trail_pct,
        bracket=Bracket(take_profit, stop_loss) if take_profit or stop_loss else None,
    )


def to_vote(seen: Seen | None, strategy: str) -> Vote:
    """What `strategy` saw at a bar, as a vote; its side is None where it answers with none. What cannot be meant is left out."""
    if seen is None:
        return Vote(strategy, None, 0.0)
    side = Side.BUY if seen.side > 0 else Side.SELL if seen.side < 0 else None
    strength = seen.strength if math.isfinite(seen.strength) and 0.0 <= seen.strength <= 1.0 else 0.0
    return Vote(strategy, side, strength, _indicators(seen.values))


def _indicators(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """An indicator that has no value yet is left out rather than shown as nan."""
    kept = [(one_line(name, NAME_LENGTH), value) for name, value in values.items() if math.isfinite(value)]
    return tuple(kept[:INDICATORS])


def _type(limit: Decimal | None, stop: Decimal | None, trail: Decimal | None, trail_pct: Decimal | None) -> OrderType:
    """What the prices ask for. Whether they go together, the gate says."""
    if trail is not None or trail_pct is not None:
        return OrderType.TRAILING_STOP
    if stop is not None:
        return OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    return OrderType.MARKET if limit is None else OrderType.LIMIT


def _exit(draft: Draft, what: str, price: float | None, pct: float | None) -> Exit | None:
    if price is not None and pct is not None:
        raise StrategyError(f"its order in {draft.symbol} has a {what} and a {what}_pct; give one of them")
    if price is None and pct is None:
        return None
    return Exit(_positive(draft, what, price), _positive(draft, f"{what}_pct", pct))


def _positive(draft: Draft, what: str, value: float | None) -> Decimal | None:
    if value is None:
        return None
    if not (math.isfinite(value) and 0.0 < value <= MOST):
        raise StrategyError(f"the {what} of its order in {draft.symbol} is {value}; it must be a number above 0")
    return exact(value)
