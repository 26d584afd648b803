"""Whether an order looks like the one before: a key that bounced, or a strategy that says everything twice."""

from __future__ import annotations

from typing import TypeAlias

from engine.core.risk.rules import Rule, deny
from engine.model.orders import Intent, Order
from engine.model.verdicts import Verdict

_SECOND = 1_000_000_000
_Same: TypeAlias = tuple[object, ...]


class Repetitions:
    """The wishes that became orders in the last moments. Time is monotonic: what counts is how fast somebody's hand was."""

    __slots__ = ("_recent", "_window")

    def __init__(self, window_s: float) -> None:
        self._window = int(window_s * _SECOND)
        self._recent: dict[_Same, tuple[int, int]] = {}
        """When each was sent last and the number of its order, the oldest first."""

    def look_back(self, window_s: float) -> None:
        """How far, from now on."""
        self._window = int(window_s * _SECOND)

    def remember(self, wish: Intent, order: Order, mono: int) -> None:
        """`order` was just placed because of `wish`."""
        self._forget(mono)
        self._recent.pop(_same(wish), None)
        self._recent[_same(wish)] = mono, order.number

    def find(self, wish: Intent, mono: int) -> Verdict | None:
        """A no where the same hand sent the same symbol, side, quantity and price moments ago."""
        self._forget(mono)
        found = self._recent.get(_same(wish))
        if found is None:
            return None
        at, number = found
        ago, limit = f"{(mono - at) / _SECOND:.1f} s", f"{self._window / _SECOND:g} s"
        what = f"{wish.side} {wish.quantity:f} {wish.symbol}"
        text = f"It looks like a repetition: the same {what} was sent {ago} ago as #{number}. Confirm that it is meant, or wait {limit}."
        return deny(Rule.REPETITION, text, limit, ago)

    def _forget(self, mono: int) -> None:
        while self._recent:
            oldest = next(iter(self._recent))
            if mono - self._recent[oldest][0] < self._window:
                return
            del self._recent[oldest]


def _same(wish: Intent) -> _Same:
    sizes = wish.quantity, wish.notional, wish.type, wish.limit, wish.stop, wish.trail, wish.trail_pct
    return wish.source, wish.strategy, wish.symbol, wish.side, *sizes
