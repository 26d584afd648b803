"""A core whose broker does as the test says: it takes orders, cancels and replaces at once, and fills nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from engine.core.core import Core
from engine.model.capabilities import Capabilities
from engine.model.effects import CancelAtBroker, Effect, Persist, ReplaceAtBroker, Reply, Send
from engine.model.inputs import (
    BrokerOrder,
    BrokerSnapshot,
    Cancel,
    Command,
    GroupKind,
    Input,
    OrderUpdate,
    Replace,
    Submit,
    SubmitGroup,
    Tick,
    Unsent,
)
from engine.model.market import Instrument, MarketStatus, Phase, Quote
from engine.model.modes import Mode
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Intent, Order, OrderState, OrderType, Side, Terms
from engine.model.records import Noted, Record, RunStarted
from engine.model.settings import Settings
from tests.engine.core.floor import SECOND, settings
from tests.engine.core.inbox import Inbox

CASH = Decimal(100_000)
D = Decimal


@dataclass(slots=True)
class Ticket:
    """An order as the broker keeps it."""

    order: Order
    event: OrderEvent = OrderEvent.WORK
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def open(self) -> bool:
        return self.event in (OrderEvent.WORK, OrderEvent.FILL_PART)


class Told(Inbox):
    """`records` is the journal; `sent`, `replaced` and `cancelled` are what reached the broker, oldest first.

    While `mute`, the broker takes what it is asked for and tells nothing. `refuses` is why it replaces nothing, empty where it does.
    Where it `keeps_groups` it takes each fill from the other orders of the group by itself, and tells that `others_first` or last.
    """

    def __init__(self, can: Capabilities | None = None, *, given: Settings | None = None) -> None:
        super().__init__()
        self.can = can or Capabilities()
        self.given = given or settings()
        self.records: list[Record] = []
        self.units: list[int] = [0]
        """Lengths of the journal at which a crash may leave it: a unit is written whole or not at all."""
        self.durable = 0
        """Length of the journal that was on the disk when the broker was last asked for something: no crash loses of that."""
        self.replies: list[Reply] = []
        self.sent: list[Order] = []
        self.replaced: list[tuple[str, Terms]] = []
        self.cancelled: list[str] = []
        self.tickets: dict[str, Ticket] = {}
        self.cash = CASH
        self.held: dict[str, Decimal] = {}
        self.mute = False
        self.refuses = ""
        self.news: list[OrderUpdate] = []
        """What it told of orders, the terms left out: these have no older and newer."""
        self.keeps_groups = False
        self.others_first = False
        self.mono = SECOND
        self.at = 0
        self._runs = 0
        self._commands = 0
        self.price = 100.0
        self.symbols: tuple[str, ...] = ("AAPL", "MSFT")
        """What its feed knows."""
        self.start()

    # ---- life

    def start(self, mode: Mode = Mode.MANUAL) -> None:
        """Begins a run from the journal, as after a crash."""
        self._runs += 1
        self._inbox.clear()
        self.mono += SECOND
        run_id = f"r{self._runs}"
        self.core = Core(self.given, [Instrument(symbol) for symbol in self.symbols], run_id=run_id)
        self.core.restore(self.records)
        self.core.gate.capabilities = self.can
        cash = self.cash if not self.records else None
        self._perform(self.core.start(RunStarted(run_id, "told", "test", cash, self.at), mode, "", self.mono))
        self.quote()
        self.listed()

    def crash(self, length: int | None = None) -> None:
        """Loses what was not written: the journal keeps its first `length` records."""
        if length is not None:
            del self.records[length:]
            self.units = [unit for unit in self.units if unit <= length]
        self.start()

    # ---- inputs

    def _handle_one(self, event: Input) -> None:
        self._perform(self.core.handle(event, self.mono))

    def quote(self, price: float | None = None) -> None:
        self.price = price or self.price
        self.at += SECOND
        self.handle(MarketStatus(Phase.REGULAR, "open", "2026-01-05", self.at))
        for symbol in self.symbols:
            self.handle(Quote(symbol, self.at, self.price, self.price, 1e6, 1e6, self.price))

    def tick(self, seconds: float = 0.1) -> None:
        self.mono += int(seconds * SECOND)
        self.handle(Tick())

    def ask(self, make: type[Command], *parts: object) -> Reply:
        self._commands += 1
        self.handle(make(f"c{self._commands}", *parts))  # type: ignore[arg-type]
        return self.replies[-1]

    def submit(self, intent: Intent) -> Order:
        before = len(self.orders)
        reply = self.ask(Submit, intent)
        assert reply.ok, reply.text
        return self.orders[before]

    def group(self, kind: GroupKind, first: Intent, second: Intent) -> tuple[Order, Order]:
        before = len(self.orders)
        reply = self.ask(SubmitGroup, kind, first, second)
        assert reply.ok, reply.text
        one, two = self.orders[before:]
        return one, two

    def replace(self, order: Order, **changed: Decimal) -> Reply:
        return self.ask(Replace, order.id, replace(order.terms, **changed))

    def cancel(self, order: Order) -> Reply:
        return self.ask(Cancel, order.id)

    # ---- the broker

    def fill(self, order: Order, quantity: object, price: object = 100) -> None:
        """Trades so much of it, and tells unless it is mute."""
        ticket, shares = self.tickets[order.id], D(str(quantity))
        cost = shares * D(str(price))
        ticket.filled += shares
        ticket.cost += cost
        sign = order.side.sign
        self.cash -= sign * cost
        self.held[order.symbol] = self.held.get(order.symbol, ZERO) + sign * shares
        ticket.event = OrderEvent.FILL_ALL if ticket.filled >= ticket.order.quantity else OrderEvent.FILL_PART
        others = self._take_from_others(ticket, shares) if self.keeps_groups and order.oco else []
        told = [(order, None), *((other.order, other.order.terms if other.open else None) for other in others)]
        for each, terms in reversed(told) if self.others_first else told:
            self.tell(each, terms=terms)

    def _take_from_others(self, filled: Ticket, shares: Decimal) -> list[Ticket]:
        others = [each for each in self.tickets.values() if each.open and each is not filled and each.order.oco == filled.order.oco]
        for other in others:
            left = other.order.quantity - other.filled - shares
            if left > 0:
                other.order.quantity -= shares
            else:
                other.event = OrderEvent.CANCEL
        return others

    def end(self, order: Order, event: OrderEvent, reason: str = "") -> None:
        self.tickets[order.id].event = event
        self.tell(order, reason)

    def tell(self, order: Order, reason: str = "", terms: Terms | None = None) -> None:
        ticket = self.tickets[order.id]
        if not self.mute:
            update = news_of(ticket, terms, reason)
            self.news.append(replace(update, terms=None))
            self.handle(update)

    def listed(self) -> None:
        self.handle(self.snapshot())

    def snapshot(self) -> BrokerSnapshot:
        asked = {order.id for order in self.core.state.book.working()}
        shown = [ticket for ticket in self.tickets.values() if ticket.open or ticket.order.id in asked]
        positions = tuple((symbol, quantity, D(100)) for symbol, quantity in sorted(self.held.items()) if quantity)
        return BrokerSnapshot(self.cash, positions, tuple(_listed(ticket) for ticket in shown))

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Persist):
                self.records.extend(effect.records)
                self.units.append(len(self.records))
            elif isinstance(effect, Send):
                self.durable = len(self.records)
                self._take(effect.order)
            elif isinstance(effect, ReplaceAtBroker):
                self.durable = len(self.records)
                self._take_terms(effect.order, effect.terms)
            elif isinstance(effect, CancelAtBroker):
                self.durable = len(self.records) if effect.makes_room else self.durable
                for order_id in effect.order_ids:
                    self._take_cancel(self.core.state.book.orders[order_id])
            elif isinstance(effect, Reply):
                self.replies.append(effect)

    def _take(self, order: Order) -> None:
        if order.state is not OrderState.PENDING_SUBMIT:
            self.handle(Unsent(order.id))
            return
        assert order.id not in self.tickets, f"{order.id} was sent twice"
        assert len(self.sent) < 500, "it sends without end"
        self.sent.append(order)
        self.tickets[order.id] = Ticket(replace(order))
        self.tell(order)

    def _take_terms(self, order: Order, terms: Terms) -> None:
        self.replaced.append((order.id, terms))
        ticket = self.tickets[order.id]
        refused = self.refuses or ("" if ticket.open and terms.quantity > ticket.filled else "it is too late to replace")
        if not refused:
            ticket.order.quantity, ticket.order.limit, ticket.order.stop = terms.quantity, terms.limit, terms.stop
        if not self.mute:
            event = OrderEvent.REFUSE_REPLACE if refused else OrderEvent.REPLACE
            figures = ticket.filled, ticket.cost, ticket.fees
            taken = None if refused else terms
            self.handle(OrderUpdate(order.id, event, f"T{order.number}", *figures, reason=refused, terms=taken))

    def _take_cancel(self, order: Order) -> None:
        self.cancelled.append(order.id)
        ticket = self.tickets.get(order.id)
        if ticket is not None:
            if ticket.open:
                ticket.event = OrderEvent.CANCEL
            self.tell(order)

    # ---- what came of it

    @property
    def orders(self) -> list[Order]:
        return list(self.core.state.book.orders.values())

    def order(self, number: int) -> Order:
        return self.orders[number - 1]

    def position(self, symbol: str = "AAPL") -> Decimal:
        return self.core.state.portfolio.position(symbol)

    def said(self, words: str) -> bool:
        return any(words in record.text for record in self.records if isinstance(record, Noted))


def news_of(ticket: Ticket, terms: Terms | None = None, reason: str = "") -> OrderUpdate:
    """Where an order stands at the broker, as it tells it."""
    order, figures = ticket.order, (ticket.filled, ticket.cost, ticket.fees)
    return OrderUpdate(order.id, ticket.event, f"T{order.number}", *figures, reason=reason, terms=terms)


def _listed(ticket: Ticket) -> BrokerOrder:
    order = ticket.order
    return BrokerOrder(
        order.id,
        f"T{order.number}",
        order.symbol,
        order.side,
        order.quantity,
        order.type,
        order.limit,
        order.stop,
        ticket.event,
        ticket.filled,
        ticket.cost,
        ticket.fees,
        tif=order.tif,
        trail=order.trail,
        trail_pct=order.trail_pct,
    )


def bought(
    quantity: object = 100, take_profit: object = None, stop_loss: object = None, side: Side = Side.BUY, limit: object = None
) -> Intent:
    """An entry with its exits: each a price, or with a % in per cent."""
    bracket = Bracket(_exit(take_profit), _exit(stop_loss)) if take_profit or stop_loss else None
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    return Intent("AAPL", side, D(str(quantity)), kind, limit=None if limit is None else D(str(limit)), bracket=bracket)


def _exit(leave: object) -> Exit | None:
    if leave is None:
        return None
    text = str(leave)
    return Exit(pct=D(text[:-1])) if text.endswith("%") else Exit(D(text))


def states(orders: Iterable[Order]) -> list[str]:
    """Each as `STATE filled/quantity`."""
    return [f"{order.state} {order.filled:f}/{order.quantity:f}" for order in orders]
