"""Replaces, cancels, fills, the stop and crashes in any order, over a link that is slow and loses answers: the broker never works more than
is counted here, and after a comparison both agree."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.model.effects import CancelAtBroker, Effect, ReplaceAtBroker
from engine.model.inputs import EmergencyStop, OrderUpdate, Replace, Resume, Submit
from engine.model.modes import TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, Terms
from tests.engine.core.floor import essence, restored
from tests.engine.core.told import Told, bought
from tests.thorough import tries

D = Decimal


class Slow(Told):
    """`requests` are on their way to the broker and `answers` on their way back, each in its order."""

    def __init__(self) -> None:
        self.requests: deque[Effect] = deque()
        self.answers: deque[OrderUpdate] = deque()
        super().__init__()

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, ReplaceAtBroker | CancelAtBroker):
                self.requests.append(effect)
                self.durable = len(self.records)
            else:
                super()._perform([effect])

    def tell(self, order: Order, reason: str = "", terms: Terms | None = None) -> None:
        ticket = self.tickets[order.id]
        self.answer(OrderUpdate(order.id, ticket.event, f"T{order.number}", ticket.filled, ticket.cost, reason=reason, terms=terms))

    def answer(self, update: OrderUpdate) -> None:
        self.answers.append(update)

    def arrives(self) -> None:
        """The oldest request reaches the broker."""
        match self.requests.popleft():
            case ReplaceAtBroker(order, terms):
                self._replaced(order, terms)
            case CancelAtBroker(order_ids):
                for order_id in order_ids:
                    order = self.core.state.book.orders[order_id]
                    if self.tickets[order_id].open:
                        self.tickets[order_id].event = OrderEvent.CANCEL
                    self.tell(order)

    def _replaced(self, order: Order, terms: Terms) -> None:
        ticket = self.tickets[order.id]
        figures = f"T{order.number}", ticket.filled, ticket.cost
        if not ticket.open or terms.quantity <= ticket.filled:
            self.answer(OrderUpdate(order.id, OrderEvent.REFUSE_REPLACE, *figures, reason="too late"))
            return
        ticket.order.quantity, ticket.order.limit = terms.quantity, terms.limit
        self.answer(OrderUpdate(order.id, OrderEvent.REPLACE, *figures, terms=terms))

    def compared(self) -> None:
        """What is asked after all that was under way is answered after all that was said of it."""
        while self.requests:
            self.arrives()
        while self.answers:
            self.handle(self.answers.popleft())
        self.listed()


class Replacing(RuleBasedStateMachine):
    @initialize()
    def begins(self) -> None:
        self.told = Slow()

    def pick(self, number: int) -> Order | None:
        orders = self.told.orders
        return orders[number % len(orders)] if orders else None

    @precondition(lambda self: len(self.told.orders) < 4)
    @rule(quantity=st.integers(1, 90))
    def somebody_orders(self, quantity: int) -> None:
        self.told.tick(3)
        self.told.quote()
        self.told.ask(Submit, bought(quantity, limit=90))

    @rule(number=st.integers(0, 3), quantity=st.integers(1, 150), limit=st.integers(80, 95))
    def somebody_replaces(self, number: int, quantity: int, limit: int) -> None:
        if order := self.pick(number):
            self.told.ask(Replace, order.id, Terms(D(quantity), D(limit)))

    @rule(number=st.integers(0, 3))
    def somebody_cancels(self, number: int) -> None:
        if order := self.pick(number):
            self.told.cancel(order)

    @rule()
    def somebody_stops(self) -> None:
        self.told.ask(EmergencyStop)

    @rule()
    def somebody_resumes(self) -> None:
        self.told.ask(Resume, "looked at it")

    @precondition(lambda self: self.told.requests)
    @rule()
    def a_request_arrives(self) -> None:
        self.told.arrives()

    @precondition(lambda self: self.told.answers)
    @rule(what=st.sampled_from(("told", "told", "told", "lost", "doubled")))
    def an_answer_comes(self, what: str) -> None:
        update = self.told.answers.popleft()
        for _ in range({"told": 1, "lost": 0, "doubled": 2}[what]):
            self.told.handle(update)

    @rule(number=st.integers(0, 3), part=st.integers(1, 100), price=st.integers(80, 90))
    def something_fills(self, number: int, part: int, price: int) -> None:
        order = self.pick(number)
        if order and (ticket := self.told.tickets[order.id]).open:
            left = ticket.order.quantity - ticket.filled
            self.told.fill(order, max(D(part) * left // 100, D(1)), price)

    @rule(number=st.integers(0, 3))
    def nobody_knows_what_became_of_one(self, number: int) -> None:
        order = self.pick(number)
        if order and not order.state.is_final:
            self.told.handle(OrderUpdate(order.id, OrderEvent.LOSE, reason="no answer"))

    @rule()
    def both_are_compared(self) -> None:
        self.told.compared()

    @rule()
    def time_passes(self) -> None:
        self.told.tick(11)

    @rule(units=st.integers(0, 3))
    def the_program_crashes(self, units: int) -> None:
        """What it had asked for arrives, and what it was told since is lost."""
        told = self.told
        while told.requests:
            told.arrives()
        told.answers.clear()
        lengths = [length for length in told.units if length >= told.durable]
        told.crash(lengths[max(len(lengths) - 1 - units, 0)] if lengths else None)

    @invariant()
    def the_broker_never_works_more_than_is_counted(self) -> None:
        for order in self.told.orders:
            ticket = self.told.tickets.get(order.id)
            if ticket is not None and ticket.open and not order.state.is_final:
                assert ticket.order.quantity - ticket.filled <= order.may_trade, order

    @invariant()
    def a_restart_would_find_the_same(self) -> None:
        assert essence(restored(self.told.records)) == essence(self.told.core.state)

    def teardown(self) -> None:
        if not hasattr(self, "told"):
            return
        told = self.told
        for _ in range(3):
            told.tick(11)
            told.compared()
        assert (told.position(), told.core.state.portfolio.cash) == (told.held.get("AAPL", D(0)), told.cash)
        halted = told.core.state.trading is TradingState.HALTED
        for order in told.orders:
            ticket = told.tickets[order.id]
            assert order.state.is_final is not ticket.open
            assert order.asked is None
            assert order.filled == ticket.filled
            if ticket.open:
                assert (order.quantity, order.limit) == (ticket.order.quantity, ticket.order.limit)
                assert order.state is not OrderState.UNKNOWN
                assert not halted, "the stop left it at work"


TestReplacing = Replacing.TestCase
TestReplacing.settings = settings(max_examples=tries(60, 5_000), stateful_step_count=30, deadline=None)
