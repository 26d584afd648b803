"""The paper broker from session to session: what a time in force comes to."""

from __future__ import annotations

from engine.model.market import Phase
from engine.model.order_states import OrderEvent
from tests.engine.brokers.paper_venue import GTC, Venue, order
from tests.engine.core.floor import facts


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
