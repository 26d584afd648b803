"""Our orders and where each stands. Turns a broker's news, in whatever order it comes, into facts that are booked once."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from engine.model.inputs import OrderUpdate
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent, next_state
from engine.model.orders import Fill, Order, OrderState, Side
from engine.model.records import (
    FillBooked,
    FillCorrected,
    OrderChanged,
    OrderPlaced,
    OrderReleased,
    OrderReplaced,
    OrderTrailed,
    ReplaceAsked,
)

ALIVE = frozenset({OrderEvent.ACCEPT, OrderEvent.HOLD, OrderEvent.WORK, OrderEvent.FILL_PART, OrderEvent.FILL_ALL})


@dataclass(frozen=True, slots=True)
class News:
    """What an update means for us: the fill it brought, the change of state, and a complaint where it made no sense."""

    fill: Fill | None = None
    change: OrderChanged | None = None
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class Working:
    """Shares that the open orders of a symbol may still trade on one side, and what they were valued at when they were let through."""

    quantity: Decimal = ZERO
    value: Decimal = ZERO


_SENT_KEPT = 1_000
"""Times of a strategy's orders: as many as the widest limit on their rate asks for."""


class OrderBook:
    """All orders by id, and the open ones apart. Reading news (`read`) and taking over facts (`apply_*`) are two steps on purpose:
    a restart takes over the same facts without the news."""

    __slots__ = ("_by_symbol", "_sent", "_working", "last_number", "open", "orders")

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.open: dict[str, Order] = {}
        self.last_number = 0
        self._sent: dict[str, deque[int]] = {}
        self._by_symbol: dict[str, dict[str, Order]] = {}
        self._working: dict[tuple[str, Side], Working] = {}
        """What was summed up since the symbol's orders last changed: the gate asks far oftener than they do."""

    def read(self, update: OrderUpdate, at: int) -> News:
        """What `update` says that we did not know. Changes nothing. Raises KeyError where the order is not ours."""
        order = self.orders[update.order_id]
        fill, complaint = self._fill(order, update, at)
        filled = order.filled + (fill.quantity if fill else ZERO)
        event = _event(update.event, order, filled)
        after = next_state(order.state, event)
        if after is None:
            return News(fill, None, f"#{order.number} is {order.state} and cannot take {event}: ignored")
        if after is OrderState.WORKING and filled:
            after = OrderState.PARTIAL
        if filled > order.quantity:
            complaint = f"#{order.number} was overfilled: {filled} of {order.quantity}; all of it is booked"
        broker_id = update.broker_id or order.broker_id
        if after is order.state and broker_id == order.broker_id:
            return News(fill, None, complaint)
        return News(fill, OrderChanged(order.id, event, after, broker_id, update.reason, at), complaint)

    def _fill(self, order: Order, update: OrderUpdate, at: int) -> tuple[Fill | None, str]:
        """The difference to what is booked already. Cumulative figures never go down: a lower one is old news."""
        if not (update.filled.is_finite() and update.cost.is_finite() and update.fees.is_finite()):
            return None, f"#{order.number}: the broker told a fill without numbers; nothing booked until it is asked again"
        quantity = update.filled - order.filled
        if quantity <= 0:
            return None, ""
        cost = update.cost - order.cost
        if cost <= 0:
            return None, f"#{order.number}: the broker told a fill of {quantity} without a price; nothing booked until it is asked again"
        fees = update.fees - order.fees
        fill_id = f"{order.id}/{order.filled + quantity}"
        return Fill(fill_id, order.id, order.symbol, order.side, quantity, cost / quantity, cost, fees, at, update.rule), ""

    def apply_placed(self, record: OrderPlaced) -> None:
        order = Order(
            id=record.id,
            number=record.number,
            symbol=record.symbol,
            side=record.side,
            quantity=record.quantity,
            type=record.type,
            limit=record.limit,
            stop=record.stop,
            tif=record.tif,
            source=record.source,
            created_at=record.at,
            mark=record.mark,
            requested=record.requested,
            strategy=record.strategy,
            signal_id=record.signal_id,
            reduce_only=record.reduce_only,
            reason=record.reason,
            changed_at=record.at,
            trail=record.trail,
            trail_pct=record.trail_pct,
            extended_hours=record.extended_hours,
            parent=record.parent,
            oco=record.oco,
            exit_pct=record.exit_pct,
            released=not record.parent,
            state=OrderState.HELD if record.parent else OrderState.PENDING_SUBMIT,
        )
        self.orders[order.id] = order
        self._changed(order)
        self.last_number = max(self.last_number, order.number)
        if order.strategy:
            self._sent.setdefault(order.strategy, deque(maxlen=_SENT_KEPT)).append(order.created_at)

    def apply_changed(self, record: OrderChanged) -> None:
        order = self.orders[record.order_id]
        order.state = record.state
        order.broker_id = record.broker_id
        order.reason = record.reason or order.reason
        order.changed_at = record.at
        self._changed(order)

    def apply_fill(self, record: FillBooked) -> None:
        fill = record.fill
        order = self.orders[fill.order_id]
        order.filled += fill.quantity
        order.cost += fill.cost
        order.fees += fill.fees
        order.changed_at = fill.at
        self._changed(order)

    def apply_corrected(self, record: FillCorrected) -> None:
        order = self.orders[record.order_id]
        order.filled += record.quantity
        order.cost += record.cost
        order.fees += record.fees
        order.changed_at = record.at
        self._changed(order)

    def apply_released(self, record: OrderReleased) -> None:
        order = self.orders[record.order_id]
        order.quantity, order.limit, order.stop = record.quantity, record.limit, record.stop
        order.released = True
        order.state = OrderState.PENDING_SUBMIT
        order.changed_at = record.at
        self._changed(order)

    def apply_trailed(self, record: OrderTrailed) -> None:
        self.orders[record.order_id].stop = record.stop

    def apply_replace_asked(self, record: ReplaceAsked) -> None:
        order = self.orders[record.order_id]
        order.asked = record.terms
        order.mark = max(order.mark, record.mark)
        self._changed(order)

    def apply_replaced(self, record: OrderReplaced) -> None:
        order, terms = self.orders[record.order_id], record.terms
        order.quantity, order.limit, order.stop = terms.quantity, terms.limit, terms.stop
        order.trail, order.trail_pct = terms.trail, terms.trail_pct
        order.asked = None
        order.changed_at = record.at
        self._changed(order)

    def _changed(self, order: Order) -> None:
        """Keeps the open orders, and forgets what was summed up of them."""
        if order.state.is_final:
            self.open.pop(order.id, None)
            self._by_symbol.get(order.symbol, {}).pop(order.id, None)
        else:
            self.open[order.id] = order
            self._by_symbol.setdefault(order.symbol, {})[order.id] = order
        self._working.pop((order.symbol, order.side), None)

    def sent_within(self, strategy: str, window: int, now: int) -> int:
        """Orders of `strategy` in the `window` nanoseconds of market time up to `now`."""
        count = 0
        for at in reversed(self._sent.get(strategy, ())):
            if at <= now - window:
                break
            count += at <= now
        return count

    def working(self, symbol: str = "") -> Iterable[Order]:
        """Open orders of one symbol, or all."""
        return list((self._by_symbol.get(symbol, {}) if symbol else self.open).values())

    def symbols(self) -> Iterable[str]:
        """Those with an open order."""
        return [symbol for symbol, orders in self._by_symbol.items() if orders]

    def working_on(self, symbol: str, side: Side, aside: Collection[str] = ()) -> Working:
        """What open orders may still trade, those `aside` (by id) left out. An UNKNOWN order counts in full: it may well be working. Of
        orders that share what they are to trade the largest counts."""
        if aside:
            return self._sum_up(symbol, side, aside)
        working = self._working.get((symbol, side))
        if working is None:
            working = self._working[symbol, side] = self._sum_up(symbol, side, ())
        return working

    def _sum_up(self, symbol: str, side: Side, aside: Collection[str]) -> Working:
        quantity = value = ZERO
        shared: dict[str, tuple[Decimal, Decimal]] = {}
        for order in self._by_symbol.get(symbol, {}).values():
            left = order.may_trade
            if order.side is not side or not left or order.id in aside:
                continue
            if order.oco:
                most, dearest = shared.get(order.oco, (ZERO, ZERO))
                shared[order.oco] = max(most, left), max(dearest, left * order.mark)
            else:
                quantity += left
                value += left * order.mark
        for most, dearest in shared.values():
            quantity += most
            value += dearest
        return Working(quantity, value)

    def working_quantity(self, symbol: str, side: Side, aside: Collection[str] = ()) -> Decimal:
        return self.working_on(symbol, side, aside).quantity


def _event(event: OrderEvent, order: Order, filled: Decimal) -> OrderEvent:
    """The filled quantity outranks the word that came with it: a late WORK after a partial fill is still a partial fill."""
    if filled >= order.quantity:
        return OrderEvent.FILL_ALL
    if event not in ALIVE:
        return event
    if filled:
        return OrderEvent.FILL_PART
    return OrderEvent.WORK if event in (OrderEvent.FILL_PART, OrderEvent.FILL_ALL) else event
