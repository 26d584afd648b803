"""A paper broker at which somebody trades from elsewhere, too: by orders that nobody here knows, and without any."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from engine.brokers.base import BrokerEvent
from engine.brokers.paper import PaperBroker
from engine.model.inputs import BrokerOrder, BrokerSnapshot, LinkChanged, OrderUpdate
from engine.model.market import MarketEvent, Split
from engine.model.modes import LinkState
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Side, Terms


class SharedBroker(PaperBroker):
    """The account is one: what is held and the cash are what both traded."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._placed: dict[str, BrokerOrder] = {}
        self._held: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._last: dict[str, Decimal] = {}
        self._cash = ZERO
        self._loop: asyncio.AbstractEventLoop | None = None

    # ---- for whoever trades elsewhere, on the test's thread

    def place(self, order_id: str, symbol: str, side: Side, quantity: Decimal, limit: Decimal) -> None:
        listed = BrokerOrder(order_id, f"E{order_id}", symbol, side, quantity, OrderType.LIMIT, limit, None, OrderEvent.WORK)
        self._do(lambda: self._placed.update({order_id: listed}))

    def fill(self, order_id: str, quantity: Decimal) -> None:
        """So many of it at its limit, as far as there is as much left."""
        self._do(lambda: self._fill(order_id, quantity))

    def trade(self, symbol: str, quantity: Decimal, price: Decimal) -> None:
        """Signed, and told by no order."""
        self._do(lambda: self._book(symbol, quantity, price))

    def compare(self) -> None:
        """The link was away, so that everything is compared."""
        self._do(lambda: self._tell(LinkChanged(self.name, LinkState.UP)))

    @property
    def open(self) -> list[str]:
        return [listed.order_id for listed in list(self._placed.values()) if listed.event in (OrderEvent.WORK, OrderEvent.FILL_PART)]

    # ---- the protocol

    async def connect(self, tell: Callable[[BrokerEvent], None]) -> None:
        self._loop = asyncio.get_running_loop()
        await super().connect(tell)

    async def replace(self, order: Order, terms: Terms) -> None:
        if order.id not in self._placed:
            await super().replace(order, terms)
            return
        listed = self._placed[order.id] = replace(self._placed[order.id], quantity=terms.quantity, limit=terms.limit)
        self._tell(OrderUpdate(order.id, OrderEvent.REPLACE, listed.broker_id, listed.filled, listed.cost, terms=terms))

    async def cancel(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if order.id in self._placed:
                listed = self._placed[order.id] = replace(self._placed[order.id], event=OrderEvent.CANCEL)
                self._tell(OrderUpdate(order.id, OrderEvent.CANCEL, listed.broker_id, listed.filled, listed.cost))
        await super().cancel([order for order in orders if order.id not in self._placed])

    async def find(self, order_id: str) -> OrderUpdate | None:
        listed = self._placed.get(order_id)
        if listed is None:
            return await super().find(order_id)
        return OrderUpdate(order_id, listed.event, listed.broker_id, listed.filled, listed.cost)

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        ours = await super().snapshot(order_ids)
        held = {symbol: (quantity, average) for symbol, quantity, average in ours.positions}
        for symbol, more in self._held.items():
            quantity, average = held.get(symbol, (ZERO, self._last[symbol]))
            held[symbol] = quantity + more, average
        positions = tuple((symbol, quantity, average) for symbol, (quantity, average) in sorted(held.items()) if quantity)
        theirs = tuple(listed for key, listed in self._placed.items() if key in self.open or key in order_ids)
        return replace(ours, cash=ours.cash + self._cash, positions=positions, orders=(*ours.orders, *theirs))

    def on_market(self, event: MarketEvent) -> None:
        if isinstance(event, Split):
            self._held[event.symbol] *= event.ratio
            self._last[event.symbol] = self._last.get(event.symbol, ZERO) / event.ratio
        super().on_market(event)

    # ---- inside

    def _do(self, what: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    def _fill(self, order_id: str, quantity: Decimal) -> None:
        listed = self._placed[order_id]
        quantity = min(quantity, listed.quantity - listed.filled)
        if order_id not in self.open or quantity <= 0 or listed.limit is None:
            return
        self._book(listed.symbol, quantity * listed.side.sign, listed.limit)
        filled, cost = listed.filled + quantity, listed.cost + quantity * listed.limit
        event = OrderEvent.FILL_ALL if filled == listed.quantity else OrderEvent.FILL_PART
        self._placed[order_id] = replace(listed, filled=filled, cost=cost, event=event)
        self._tell(OrderUpdate(order_id, event, listed.broker_id, filled, cost))

    def _book(self, symbol: str, quantity: Decimal, price: Decimal) -> None:
        self._held[symbol] += quantity
        self._last[symbol] = price
        self._cash -= quantity * price
