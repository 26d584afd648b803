"""Groups of orders in any order of events: they close what is held and no more, whatever fills, ends, is refused or crashes."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.model.capabilities import Capabilities
from engine.model.inputs import GroupKind, Submit
from engine.model.money import to_tick
from engine.model.order_states import OrderEvent
from engine.model.orders import Intent, Order, OrderState, OrderType, Side, TimeInForce
from tests.engine.core.floor import essence, restored
from tests.engine.core.told import Ticket, Told, bought, news_of
from tests.thorough import tries

D = Decimal


class Together(RuleBasedStateMachine):
    """The broker answers at once or, while it is slow, when it is asked to catch up; it fills whatever works there."""

    @initialize(replaces=st.booleans())
    def begins(self, replaces: bool) -> None:
        self.told = Told(Capabilities(replace=replaces))
        self.willing = replaces
        self.given_up: set[str] = set()
        """Families of which somebody ended an exit: what it was to close may stay open."""

    def working(self) -> list[Ticket]:
        return [ticket for ticket in self.told.tickets.values() if ticket.open]

    def pick(self, number: int) -> Order | None:
        working = self.working()
        return self.told.core.state.book.orders[working[number % len(working)].order.id] if working else None

    # ---- what happens

    @precondition(lambda self: len(self.told.orders) < 12)
    @rule(quantity=st.integers(1, 90), profit=st.sampled_from((None, 110, "7%")), loss=st.sampled_from((None, 90, "5%")))
    def somebody_enters(self, quantity: int, profit: object, loss: object) -> None:
        self.told.tick(3)
        self.told.quote()
        self.told.ask(Submit, bought(quantity, profit, loss))

    @rule(part=st.integers(1, 100) | st.just(100), number=st.integers(0, 9), price=st.integers(90, 110))
    def something_fills(self, part: int, number: int, price: int) -> None:
        order = self.pick(number)
        if order is not None:
            ticket = self.told.tickets[order.id]
            left = ticket.order.quantity - ticket.filled
            held = self.told.held.get("AAPL", D(0))
            shares = max(D(part) * left // 100, D(1))
            if order.side is Side.SELL:
                # A race of two legs at a broker that keeps no groups is its own; here each fill is of something held.
                shares = min(shares, held)
            if shares > 0:
                self.told.fill(order, shares, price)

    @rule(number=st.integers(0, 9), price=st.integers(90, 110))
    def all_of_something_fills(self, number: int, price: int) -> None:
        self.something_fills(number=number, part=100, price=price)

    @rule(number=st.integers(0, 9), price=st.integers(90, 110))
    def half_of_something_fills(self, number: int, price: int) -> None:
        self.something_fills(number=number, part=50, price=price)

    @rule(number=st.integers(0, 9), end=st.sampled_from((OrderEvent.CANCEL, OrderEvent.EXPIRE)))
    def the_broker_ends_one(self, number: int, end: OrderEvent) -> None:
        order = self.pick(number)
        if order is not None:
            self.given_up.add(order.family)
            self.told.end(order, end)

    @rule(number=st.integers(0, 9))
    def a_person_cancels(self, number: int) -> None:
        working = list(self.told.core.state.book.open.values())
        if working:
            order = working[number % len(working)]
            self.given_up.add(order.family)
            self.told.cancel(order)

    @rule(refuses=st.sampled_from(("", "not now")))
    def the_broker_changes_its_mind(self, refuses: str) -> None:
        self.told.refuses = refuses
        self.willing = self.willing and not refuses

    @rule()
    def the_broker_falls_silent(self) -> None:
        self.told.mute = True

    @precondition(lambda self: self.told.mute)
    @rule(number=st.integers(0, 20), under=st.booleans())
    def a_word_gets_through(self, number: int, under: bool) -> None:
        """Of one order, and perhaps under what terms, but nothing of the others."""
        tickets = list(self.told.tickets.values())
        if tickets:
            ticket = tickets[number % len(tickets)]
            self.told.handle(news_of(ticket, ticket.order.terms if under and ticket.open else None))

    @rule(number=st.integers(0, 40))
    def an_old_word_comes_again(self, number: int) -> None:
        if self.told.news:
            self.told.handle(self.told.news[number % len(self.told.news)])

    @rule()
    def the_broker_speaks_again(self) -> None:
        self.told.mute = False
        self.told.tick(20)
        self.told.listed()

    @rule()
    def time_passes(self) -> None:
        self.told.tick(1.5)

    @rule(units=st.integers(0, 4))
    def the_program_crashes(self, units: int) -> None:
        """What the broker was asked for was on the disk before; what it told since may be lost."""
        lengths = [length for length in self.told.units if length >= self.told.durable]
        self.told.mute = False
        self.told.crash(lengths[max(len(lengths) - 1 - units, 0)] if lengths else None)
        self.told.tick(20)
        self.told.listed()

    # ---- what must always hold

    @invariant()
    def a_restart_would_find_the_same(self) -> None:
        assert essence(restored(self.told.records)) == essence(self.told.core.state)

    @invariant()
    def nothing_held_here_is_at_the_broker(self) -> None:
        for order in self.told.orders:
            assert order.released or order.id not in self.told.tickets

    @invariant()
    def the_exits_cover_what_their_entries_filled(self) -> None:
        """While the broker answers at once, the exits at work cover what is left, as far as it is held, and none works for nothing. Two
        legs that raced have sold what another entry bought: its exits cover the less."""
        told = self.told
        if told.mute or any(order.state in _PENDING for order in told.orders):
            return
        book = told.core.state.book
        covered = wanted = idle = oversold = D(0)
        for key in {order.parent: None for order in told.orders if order.parent}:
            entry, orders = book.orders[key], book.family(key)
            left = entry.filled - sum((order.filled for order in orders), D(0))
            working = {order.remaining for order in orders if order.released and not order.state.is_final}
            assert len(working) <= 1, "two legs cover the same"
            for remaining in working:
                assert 0 < remaining <= left
                covered, wanted = covered + remaining, wanted + left
            # Exits that ended because the position was gone do not come back when somebody else's entry fills.
            gone = any(order.reason == "there is no AAPL left to close" for order in orders)
            if not (working or gone or key in self.given_up):
                idle += max(left, D(0))
            oversold += max(-left, D(0))
        wanted += max(idle - oversold, D(0))
        assert covered == min(wanted, told.position())

    @invariant()
    def an_exit_in_per_cent_stands_at_its_distance_from_the_average(self) -> None:
        told = self.told
        if told.mute or not self.willing:
            return
        for order in told.orders:
            if order.exit_pct is None or not order.released or order.state.is_final or order.state in _PENDING:
                continue
            entry = told.core.state.book.orders[order.parent]
            assert entry.average is not None
            away = entry.average * order.exit_pct / 100
            price = order.limit or order.stop
            assert price == to_tick(entry.average + (away if order.type is OrderType.LIMIT else -away), D("0.01"))

    @invariant()
    def no_more_is_for_sale_than_is_held(self) -> None:
        told = self.told
        if not told.mute and not any(order.state in _PENDING for order in told.orders):
            assert told.core.state.book.working_quantity("AAPL", Side.SELL) <= told.position()

    def teardown(self) -> None:
        """In the end, once the broker has told everything, both agree and nothing is left over."""
        if not hasattr(self, "told"):
            return
        told = self.told
        told.mute, told.refuses = False, ""
        for _ in range(4):
            told.tick(20)
            told.listed()
        assert told.position() == told.held.get("AAPL", D(0))
        assert told.core.state.portfolio.cash == told.cash
        assert not told.said("is not sent although"), "an exit was given up that had something to close"
        open_there = {ticket.order.id for ticket in told.tickets.values() if ticket.open}
        assert {order.id for order in told.core.state.book.working() if order.released} == open_there
        assert {order.id: order.quantity for order in told.orders if order.id in open_there} == {
            ticket.order.id: ticket.order.quantity for ticket in told.tickets.values() if ticket.open
        }
        self.the_exits_cover_what_their_entries_filled()
        self.no_more_is_for_sale_than_is_held()


_PENDING = frozenset({OrderState.PENDING_SUBMIT, OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE, OrderState.UNKNOWN})


class TogetherAtTheBroker(Together):
    """The same at a broker that keeps the groups itself, as all of ours do, and tells its orders in any order."""

    @initialize(resizes=st.booleans(), replaces=st.sampled_from((True, True, False)))
    def begins(self, resizes: bool, replaces: bool) -> None:
        self.told = Told(Capabilities(replace=replaces, oco=True, oco_resize=resizes))
        self.told.keeps_groups = True
        self.willing = replaces
        self.given_up = set()

    @rule(others_first=st.booleans())
    def the_broker_tells_in_another_order(self, others_first: bool) -> None:
        self.told.others_first = others_first


PACE = settings(max_examples=tries(60, 2_000), stateful_step_count=40, deadline=None)
TestTogether = Together.TestCase
TestTogether.settings = PACE
TestTogetherAtTheBroker = TogetherAtTheBroker.TestCase
TestTogetherAtTheBroker.settings = PACE


def test_an_oco_of_a_position_never_closes_it_twice_whichever_parts_fill() -> None:
    for first in range(1, 100, 7):
        told = Told()
        told.fill(told.submit(bought(100)), 100)
        target = Intent("AAPL", Side.SELL, D(100), OrderType.LIMIT, limit=D(110), tif=TimeInForce.GTC, reduce_only=True)
        stop = Intent("AAPL", Side.SELL, D(100), OrderType.STOP, stop=D(95), tif=TimeInForce.GTC, reduce_only=True)
        one, two = told.group(GroupKind.OCO, target, stop)
        told.fill(one, first, 110)
        told.fill(two, 100 - first, 95)
        assert (told.position(), one.state) == (D(0), OrderState.CANCELED)
