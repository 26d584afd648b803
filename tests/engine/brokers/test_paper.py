"""The paper broker: a market of our own that agrees with the books to the cent, whenever the program ends."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.brokers.base import AmbiguousError, BrokerEvent
from engine.brokers.paper import PaperBroker
from engine.core.portfolio import Portfolio
from engine.model.inputs import OrderUpdate
from engine.model.market import Auction, AuctionKind, Bar, Dividend, Halt, Instrument, MarketStatus, Phase, Quote, Split
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, Side, Terms, TimeInForce
from engine.model.settings import CommissionSettings, MarginSettings, PaperSettings, SlippageSettings
from tests.engine.core import test_matching
from tests.engine.core.floor import FRICTIONLESS, Floor, at_once, essence, facts, restored, settings

D = Decimal
MS = 1_000_000
BUY, SELL = Side.BUY, Side.SELL
SUB_PENNY = "sub-penny increment does not fulfill minimum pricing criteria"
SHORT = "cannot be sold short: insufficient qty available for order"
DAY, GTC, IOC, OPG, CLS = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.OPG, TimeInForce.CLS


def order(side: Side = BUY, quantity: object = 100, number: int = 1, *, symbol: str = "AAPL", tif: TimeInForce = DAY, **more: Any) -> Order:
    return replace(test_matching.order(side, quantity, tif=tif, name=f"r1-{number}", **more), number=number, symbol=symbol)


class Venue:
    """A paper broker and everything it told."""

    def __init__(self, given: PaperSettings = FRICTIONLESS, margin: MarginSettings | None = None) -> None:
        self.broker = PaperBroker(given, {symbol: Instrument(symbol) for symbol in ("AAPL", "MSFT")}, margin or MarginSettings())
        self.news: list[OrderUpdate] = []
        self.at = 1000 * MS

    async def open(self, *, session: str = "", price: float = 0.0) -> Venue:
        await self.broker.connect(self._hear)
        if session:
            self.session(session)
        if price:
            self.quote(price)
        return self

    def _hear(self, event: BrokerEvent) -> None:
        if isinstance(event, OrderUpdate):
            self.news.append(event)

    async def restarted(self, orders: list[Order], session: str) -> Venue:
        """The same market after a restart: the broker knows what the journal told of `orders`, as their updates left them."""
        books = Portfolio(self.broker._portfolio.cash)
        after = Venue()
        after.at = self.at
        after.broker.restore(books, [self.as_booked(each) for each in orders], session)
        await after.broker.connect(after._hear)
        return after

    def as_booked(self, made: Order) -> Order:
        """`made` as the engine's journal would hold it."""
        booked = replace(made)
        states = {OrderEvent.ACCEPT: OrderState.ACCEPTED, OrderEvent.WORK: OrderState.WORKING, OrderEvent.FILL_PART: OrderState.PARTIAL,
                  OrderEvent.FILL_ALL: OrderState.FILLED, OrderEvent.CANCEL: OrderState.CANCELED,
                  OrderEvent.EXPIRE: OrderState.EXPIRED}  # fmt: skip
        for update in self.news:
            if update.order_id == made.id:
                booked.state = states[update.event]
                booked.broker_id, booked.filled, booked.cost, booked.fees = update.broker_id, update.filled, update.cost, update.fees
                booked.stop = booked.stop if update.stop is None else update.stop
                booked.triggered = booked.triggered or update.triggered
                booked.quantity = booked.quantity if update.terms is None else update.terms.quantity
        return booked

    def bar(self, price: float, volume: float = 1e6, *, low: float | None = None, high: float | None = None) -> None:
        self.at += 60_000 * MS
        self.broker.on_market(Bar("AAPL", self.at, price, high or price, low or price, price, volume))

    def quote(self, price: float, size: float = 1e6, *, later_ms: float = 1, symbol: str = "AAPL") -> None:
        self.at += int(later_ms * MS)
        self.broker.on_market(Quote(symbol, self.at, price, price, size, size, price))

    def session(self, name: str, phase: Phase = Phase.REGULAR) -> None:
        self.broker.on_market(MarketStatus(phase, phase.lower(), name, self.at))

    @property
    def events(self) -> list[OrderEvent]:
        return [update.event for update in self.news]

    @property
    def last(self) -> OrderUpdate:
        return self.news[-1]


