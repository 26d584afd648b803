"""The paper broker: what it answers, what it charges, and how it keeps groups, auctions, splits and dividends."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.brokers.base import AmbiguousError
from engine.model.market import Auction, AuctionKind, Dividend, Phase, Split
from engine.model.order_states import OrderEvent
from engine.model.orders import Terms
from engine.model.settings import CommissionSettings, SlippageSettings
from tests.engine.brokers.paper_venue import GTC, OPG, SELL, Venue, order
from tests.engine.core.floor import FRICTIONLESS, facts

D = Decimal


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
