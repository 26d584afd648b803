"""Our orders and where each stands: the facts taken over, live and at a restart alike, and what working orders may still trade."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal

from msgspec import Struct

from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, OrderType, Side, Source
from engine.model.records import (
    FillBooked,
    FillCorrected,
    OrderChanged,
    OrderPlaced,
    OrderReleased,
    OrderReplaced,
    OrderTrailed,
    ReplaceAsked,
    SplitBooked,
)


class Working(Struct, frozen=True):
    """Shares that the open orders of a symbol may still trade on one side, and what they were valued at when they were let through."""

    quantity: Decimal = ZERO
    value: Decimal = ZERO

    def adding(self, closable: Decimal) -> Decimal:
        """The value of what they may add, once they have closed what there is to close."""
        opening = self.quantity - closable
        return self.value * opening / self.quantity if opening > 0 else ZERO


_ENDED_KEPT = 500
"""Orders that are kept however long ago they ended."""

_FOREIGN_IDS_KEPT = 10_000
"""Of orders that were placed elsewhere and let go of, the ids that are known: the newest."""


class OrderBook:
    """All orders by id, and the open ones apart. Those that ended long ago are let go of, and known to have been there."""

    __slots__ = (
        "_by_symbol",
        "_families",
        "_foreign",
        "_forgotten",
        "_grouped",
        "_waited_for",
        "_working",
        "last_number",
        "open",
        "orders",
        "stale",
    )

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.open: dict[str, Order] = {}
        self.last_number = 0
        self._by_symbol: dict[str, dict[str, Order]] = {}
        self._families: dict[str, list[Order]] = {}
        self._grouped: dict[str, Order] = {}
        self._waited_for: set[str] = set()
        self._forgotten: dict[str, int] = {}
        """Up to which number a run's orders were let go of. Behind it there may be some that a database put back from a backup lacks."""
        self._foreign: dict[str, None] = {}
        """The ids of orders placed elsewhere that were let go of."""
        self.stale: dict[str, None] = {}
        """The symbols whose open orders, or the positions these may close, changed since the gate last took them out of here."""
        self._working: dict[tuple[str, Side], Working] = {}
        """What was summed up since the symbol's orders last changed: the gate asks far oftener than they do."""

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
            succeeds=record.succeeds,
            released=not (record.parent or record.succeeds),
            state=OrderState.HELD if record.parent or record.succeeds else OrderState.PENDING_SUBMIT,
        )
        self.orders[order.id] = order
        if order.family:
            self._families.setdefault(order.family, []).append(order)
        if order.parent in self.open:
            self._waited_for.add(order.parent)
        self._changed(order)
        self.last_number = max(self.last_number, order.number)

    def apply_changed(self, record: OrderChanged) -> None:
        order = self.orders[record.order_id]
        order.state = record.state
        order.broker_id = record.broker_id
        order.reason = record.reason or order.reason
        order.changed_at = record.at
        if record.event is OrderEvent.REQUEST_CANCEL:
            order.cancel_reason = record.reason
        elif record.event is OrderEvent.REFUSE_CANCEL:
            order.cancel_reason = None
        if order.state.is_final or record.event is OrderEvent.REFUSE_REPLACE:
            order.asked = None
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
        order.corrections += 1
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
        order = self.orders[record.order_id]
        order.stop, order.triggered = record.stop, record.triggered

    def apply_replace_asked(self, record: ReplaceAsked) -> None:
        order = self.orders[record.order_id]
        order.asked, order.asked_mark, order.exit_pct = record.terms, record.mark, record.exit_pct
        self._changed(order)

    def apply_replaced(self, record: OrderReplaced) -> None:
        order, terms = self.orders[record.order_id], record.terms
        order.quantity, order.limit = terms.quantity, terms.limit
        if order.type is not OrderType.TRAILING_STOP:
            order.triggered = order.triggered and terms.stop == order.stop
            order.stop = terms.stop
        order.trail, order.trail_pct = terms.trail, terms.trail_pct
        order.exit_pct = record.exit_pct
        order.surplus = record.surplus
        if terms == order.asked:
            order.mark = order.asked_mark
        elif record.mark is not None:
            order.mark = record.mark
        order.asked = None
        order.changed_at = record.at
        self._changed(order)

    def apply_split(self, record: SplitBooked) -> None:
        """What its orders traded until now is told in the old shares, however late."""
        for order in self.orders.values():
            if order.symbol == record.symbol:
                order.split *= record.ratio

    def forget(self, before: int) -> None:
        """Lets go of orders that ended before the market time `before`: not of the newest, nor of what an open one hangs together with."""
        needed = self._waited_for.union(list(self.orders)[-_ENDED_KEPT:])
        for order in self.open.values():
            together = [*self.family(order.family), *self.family(order.id)]
            needed |= {order.id, order.parent, order.succeeds, *(each.id for each in together)}
        kept = {key: order for key, order in self.orders.items() if key in needed or order.changed_at >= before}
        for key, order in self.orders.items():
            if key not in kept and order.source is Source.EXTERNAL:
                self._foreign[key] = None
            elif key not in kept:
                run, number = _parts_of(key)
                self._forgotten[run] = max(self._forgotten.get(run, 0), number)
        for key in list(self._foreign)[:-_FOREIGN_IDS_KEPT]:
            del self._foreign[key]
        self.orders = kept
        families = {key: [order for order in orders if order.id in self.orders] for key, orders in self._families.items()}
        self._families = {key: orders for key, orders in families.items() if orders}

    def has_forgotten(self, order_id: str) -> bool:
        """Whether this was an order of the account that ended long ago: it is not kept, and must not be taken for a new one."""
        run, number = _parts_of(order_id)
        return order_id not in self.orders and (order_id in self._foreign or number <= self._forgotten.get(run, -1))

    def _changed(self, order: Order) -> None:
        """Keeps the open orders, and forgets what was summed up of them."""
        if order.state.is_final:
            self.open.pop(order.id, None)
            self._by_symbol.get(order.symbol, {}).pop(order.id, None)
            self._grouped.pop(order.id, None)
            self._waited_for.discard(order.id)
        else:
            self.open[order.id] = order
            if order.family:
                self._grouped[order.id] = order
            self._by_symbol.setdefault(order.symbol, {})[order.id] = order
        self._working.pop((order.symbol, order.side), None)
        self.stale[order.symbol] = None

    def working(self, symbol: str = "") -> Iterable[Order]:
        """Open orders of one symbol, or all."""
        return list((self._by_symbol.get(symbol, {}) if symbol else self.open).values())

    def families(self) -> list[str]:
        """`Order.family` of those in which an order works or may yet, oldest first: one of theirs; and after these the ones of which only
        the order that they wait for does."""
        grouped = {order.family: None for order in self._grouped.values()}
        # Always in one order: what two lay claim to would else go to and fro between them, with a cancel and a new order each time.
        return list(dict.fromkeys([*sorted(grouped, key=self._age), *sorted(self._waited_for, key=self._age)]))

    def _age(self, key: str) -> int:
        return self._families[key][0].number

    def family(self, key: str) -> list[Order]:
        """All orders that hang together under `key`, oldest first, ended ones too; not the order that they wait for."""
        return self._families.get(key, [])

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
            price = order.mark if order.asked is None else max(order.mark, order.asked_mark)
            if order.oco:
                most, dearest = shared.get(order.oco, (ZERO, ZERO))
                shared[order.oco] = max(most, left), max(dearest, left * price)
            else:
                quantity += left
                value += left * price
        for most, dearest in shared.values():
            quantity += most
            value += dearest
        return Working(quantity, value)

    def working_quantity(self, symbol: str, side: Side, aside: Collection[str] = ()) -> Decimal:
        return self.working_on(symbol, side, aside).quantity


def _parts_of(order_id: str) -> tuple[str, int]:
    """The run in which an order of ours was placed, and its number; no run of ours where the id is not of that form."""
    run, _, number = order_id.rpartition("-")
    return (run, int(number)) if len(number) < 19 and number.isascii() and number.isdigit() else ("", 0)
