"""What came after an entry's fill in the bar that filled it: its exits, which come to the market with that fill, meet it too.

The rule is told in the package's own words; here is why it is proven. `E` is the price of the fill, before slippage.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import Struct

from engine.core.matching.resting import Passed, Rest, Resting
from engine.model.market import Bar
from engine.model.orders import OrderType, Side, TimeInForce

_RESTS: Final = (TimeInForce.DAY, TimeInForce.GTC)
_AT_OPEN: Final = frozenset({"market-open", "limit-gap", "stop-gap", "stop-open", "stop-limit-gap", "auction-open"})
_AT_CLOSE: Final = frozenset({"market-close", "auction-close"})
_ON_THE_WAY: Final = frozenset({"stop-price", "stop-limit-price", "trail-price"})
"""The price came to E from the open's side for the first time: all beyond it came after the fill."""


class Since(Struct):
    """Of one symbol: the latest fill of each entry, on which side and what came after it in its bar; and the last bars."""

    entries: dict[str, tuple[Side, Rest]]
    passed: deque[Passed]


class Entries:
    """The latest fill of each entry, and the bars of the regular session that passed since, `kept` at most. `symbols` are those that it
    knows of."""

    __slots__ = ("_kept", "symbols")

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self.symbols: dict[str, Since] = {}

    def filled(self, entry: Resting, price: float, rule: str, passed: Passed) -> None:
        """`entry` filled in the bar that is passing, at `price` before slippage."""
        rest = rest_of(passed.bar, price, rule, buying=entry.buying)
        if rest is None or not passed.regular:
            return
        since = self.symbols.setdefault(entry.symbol, Since({}, deque()))
        since.entries[entry.order_id] = entry.side, Rest(rest, passed)

    def pass_by(self, passed: Passed) -> None:
        """A bar of the regular session has passed, of a symbol that it knows of."""
        since = self.symbols[passed.bar.symbol]
        since.passed.append(passed)
        if len(since.passed) <= self._kept:
            return
        gone = since.passed.popleft().bar.at
        since.entries = {order_id: entry for order_id, entry in since.entries.items() if entry[1].passed.bar.at >= gone}
        if not since.entries:
            del self.symbols[passed.bar.symbol]

    def rests_for(self, order: Resting, at: int, delay: int) -> list[Rest]:
        """What an exit meets that was let go, or got its price, at the market time `at`, and takes `delay` ns to the market. Nothing where
        it is no exit, where it came from elsewhere than its entry's fill, or came too late."""
        since = self.symbols.get(order.symbol)
        if since is None or order.parent not in since.entries:
            return []
        side, rest = since.entries[order.parent]
        if side is order.side or order.type is OrderType.MARKET or order.tif not in _RESTS:
            return []
        first, began = rest.passed.bar.at, rest.passed.began
        if at > first or began + delay >= first:
            return []
        return [rest, *(Rest(passed.bar, passed) for passed in since.passed if passed.bar.at > first)]


def rest_of(bar: Bar, price: float, rule: str, *, buying: bool) -> Bar | None:
    """What of `bar` came after an entry filled at `price` by `rule`, as a bar; None where nothing did.

    Of what nobody knows when it came, that which hurts counts as having come after the fill, and that which helps as before.
    """
    if rule in _AT_OPEN:
        return bar
    if rule in _AT_CLOSE:
        return None
    # What moved a trailing stop to E came before it was reached there; and the open came before all else.
    worst = bar.low if buying else bar.high
    hurts = rule != "trail-close" and worst != bar.open
    helps = rule in _ON_THE_WAY
    low, high = (hurts, helps) if buying else (helps, hurts)
    return Bar(
        bar.symbol,
        bar.at,
        price,
        bar.high if high else max(price, bar.close),
        bar.low if low else min(price, bar.close),
        bar.close,
        bar.volume,
    )
