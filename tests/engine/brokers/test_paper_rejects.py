"""What the paper broker rejects, in a broker's words, and what it lets in."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.market import Phase
from engine.model.order_states import OrderEvent
from engine.model.orders import Order
from engine.model.settings import MarginSettings
from tests.engine.brokers.paper_venue import CLS, GTC, IOC, OPG, SELL, SUB_PENNY, Venue, order
from tests.engine.core.floor import FRICTIONLESS, facts

SHORT = "cannot be sold short: insufficient qty available for order"


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