# ---- the protocol


async def test_an_order_is_accepted_once_under_its_own_id() -> None:
    venue = await Venue().open()
    await venue.broker.submit(order())
    await venue.broker.submit(order())
    venue.quote(100)
    assert venue.events == [OrderEvent.ACCEPT, OrderEvent.FILL_ALL]
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
    assert [(u.order_id, u.event) for u in venue.news[4:]] == [("r1-1", OrderEvent.FILL_ALL), ("r1-2", OrderEvent.CANCEL)]


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
    assert venue.events == [OrderEvent.ACCEPT]


# ---- money


async def test_totals_are_cumulative_and_the_minimum_commission_is_paid_once_an_order() -> None:
    venue = await Venue(replace(FRICTIONLESS, commission=CommissionSettings())).open()
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
    venue = await Venue(replace(FRICTIONLESS, slippage=SlippageSettings(bps=10))).open()
    await venue.broker.submit(order(number=1))
    await venue.broker.submit(order(number=2, limit=100))
    venue.quote(100)
    assert [u.cost / u.filled for u in venue.news[2:]] == [D("100.1"), 100]


# ---- latency


def first_fill(seed: int, order_id: str, sigma: float = 0.3) -> int:
    """The first millisecond at which a market order is filled, at a latency of 20."""
    broker = PaperBroker(replace(FRICTIONLESS, latency_ms=20, latency_sigma=sigma, seed=seed), {"AAPL": Instrument("AAPL")})
    broker.restore(Portfolio(), [replace(order(), id=order_id, broker_id="P1")])
    filled: list[BrokerEvent] = []
    broker._tell = lambda event: filled.append(event) if isinstance(event, OrderUpdate) and event.filled else None
    for millisecond in range(200):
        broker.on_market(Quote("AAPL", millisecond * MS, 100, 100, 1e6, 1e6, 100))
        if filled:
            return millisecond
    raise AssertionError("it never filled")


def test_latency_is_drawn_around_the_setting_by_seed_and_order() -> None:
    drawn = {(seed, order_id): first_fill(seed, order_id) for seed in (1, 2) for order_id in ("r1-1", "r1-2", "r1-3")}
    assert all(5 <= millisecond <= 80 for millisecond in drawn.values())
    assert len(set(drawn.values())) > 1
    assert drawn == {key: first_fill(*key) for key in drawn}


def test_without_a_spread_latency_is_the_setting() -> None:
    assert {first_fill(seed, "r1-1", sigma=0.0) for seed in range(5)} == {20}


SLOW = replace(FRICTIONLESS, latency_ms=20, latency_sigma=0)


async def test_a_cancel_may_lose_its_race_against_a_fill() -> None:
    venue = await Venue(SLOW).open(session="monday", price=100)
    made = order(limit=99)
    await venue.broker.submit(made)
    venue.quote(100, later_ms=25)
    await venue.broker.cancel([made])
    assert venue.events == [OrderEvent.WORK]
    venue.quote(98, later_ms=10)
    venue.quote(98, later_ms=10)
    assert venue.events == [OrderEvent.WORK, OrderEvent.FILL_ALL, OrderEvent.FILL_ALL]


async def test_who_asks_while_being_told_is_answered_like_everybody() -> None:
    venue = await Venue(replace(FRICTIONLESS, latency_ms=5, latency_sigma=0)).open(session="monday", price=100)
    first, second, third = (order(number=number, limit=90) for number in (1, 2, 3))

    def hear(event: BrokerEvent) -> None:
        venue._hear(event)
        if isinstance(event, OrderUpdate) and event.event is OrderEvent.CANCEL and event.order_id == first.id:
            at_once(venue.broker.cancel([third]))

    await venue.broker.connect(hear)
    for each in (first, second, third):
        await venue.broker.submit(each)
    await venue.broker.cancel([first, second])
    venue.quote(100, later_ms=6)
    venue.quote(100, later_ms=6)
    assert {u.order_id for u in venue.news if u.event is OrderEvent.CANCEL} == {first.id, second.id, third.id}


