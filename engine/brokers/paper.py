"""The paper broker: a market of our own behind the same protocol as a real broker.

It lives in this process and keeps nothing on disk: the journal is its memory. After a restart it is handed the orders, positions and cash
that the journal tells, so it can never disagree with the books, and what was not yet written when a crash came never happened.

An order is ACCEPTED until its session has come and WORKING from then on: so the journal knows which session a DAY order was for. A cancel
or a replace takes its time in the market, and may lose against a fill. It is done at once where no market moves that it could race: on
bars, in a halt, while the market is closed; and whoever asks how things stand is told with all done that was asked for before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from math import exp
from operator import attrgetter

from msgspec.structs import replace

from engine.brokers.base import AmbiguousError, BrokerEvent
from engine.brokers.costs import commission_of, slippage_of
from engine.brokers.paper_rules import FRACTION, Conditions, Working, refusal
from engine.brokers.paper_ticket import Request, Ticket, left_in_group
from engine.core.corporate import dividend_booked, ratio_text, split_booked
from engine.core.matching import Ended, Execution, Matcher, Moved, Outcome, Reduced, Worked
from engine.core.portfolio import Portfolio
from engine.model.capabilities import Capabilities
from engine.model.inputs import BrokerSnapshot, LinkChanged, Note, OrderUpdate
from engine.model.market import Auction, Bar, Dividend, Halt, Instrument, MarketEvent, MarketStatus, Phase, Quote, SessionClose, Split
from engine.model.modes import Level, LinkState
from engine.model.money import ZERO, exact, is_amount, is_price
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, Order, OrderState, Side, Terms
from engine.model.settings import MarginSettings, PaperSettings

_MILLISECOND = 1_000_000
_CASH_ACCOUNT = MarginSettings()


class PaperBroker:
    """Fills orders against the engine's own market data. Hand it every market event before the engine sees it, as a market would."""

    name = "paper"
    capabilities = Capabilities(extended_hours=True, fraction=FRACTION, oco=True)
    settle_s = 0.0

    def __init__(self, settings: PaperSettings, instruments: Mapping[str, Instrument], margin: MarginSettings = _CASH_ACCOUNT) -> None:
        """`instruments` may get more while it trades. Raises CostModelError where the settings name a cost model that is not there."""
        self._settings = settings
        self._margin = margin
        self._instruments = instruments
        self._hard_to_borrow = frozenset(settings.hard_to_borrow)
        self._commission = commission_of(settings.commission, self._complain)
        self._matcher = Matcher(volume_cap=settings.volume_cap_pct / 100, slip=slippage_of(settings.slippage, self._complain))
        self._tickets: dict[str, Ticket] = {}
        self._over: set[str] = set()
        self._requests: list[Request] = []
        self._traded: dict[str, list[tuple[int, Decimal]]] = {}
        """When orders of each `oco` filled, and how much."""
        self._prices: dict[str, Bar | Quote] = {}
        self._portfolio = Portfolio(settings.cash)
        self._tell: Callable[[BrokerEvent], None] = _nobody
        self._now = 0
        self._restored = False
        self._telling = False
        """What an event did is still being told: until all is, nobody's request may meet an order whose fill is not booked yet."""

    def restore(self, portfolio: Portfolio, orders: Iterable[Order], session: str = "") -> None:
        """Takes up where the journal ends: what it holds, those of `orders` that it had accepted and that are open, and the `session`
        that was under way."""
        self._portfolio = deepcopy(portfolio)
        self._matcher.session = session
        self._restored = True
        known = list(orders)
        for order in known:
            if not order.broker_id or order.state.is_final:
                continue
            waits = order.state is OrderState.ACCEPTED
            event = OrderEvent.ACCEPT if waits else OrderEvent.FILL_PART if order.filled else OrderEvent.WORK
            ticket = Ticket(replace(order), order.broker_id, order.filled, order.cost, order.fees, event)
            if order.oco and order.reduce_only:
                ticket.order.quantity = min(order.quantity, order.filled + left_in_group(order, known))
            self._tickets[order.id] = ticket
            if ticket.left > 0:
                triggered = order.triggered or (order.filled > 0 and order.stop is not None)
                self._rest(ticket, order.changed_at, met=not waits, triggered=triggered)
            else:
                ticket.event = OrderEvent.CANCEL

    # ---- the protocol

    async def connect(self, tell: Callable[[BrokerEvent], None]) -> None:
        self._tell = tell
        tell(LinkChanged(self.name, LinkState.UP))

    async def submit(self, order: Order) -> None:
        if order.id in self._tickets:
            return
        ticket = self._tickets[order.id] = Ticket(replace(order), f"P{order.number}")
        if reason := refusal(order, self._conditions(order), self._working()):
            ticket.event, ticket.reason = OrderEvent.REJECT, reason
            self._tell(ticket.update(self._now))
            return
        ticket.order.quantity -= min(order.remaining, self._traded_since(order))
        if ticket.left <= 0:
            ticket.event, ticket.reason = OrderEvent.CANCEL, "the other order of its group filled"
            self._tell(ticket.update(self._now))
            return
        self._rest(ticket, self._now, met=False, triggered=False)
        update = ticket.update(self._now)
        self._tell(replace(update, terms=ticket.order.terms) if ticket.order.quantity < order.quantity else update)
        self._catch_up()

    async def submit_group(self, orders: Sequence[Order]) -> None:
        for order in orders:
            await self.submit(order)

    async def replace(self, order: Order, terms: Terms) -> None:
        if order.id not in self._tickets:
            raise AmbiguousError(f"paper has not seen #{order.number}")
        self._ask(order.id, terms, order.quantity, follows=order.exit_pct is not None)

    async def cancel(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if order.id in self._tickets:
                self._ask(order.id, None)
        if unseen := ", ".join(f"#{order.number}" for order in orders if order.id not in self._tickets):
            raise AmbiguousError(f"paper has not seen {unseen}")

    async def find(self, order_id: str) -> OrderUpdate | None:
        self._perform_all()
        ticket = self._tickets.get(order_id)
        return None if ticket is None else replace(ticket.update(self._now), terms=ticket.order.terms)

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        self._perform_all()
        wanted = {r.order_id for r in self._matcher.resting()} | (set(order_ids) & self._tickets.keys())
        held = sorted((h.symbol, h.quantity, h.average) for h in self._portfolio.holdings.values() if h.quantity)
        return BrokerSnapshot(self._portfolio.cash, tuple(held), tuple(self._tickets[i].listed() for i in sorted(wanted)))

    async def close(self) -> None:
        self._tell = _nobody

    # ---- the market

    def on_market(self, event: MarketEvent) -> None:
        """Does what was asked for and has reached the market by now, then fills what `event` fills; tells all of it."""
        if self._restored:
            self._restored = False
            self._matcher.begin(event.at)
        self._now = max(self._now, event.at)
        if self._requests:
            self._perform_due()
        match event:
            case Quote():
                self._prices[event.symbol] = event
                outcomes = self._matcher.on_quote(event)
            case Bar():
                self._prices[event.symbol] = event
                outcomes = self._matcher.on_bar(event)
            case MarketStatus():
                anew = event.session != self._matcher.session
                outcomes = self._matcher.on_status(event)
                if anew:
                    self._portfolio.open_session(event.session)
                    self._forget()
            case Auction():
                outcomes = self._matcher.on_auction(event)
            case Halt():
                outcomes = self._matcher.on_halt(event)
            case Split():
                outcomes = self._split(event)
            case SessionClose():
                outcomes = ()
            case Dividend():
                outcomes = ()
                if (dividend := dividend_booked(event, self._portfolio)) is not None:
                    self._portfolio.receive_dividend(dividend)
        self._tell_of(outcomes)
        self._catch_up()

    def _tell_of(self, outcomes: Sequence[Outcome]) -> None:
        self._telling = True
        try:
            for outcome in outcomes:
                self._take(outcome)
        finally:
            self._telling = False
        if self._requests:
            self._perform_due()
            if not self._races():
                self._perform_all()

    def _catch_up(self) -> None:
        """Exits that came with their entry's fill meet what came after it in its bar."""
        while not self._telling and (outcomes := self._matcher.catch_up()):
            self._tell_of(outcomes)

    def _split(self, event: Split) -> Sequence[Outcome]:
        """Orders in the old shares are cancelled, as brokers do: their prices and quantities mean something else now."""
        if not is_amount(event.ratio) or self._portfolio.knows(event):
            return ()
        instrument = self._instruments.get(event.symbol, Instrument(event.symbol))
        if (record := split_booked(event, self._portfolio, min(instrument.lot, FRACTION))) is not None:
            self._portfolio.split(record)
        reason = f"{event.symbol} split {ratio_text(event.ratio)}"
        orders = [resting.order_id for resting in self._matcher.resting() if resting.symbol == event.symbol]
        for order_id in orders:
            self._matcher.remove(order_id)
        self._matcher.forget_entries(event.symbol)
        return [Ended(order_id, OrderEvent.CANCEL, reason) for order_id in orders]

    def _forget(self) -> None:
        """Lets go of the orders that had ended when the session before this one began: nobody asks for them any more."""
        for order_id in self._over.difference(request.order_id for request in self._requests):
            self._traded.pop(self._tickets.pop(order_id).order.oco, None)
        self._over = {order_id for order_id, ticket in self._tickets.items() if ticket.ended}

    def _complain(self, text: str) -> None:
        self._tell(Note(Level.ERROR, self.name, text))

    def _take(self, outcome: Outcome) -> None:
        ticket = self._tickets[outcome.order_id]
        match outcome:
            case Execution():
                self._execute(ticket, outcome)
            case Ended():
                ticket.event, ticket.reason = outcome.event, outcome.reason
                self._tell(ticket.update(self._now))
            case Worked():
                ticket.event = OrderEvent.WORK
                self._tell(ticket.update(self._now))
            case Moved():
                ticket.order.stop, ticket.order.triggered = outcome.stop, ticket.order.triggered or outcome.triggered
                self._tell(replace(ticket.update(self._now), stop=outcome.stop, triggered=ticket.order.triggered))
            case Reduced():
                ticket.order.quantity -= outcome.quantity
                ticket.revision += 1
                reason = "another order of its group traded"
                self._tell(replace(ticket.update(self._now), terms=ticket.order.terms, reason=reason))

    def _execute(self, ticket: Ticket, execution: Execution) -> None:
        order, cost = ticket.order, execution.price * execution.quantity
        ticket.filled += execution.quantity
        ticket.cost += cost
        # A model may owe less for more; what was charged stays charged.
        charged = max(self._commission(ticket.filled, ticket.cost) - ticket.fees, ZERO)
        ticket.fees += charged
        ticket.event = OrderEvent.FILL_ALL if ticket.left <= 0 else OrderEvent.FILL_PART
        if order.oco:
            self._traded.setdefault(order.oco, []).append((self._now, execution.quantity))
        fill_id = f"{ticket.broker_id}/{ticket.filled}"
        self._portfolio.book(
            Fill(fill_id, order.id, order.symbol, order.side, execution.quantity, execution.price, cost, charged, self._now, execution.rule)
        )
        self._tell(ticket.update(self._now, execution.rule))

    def _traded_since(self, order: Order) -> Decimal:
        """What its group traded while it was on its way: one of two orders sent together may fill before the other is here."""
        return sum((quantity for at, quantity in self._traded.get(order.oco, ()) if at > order.changed_at), ZERO)

    # ---- requests

    def _ask(self, order_id: str, terms: Terms | None, quantity: Decimal = ZERO, *, follows: bool = False) -> None:
        ticket = self._tickets[order_id]
        number = ticket.replaced
        ticket.replaced += terms is not None
        what = "cancel" if terms is None else f"replace {number}"
        self._requests.append(Request(self._now + self._latency(order_id, what), order_id, terms, quantity, follows))
        if not self._races(ticket.order.symbol):
            self._perform_all()
        else:
            self._perform_due()
        self._catch_up()

    def _races(self, symbol: str = "") -> bool:
        """Whether the market moves, in `symbol` or in any that something is asked for, so that a request takes time."""
        symbols = {symbol} if symbol else {self._tickets[request.order_id].order.symbol for request in self._requests}
        moves = self._matcher.phase is not Phase.CLOSED
        return moves and any(self._matcher.is_quoted(each) and not self._matcher.is_halted(each) for each in symbols)

    def _perform_due(self) -> None:
        # One whose latency is over exactly now was there first.
        for request in sorted((r for r in self._requests if r.due <= self._now), key=attrgetter("due")):
            self._perform(request)

    def _perform_all(self) -> None:
        for request in sorted(self._requests, key=attrgetter("due")):
            self._perform(request)

    def _perform(self, request: Request) -> None:
        if self._telling or request not in self._requests:
            return  # It waits; or what was told of the one before had somebody ask, and all was done then.
        self._requests.remove(request)
        ticket = self._tickets[request.order_id]
        if request.terms is not None:
            traded = request.quantity - ticket.order.quantity
            self._replace(ticket, replace(request.terms, quantity=request.terms.quantity - traded), follows=request.follows)
            return
        if self._matcher.remove(request.order_id) is not None:
            ticket.event = OrderEvent.CANCEL
        self._tell(ticket.update(self._now))

    def _replace(self, ticket: Ticket, terms: Terms, *, follows: bool) -> None:
        if reason := self._refuses(ticket, terms):
            self._tell(replace(ticket.update(self._now), event=OrderEvent.REFUSE_REPLACE, terms=ticket.order.terms, reason=reason))
            return
        order = ticket.order
        self._matcher.replace(order.id, terms, ticket.filled, self._now, follows=follows)
        ticket.revision += 1
        order.triggered = order.triggered and terms.stop == order.stop
        order.quantity, order.limit, order.trail, order.trail_pct = terms.quantity, terms.limit, terms.trail, terms.trail_pct
        resting = self._matcher.find(order.id)
        trailed = resting.moved() if resting is not None and (terms.trail or terms.trail_pct) and resting.stop else None
        order.stop = trailed.stop if trailed is not None else order.stop if terms.trail or terms.trail_pct else terms.stop
        self._tell(replace(ticket.update(self._now), event=OrderEvent.REPLACE, terms=order.terms, stop=order.stop, reason=""))

    def _refuses(self, ticket: Ticket, terms: Terms) -> str:
        """Why an order cannot have these terms, in a broker's words; empty where it can."""
        order = ticket.order
        if ticket.ended:
            return "order is not open"
        if terms.quantity <= ticket.filled:
            return f"qty must be > filled_qty ({ticket.filled:f})"
        wanted = replace(
            order,
            quantity=terms.quantity,
            filled=ticket.filled,
            limit=terms.limit,
            stop=terms.stop,
            trail=terms.trail,
            trail_pct=terms.trail_pct,
        )
        return refusal(wanted, self._conditions(wanted), self._working(but=order.id))

    # ---- where things stand

    def _rest(self, ticket: Ticket, at: int, *, met: bool, triggered: bool) -> None:
        order = ticket.order if ticket.filled == ticket.order.filled else replace(ticket.order, filled=ticket.filled)
        works = self._matcher.add(
            order,
            placed_at=at,
            eligible_at=at + self._latency(order.id, "order"),
            instrument=self._instruments.get(order.symbol),
            met=met,
            triggered=triggered,
        )
        if works and ticket.event is OrderEvent.ACCEPT:
            ticket.event = OrderEvent.WORK

    def _latency(self, order_id: str, what: str) -> int:
        """Nanoseconds, drawn by seed, order and what is asked, so that the same request takes the same time in every run."""
        settings = self._settings
        if not settings.latency_ms:
            return 0
        draw = random.Random(f"{settings.seed}/{order_id}/{what}").gauss(0.0, settings.latency_sigma)
        return int(settings.latency_ms * exp(draw) * _MILLISECOND)

    def _conditions(self, order: Order) -> Conditions:
        for symbol, holding in self._portfolio.holdings.items():
            event = self._prices.get(symbol)
            price = event.close if isinstance(event, Bar) else event.last if event is not None else 0.0
            if holding.quantity and is_price(price):
                self._portfolio.mark(symbol, price)
        return Conditions(
            instrument=self._instruments.get(order.symbol),
            phase=self._matcher.phase,
            quoted=self._matcher.is_quoted(order.symbol),
            halted=self._matcher.is_halted(order.symbol),
            prices={side: self._price(order, side) for side in Side},
            portfolio=self._portfolio,
            margin=self._margin,
            hard_to_borrow=self._hard_to_borrow,
        )

    def _price(self, order: Order, side: Side) -> Decimal:
        """What a market order of `side` would pay now in the symbol of `order`; before it has a price, what that was judged at."""
        event = self._prices.get(order.symbol)
        match event:
            case Quote():
                far = event.ask if side is Side.BUY else event.bid
            case Bar():
                far = event.close
            case None:
                return order.mark
        return exact(far) if is_price(far) else order.mark

    def _working(self, but: str = "") -> list[Working]:
        cancelled = {request.order_id for request in self._requests if request.terms is None}
        tickets = (self._tickets[resting.order_id] for resting in self._matcher.resting() if resting.order_id != but)
        return [Working(ticket.order, ticket.left, ticket.order.id in cancelled) for ticket in tickets]


def _nobody(event: BrokerEvent) -> None:
    """Before connect and after close there is nobody to tell."""
