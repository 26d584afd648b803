"""The paper broker after a restart: what the journal holds is enough, and it agrees with the books to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.brokers.paper import PaperBroker
from engine.core.portfolio import Portfolio
from engine.model.market import Instrument, Phase, Quote
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState
from engine.model.settings import PaperSettings, SlippageSettings
from tests.engine.brokers.paper_venue import CLS, GTC, SELL, Venue, order
from tests.engine.core.floor import FRICTIONLESS, Floor, essence, facts, restored, settings

D = Decimal


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
