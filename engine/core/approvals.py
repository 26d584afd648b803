"""The queue of signals that wait for a person, and what became of the others."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from msgspec import Struct

from engine.model.money import ZERO, exact
from engine.model.orders import Side
from engine.model.records import DividendBooked, SignalDecided, SignalRaised, SplitBooked
from engine.model.signals import Signal, SignalState

_DAY = 86_400 * 1_000_000_000
_UNSENT_KEPT = 1_000
_DECIDED_KEPT = 1_000
"""Signals that are kept however long ago they were decided."""
_IDS_KEPT = 100_000
"""However fast strategies talk, no more than so many are remembered, the newest."""


class Case(Struct):
    """One signal and what was decided about it. `price` is the market's at the decision.

    `split` is how many shares each of its own has become since, `paid` the dividends on one of its own.
    """

    signal: Signal
    state: SignalState = SignalState.WAITING
    by: str = ""
    reason: str = ""
    price: Decimal | None = None
    decided_at: int = 0
    split: Decimal = Decimal(1)
    paid: Decimal = ZERO

    def shadow(self, last: float | None) -> Decimal | None:
        """What the signal would have made by now had it filled at the price it was raised at, before costs; None if it was sent.

        It counts from when the signal was raised, not from the decision: a person's hesitation is not the strategy's, and two strategies
        are compared by the prices they saw. Signed: a sale gains where the price falls, so shorts count as they would have.
        """
        if self.state in (SignalState.SENT, SignalState.WAITING) or last is None:
            return None
        move = exact(last) * self.split + self.paid - self.signal.price
        return (move if self.signal.side is Side.BUY else -move) * self.signal.quantity


class Approvals:
    """The signals by id, the waiting ones apart: those that wait and the newest that were decided. Ids are known for a day of market
    time, so that a signal told twice is raised once, also across a restart; of a flood of them the newest are."""

    __slots__ = ("_ids", "_raised", "_unsent", "cases", "last_number", "waiting")

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self._raised: deque[tuple[int, str]] = deque()
        self._ids: set[str] = set()
        self._unsent = 0
        """At least as many as are kept of those that no order came of."""
        self.waiting: dict[str, Case] = {}
        self.last_number = 0

    def apply_raised(self, record: SignalRaised) -> None:
        case = Case(record.signal)
        self.cases[record.signal.id] = self.waiting[record.signal.id] = case
        self.last_number = max(self.last_number, record.signal.number)
        self._raised.append((record.at, record.signal.id))
        self._ids.add(record.signal.id)
        self._forget(record.at)

    def apply_decided(self, record: SignalDecided) -> None:
        case = self.cases[record.signal_id]
        case.state, case.by, case.reason, case.price, case.decided_at = record.state, record.by, record.reason, record.price, record.at
        self.waiting.pop(record.signal_id, None)

    def apply_split(self, record: SplitBooked) -> None:
        for case in self.cases.values():
            if case.signal.symbol == record.symbol:
                case.split *= record.ratio

    def apply_dividend(self, record: DividendBooked) -> None:
        for case in self.cases.values():
            if case.signal.symbol == record.symbol:
                case.paid += record.amount * case.split

    def knows(self, signal_id: str) -> bool:
        """Whether a signal of this id was raised within the last day."""
        return signal_id in self._ids

    def _forget(self, now: int) -> None:
        while len(self._raised) > _IDS_KEPT or now - self._raised[0][0] > _DAY:
            _, old = self._raised.popleft()
            self._ids.discard(old)
        self._unsent += 1
        if self._unsent > 2 * _UNSENT_KEPT:
            unsent = [key for key, case in self.cases.items() if case.state not in (SignalState.WAITING, SignalState.SENT)]
            for signal_id in unsent[:-_UNSENT_KEPT]:
                del self.cases[signal_id]
            self._unsent = min(len(unsent), _UNSENT_KEPT)

    def forget(self, before: int) -> None:
        """Lets go of signals that were decided before the market time `before`, but for the newest."""
        newest = set(list(self.cases)[-_DECIDED_KEPT:])
        self.cases = {
            key: case for key, case in self.cases.items() if key in newest or case.state is SignalState.WAITING or case.decided_at >= before
        }

    def has_waiting(self, strategy: str, symbol: str, side: Side) -> bool:
        return any(c.signal.strategy == strategy and c.signal.symbol == symbol and c.signal.side is side for c in self.waiting.values())
