"""The paper broker: a market of our own behind the same protocol as a real broker.

It lives in this process and keeps nothing on disk: the journal is its memory. After a restart it is handed the orders, positions and cash
that the journal tells, so it can never disagree with the books, and what was not yet written when a crash came never happened.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal

from engine.brokers.base import AmbiguousError, BrokerEvent
from engine.core.corporate import dividend_booked, ratio_text, split_booked
from engine.core.matching import Execution, Matcher, basis_points
from engine.core.portfolio import Portfolio
from engine.model.capabilities import Capabilities
from engine.model.inputs import BrokerOrder, BrokerSnapshot, LinkChanged, OrderUpdate
from engine.model.market import Bar, Dividend, Instrument, MarketEvent, MarketStatus, Quote, Split
from engine.model.money import HUNDRED, ZERO, cents, is_amount
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, Order, OrderType, Terms, TimeInForce
from engine.model.settings import PaperSettings

_MILLISECOND = 1_000_000


@dataclass(slots=True)
class _Ticket:
    """One order's running totals at the broker, cumulative as its updates tell them."""

    order: Order
    broker_id: str
    session: str = ""
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    event: OrderEvent = OrderEvent.WORK
    reason: str = ""


class PaperBroker:
    """Fills orders against the engine's own market data. Hand it every market event before the engine sees it, as a market would."""

    name = "paper"
    capabilities = Capabilities(
        types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP}),
        tifs=frozenset({TimeInForce.DAY, TimeInForce.GTC}),
        replace=False,
    )
    settle_s = 0.0

    def __init__(self, settings: PaperSettings, instruments: Iterable[Instrument]) -> None:
        self._settings = settings
        self._lots = {i.symbol: i.lot for i in instruments}
        self._matcher = Matcher(volume_cap=settings.volume_cap_pct / 100, slip=basis_points(settings.slippage_bps))
        self._tickets: dict[str, _Ticket] = {}
        self._portfolio = Portfolio(settings.cash)
        self._tell: Callable[[BrokerEvent], None] = _nobody
        self._now = 0
        self._session = ""

    def restore(self, portfolio: Portfolio, orders: Iterable[Order]) -> None:
        """Takes up where the journal ends: what it holds, and those of `orders` that it had accepted and that are open."""
        self._portfolio = deepcopy(portfolio)
        for order in orders:
            if order.broker_id and not order.state.is_final:
                self._tickets[order.id] = _Ticket(order, order.broker_id, "", order.filled, order.cost, order.fees)
                self._rest(order)

    # ---- the protocol

    async def connect(self, tell: Callable[[BrokerEvent], None]) -> None:
        self._tell = tell
        tell(LinkChanged(self.name, True))

    async def submit(self, order: Order) -> None:
        if order.id in self._tickets:
            return
        ticket = self._tickets[order.id] = _Ticket(order, f"P{order.number}")
        if order.symbol not in self._lots:
            ticket.event, ticket.reason = OrderEvent.REJECT, f"asset {order.symbol} is not tradable"
        else:
            self._rest(order)
        self._tell(self._update(ticket))

    async def replace(self, order: Order, terms: Terms) -> None:
        self._tell(OrderUpdate(order.id, OrderEvent.REFUSE_REPLACE, reason="replace is not supported", at=self._now))

    async def cancel(self, orders: Sequence[Order]) -> None:
        known = [ticket for order in orders if (ticket := self._tickets.get(order.id)) is not None]
        for ticket in known:
            if self._matcher.remove(ticket.order.id) is not None:
                ticket.event = OrderEvent.CANCEL
            self._tell(self._update(ticket))
        if len(known) < len(orders):
            unseen = ", ".join(f"#{order.number}" for order in orders if order.id not in self._tickets)
            raise AmbiguousError(f"paper has not seen {unseen}")

    async def find(self, order_id: str) -> OrderUpdate | None:
        ticket = self._tickets.get(order_id)
        return None if ticket is None else self._update(ticket)

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        wanted = {r.order_id for r in self._matcher.resting()} | (set(order_ids) & self._tickets.keys())
        held = sorted((h.symbol, h.quantity, h.average) for h in self._portfolio.holdings.values() if h.quantity)
        return BrokerSnapshot(self._portfolio.cash, tuple(held), tuple(self._listed(self._tickets[i]) for i in sorted(wanted)))

    async def close(self) -> None:
        self._tell = _nobody

    # ---- the market

    def on_market(self, event: MarketEvent) -> None:
        """Fills what `event` fills, and tells it."""
        self._now = max(self._now, event.at)
        if isinstance(event, MarketStatus):
            self._open_session(event)
            return
        if isinstance(event, Split):
            self._split(event)
        elif isinstance(event, Dividend) and (paid := dividend_booked(event, self._portfolio)) is not None:
            self._portfolio.receive_dividend(paid)
        if not isinstance(event, Bar | Quote):
            return
        executions = self._matcher.on_bar(event) if isinstance(event, Bar) else self._matcher.on_quote(event)
        for execution in executions:
            self._execute(execution)
        for resting in self._matcher.resting():
            if resting.seen and resting.symbol == event.symbol:
                ticket = self._tickets[resting.order_id]
                ticket.session = ticket.session or self._session

    def _split(self, event: Split) -> None:
        """Orders in the old shares are cancelled, as brokers do: their prices and quantities mean something else now."""
        if not is_amount(event.ratio):
            return
        record = split_booked(event, self._portfolio, self._lots.get(event.symbol, Decimal(1)))
        if record is not None:
            self._portfolio.split(record)
        for resting in list(self._matcher.resting()):
            if resting.symbol == event.symbol:
                self._matcher.remove(resting.order_id)
                ticket = self._tickets[resting.order_id]
                ticket.event, ticket.reason = OrderEvent.CANCEL, f"{event.symbol} split {ratio_text(event.ratio)}"
                self._tell(self._update(ticket))

    def _open_session(self, status: MarketStatus) -> None:
        """A DAY order ends with the session in which it could first trade; one that has met no price yet waits for the next."""
        if status.session == self._session:
            return
        self._session = status.session
        for resting in self._matcher.resting():
            ticket = self._tickets[resting.order_id]
            if ticket.order.tif is TimeInForce.DAY and ticket.session:
                self._matcher.remove(resting.order_id)
                ticket.event, ticket.reason = OrderEvent.EXPIRE, "the session it was for is over"
                self._tell(self._update(ticket))

    def _rest(self, order: Order) -> None:
        """Latency is drawn by seed and order id, so that the same order waits the same time in every run."""
        draw = random.Random(f"{self._settings.seed}/{order.id}").uniform(0.5, 1.5)
        self._matcher.add(order, self._now + int(self._settings.latency_ms * draw * _MILLISECOND), self._lots.get(order.symbol, Decimal(1)))

    def _execute(self, execution: Execution) -> None:
        ticket = self._tickets[execution.order_id]
        cost = execution.price * execution.quantity
        ticket.filled += execution.quantity
        ticket.cost += cost
        fees = self._commission(ticket.cost)
        charged = fees - ticket.fees
        ticket.fees = fees
        ticket.event = OrderEvent.FILL_ALL if ticket.filled >= ticket.order.quantity else OrderEvent.FILL_PART
        order = ticket.order
        fill_id = f"{ticket.broker_id}/{ticket.filled}"
        fill = Fill(
            fill_id, order.id, order.symbol, order.side, execution.quantity, execution.price, cost, charged, self._now, execution.rule
        )
        self._portfolio.book(fill)
        self._tell(self._update(ticket, execution.rule))

    def _commission(self, cost: Decimal) -> Decimal:
        """Of an order's whole traded value so far, so that an order filled in parts pays its minimum once."""
        return cents(max(cost * self._settings.commission_pct / HUNDRED, self._settings.commission_min))

    def _update(self, ticket: _Ticket, rule: str = "") -> OrderUpdate:
        return OrderUpdate(
            ticket.order.id, ticket.event, ticket.broker_id, ticket.filled, ticket.cost, ticket.fees, rule, ticket.reason, self._now
        )

    def _listed(self, ticket: _Ticket) -> BrokerOrder:
        order = ticket.order
        return BrokerOrder(
            order_id=order.id,
            broker_id=ticket.broker_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            type=order.type,
            limit=order.limit,
            stop=order.stop,
            event=ticket.event,
            filled=ticket.filled,
            cost=ticket.cost,
            fees=ticket.fees,
            reason=ticket.reason,
        )


def _nobody(event: BrokerEvent) -> None:
    """Before connect and after close there is nobody to tell."""