@pytest.mark.parametrize("what", ["replace", "cancel"])
async def test_who_asks_while_a_bar_is_told_meets_orders_whose_fills_are_booked(what: str) -> None:
    venue = await Venue().open()
    venue.bar(100)
    first, second = order(quantity=10, number=1), order(quantity=60, number=2, stop=105, tif=GTC)

    def hear(event: BrokerEvent) -> None:
        venue._hear(event)
        if isinstance(event, OrderUpdate) and event.order_id == first.id and event.event is OrderEvent.FILL_ALL:
            asked = venue.broker.replace(second, Terms(D(90), stop=D(105))) if what == "replace" else venue.broker.cancel([second])
            at_once(asked)

    await venue.broker.connect(hear)
    for each in (first, second):
        await venue.broker.submit(each)
    venue.bar(100, 31, high=106)
    venue.bar(100)
    venue.bar(106)
    told = [update for update in venue.news if update.order_id == second.id]
    ends = (90, OrderEvent.FILL_ALL) if what == "replace" else (21, OrderEvent.CANCEL)
    assert facts(told[-1].filled, told[-1].event) == ends


async def test_a_cancel_that_arrives_first_wins() -> None:
    venue = await Venue(SLOW).open(session="monday", price=100)
    made = order(limit=99)
    await venue.broker.submit(made)
    await venue.broker.cancel([made])
    venue.quote(98, later_ms=20)
    assert venue.events == [OrderEvent.WORK, OrderEvent.CANCEL]


async def closes(venue: Venue) -> None:
    venue.session("monday", Phase.CLOSED)


async def halts(venue: Venue) -> None:
    venue.broker.on_market(Halt("AAPL", venue.at, True, "LULD"))


async def asks(venue: Venue) -> None:
    await venue.broker.snapshot([])


async def asks_for_it(venue: Venue) -> None:
    await venue.broker.find("r1-1")


@pytest.mark.parametrize("happens", [closes, halts, asks, asks_for_it])
async def test_a_cancel_is_answered_where_no_quote_comes(happens: Callable[[Venue], Any]) -> None:
    venue = await Venue(SLOW).open(session="monday", price=100)
    made = order(limit=99, tif=GTC)
    await venue.broker.submit(made)
    await venue.broker.cancel([made])
    assert venue.events == [OrderEvent.WORK]
    await happens(venue)
    assert venue.events == [OrderEvent.WORK, OrderEvent.CANCEL]


@pytest.mark.parametrize("happens", [closes, halts])
async def test_while_no_market_moves_a_cancel_is_answered_at_once(happens: Callable[[Venue], Any]) -> None:
    venue = await Venue(SLOW).open(session="monday", price=100)
    made = order(limit=99, tif=GTC)
    await venue.broker.submit(made)
    await happens(venue)
    await venue.broker.cancel([made])
    assert venue.last.event is OrderEvent.CANCEL


async def test_on_bars_a_cancel_is_answered_at_once() -> None:
    venue = await Venue(SLOW).open(session="monday")
    venue.bar(100)
    made = order(limit=99)
    await venue.broker.submit(made)
    await venue.broker.cancel([made])
    assert venue.events == [OrderEvent.ACCEPT, OrderEvent.CANCEL]


# ---- replace


async def test_a_replace_tells_the_terms_that_hold_from_then_on() -> None:
    venue = await Venue(SLOW).open(session="monday", price=100)
    made = order(limit=99)
    await venue.broker.submit(made)
    terms = Terms(D(50), D("99.5"))
    await venue.broker.replace(made, terms)
    assert venue.events == [OrderEvent.WORK]
    venue.quote(100, later_ms=20)
    assert facts(venue.last.event, venue.last.terms) == (OrderEvent.REPLACE, terms)
    venue.quote(99.4)
    assert facts(venue.last.event, venue.last.filled, venue.last.cost) == (OrderEvent.FILL_ALL, 50, 4970)
    assert made.limit == 99, "the engine's own order is not the broker's to change"


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (Terms(D(30), D(99)), "qty must be > filled_qty (30)"),
        (Terms(D(90), D("99.005")), f"invalid limit_price 99.005. {SUB_PENNY}"),
        (Terms(D(9_000), D(99)), "insufficient buying power"),
    ],
)
async def test_a_replace_is_refused_in_words_and_the_old_terms_hold(terms: Terms, reason: str) -> None:
    venue = await Venue().open(session="monday", price=100)
    made = order(limit=99)
    await venue.broker.submit(made)
    venue.quote(99, size=30)
    await venue.broker.replace(made, terms)
    assert facts(venue.last.event, venue.last.reason, venue.last.filled) == (OrderEvent.REFUSE_REPLACE, reason, 30)
    assert venue.last.terms == Terms(D(100), D(99))
    venue.quote(99)
    assert venue.last.event is OrderEvent.FILL_ALL


