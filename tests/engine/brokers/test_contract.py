"""What any broker must do. Each test runs with each broker; one is skipped where that broker lacks what the skip names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.modes import LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderType, Side, TimeInForce
from tests.engine.brokers.alpaca_rig import alpaca_rig
from tests.engine.brokers.ib_rig import ib_rig
from tests.engine.brokers.rig import Rig, is_up, paper_rig
from tests.engine.core.floor import facts

D = Decimal
RIGS: dict[str, Callable[[], AbstractAsyncContextManager[Rig]]] = {"paper": paper_rig, "alpaca": alpaca_rig, "ib": ib_rig}


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with RIGS[request.param]() as made:
        yield made


# ---- one order


async def test_the_link_is_told_to_be_up(rig: Rig) -> None:
    await rig.until(lambda: is_up(rig))


async def test_an_order_is_accepted_under_our_own_id_and_told_the_brokers(rig: Rig) -> None:
    order = rig.order(limit=90)
    await rig.broker.submit(order)
    update = await rig.works(order)
    assert facts(update.order_id, bool(update.broker_id), update.filled) == (order.id, True, 0)


async def test_a_rejection_is_told_word_for_word(rig: Rig) -> None:
    symbol, words = rig.unknown_symbol
    order = rig.order(symbol=symbol)
    await rig.broker.submit(order)
    assert words in (await rig.told(order, OrderEvent.REJECT)).reason


async def test_a_market_order_fills_and_its_cost_is_what_moved(rig: Rig) -> None:
    order = await rig.bought(10)
    update = rig.news_of(order, OrderEvent.FILL_ALL)[0]
    assert facts(update.filled, update.cost) == (10, 1000)
    snapshot = await rig.snapshot()
    assert snapshot.cash == rig.cash - 1000 - (await rig.listed(order)).fees
    assert facts(*(position[:2] for position in snapshot.positions)) == (("AAPL", 10),)


async def test_figures_of_partial_fills_are_cumulative(rig: Rig) -> None:
    order = rig.order(limit=100, quantity=10)
    await rig.trade(101)
    await rig.broker.submit(order)
    await rig.works(order)
    await rig.trade(100, 4)
    await rig.told(order, OrderEvent.FILL_PART)
    await rig.trade(99, 6)
    last = await rig.told(order, OrderEvent.FILL_ALL)
    first = rig.news_of(order, OrderEvent.FILL_PART)[0]
    assert facts(first.filled, first.cost) == (4, 400)
    assert last.filled == 10
    assert last.cost == (await rig.listed(order)).cost


@pytest.mark.parametrize("kind", sorted(OrderType))
async def test_an_order_of_each_kind_it_says_it_takes_is_taken(rig: Rig, kind: OrderType) -> None:
    if kind not in rig.broker.capabilities.types:
        pytest.skip(f"{rig.name} lacks {kind}")
    prices: dict[OrderType, dict[str, Any]] = {
        OrderType.LIMIT: {"limit": 90},
        OrderType.STOP: {"stop": 110},
        OrderType.STOP_LIMIT: {"limit": 111, "stop": 110},
    }
    order = rig.order(**prices.get(kind, {}))
    if kind is OrderType.TRAILING_STOP:
        order = replace(order, type=kind, trail=D(5))
    await rig.broker.submit(order)
    if kind is OrderType.MARKET:
        await rig.trade(100)
        await rig.told(order, OrderEvent.FILL_ALL)
        return
    await rig.works(order)
    listed = await rig.listed(order)
    assert facts(listed.type, listed.limit, listed.trail) == (kind, order.limit, order.trail)
    assert listed.stop == order.stop or kind is OrderType.TRAILING_STOP


async def test_a_part_of_a_share_trades(rig: Rig) -> None:
    if rig.broker.capabilities.fraction is None:
        pytest.skip(f"{rig.name} lacks fractions")
    order = rig.order(quantity="0.5")
    await rig.broker.submit(order)
    await rig.trade(100)
    update = await rig.told(order, OrderEvent.FILL_ALL)
    assert facts(update.filled, update.cost) == (D("0.5"), 50)


async def test_an_id_that_comes_twice_is_one_order(rig: Rig) -> None:
    order = rig.order(limit=90)
    await rig.broker.submit(order)
    await rig.works(order)
    await rig.broker.submit(order)
    assert [each.order_id for each in (await rig.snapshot()).orders] == [order.id]
    assert not rig.news_of(order, OrderEvent.REJECT)


# ---- cancel


async def test_a_cancelled_order_is_told_to_be_and_never_fills(rig: Rig) -> None:
    order = rig.order(limit=90)
    await rig.broker.submit(order)
    await rig.works(order)
    await rig.broker.cancel([order])
    await rig.told(order, OrderEvent.CANCEL)
    await rig.trade(80)
    assert (await rig.snapshot((order,))).positions == ()
    assert not rig.news_of(order, OrderEvent.FILL_ALL, OrderEvent.FILL_PART)


async def test_what_filled_before_the_cancel_stays_filled(rig: Rig) -> None:
    order = rig.order(limit=100)
    await rig.trade(101)
    await rig.broker.submit(order)
    await rig.works(order)
    await rig.trade(100, 3)
    await rig.told(order, OrderEvent.FILL_PART)
    await rig.broker.cancel([order])
    update = await rig.told(order, OrderEvent.CANCEL)
    assert facts(update.filled, update.cost) == (3, 300)


async def test_a_cancel_after_the_fill_ends_nothing_and_tells_the_fill(rig: Rig) -> None:
    order = await rig.bought()
    rig.news.clear()
    await rig.broker.cancel([order])
    await rig.until(lambda: rig.news_of(order))
    assert not rig.news_of(order, OrderEvent.CANCEL)
    assert (await rig.listed(order)).event is OrderEvent.FILL_ALL


async def test_many_are_cancelled_at_once(rig: Rig) -> None:
    orders = [rig.order(limit=90 - each) for each in range(12)]
    for order in orders:
        await rig.broker.submit(order)
    for order in orders:
        await rig.works(order)
    await rig.broker.cancel(orders)
    for order in orders:
        await rig.told(order, OrderEvent.CANCEL)
    assert (await rig.snapshot()).orders == ()


# ---- replace


async def test_a_replaced_order_works_under_its_new_terms_and_its_own_id(rig: Rig) -> None:
    if not rig.broker.capabilities.replace:
        pytest.skip(f"{rig.name} lacks replace")
    order = rig.order(limit=90)
    await rig.broker.submit(order)
    await rig.works(order)
    terms = replace(order.terms, limit=D(95), quantity=D(7))
    await rig.broker.replace(order, terms)
    assert (await rig.told(order, OrderEvent.REPLACE)).terms == terms
    listed = await rig.listed(order)
    assert facts(listed.limit, listed.quantity) == (95, 7)
    await rig.trade(95)
    assert (await rig.told(order, OrderEvent.FILL_ALL)).filled == 7


async def test_fills_before_a_replace_count_on_after_it(rig: Rig) -> None:
    if not rig.broker.capabilities.replace:
        pytest.skip(f"{rig.name} lacks replace")
    order = rig.order(limit=100)
    await rig.trade(101)
    await rig.broker.submit(order)
    await rig.works(order)
    await rig.trade(100, 4)
    await rig.told(order, OrderEvent.FILL_PART)
    await rig.broker.replace(order, replace(order.terms, limit=D(101)))
    replaced = await rig.told(order, OrderEvent.REPLACE)
    assert replaced.terms is not None
    assert facts(replaced.filled, replaced.terms.quantity) == (4, 10)
    await rig.trade(101)
    update = await rig.told(order, OrderEvent.FILL_ALL)
    assert facts(update.filled, update.cost) == (10, 400 + 6 * 101)
    assert (await rig.snapshot()).positions[0][1] == 10


async def test_a_replace_that_is_refused_leaves_the_old_terms_and_says_why(rig: Rig) -> None:
    if not rig.broker.capabilities.replace:
        pytest.skip(f"{rig.name} lacks replace")
    order = rig.order(limit=100)
    await rig.trade(101)
    await rig.broker.submit(order)
    await rig.works(order)
    await rig.trade(100, 4)
    await rig.told(order, OrderEvent.FILL_PART)
    await rig.broker.replace(order, replace(order.terms, quantity=D(3)))
    assert (await rig.told(order, OrderEvent.REFUSE_REPLACE)).reason
    assert (await rig.listed(order)).quantity == 10


# ---- where things stand


async def test_an_order_is_found_by_our_id_and_one_never_seen_is_not(rig: Rig) -> None:
    order = rig.order(limit=90)
    assert await rig.broker.find(order.id) is None
    await rig.broker.submit(order)
    await rig.works(order)
    found = await rig.broker.find(order.id)
    assert found is not None
    assert found.event in (OrderEvent.ACCEPT, OrderEvent.WORK)


async def test_an_order_that_ended_is_found_as_it_ended(rig: Rig) -> None:
    order = await rig.bought()
    found = await rig.broker.find(order.id)
    assert found is not None
    assert facts(found.event, found.filled, found.cost) == (OrderEvent.FILL_ALL, 10, 1000)


async def test_a_snapshot_tells_what_is_open_and_how_what_we_ask_for_ended(rig: Rig) -> None:
    done = await rig.bought()
    works, gone = rig.order(limit=90), rig.order(limit=91)
    for order in (works, gone):
        await rig.broker.submit(order)
        await rig.works(order)
    await rig.broker.cancel([gone])
    await rig.told(gone, OrderEvent.CANCEL)
    snapshot = await rig.snapshot((done, works, gone))
    assert {each.order_id: each.event for each in snapshot.orders if each.order_id != works.id} == {
        done.id: OrderEvent.FILL_ALL,
        gone.id: OrderEvent.CANCEL,
    }
    assert next(each for each in snapshot.orders if each.order_id == works.id).limit == 90
    assert facts(snapshot.positions) == ((("AAPL", 10, 100 + rig.fees_in_average),),)


async def test_an_order_placed_elsewhere_is_listed_and_can_be_cancelled(rig: Rig) -> None:
    rig.need("other clients")
    await rig.place_elsewhere("MSFT", Side.BUY, 5, 90)
    (listed,) = (await rig.snapshot()).orders
    assert facts(listed.symbol, listed.side, listed.quantity, listed.limit) == ("MSFT", Side.BUY, 5, 90)
    theirs = replace(rig.order(Side.BUY, 5, symbol="MSFT", limit=90), id=listed.order_id, broker_id=listed.broker_id)
    await rig.broker.cancel([theirs])
    await rig.told(theirs, OrderEvent.CANCEL)
    assert (await rig.snapshot()).orders == ()


# ---- groups


async def test_of_a_group_one_leg_fills_and_the_other_is_gone(rig: Rig) -> None:
    if not rig.broker.capabilities.oco:
        pytest.skip(f"{rig.name} lacks oco")
    await rig.bought()
    profit, loss = rig.exits()
    await rig.broker.submit_group([profit, loss])
    await rig.works(profit)
    await rig.works(loss)
    assert (await rig.listed(loss)).stop == 90
    await rig.trade(110)
    assert (await rig.told(profit, OrderEvent.FILL_ALL)).filled == 10
    await rig.told(loss, OrderEvent.CANCEL)
    snapshot = await rig.snapshot()
    assert facts(snapshot.orders, snapshot.positions) == ((), ())


async def test_of_a_group_the_stop_ends_the_limit(rig: Rig) -> None:
    if not rig.broker.capabilities.oco:
        pytest.skip(f"{rig.name} lacks oco")
    await rig.bought()
    profit, loss = rig.exits()
    await rig.broker.submit_group([profit, loss])
    await rig.works(profit)
    await rig.works(loss)
    await rig.trade(89)
    assert (await rig.told(loss, OrderEvent.FILL_ALL)).filled == 10
    await rig.told(profit, OrderEvent.CANCEL)
    assert (await rig.snapshot()).positions == ()


async def test_both_legs_of_a_group_are_found_by_our_ids(rig: Rig) -> None:
    if not rig.broker.capabilities.oco:
        pytest.skip(f"{rig.name} lacks oco")
    await rig.bought()
    legs = rig.exits()
    await rig.broker.submit_group(legs)
    for leg in legs:
        await rig.works(leg)
        assert (await rig.broker.find(leg.id)) is not None
    assert {each.order_id for each in (await rig.snapshot()).orders} == {leg.id for leg in legs}


async def test_both_legs_of_a_group_are_cancelled_when_both_are_asked_for(rig: Rig) -> None:
    if not rig.broker.capabilities.oco:
        pytest.skip(f"{rig.name} lacks oco")
    await rig.bought()
    legs = rig.exits()
    await rig.broker.submit_group(legs)
    for leg in legs:
        await rig.works(leg)
    await rig.broker.cancel(legs)
    for leg in legs:
        await rig.told(leg, OrderEvent.CANCEL)
    assert (await rig.snapshot()).orders == ()


# ---- the link


async def test_a_link_that_breaks_is_told_and_told_again_when_it_is_back(rig: Rig) -> None:
    rig.need("a link")
    await rig.until(lambda: is_up(rig))
    await rig.reconnect()
    await rig.until(lambda: any(not link.up for link in rig.links) and is_up(rig))
    broken = next(link for link in rig.links if not link.up)
    assert broken.state in (LinkState.DOWN, LinkState.DEGRADED)
    assert broken.reason


async def test_what_filled_while_the_link_was_down_is_in_the_snapshot_after_it(rig: Rig) -> None:
    rig.need("a link")
    order = rig.order(limit=90, tif=TimeInForce.GTC)
    await rig.broker.submit(order)
    await rig.works(order)
    before = len(rig.links)
    await rig.reconnect()
    await rig.trade(90)
    await rig.until(lambda: len(rig.links) > before and is_up(rig))
    listed = await rig.listed(order)
    assert facts(listed.event, listed.filled, listed.cost) == (OrderEvent.FILL_ALL, 10, 900)


async def test_after_close_working_orders_stay_and_nothing_more_is_told(rig: Rig) -> None:
    rig.need("a link")
    order = rig.order(limit=90, tif=TimeInForce.GTC)
    await rig.broker.submit(order)
    await rig.works(order)
    await rig.broker.close()
    rig.news.clear()
    await rig.trade(90)
    assert rig.news == []
    await rig.broker.connect(rig.hear)
    assert (await rig.listed(order)).event is OrderEvent.FILL_ALL
