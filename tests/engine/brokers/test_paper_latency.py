"""The paper broker's latency: what an order, a cancel and a replace meet that are on their way."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.brokers.base import BrokerEvent
from engine.brokers.paper import PaperBroker
from engine.core.portfolio import Portfolio
from engine.model.inputs import OrderUpdate
from engine.model.market import Halt, Instrument, Phase, Quote
from engine.model.order_states import OrderEvent
from engine.model.orders import Terms
from tests.engine.brokers.paper_venue import GTC, MS, SELL, SLOW, SUB_PENNY, Venue, order
from tests.engine.core.floor import FRICTIONLESS, at_once, facts

D = Decimal


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