async def test_a_replace_of_a_filled_order_is_refused() -> None:
    venue = await Venue(SLOW).open(session="monday", price=100)
    made = order(limit=101)
    await venue.broker.submit(made)
    venue.quote(100, later_ms=15)
    await venue.broker.replace(made, Terms(D(200), D(101)))
    venue.quote(100, later_ms=5)
    venue.quote(100, later_ms=15)
    assert facts(venue.last.event, venue.last.reason) == (OrderEvent.REFUSE_REPLACE, "order is not open")


async def test_what_its_group_trades_while_a_replace_is_under_way_comes_off_the_new_quantity() -> None:
    venue = await Venue(SLOW).open(session="monday", price=100)
    target, stop = order(SELL, number=1, limit=101, oco="g", tif=GTC), order(SELL, number=2, stop=95, oco="g", tif=GTC)
    for each in (target, stop):
        await venue.broker.submit(each)
    venue.quote(100, later_ms=20)
    await venue.broker.replace(stop, Terms(D(100), stop=D(96)))
    venue.quote(101, size=60, later_ms=5)
    venue.quote(100, later_ms=20)
    assert facts(venue.last.event, venue.last.terms) == (OrderEvent.REPLACE, Terms(D(40), stop=D(96)))


# ---- groups


async def test_a_part_fill_is_told_to_the_rest_of_its_group_and_a_whole_one_ends_it() -> None:
    venue = await Venue().open(session="monday", price=100)
    for each in (order(SELL, number=1, limit=101, oco="g", tif=GTC), order(SELL, number=2, stop=95, oco="g", tif=GTC)):
        await venue.broker.submit(each)
    venue.quote(101, size=60)
    assert facts(venue.last.order_id, venue.last.event, venue.last.terms) == ("r1-2", OrderEvent.WORK, Terms(D(40), stop=D(95)))
    venue.quote(94)
    assert [(u.order_id, u.event) for u in venue.news[-2:]] == [("r1-2", OrderEvent.FILL_ALL), ("r1-1", OrderEvent.CANCEL)]
    assert sum(u.filled for u in {u.order_id: u for u in venue.news}.values()) == 100


async def test_what_its_group_trades_while_an_order_is_on_its_way_comes_off_it() -> None:
    venue = await Venue().open(session="monday", price=100)
    target, stop, late = (
        order(SELL, number=1, limit=101, oco="g", tif=GTC),
        order(SELL, number=2, stop=95, oco="g", tif=GTC),
        order(SELL, number=3, stop=94, oco="g", tif=GTC),
    )
    for each in (target, stop, late):
        each.changed_at = venue.at
    await venue.broker.submit(target)
    venue.quote(101, size=60)
    await venue.broker.submit(stop)
    assert facts(venue.last.event, venue.last.terms) == (OrderEvent.WORK, Terms(D(40), stop=D(95)))
    venue.quote(101)
    await venue.broker.submit(late)
    assert facts(venue.last.order_id, venue.last.event) == ("r1-3", OrderEvent.CANCEL)


# ---- rejects


REJECTS: list[tuple[str, Order, str]] = [
    ("a symbol that is not there", order(symbol="TSLA"), "asset TSLA is not tradable"),
    ("a part of a share", order(quantity="0.50001"), "qty must be a multiple of 0.0001 and above zero"),
    ("a price between the ticks", order(limit="99.005"), f"invalid limit_price 99.005. {SUB_PENNY}"),
    ("a stop between the ticks", order(stop="99.005"), f"invalid stop_price 99.005. {SUB_PENNY}"),
    ("more than the account can pay", order(quantity=1_001), "insufficient buying power"),
    ("more than it can pay beside what works", order(quantity=600), "insufficient buying power"),
    ("a short sale nobody lends for", order(SELL, 10, symbol="MSFT"), f"asset MSFT {SHORT} (requested: 10, available: 0)"),
    ("a sale into our own bid", order(SELL, 10, limit=80), "potential wash trade detected. use complex orders"),
    ("a market order in extended hours", order(extended=True), "extended hours order must be DAY or GTC limit orders"),
    ("at the open, once it is open", order(tif=OPG), "opg orders are only accepted before the market opens"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "reason"), [case[1:] for case in REJECTS], ids=[case[0] for case in REJECTS])
