"""Signals: what strategies propose, and what was decided about each."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.money import ZERO
from engine.model.orders import Bracket, OrderType, Side, TimeInForce


class SignalState(StrEnum):
    """WAITING for a person; SENT as an order (by a person or by the mode's rules); the rest never became an order."""

    WAITING = "WAITING"
    SENT = "SENT"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    DENIED = "DENIED"
    SHADOW = "SHADOW"


class Vote(Struct, frozen=True):
    """One strategy's opinion behind a signal: direction, strength 0 to 1, and the indicator values it looked at."""

    strategy: str
    side: Side | None
    strength: float
    indicators: tuple[tuple[str, float], ...] = ()


class SignalEdit(Struct, frozen=True):
    """What a person makes of a signal before they approve it. `type` is the signal's own, which keeps its stop and its trail, or MARKET or
    LIMIT; everything else of the signal stays. Raises TypeError where a number is no Decimal."""

    quantity: Decimal
    type: OrderType
    limit: Decimal | None = None

    def __post_init__(self) -> None:
        for name, given in (("quantity", self.quantity), ("limit", self.limit or ZERO)):
            if not isinstance(given, Decimal):
                raise TypeError(f"the {name} of a signal's edit must be a Decimal; it is {given!r}")


class Signal(Struct, frozen=True):
    """A proposal to trade. `price` is the market's when it was raised; `strength` 0 to 1 is the screen's confidence.

    `raised_at` is market time, `expires` the monotonic nanosecond at which it counts as rejected.
    """

    id: str
    number: int
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType
    limit: Decimal | None
    stop: Decimal | None
    price: Decimal
    strength: float
    reason: str
    votes: tuple[Vote, ...]
    raised_at: int
    expires: int
    tif: TimeInForce = TimeInForce.DAY
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    bracket: Bracket | None = None
