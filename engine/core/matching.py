"""The matching core: how an order trades against bars or quotes when there is no real market. Paper and backtest share it.

A bar tells only four prices, so each rule takes the side that flatters least:

| id | rule |
|---|---|
| `market-open` | A market order fills at the open of the first bar after it was accepted, plus slippage. |
| `market-quote` | A market order fills at the far side of the first quote after its latency, plus slippage. |
| `limit-gap` | The bar opens through the limit: fills at the open, which is better than the limit. |
| `limit-through` | The bar trades through the limit: fills at the limit. |
| `limit-touch` | The bar only touches the limit: others queued before us, so a quarter of the volume cap fills, at the limit. |
| `limit-quote` | The far side of the quote reached the limit: fills at the quote. |
| `stop-price` | The bar trades through the stop: fills at the stop, plus slippage. |
| `stop-gap` | The bar opens beyond the stop: fills at the open, plus slippage. |
| `stop-open` | A stop that triggered earlier and was not filled whole goes on at the next open, plus slippage. |
| `stop-quote` | The quote reached the stop: fills at the far side of the quote, plus slippage. |
| volume cap | All orders of a symbol share one cap: a share of the bar's volume, or the size in the quote. The rest goes on working. |
| the worse first | Within a bar market orders go first, then stops, then limits: of a stop and a target in one bar the stop trades. |

A symbol that has quotes is matched by them alone; its bars only sum up what the quotes said. An order's prices become floats once,
on entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from engine.model.market import Bar, Quote
from engine.model.money import exact, is_price, to_lot
from engine.model.orders import Order, OrderType, Side

TOUCH_SHARE = Decimal("0.25")
"""The part of the volume cap that a limit gets where the bar only touches it."""

Slippage = Callable[[Side, float], float]
"""(side, price) -> the price after slippage, never better."""


@dataclass(slots=True)
class Resting:
    """An order as the market sees it. `eligible_at` is the market time from which it may trade; `limit` and `stop` are floats."""

    order_id: str
    symbol: str
    side: Side
    type: OrderType
    remaining: Decimal
    lot: Decimal
    limit: float
    stop: float
    eligible_at: int
    seen: bool = False
    triggered: bool = False


@dataclass(frozen=True, slots=True)
class Execution:
    order_id: str
    quantity: Decimal
    price: Decimal
    rule: str


class Matcher:
    """Resting orders by symbol, and what each event of the market fills of them. Deterministic: time comes with the events."""

    __slots__ = ("_by_symbol", "_cap", "_quoted", "_rank", "_slip")

    def __init__(self, *, volume_cap: float, slip: Slippage) -> None:
        """`volume_cap` is the fraction of a bar's volume that all our orders together may take."""
        self._by_symbol: dict[str, list[Resting]] = {}
        self._quoted: set[str] = set()
        self._cap = volume_cap
        self._slip = slip
        self._rank = {OrderType.MARKET: 0, OrderType.STOP: 1, OrderType.LIMIT: 2}

    def add(self, order: Order, eligible_at: int, lot: Decimal = Decimal(1)) -> None:
        resting = Resting(
            order_id=order.id,
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            remaining=order.remaining,
            lot=lot,
            limit=float(order.limit) if order.limit is not None else 0.0,
            stop=float(order.stop) if order.stop is not None else 0.0,
            eligible_at=eligible_at,
            triggered=order.filled > 0,
        )
        self._by_symbol.setdefault(order.symbol, []).append(resting)

    def remove(self, order_id: str) -> Resting | None:
        for resting in self._by_symbol.values():
            for index, candidate in enumerate(resting):
                if candidate.order_id == order_id:
                    return resting.pop(index)
        return None

    def resting(self) -> Iterable[Resting]:
        return [resting for orders in self._by_symbol.values() for resting in orders]

    def on_bar(self, bar: Bar) -> list[Execution]:
        """What the bar that has just closed fills. Only orders accepted before it began take part."""
        orders = self._by_symbol.get(bar.symbol)
        if not orders or bar.symbol in self._quoted or not _is_whole(bar):
            return []
        taking_part = sorted((o for o in orders if o.eligible_at < bar.at), key=lambda o: self._rank[o.type])
        left = Decimal(int(bar.volume * self._cap)) if bar.volume > 0 else Decimal(0)
        executions: list[Execution] = []
        for order in taking_part:
            order.seen = True
            hit = self._bar_price(order, bar)
            if hit is None:
                continue
            price, rule = hit
            wanted = min(order.remaining, left * TOUCH_SHARE if rule == "limit-touch" else left)
            left -= self._fill(order, to_lot(wanted, order.lot), price, rule, executions)
        self._drop_filled(bar.symbol)
        return executions

    def on_quote(self, quote: Quote) -> list[Execution]:
        """What the quote fills: no more than the size it shows, shared by all orders on that side."""
        self._quoted.add(quote.symbol)
        orders = self._by_symbol.get(quote.symbol)
        if not orders or not _is_sound(quote):
            return []
        taking_part = sorted((o for o in orders if o.eligible_at <= quote.at), key=lambda o: self._rank[o.type])
        left = {Side.BUY: Decimal(int(quote.ask_size)), Side.SELL: Decimal(int(quote.bid_size))}
        executions: list[Execution] = []
        for order in taking_part:
            order.seen = True
            hit = self._quote_price(order, quote)
            if hit is None:
                continue
            price, rule = hit
            wanted = min(order.remaining, left[order.side])
            left[order.side] -= self._fill(order, to_lot(wanted, order.lot), price, rule, executions)
        self._drop_filled(quote.symbol)
        return executions

    def _bar_price(self, order: Resting, bar: Bar) -> tuple[float, str] | None:
        buying = order.side is Side.BUY
        if order.type is OrderType.MARKET:
            return self._slip(order.side, bar.open), "market-open"
        if order.type is OrderType.STOP:
            if order.triggered:
                return self._slip(order.side, bar.open), "stop-open"
            if bar.open >= order.stop if buying else bar.open <= order.stop:
                order.triggered = True
                return self._slip(order.side, bar.open), "stop-gap"
            if bar.high >= order.stop if buying else bar.low <= order.stop:
                order.triggered = True
                return self._slip(order.side, order.stop), "stop-price"
            return None
        if bar.open < order.limit if buying else bar.open > order.limit:
            return bar.open, "limit-gap"
        if bar.low < order.limit if buying else bar.high > order.limit:
            return order.limit, "limit-through"
        if bar.low == order.limit if buying else bar.high == order.limit:
            return order.limit, "limit-touch"
        return None

    def _quote_price(self, order: Resting, quote: Quote) -> tuple[float, str] | None:
        buying = order.side is Side.BUY
        far = quote.ask if buying else quote.bid
        if order.type is OrderType.MARKET:
            return self._slip(order.side, far), "market-quote"
        if order.type is OrderType.STOP:
            if order.triggered or (quote.ask >= order.stop if buying else quote.bid <= order.stop):
                order.triggered = True
                return self._slip(order.side, far), "stop-quote"
            return None
        return (far, "limit-quote") if (far <= order.limit if buying else far >= order.limit) else None

    @staticmethod
    def _fill(order: Resting, quantity: Decimal, price: float, rule: str, executions: list[Execution]) -> Decimal:
        if quantity > 0:
            order.remaining -= quantity
            executions.append(Execution(order.order_id, quantity, exact(price), rule))
            return quantity
        return Decimal(0)

    def _drop_filled(self, symbol: str) -> None:
        self._by_symbol[symbol] = [order for order in self._by_symbol[symbol] if order.remaining > 0]


def basis_points(bps: float) -> Slippage:
    """Slippage of `bps` hundredths of a per cent of the price, to a hundredth of a cent as brokers report fills; finer below one."""
    fraction = bps / 10_000

    def slip(side: Side, price: float) -> float:
        if not fraction:
            return price
        slipped = round(price * (1 + side.sign * fraction), 4 if price >= 1 else 10)
        # Rounding may not hand back more than the slippage took.
        return max(slipped, price) if side is Side.BUY else min(slipped, price)

    return slip


def _is_whole(bar: Bar) -> bool:
    """Whether a bar has prices one could trade at: a NaN, a zero or a high below the low fills nothing."""
    return (
        isfinite(bar.open + bar.high + bar.low + bar.close + bar.volume)
        and is_price(bar.low)
        and is_price(bar.high)
        and bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    )


def _is_sound(quote: Quote) -> bool:
    """Whether a quote can be traded at: numbers above zero, not crossed, sizes that are numbers."""
    return is_price(quote.bid) and is_price(quote.ask) and quote.bid <= quote.ask and isfinite(quote.bid_size + quote.ask_size)