async def test_it_rejects_in_a_brokers_words(made: Order, reason: str) -> None:
    venue = await Venue(replace(FRICTIONLESS, hard_to_borrow=("MSFT",))).open(session="monday", price=100)
    venue.quote(400, symbol="MSFT")
    await venue.broker.submit(order(quantity=450, number=9, limit=90))
    await venue.broker.submit(made)
    assert facts(venue.last.event, venue.last.reason) == (OrderEvent.REJECT, reason)


@pytest.mark.parametrize("protective", [order(SELL, 10, number=2, stop=95, tif=GTC), order(SELL, 10, number=2, limit=101, tif=GTC)])
async def test_who_protects_a_position_may_add_to_it(protective: Order) -> None:
    venue = await Venue().open(session="monday", price=100)
    await venue.broker.submit(order(quantity=10))
    venue.quote(100)
    await venue.broker.submit(protective)
    await venue.broker.submit(order(quantity=10, number=3))
    venue.quote(100)
    assert facts(venue.last.order_id, venue.last.event) == ("r1-3", OrderEvent.FILL_ALL)


@pytest.mark.parametrize("limit", [100, 99])
async def test_a_market_order_into_our_own_offer_is_a_wash_trade(limit: int) -> None:
    venue = await Venue().open(session="monday", price=100)
    await venue.broker.submit(order(SELL, 10, limit=limit, tif=GTC))
    await venue.broker.submit(order(quantity=10, number=2))
    assert venue.last.reason == "potential wash trade detected. use complex orders"


@pytest.mark.parametrize(
    ("phase", "made", "reason"),
    [
        (Phase.CLOSED, order(tif=IOC), "ioc orders are only accepted during market hours"),
        (Phase.POST, order(tif=CLS), "cls orders are not accepted after the close: submit before it"),
    ],
)
async def test_hours_are_rejected_in_words(phase: Phase, made: Order, reason: str) -> None:
    venue = await Venue().open(session="monday", price=100)
    venue.session("monday", phase)
    await venue.broker.submit(made)
    assert facts(venue.last.event, venue.last.reason) == (OrderEvent.REJECT, reason)


async def test_what_closes_a_position_needs_no_buying_power() -> None:
    venue = await Venue().open(session="monday", price=100)
    await venue.broker.submit(order(quantity=1000))
    venue.quote(100)
    venue.quote(10)
    await venue.broker.submit(order(SELL, 1000, number=2))
    venue.quote(10)
    assert venue.last.event is OrderEvent.FILL_ALL


async def test_on_margin_it_lets_in_what_the_margin_covers() -> None:
    venue = await Venue(margin=MarginSettings(enabled=True)).open(session="monday", price=100)
    await venue.broker.submit(order(quantity=1_900))
    await venue.broker.submit(order(quantity=200, number=2))
    assert [update.event for update in venue.news] == [OrderEvent.WORK, OrderEvent.REJECT]


async def test_a_group_counts_once() -> None:
    venue = await Venue(replace(FRICTIONLESS, hard_to_borrow=("AAPL",))).open(session="monday", price=100)
    await venue.broker.submit(order(quantity=100))
    venue.quote(100)
    for each in (order(SELL, number=2, limit=110, oco="g"), order(SELL, number=3, stop=90, oco="g")):
        await venue.broker.submit(each)
    assert venue.events[-2:] == [OrderEvent.WORK, OrderEvent.WORK]


# ---- sessions


async def test_with_a_bar_a_day_a_day_order_lives_for_the_next_bar_and_no_longer() -> None:
    venue = await Venue().open(session="monday")
    venue.bar(100)
    await venue.broker.submit(order(limit=90))
    venue.session("tuesday")
    assert venue.events == [OrderEvent.ACCEPT]
    venue.bar(100)
    assert venue.events == [OrderEvent.ACCEPT, OrderEvent.WORK]
    venue.session("wednesday")
    assert (venue.last.event, venue.last.reason) == (OrderEvent.EXPIRE, "the session it was for is over")
    venue.bar(80)
    assert venue.events == [OrderEvent.ACCEPT, OrderEvent.WORK, OrderEvent.EXPIRE]


