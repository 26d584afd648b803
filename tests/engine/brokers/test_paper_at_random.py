"""Whatever is ordered, cancelled and replaced in whatever market: what the paper broker tells adds up to its account, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.brokers.base import BrokerEvent
from engine.brokers.paper import PaperBroker
from engine.model.inputs import OrderUpdate
from engine.model.market import Auction, Bar, Halt, Instrument, MarketStatus, Quote
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Side, Terms
from engine.model.settings import CommissionSettings, MarginSettings, PaperSettings, SlippageSettings
from tests.engine.core.floor import at_once
from tests.engine.core.orders_and_bars import order
from tests.engine.core.test_matching_at_random import markets, near, orders
from tests.thorough import tries

D = Decimal
MS = 1_000_000
SETTINGS = PaperSettings(
    cash=D(50_000),
    commission=CommissionSettings("per_share", D("0.005"), D("0.35"), D(1)),
    slippage=SlippageSettings("size", bps=20),
    latency_ms=10,
)
ENDED = {OrderEvent.FILL_ALL, OrderEvent.CANCEL, OrderEvent.EXPIRE, OrderEvent.REJECT}


def terms_of(made: Order, quantity: int, price: int) -> Terms:
    given = D(price)
    if made.type is OrderType.TRAILING_STOP:
        return Terms(D(quantity), trail=D(3))
    limit = given if made.limit is not None else None
    return Terms(D(quantity), limit, given if made.stop is not None else None)


class Account:
    """A paper broker, and what its word alone makes of the account."""

    def __init__(self) -> None:
        self.broker = PaperBroker(SETTINGS, {"AAPL": Instrument("AAPL")}, MarginSettings(enabled=True))
        self.news: list[OrderUpdate] = []
        self.latest: dict[str, OrderUpdate] = {}
        self.orders: dict[str, Order] = {}
        at_once(self.broker.connect(self._hear))

    def _hear(self, event: BrokerEvent) -> None:
        if not isinstance(event, OrderUpdate):
            return
        before = self.latest.get(event.order_id)
        if before is not None:
            assert before.event not in ENDED or (event.filled, event.cost) == (before.filled, before.cost), "an ended order trades no more"
            assert event.filled >= before.filled
            assert event.fees >= before.fees
        if event.terms is not None:
            self.orders[event.order_id].quantity = event.terms.quantity
        assert event.filled <= self.orders[event.order_id].quantity
        answer = event.event in (OrderEvent.REPLACE, OrderEvent.REFUSE_REPLACE)
        self.latest[event.order_id] = replace(event, event=before.event) if answer and before is not None else event
        self.news.append(event)

    def submit(self, made: Order) -> None:
        self.orders[made.id] = replace(made)
        at_once(self.broker.submit(made))

    def check(self) -> None:
        snapshot = at_once(self.broker.snapshot([]))
        cash, position = SETTINGS.cash, D(0)
        for order_id, update in self.latest.items():
            sign = self.orders[order_id].side.sign
            cash -= sign * update.cost + update.fees
            position += sign * update.filled
        assert snapshot.cash == cash
        assert [quantity for _, quantity, _ in snapshot.positions] == ([position] if position else [])
        assert {listed.order_id for listed in snapshot.orders} == {i for i, update in self.latest.items() if update.event not in ENDED}


steps = st.lists(
    st.tuples(st.sampled_from(["cancel", "replace", "look", "wait"]), st.integers(0, 6), st.integers(1, 600), near), max_size=14
)


def play(made: list[Order], tape: list[Any], asked: list[tuple[str, int, int, int]]) -> list[OrderUpdate]:
    account = Account()
    waiting = [replace(each) for each in made]
    for number, event in enumerate(tape):
        assert isinstance(event, Bar | Quote | Auction | Halt | MarketStatus)
        account.broker.on_market(replace(event, at=event.at * MS))
        for _ in range(2):
            if waiting:
                account.submit(waiting.pop(0))
        if number < len(asked):
            what, which, quantity, price = asked[number]
            known = account.orders.get(f"o{which}")
            if known is not None and known.id not in account.broker._tickets:
                assert account.latest[known.id].event in ENDED, "only what ended is forgotten"
                known = None
            if known is not None and what == "cancel":
                at_once(account.broker.cancel([known]))
            elif known is not None and what == "replace":
                at_once(account.broker.replace(known, terms_of(known, quantity, price)))
            elif what == "look":
                account.check()
    account.check()
    assert account.broker._requests == [], "whoever asks is told with all done that was asked before"
    return account.news


@settings(max_examples=tries(300, 10_000), deadline=None)
@given(orders(), markets(), steps)
def test_what_it_tells_adds_up_to_its_account_and_is_the_same_every_time(
    made: list[Order], tape: list[Any], asked: list[tuple[str, int, int, int]]
) -> None:
    assert play(made, tape, asked) == play(made, tape, asked)


@given(st.sampled_from(Side), st.integers(1, 5000), near)
def test_it_lets_nobody_open_more_than_the_margin_covers(side: Side, quantity: int, price: int) -> None:
    account = Account()
    account.broker.on_market(Quote("AAPL", MS, price, price, 1e6, 1e6, price))
    account.submit(order(side, quantity))
    accepted = account.news[-1].event is not OrderEvent.REJECT
    assert accepted == (quantity * price <= 2 * SETTINGS.cash)
