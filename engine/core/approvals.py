"""The queue of signals that wait for a person, and what became of the others."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.model.money import exact
from engine.model.orders import Side
from engine.model.records import SignalDecided, SignalRaised
from engine.model.signals import Signal, SignalState


@dataclass(slots=True)
class Case:
    """One signal and what was decided about it. `price` is the market's at the decision, from which its shadow P&L counts."""

    signal: Signal
    state: SignalState = SignalState.WAITING
    by: str = ""
    reason: str = ""
    price: Decimal | None = None
    decided_at: int = 0

    def shadow(self, last: float | None) -> Decimal | None:
        """What the signal would have made by now had it been sent at the price it was raised at, before costs; None if it was sent."""
        if self.state in (SignalState.SENT, SignalState.WAITING) or last is None:
            return None
        move = exact(last) - self.signal.price
        return (move if self.signal.side is Side.BUY else -move) * self.signal.quantity


class Approvals:
    """All signals by id, the waiting ones apart."""

    __slots__ = ("cases", "last_number", "waiting")

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.waiting: dict[str, Case] = {}
        self.last_number = 0

    def apply_raised(self, record: SignalRaised) -> None:
        case = Case(record.signal)
        self.cases[record.signal.id] = self.waiting[record.signal.id] = case
        self.last_number = max(self.last_number, record.signal.number)

    def apply_decided(self, record: SignalDecided) -> None:
        case = self.cases[record.signal_id]
        case.state, case.by, case.reason, case.price, case.decided_at = record.state, record.by, record.reason, record.price, record.at
        self.waiting.pop(record.signal_id, None)

    def has_waiting(self, strategy: str, symbol: str, side: Side) -> bool:
        return any(c.signal.strategy == strategy and c.signal.symbol == symbol and c.signal.side is side for c in self.waiting.values())
