"""At which price a quote fills an order, how much of it, by which rule."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from engine.core.matching.resting import Resting
from engine.model.market import Quote
from engine.model.money import is_price
from engine.model.orders import OrderType


class QuoteHit(NamedTuple):
    """A price before slippage, the rule's id, and, where the order waited in its own side's queue, how many shares reach it there."""

    price: float
    rule: str
    queued: float | None = None


def hit_by_quote(order: Resting, quote: Quote) -> QuoteHit | None:
    """Where `quote` fills `order`, or None. Marks a stop as triggered, moves a trailing stop, and keeps its place in the queue."""
    buying = order.buying
    far = quote.ask if buying else quote.bid
    if order.type is OrderType.MARKET:
        return QuoteHit(far, "market-quote")
    if order.is_limit:
        return _limit(order, quote, far)
    if order.type is OrderType.TRAILING_STOP and not order.triggered:
        # To sell it follows the bid, which also triggers it; to buy the ask.
        order.follow(far)
    if order.triggered or (far >= order.stop if buying else far <= order.stop):
        order.triggered = True
        return QuoteHit(far, "stop-quote") if order.type is not OrderType.STOP_LIMIT else _limit(order, quote, far)
    return None


def _limit(order: Resting, quote: Quote, far: float) -> QuoteHit | None:
    buying, limit = order.buying, order.limit
    if far <= limit if buying else far >= limit:
        return QuoteHit(far, "limit-quote")
    near, size = (quote.bid, quote.bid_size) if buying else (quote.ask, quote.ask_size)
    before = order.last
    if is_price(quote.last):
        order.last = quote.last
    if before and order.last != before and (order.last < limit if buying else order.last > limit):
        order.ahead = 0.0
        return QuoteHit(limit, "limit-last", size)
    if near != limit:
        if order.ahead is None and (near < limit if buying else near > limit):
            order.ahead = 0.0
        order.shown = 0.0
        return None
    if order.ahead is None:
        order.ahead, order.shown = size, size
        return None
    went, order.shown = max(0.0, order.shown - size), size
    reached = went - order.ahead
    # Some of those ahead went; those who came later stand behind us.
    order.ahead = min(max(0.0, order.ahead - went), size)
    return QuoteHit(limit, "limit-queue", reached) if reached > 0 and order.last == limit else None


def is_sound(quote: Quote) -> bool:
    """Whether a quote can be traded at: numbers above zero, not crossed, sizes that are numbers."""
    return is_price(quote.bid) and is_price(quote.ask) and quote.bid <= quote.ask and isfinite(quote.bid_size + quote.ask_size)
