"""Streams of news at random: shuffled, doubled, dropped, with replaces and corrections among them, one comparison puts all of it right."""

from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.inputs import BrokerOrder, BrokerSnapshot, OrderUpdate
from engine.model.money import ZERO, cents
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, Side, Terms
from tests.engine.core.floor import OPEN_LIMITS, essence, restored
from tests.engine.core.floor import settings as given_settings
from tests.engine.core.told import CASH, Told, bought
from tests.thorough import tries

D = Decimal
SHORTING = given_settings(limits=replace(OPEN_LIMITS, short_selling=True))


class Venue:
    """One order at a broker that trades, replaces and corrects; `stream` is all that it told, in order."""

    def __init__(self, order: Order, chance: random.Random) -> None:
        self.order = order
        self.terms = order.terms
        self.chance = chance
        self.filled = self.cost = self.fees = ZERO
        self.event = OrderEvent.WORK
        self.stream: list[OrderUpdate] = []
        self.tell(OrderEvent.ACCEPT)
        self.tell(OrderEvent.WORK)

    def tell(self, event: OrderEvent, *, terms: Terms | None = None, corrected: bool = False) -> None:
        figures = self.filled, self.cost, self.fees
        self.stream.append(OrderUpdate(self.order.id, event, "V1", *figures, terms=terms, corrected=corrected))

    def step(self) -> None:
        if self.event is not OrderEvent.WORK:
            return
        what = self.chance.choice(("trade", "trade", "trade", "replace", "bust", "reprice", "charge", "end"))
        getattr(self, what)()

    def trade(self) -> None:
        shares = min(D(self.chance.randint(1, 60)), self.terms.quantity - self.filled)
        self.filled += shares
        self.cost += shares * D(self.chance.randint(9_000, 11_000)) / 100
        self.fees += D("0.35")
        if self.filled == self.terms.quantity:
            self.event = OrderEvent.FILL_ALL
        self.tell(OrderEvent.FILL_ALL if self.event is OrderEvent.FILL_ALL else OrderEvent.FILL_PART)

    def replace(self) -> None:
        self.terms = replace(self.terms, quantity=self.filled + self.chance.randint(1, 100), limit=D(self.chance.randint(80, 95)))
        self.tell(OrderEvent.REPLACE, terms=self.terms)

    def bust(self) -> None:
        if self.filled > 10:
            self.cost -= cents(10 * self.cost / self.filled)
            self.filled -= 10
            self.tell(OrderEvent.FILL_PART, corrected=True)

    def reprice(self) -> None:
        if self.filled:
            self.cost += D("0.07")
            self.tell(OrderEvent.FILL_PART, corrected=True)

    def charge(self) -> None:
        if self.filled:
            self.fees += D("0.11")
            self.tell(OrderEvent.FILL_PART)

    def end(self) -> None:
        self.event = OrderEvent.CANCEL
        self.tell(OrderEvent.CANCEL)

    def snapshot(self) -> BrokerSnapshot:
        order, sign = self.order, self.order.side.sign
        listed = BrokerOrder(
            order.id, "V1", order.symbol, order.side, self.terms.quantity, order.type, self.terms.limit, None, self.event,
            self.filled, self.cost, self.fees, tif=order.tif,
        )  # fmt: skip
        held = ((order.symbol, sign * self.filled, D(100)),) if self.filled else ()
        return BrokerSnapshot(CASH - sign * self.cost - self.fees, held, (listed,))


@settings(max_examples=tries(300, 10_000), deadline=None)
@given(chance=st.randoms(use_true_random=False), steps=st.integers(1, 14), side=st.sampled_from(Side))
def test_one_comparison_makes_position_and_cash_the_brokers_to_the_cent(chance: random.Random, steps: int, side: Side) -> None:
    told = Told(given=SHORTING)
    told.mute = True
    order = told.submit(bought(100, side=side, limit=90 if side is Side.BUY else 110))
    venue = Venue(order, chance)
    for _ in range(steps):
        venue.step()
    received = [update for update in venue.stream for _ in range(chance.choice((0, 1, 1, 2)))]
    chance.shuffle(received)

    for update in received:
        told.handle(update)
    told.handle(venue.snapshot())

    portfolio = told.core.state.portfolio
    assert (portfolio.position("AAPL"), portfolio.cash) == (side.sign * venue.filled, venue.snapshot().cash)
    assert (order.filled, order.cost, order.fees) == (venue.filled, venue.cost, venue.fees)
    assert essence(restored(told.records)) == essence(told.core.state)
    assert not told.core.gate.mismatched
    if venue.event is OrderEvent.WORK and not order.state.is_final:
        assert order.terms == venue.terms
    before = len(told.records)
    told.handle(venue.snapshot())
    assert len(told.records) == before
