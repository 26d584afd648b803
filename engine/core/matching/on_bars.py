"""At which price a bar fills an order, by which rule. The rules are told in the package's own words; each here says why it is proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Final, TypeAlias

from engine.core.matching.resting import Resting
from engine.model.market import Bar
from engine.model.money import LEAST_PRICE, MOST_PRICE
from engine.model.orders import OrderType

Hit: TypeAlias = tuple[float, str]
"""A price before slippage, and the rule's id."""


def _market(order: Resting, bar: Bar) -> Hit | None:
    return bar.open, "market-open"


def market_at_close(order: Resting, bar: Bar) -> Hit | None:
    """For a market that fills at the close."""
    return bar.close, "market-close"


def _limit(order: Resting, bar: Bar) -> Hit | None:
    buying = order.buying
    if bar.open < order.limit if buying else bar.open > order.limit:
        return bar.open, "limit-gap"
    if order.at_once:
        return None
    if bar.low < order.limit if buying else bar.high > order.limit:
        return order.limit, "limit-through"
    if bar.low == order.limit if buying else bar.high == order.limit:
        return order.limit, "limit-touch"
    return None


def _stop(order: Resting, bar: Bar) -> Hit | None:
    if order.triggered:
        return bar.open, "stop-open"
    if _opens_beyond(order, bar):
        order.triggered = True
        return bar.open, "stop-gap"
    if _reaches(order, bar):
        order.triggered = True
        return order.stop, "stop-price"
    return None


def _stop_limit(order: Resting, bar: Bar) -> Hit | None:
    buying = order.buying
    if order.triggered:
        return _limit(order, bar)
    if _opens_beyond(order, bar):
        order.triggered = True
        if bar.open <= order.limit if buying else bar.open >= order.limit:
            return bar.open, "stop-limit-gap"
        # Triggered at the open, so all of the bar came after it.
        return _limit(order, bar)
    if not _reaches(order, bar):
        return None
    order.triggered = True
    if order.stop <= order.limit if buying else order.stop >= order.limit:
        return order.stop, "stop-limit-price"
    # Of what came after the trigger the close alone is known.
    if bar.close < order.limit if buying else bar.close > order.limit:
        return order.limit, "stop-limit-close"
    return None


def _trail(order: Resting, bar: Bar) -> Hit | None:
    if order.triggered:
        return bar.open, "stop-open"
    if order.stop and _opens_beyond(order, bar):
        order.triggered = True
        return bar.open, "stop-gap"
    order.follow(bar.open)
    if _reaches(order, bar):
        order.triggered = True
        return order.stop, "trail-price"
    order.follow(bar.low if order.buying else bar.high)
    if bar.close >= order.stop if order.buying else bar.close <= order.stop:
        order.triggered = True
        return order.stop, "trail-close"
    return None


def _opens_beyond(order: Resting, bar: Bar) -> bool:
    return bar.open >= order.stop if order.buying else bar.open <= order.stop


def _reaches(order: Resting, bar: Bar) -> bool:
    return bar.high >= order.stop if order.buying else bar.low <= order.stop


RULES: Final[Mapping[OrderType, Callable[[Resting, Bar], Hit | None]]] = {
    OrderType.MARKET: _market,
    OrderType.LIMIT: _limit,
    OrderType.STOP: _stop,
    OrderType.STOP_LIMIT: _stop_limit,
    OrderType.TRAILING_STOP: _trail,
}
"""Where a bar fills an order of each type, or None. Marks a stop as triggered, and moves a trailing stop on after the bar."""


def is_whole(bar: Bar) -> bool:
    """Whether a bar has prices one could trade at: a NaN, a zero or a high below the low fills nothing."""
    low, high = bar.low, bar.high
    return LEAST_PRICE <= low <= bar.open <= high <= MOST_PRICE and low <= bar.close <= high and bar.volume < inf
