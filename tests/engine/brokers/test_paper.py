"""The paper broker: a market of our own that agrees with the books to the cent, whenever the program ends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.brokers.base import AmbiguousError, BrokerEvent
from engine.brokers.paper import PaperBroker
from engine.core.portfolio import Portfolio
from engine.model.inputs import OrderUpdate
from engine.model.market import Bar, Instrument, MarketStatus, Phase, Quote
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, Side, Source, TimeInForce
from engine.model.settings import PaperSettings
from tests.engine.core.floor import FRICTIONLESS, Floor, essence, facts, restored, settings, wish

D = Decimal
MS = 1_000_000


def order(side: Side = Side.BUY, quantity: object = 100, number: int = 1, **more: object) -> Order:
    intent = wish(side, quantity, limit=more.get("limit"), stop=more.get("stop"))
    tif = TimeInForce.GTC if more.get("gtc") else TimeInForce.DAY
    return Order(
        f"r1-{number}", number, str(more.get("symbol", "AAPL")), side, intent.quantity, intent.type, intent.limit, intent.stop, tif,
        Source.PERSON, 0, D(100), intent.quantity,
    )  # fmt: skip


class Venue:
    """A paper broker and everything it told."""

    def __init__(self, given: PaperSettings = FRICTIONLESS) -> None:
        self.broker = PaperBroker(given, [Instrument("AAPL")])
        self.news: list[OrderUpdate] = []
        self.at = 1000 * MS

    async def open(self) -> Venue:
        await self.broker.connect(self._hear)
        return self

    def _hear(self, event: BrokerEvent) -> None:
        if isinstance(event, OrderUpdate):
            self.news.append(event)

    def bar(self, price: float, volume: float = 1e6, *, low: float | None = None) -> None:
        self.at += 60_000 * MS
        self.broker.on_market(Bar("AAPL", self.at, price, price, low or price, price, volume))

    def quote(self, price: float, size: float = 1e6, *, later_ms: float = 1) -> None:
        self.at += int(later_ms * MS)
        self.broker.on_market(Quote("AAPL", self.at, price, price, size, size, price))

    def session(self, name: str) -> None:
        self.broker.on_market(MarketStatus(Phase.REGULAR, "open", name, self.at))

    @property
    def events(self) -> list[OrderEvent]:
        return [update.event for update in self.news]


# ---- the protocol


async def test_an_order_is_accepted_once_under_its_own_id() -> None:
    venue = await Venue().open()
    await venue.broker.submit(order())
    await venue.broker.submit(order())
    venue.quote(100)
    assert venue.events == [OrderEvent.WORK, OrderEvent.FILL_ALL]
    assert venue.news[-1].filled == 100


async def test_a_symbol_it_does_not_trade_is_rejected_in_words() -> None:
    venue = await Venue().open()
    await venue.broker.submit(order(symbol="TSLA"))
    assert (venue.news[0].event, venue.news[0].reason) == (OrderEvent.REJECT, "asset TSLA is not tradable")


async def test_it_tells_where_an_order_stands_or_that_it_never_saw_it() -> None:
    venue = await Venue().open()
    assert await venue.broker.find("r1-1") is None
    await venue.broker.submit(order())
    venue.quote(100, size=30)
    found = await venue.broker.find("r1-1")
    assert found is not None
    assert facts(found.event, found.filled, found.cost) == (OrderEvent.FILL_PART, 30, 3000)


async def test_a_cancelled_order_never_fills_and_a_filled_one_is_never_cancelled() -> None:
    venue = await Venue().open()
    first, second = order(number=1), order(number=2, limit=90)
    await venue.broker.submit(first)
    await venue.broker.submit(second)
    venue.quote(100)
    await venue.broker.cancel([first, second])
    venue.quote(80)
    assert [(u.order_id, u.event) for u in venue.news[3:]] == [("r1-1", OrderEvent.FILL_ALL), ("r1-2", OrderEvent.CANCEL)]


async def test_one_unseen_order_keeps_no_other_from_being_cancelled() -> None:
    venue = await Venue().open()
    seen = order(number=2, limit=90)
    await venue.broker.submit(seen)
    with pytest.raises(AmbiguousError, match="paper has not seen #1"):
        await venue.broker.cancel([order(number=1), seen])
    assert venue.events[-1] is OrderEvent.CANCEL


async def test_a_snapshot_holds_open_orders_and_how_those_asked_for_ended() -> None:
    venue = await Venue().open()
    await venue.broker.submit(order(number=1))
    await venue.broker.submit(order(number=2, limit=90))
    venue.quote(100)
    snapshot = await venue.broker.snapshot(["r1-1", "r1-9"])
    assert [(listed.order_id, listed.event) for listed in snapshot.orders] == [("r1-1", OrderEvent.FILL_ALL), ("r1-2", OrderEvent.WORK)]
    assert facts(snapshot.cash, snapshot.positions) == (90_000, (("AAPL", 100, 100),))
    assert [listed.order_id for listed in (await venue.broker.snapshot([])).orders] == ["r1-2"]


async def test_after_close_nobody_is_told() -> None:
    venue = await Venue().open()
    await venue.broker.submit(order())
    await venue.broker.close()
    venue.quote(100)
    assert venue.events == [OrderEvent.WORK]


# ---- money


async def test_totals_are_cumulative_and_the_minimum_commission_is_paid_once_an_order() -> None:
    venue = await Venue(replace(FRICTIONLESS, commission_pct=D("0.01"), commission_min=D("0.35"))).open()
    await venue.broker.submit(order(quantity=100))
    venue.quote(100, size=20)
    venue.quote(101, size=20)
    venue.quote(102)
    assert [facts(u.filled, u.cost, u.fees) for u in venue.news[1:]] == [
        (20, 2000, D("0.35")),
        (40, 4020, D("0.40")),
        (100, 10_140, D("1.01")),
    ]
    assert (await venue.broker.snapshot([])).cash == 100_000 - 10_140 - D("1.01")


async def test_slippage_is_paid_by_market_orders_and_not_by_limits() -> None:
    venue = await Venue(replace(FRICTIONLESS, slippage_bps=10)).open()
    await venue.broker.submit(order(number=1))
    await venue.broker.submit(order(number=2, limit=100))
    venue.quote(100)
    assert [u.cost / u.filled for u in venue.news[2:]] == [D("100.1"), 100]


# ---- latency


def first_fill(seed: int, order_id: str) -> int:
    """The first millisecond at which a market order is filled, at a latency of 20."""
    broker = PaperBroker(replace(FRICTIONLESS, latency_ms=20, seed=seed), [Instrument("AAPL")])
    broker.restore(Portfolio(), [replace(order(), id=order_id, broker_id="P1")])
    filled: list[BrokerEvent] = []
    broker._tell = filled.append
    for millisecond in range(100):
        broker.on_market(Quote("AAPL", millisecond * MS, 100, 100, 1e6, 1e6, 100))
        if filled:
            return millisecond
    raise AssertionError("it never filled")


def test_latency_is_drawn_around_the_setting_by_seed_and_order() -> None:
    drawn = {(seed, order_id): first_fill(seed, order_id) for seed in (1, 2) for order_id in ("r1-1", "r1-2", "r1-3")}
    assert all(10 <= millisecond <= 31 for millisecond in drawn.values())
    assert len(set(drawn.values())) > 1
    assert drawn == {key: first_fill(*key) for key in drawn}


# ---- sessions


async def test_with_a_bar_a_day_a_day_order_lives_for_the_next_bar_and_no_longer() -> None:
    venue = await Venue().open()
    venue.session("monday")
    venue.bar(100)
    await venue.broker.submit(order(limit=90))
    venue.session("tuesday")
    assert venue.events == [OrderEvent.WORK]
    venue.bar(100)
    venue.session("wednesday")
    assert (venue.news[-1].event, venue.news[-1].reason) == (OrderEvent.EXPIRE, "the session it was for is over")
    venue.bar(80)
    assert venue.events == [OrderEvent.WORK, OrderEvent.EXPIRE]


async def test_a_day_order_that_trades_on_its_day_is_filled() -> None:
    venue = await Venue().open()
    venue.session("monday")
    venue.bar(100)
    await venue.broker.submit(order(limit=90))
    venue.session("tuesday")
    venue.bar(100, low=89)
    assert venue.events == [OrderEvent.WORK, OrderEvent.FILL_ALL]


async def test_what_filled_before_the_expiry_is_told_with_it() -> None:
    venue = await Venue().open()
    venue.session("monday")
    await venue.broker.submit(order())
    venue.quote(100, size=30)
    venue.session("tuesday")
    assert facts(venue.news[-1].event, venue.news[-1].filled, venue.news[-1].cost) == (OrderEvent.EXPIRE, 30, 3000)


async def test_a_good_till_cancelled_order_outlives_sessions() -> None:
    venue = await Venue().open()
    await venue.broker.submit(order(limit=90, gtc=True))
    for name in ("monday", "tuesday", "wednesday"):
        venue.session(name)
        venue.bar(100)
    venue.bar(80)
    assert venue.events == [OrderEvent.WORK, OrderEvent.FILL_ALL]


async def test_the_close_of_a_session_is_not_its_end() -> None:
    venue = await Venue().open()
    venue.session("monday")
    await venue.broker.submit(order(limit=90))
    venue.quote(100)
    venue.broker.on_market(MarketStatus(Phase.CLOSED, "closed", "monday", venue.at))
    assert venue.events == [OrderEvent.WORK]


# ---- restarts


def test_a_restart_in_the_middle_of_a_partial_fill_fills_the_rest_and_charges_it_once() -> None:
    paper = PaperSettings(latency_ms=0, slippage_bps=0)
    the_floor = Floor(settings(paper=paper), prices={"AAPL": 100.0})
    made = the_floor.buy(100)
    the_floor.quote("AAPL", 100, size=60)
    the_floor.restart(crash=True)
    resumed = the_floor.core.state.book.orders[made.id]
    assert (resumed.state, resumed.filled) == (OrderState.PARTIAL, D(60))
    the_floor.quote("AAPL", 101)
    truth = the_floor.snapshot()
    assert facts(resumed.state, resumed.filled, resumed.cost, resumed.fees) == (OrderState.FILLED, 100, 10_040, D("1.00"))
    assert facts(the_floor.core.state.portfolio.cash, truth.cash) == (100_000 - 10_041, 100_000 - 10_041)


def test_a_restored_broker_shares_no_money_with_the_books() -> None:
    books = Portfolio(D(1000))
    broker = PaperBroker(FRICTIONLESS, [Instrument("AAPL")])
    broker.restore(books, [replace(order(), broker_id="P1")])
    broker.on_market(Quote("AAPL", 1, 100, 100, 1e6, 1e6, 100))
    assert books.cash == 1000


def test_an_order_it_never_accepted_is_not_there_after_a_restart() -> None:
    broker = PaperBroker(FRICTIONLESS, [Instrument("AAPL")])
    broker.restore(Portfolio(), [order(), replace(order(number=2), broker_id="P2", state=OrderState.CANCELED)])
    assert list(broker._matcher.resting()) == []


def test_after_any_restart_the_broker_and_the_books_agree() -> None:
    the_floor = Floor(settings(paper=PaperSettings(latency_ms=0)), prices={"AAPL": 100.0, "MSFT": 400.0})
    the_floor.buy(100)
    the_floor.buy(10, "MSFT", limit=395)
    the_floor.quote("AAPL", 100.5, size=70)
    for crash in (True, False):
        the_floor.restart(crash=crash)
        the_floor.quote("AAPL", 100.25, size=10)
        truth = the_floor.snapshot()
        assert truth.cash == the_floor.core.state.portfolio.cash
        assert {symbol: quantity for symbol, quantity, _ in truth.positions} == {"AAPL": the_floor.position()}
        assert the_floor.core.gate.mismatched == {}
        assert essence(restored(the_floor.records)) == essence(the_floor.core.state)