async def test_a_day_order_that_trades_on_its_day_is_filled() -> None:
    venue = await Venue().open(session="monday")
    venue.bar(100)
    await venue.broker.submit(order(limit=90))
    venue.session("tuesday")
    venue.bar(100, low=89)
    assert venue.events == [OrderEvent.ACCEPT, OrderEvent.FILL_ALL]


async def test_what_filled_before_the_expiry_is_told_with_it() -> None:
    venue = await Venue().open(session="monday", price=100)
    await venue.broker.submit(order())
    venue.quote(100, size=30)
    venue.session("tuesday")
    assert facts(venue.last.event, venue.last.filled, venue.last.cost) == (OrderEvent.EXPIRE, 30, 3000)


async def test_a_good_till_cancelled_order_outlives_sessions() -> None:
    venue = await Venue().open()
    await venue.broker.submit(order(limit=90, tif=GTC))
    for name in ("monday", "tuesday", "wednesday"):
        venue.session(name)
        venue.bar(100)
    venue.bar(80)
    assert venue.events == [OrderEvent.ACCEPT, OrderEvent.WORK, OrderEvent.FILL_ALL]


async def test_an_order_in_a_closed_market_is_accepted_and_waits_for_the_open() -> None:
    venue = await Venue().open(session="monday", price=100)
    venue.session("monday", Phase.CLOSED)
    await venue.broker.submit(order())
    venue.quote(100)
    assert venue.events == [OrderEvent.ACCEPT]
    venue.session("tuesday", Phase.PRE)
    venue.quote(100)
    assert venue.events == [OrderEvent.ACCEPT]
    venue.session("tuesday")
    venue.quote(101)
    assert venue.events == [OrderEvent.ACCEPT, OrderEvent.WORK, OrderEvent.FILL_ALL]


async def test_a_day_order_of_the_session_after_ends_with_that() -> None:
    venue = await Venue().open(session="monday", price=100)
    venue.session("monday", Phase.POST)
    await venue.broker.submit(order(limit=90))
    venue.session("tuesday")
    venue.session("tuesday", Phase.POST)
    assert venue.events == [OrderEvent.ACCEPT, OrderEvent.WORK, OrderEvent.EXPIRE]


# ---- auctions, splits, dividends


async def test_an_order_at_the_open_trades_in_the_auction_and_nowhere_else() -> None:
    venue = await Venue().open(session="monday", price=100)
    venue.session("tuesday", Phase.PRE)
    await venue.broker.submit(order(tif=OPG))
    venue.quote(101)
    venue.session("tuesday")
    venue.broker.on_market(Auction("AAPL", venue.at, AuctionKind.OPEN, 102.0, 1e6))
    assert facts(venue.last.event, venue.last.cost, venue.last.rule) == (OrderEvent.FILL_ALL, 10_200, "auction-open")


async def test_a_split_ends_the_orders_of_the_symbol_and_dividends_are_paid() -> None:
    venue = await Venue().open(session="monday", price=100)
    await venue.broker.submit(order())
    venue.quote(100)
    await venue.broker.submit(order(SELL, number=2, limit=120, tif=GTC))
    venue.broker.on_market(Split("AAPL", venue.at, D(2)))
    venue.broker.on_market(Dividend("AAPL", venue.at, D("0.25")))
    assert facts(venue.last.event, venue.last.reason) == (OrderEvent.CANCEL, "AAPL split 2 for 1")
    snapshot = await venue.broker.snapshot([])
    assert facts(snapshot.cash, snapshot.positions) == (90_050, (("AAPL", 200, 50),))


# ---- restarts: what the journal holds is enough


KINDS: dict[str, Order] = {
    "market": order(),
    "limit": order(limit=90, tif=GTC),
    "stop": order(SELL, stop=90, tif=GTC),
    "stop-limit": order(SELL, stop=90, limit=89, tif=GTC),
    "trailing stop": order(SELL, trail=5, tif=GTC),
    "trailing stop in per cent": order(SELL, trail_pct=5, tif=GTC),
    "at the close": order(SELL, tif=CLS),
}
AHEAD = (97.0, 103.0, 99.0, 96.5, 89.5, 88.0, 92.0, 89.2, 85.0)


