"""Whether an order looks like the one before: a key that bounced, or a strategy that says everything twice."""

from __future__ import annotations

from typing import TypeAlias

from engine.core.risk.rules import Rule, deny
from engine.model.orders import Intent, Order, Source
from engine.model.verdicts import Verdict

_SECOND = 1_000_000_000
_Same: TypeAlias = tuple[object, ...]


class Repetitions:
    """The wishes that became orders in the last moments.

    Time is monotonic: what counts is how fast somebody's hand was. For a strategy the market's time counts as well: bars that are played
    may be a day apart and come within moments, and what it orders again at the next one is meant.
    """

    __slots__ = ("_recent", "_window")

    def __init__(self, window_s: float) -> None:
        self._window = int(window_s * _SECOND)
        self._recent: dict[_Same, tuple[int, int, int]] = {}
        """When each was sent last, by monotonic and by market time, and the number of its order; the oldest first."""

    def look_back(self, window_s: float) -> None:
        """How far, from now on."""
        self._window = int(window_s * _SECOND)

    def remember(self, wish: Intent, order: Order, now: int, mono: int) -> None:
        """`order` was just placed because of `wish`, at market time `now` and monotonic time `mono`."""
        self._forget(mono)
        self._recent.pop(_same(wish), None)
        self._recent[_same(wish)] = mono, now, order.number

    def find(self, wish: Intent, now: int, mono: int) -> Verdict | None:
        """A no where the same hand sent the same symbol, side, quantity and price moments ago."""
        self._forget(mono)
        found = self._recent.get(_same(wish))
        if found is None:
            return None
        at, market_at, number = found
        since = max(mono - at, now - market_at) if wish.source is Source.STRATEGY else mono - at
        if since >= self._window:
            return None
        ago, limit = f"{since / _SECOND:.1f} s", f"{self._window / _SECOND:g} s"
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
