"""TWS's messages about an order in whatever order they arrive, doubled or dropped: once its executions were asked for, what is held and
paid for is TWS's to the cent."""

from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from engine.brokers.ib.facts import Contract, ExecutionTold, Fact, FeeTold, OrderFields, OrderTold, StatusTold
from engine.brokers.ib.ledger import Entry, Ledger
from engine.model.inputs import OrderUpdate
from engine.model.orders import Order, Side
from tests.engine.core.floor import OPEN_LIMITS
from tests.engine.core.floor import settings as given_settings
from tests.engine.core.told import CASH, Told, bought
from tests.thorough import tries

D = Decimal
SHORTING = given_settings(limits=replace(OPEN_LIMITS, short_selling=True))
AAPL = Contract(265598, "AAPL", "STK", "USD")
QUANTITY = 100


class Traded(Struct):
    """One execution, as it stands after its corrections."""

    name: str
    revision: int
    shares: Decimal
    price: Decimal
    fee: Decimal

    @property
    def exec_id(self) -> str:
        return f"0000e0d5.{self.name}.01.{self.revision:02}"


class Venue:
    """One order at TWS, of which `earlier` filled on a day before; `stream` is all that was told since, in order."""

    def __init__(self, order_id: str, side: Side, chance: random.Random, earlier: int = 0) -> None:
        self.order_id = order_id
        self.side = side
        self.chance = chance
        self.earlier = D(earlier)
        self.traded: list[Traded] = []
        self.stream: list[Fact] = []

    @property
    def shares(self) -> Decimal:
        return self.earlier + sum((each.shares for each in self.traded), D(0))

    @property
    def cost(self) -> Decimal:
        return self.earlier * 100 + sum((each.shares * each.price for each in self.traded), D(0))

    @property
    def fees(self) -> Decimal:
        return sum((each.fee for each in self.traded), D(0))

    @property
    def fields(self) -> OrderFields:
        return OrderFields(str(self.side), D(QUANTITY), "LMT", D(100), tif="GTC", ref=self.order_id)

    def step(self) -> None:
        if self.traded and self.chance.random() < 0.4:
            self.correct()
        elif self.shares < QUANTITY:
            self.trade()

    def trade(self) -> None:
        traded = Traded(f"{len(self.traded):08x}", 1, self._amount(), self._price(), self._fee())
        self.traded.append(traded)
        self._tell(traded)

    def correct(self) -> None:
        """An execution is another one than was told. Of an order from an earlier day it is the newest: what it counts over itself is what
        says how much that was."""
        traded = self.traded[-1] if self.earlier else self.chance.choice(self.traded)
        traded.shares, traded.revision = D(0), traded.revision + 1
        traded.shares, traded.price, traded.fee = self._amount(), self._price(), self._fee()
        self._tell(traded)

    def _tell(self, traded: Traded) -> None:
        """An execution, its fee, and mostly how the whole order stands, before it or behind."""
        told: list[Fact] = [self.execution(traded)]
        if self.chance.random() < 0.8:
            told.insert(self.chance.randint(0, 1), self.status())
        self.stream += [*told, FeeTold(traded.exec_id, traded.fee)]

    def execution(self, traded: Traded) -> ExecutionTold:
        shares, average = self.shares, self.cost / self.shares
        action = str(self.side)
        return ExecutionTold(traded.exec_id, 1, 7, 5, self.order_id, AAPL, action, traded.shares, traded.price, shares, average)

    def status(self) -> StatusTold:
        what = "Filled" if self.shares >= QUANTITY else "Submitted"
        return StatusTold(1, 7, 5, what, self.shares, self.cost / self.shares if self.shares else D(0))

    def listed(self) -> list[Fact]:
        """Today's executions and their fees, as TWS tells them when it is asked."""
        executions = [(self.execution(each), FeeTold(each.exec_id, each.fee)) for each in self.traded]
        return [fact for both in executions for fact in both]

    def _amount(self) -> Decimal:
        return D(self.chance.randint(1, int(QUANTITY - self.shares) or 1))

    def _price(self) -> Decimal:
        return D(self.chance.randint(9_000, 11_000)) / 100

    def _fee(self) -> Decimal:
        return D(self.chance.randint(1, 400)) / 10_000


def take(ledger: Ledger, fact: Fact) -> Entry | None:
    match fact:
        case OrderTold():
            return ledger.on_order(fact)
        case StatusTold():
            return ledger.on_status(fact)
        case ExecutionTold():
            return ledger.on_execution(fact)
        case FeeTold():
            return ledger.on_fee(fact)
    raise AssertionError(fact)


def sent(told: Told, side: Side) -> Order:
    return told.submit(bought(QUANTITY, side=side, limit=100))


@settings(max_examples=tries(300, 3_000), deadline=None)
@given(chance=st.randoms(use_true_random=False), steps=st.integers(1, 10), side=st.sampled_from(Side))
def test_in_whatever_order_they_arrive_position_and_cash_are_tws_own_once_it_was_asked(
    chance: random.Random, steps: int, side: Side
) -> None:
    told = Told(given=SHORTING)
    order = sent(told, side)
    venue, ledger = Venue(order.id, side, chance), Ledger()
    ledger.sent(order.id, 7, 5, venue.fields, AAPL)
    for _ in range(steps):
        venue.step()
    arriving: list[Fact] = [OrderTold(1, 7, 5, AAPL, venue.fields, "Submitted")]
    arriving += [fact for fact in venue.stream for _ in range(chance.choice((0, 1, 1, 2)))]
    chance.shuffle(arriving)

    for fact in (*arriving, *venue.listed()):
        entry = take(ledger, fact)
        update = entry.update() if entry is not None and entry.status else None
        if update is not None:
            told.handle(update)

    portfolio = told.core.state.portfolio
    assert portfolio.position("AAPL") == side.sign * venue.shares
    assert portfolio.cash == CASH - side.sign * venue.cost - venue.fees
    assert (order.filled, order.cost, order.fees) == (venue.shares, venue.cost, venue.fees)


@settings(max_examples=tries(300, 3_000), deadline=None)
@given(chance=st.randoms(use_true_random=False), before=st.integers(0, 5), steps=st.integers(1, 6), earlier=st.integers(0, 60))
def test_a_run_that_begins_in_the_midst_of_an_order_knows_what_it_filled_on_an_earlier_day_whatever_is_corrected(
    chance: random.Random, before: int, steps: int, earlier: int
) -> None:
    """TWS lists the order, how it stands, and what was executed today; then it tells on."""
    venue, ledger = Venue("261128-0a1b2c3d-7", Side.BUY, chance, earlier), Ledger()
    for _ in range(before):
        venue.step()
    listed: list[Fact] = [OrderTold(1, 7, 5, AAPL, venue.fields, "Submitted"), venue.status()]
    listed += [fact for fact in venue.stream if not isinstance(fact, StatusTold)]
    venue.stream.clear()
    for _ in range(steps):
        venue.step()

    update: OrderUpdate | None = None
    for fact in (*listed, *(fact for fact in venue.stream for _ in range(chance.choice((1, 1, 2))))):
        entry = take(ledger, fact)
        assert entry is not None
        update = entry.update()

    assert update is not None
    assert update.filled == venue.shares
    assert abs(update.cost - venue.cost) < D("0.001")
    assert update.fees == venue.fees