@pytest.mark.parametrize("made", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("after", range(1, len(AHEAD)))
async def test_after_a_restart_an_order_goes_on_as_if_there_had_been_none(made: Order, after: int) -> None:
    async def play(venue: Venue, prices: tuple[float, ...]) -> None:
        for price in prices:
            # Ten times a move that would be told, so that what stands is what was told.
            venue.bar(price, volume=40, high=price + 0.5, low=price - 0.5)

    through, first = await Venue().open(session="monday"), await Venue().open(session="monday")
    for venue in (through, first):
        venue.bar(100)
        await venue.broker.submit(made)
    await play(through, AHEAD)
    await play(first, AHEAD[:after])
    second = await first.restarted([made], "monday")
    second.session("monday")
    # The bar before is known from the feed's history, not from the journal.
    second.broker._matcher._bars["AAPL"] = first.broker._matcher._bars["AAPL"]
    await play(second, AHEAD[after:])
    assert [(u.event, u.filled, u.cost, u.stop) for u in first.news + second.news if u.filled or u.stop] == [
        (u.event, u.filled, u.cost, u.stop) for u in through.news if u.filled or u.stop
    ]


async def test_a_day_order_lives_no_session_longer_after_a_restart() -> None:
    made = order(limit=90)
    first = await Venue().open(session="monday", price=100)
    await first.broker.submit(made)
    second = await first.restarted([made], "monday")
    second.session("monday")
    second.quote(100)
    second.session("tuesday")
    assert second.events == [OrderEvent.EXPIRE]


async def test_a_day_order_whose_session_ended_while_the_program_was_off_expires() -> None:
    made = order(limit=90)
    first = await Venue().open(session="monday", price=100)
    await first.broker.submit(made)
    second = await first.restarted([made], "monday")
    second.session("tuesday")
    assert second.events == [OrderEvent.EXPIRE]


async def test_a_day_order_that_waited_for_its_session_still_waits_after_a_restart() -> None:
    made = order(limit=90)
    first = await Venue().open(session="monday", price=100)
    first.session("monday", Phase.CLOSED)
    await first.broker.submit(made)
    second = await first.restarted([made], "monday")
    second.session("monday", Phase.CLOSED)
    second.quote(100)
    second.session("tuesday")
    assert second.events == [OrderEvent.WORK]


async def test_a_crash_between_a_fill_and_the_word_to_its_group_closes_no_more_than_there_is() -> None:
    target, stop = order(SELL, number=1, limit=101, oco="g", tif=GTC), order(SELL, number=2, stop=95, oco="g", tif=GTC)
    for each in (target, stop):
        each.reduce_only = True
    first = await Venue().open(session="monday", price=100)
    for each in (target, stop):
        await first.broker.submit(each)
    first.quote(101, size=60)
    assert first.news.pop().terms is not None, "the word to the stop never reached the journal"
    second = await first.restarted([target, stop], "monday")
    second.quote(90)
    assert sum(u.filled for u in {u.order_id: u for u in second.news}.values() if u.order_id == "r1-2") == 40


# ---- restarts: the books


def test_a_restart_in_the_middle_of_a_partial_fill_fills_the_rest_and_charges_it_once() -> None:
    paper = PaperSettings(latency_ms=0, slippage=SlippageSettings(bps=0))
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
    broker = PaperBroker(FRICTIONLESS, {"AAPL": Instrument("AAPL")})
    broker.restore(books, [replace(order(), broker_id="P1")])
    broker.on_market(Quote("AAPL", 1, 100, 100, 1e6, 1e6, 100))
    assert books.cash == 1000


async def test_what_ended_two_sessions_ago_is_forgotten_and_what_works_is_not() -> None:
    venue = await Venue().open(session="monday", price=100)
    await venue.broker.submit(order())
    await venue.broker.submit(order(number=2, limit=50, tif=GTC))
    venue.quote(100)
    for session, known in (("tuesday", True), ("wednesday", False)):
        venue.session(session)
        assert (await venue.broker.find("r1-1") is not None) == known
    assert await venue.broker.find("r1-2") is not None


def test_an_order_it_never_accepted_is_not_there_after_a_restart() -> None:
    broker = PaperBroker(FRICTIONLESS, {"AAPL": Instrument("AAPL")})
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
