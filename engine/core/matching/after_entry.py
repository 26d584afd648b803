"""What came after an entry's fill in the bar that filled it: its exits, which come to the market with that fill, meet it too.

The rule is told in the package's own words; here is why it is proven. `E` is the price of the fill, before slippage.
"""

from __future__ import annotations

from typing import Final

from engine.core.matching.resting import Passed, Rest, Resting
from engine.model.market import Bar
from engine.model.orders import OrderType, Side, TimeInForce

KEPT: Final = 50
"""Bars for which a fill is remembered: exits that take longer to the market than that were not on their way."""

_RESTS: Final = (TimeInForce.DAY, TimeInForce.GTC)
_AT_OPEN: Final = frozenset({"market-open", "limit-gap", "stop-gap", "stop-open", "stop-limit-gap", "auction-open"})
_AT_CLOSE: Final = frozenset({"market-close", "auction-close"})
_ON_THE_WAY: Final = frozenset({"stop-price", "stop-limit-price", "trail-price"})
"""The price came to E from the open's side for the first time: all beyond it came after the fill."""


class Entries:
    """The latest fill of each entry, and the bars that passed since."""

    __slots__ = ("_by_symbol",)

    def __init__(self) -> None:
        self._by_symbol: dict[str, dict[str, tuple[Side, list[Rest]]]] = {}

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._by_symbol

    def filled(self, entry: Resting, price: float, rule: str, passed: Passed) -> None:
        """`entry` filled in the bar that is passing, at `price` before slippage."""
        rest = rest_of(passed.bar, price, rule, buying=entry.buying)
        if rest is not None:
            self._by_symbol.setdefault(entry.symbol, {})[entry.order_id] = entry.side, [Rest(rest, passed)]

    def pass_by(self, passed: Passed) -> None:
        """Another bar of a symbol in which entries filled."""
        symbol = passed.bar.symbol
        entries = self._by_symbol[symbol]
        for order_id, (_, rests) in list(entries.items()):
            if rests[-1].passed is passed:
                continue
            if len(rests) < KEPT:
                rests.append(Rest(passed.bar, passed))
            else:
                del entries[order_id]
        if not entries:
            del self._by_symbol[symbol]

    def forget(self, symbol: str) -> None:
        self._by_symbol.pop(symbol, None)

    def rests_for(self, order: Resting, at: int, delay: int) -> list[Rest]:
        """What an exit meets that was let go, or got its price, at the market time `at`, and takes `delay` ns to the market. Nothing where
        it is no exit, where it came from elsewhere than its entry's fill, or came too late."""
        side, rests = self._by_symbol.get(order.symbol, {}).get(order.parent, (order.side, []))
        if side is order.side or order.type is OrderType.MARKET or order.tif not in _RESTS:
            return []
        passed = rests[0].passed
        in_time = at <= passed.bar.at and passed.began + delay < passed.bar.at
        return list(rests) if in_time and passed.regular else []


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
