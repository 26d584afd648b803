"""Exits reach the paper broker a moment after their entry's fill was told, and one after the other: what fills does not depend on when."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.inputs import OrderUpdate
from engine.model.market import Bar, Phase, Split
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, Side, Terms
from tests.engine.brokers.paper_venue import CLS, GTC, MS, Venue, order
from tests.engine.core.floor import FRICTIONLESS

BUY, SELL = Side.BUY, Side.SELL
Bars = tuple[tuple[float, float, float, float], ...]
"""Open, high, low and close."""
Sold = tuple[str, float, str]
"""An order, its average price and the rule."""
TARGET, STOP = 110, 95
BOTH, NEITHER, TARGET_ONLY = (100, 112, 94, 111), (100, 104, 96, 100), (100, 112, 96, 111)


def exits(*, oco: str = "r1-1/exits") -> tuple[Order, Order]:
    """The target and the stop of an entry that is number 1."""
    return (
        order(SELL, number=2, limit=TARGET, tif=GTC, parent="r1-1", oco=oco),
        order(SELL, number=3, stop=STOP, tif=GTC, parent="r1-1", oco=oco),
    )


def bar(venue: Venue, open_: float, high: float, low: float, close: float, volume: float = 1e6) -> None:
    venue.at += 60_000 * MS
    venue.broker.on_market(Bar("AAPL", venue.at, open_, high, low, close, volume))


async def entered(first: tuple[float, float, float, float], **given: Any) -> tuple[Venue, int]:
    """A venue whose entry of 100 shares filled in a bar like `first`, the last one there was, and when that was."""
    venue = await Venue(replace(FRICTIONLESS, **given)).open()
    venue.session("monday")
    bar(venue, 100, 100, 100, 100)
    await venue.broker.submit(replace(order(BUY, tif=GTC), changed_at=venue.at))
    while venue.last.event is not OrderEvent.FILL_ALL:
        bar(venue, *first)
    return venue, venue.at


def sold(venue: Venue) -> list[Sold]:
    """Each fill of an exit."""
    return [(u.order_id, float(u.cost / u.filled), u.rule) for u in venue.news if _is_fill(u) and u.order_id in ("r1-2", "r1-3")]


def _is_fill(update: OrderUpdate) -> bool:
    return update.event in (OrderEvent.FILL_ALL, OrderEvent.FILL_PART) and bool(update.rule)


@pytest.mark.parametrize("late", [0, 1, 2], ids=["at once", "a bar later", "two bars later"])
@pytest.mark.parametrize("turn", [(0, 1), (1, 0)], ids=["the target first", "the stop first"])
@pytest.mark.parametrize(
    ("bars", "told"),
    [
        ((BOTH, BOTH, BOTH), [("r1-3", 95, "stop-price")]),
        ((TARGET_ONLY, BOTH, BOTH), [("r1-2", 110, "limit-through")]),
        ((NEITHER, BOTH, TARGET_ONLY), [("r1-3", 95, "stop-price")]),
        ((NEITHER, TARGET_ONLY, BOTH), [("r1-2", 110, "limit-through")]),
        ((NEITHER, NEITHER, NEITHER), []),
    ],
    ids=["both in the rest", "the target in the rest", "both in the bar after", "the target in the bar after", "neither"],
)
async def test_whenever_its_exits_come_the_same_fills(bars: Bars, told: list[Sold], turn: tuple[int, int], late: int) -> None:
    venue, at = await entered(bars[0])
    pair = [replace(each, changed_at=at) for each in exits()]
    for passed in range(3):
        if passed == late:
            for place in turn:
                await venue.broker.submit(pair[place])
        if passed < 2:
            bar(venue, *bars[passed + 1])
    assert sold(venue) == told
    open_ = {each.order_id for each in venue.broker._matcher.resting()}
    assert open_ == (set() if told else {"r1-2", "r1-3"})


@pytest.mark.parametrize("turn", [(0, 1), (1, 0)], ids=["the target first", "the stop first"])
async def test_one_that_comes_a_bar_after_the_other_is_not_waited_for(turn: tuple[int, int]) -> None:
    """The market has gone on: what fills the one leaves nothing for the other."""
    venue, at = await entered(BOTH)
    pair = [replace(each, changed_at=at) for each in exits()]
    await venue.broker.submit(pair[turn[0]])
    assert sold(venue) == []
    bar(venue, *NEITHER)
    await venue.broker.submit(pair[turn[1]])
    assert [each[0] for each in sold(venue)] == [pair[turn[0]].id]
    assert list(venue.broker._matcher.resting()) == []


async def test_an_exit_that_is_alone_waits_for_none() -> None:
    venue, at = await entered(BOTH)
    target, _ = exits(oco="")
    await venue.broker.submit(replace(target, changed_at=at))
    assert sold(venue) == [("r1-2", 110, "limit-through")]
    assert venue.events[-2:] == [OrderEvent.ACCEPT, OrderEvent.FILL_ALL]


async def test_exits_let_go_after_the_bar_meet_nothing_of_it() -> None:
    """A stop of trading held them: they were not at the market."""
    venue, _ = await entered(BOTH)
    bar(venue, *NEITHER)
    for each in exits():
        await venue.broker.submit(replace(each, changed_at=venue.at))
    assert sold(venue) == []


async def test_what_is_in_old_shares_is_not_met() -> None:
    venue, at = await entered(BOTH)
    venue.broker.on_market(Split("AAPL", venue.at, Decimal(2)))
    for each in exits():
        await venue.broker.submit(replace(each, changed_at=at))
    assert sold(venue) == []


async def test_exits_of_a_symbol_with_quotes_meet_quotes_alone() -> None:
    venue, at = await entered(NEITHER)
    venue.quote(100)
    await venue.broker.submit(replace(order(BUY, number=9, tif=GTC), changed_at=venue.at))
    venue.quote(100)
    bar(venue, *BOTH)
    for each in exits():
        await venue.broker.submit(replace(each, changed_at=at, parent="r1-9"))
    assert sold(venue) == []


async def test_exits_that_wait_for_each_other_go_without_when_quotes_begin() -> None:
    venue, at = await entered(BOTH)
    target, _ = exits()
    await venue.broker.submit(replace(target, changed_at=at))
    venue.quote(100)
    assert sold(venue) == [("r1-2", 110, "limit-through")]


async def test_an_exit_that_is_cancelled_before_its_pair_is_there_does_not_fill() -> None:
    venue, at = await entered(BOTH)
    target, stop = (replace(each, changed_at=at) for each in exits())
    await venue.broker.submit(target)
    await venue.broker.cancel([target])
    await venue.broker.submit(stop)
    bar(venue, *NEITHER)
    assert sold(venue) == [("r1-3", 95, "stop-price")]


@pytest.mark.parametrize(("latency_s", "told"), [(59, [("r1-3", 95, "stop-price")]), (61, [])])
async def test_an_exit_has_what_came_after_it_was_there_if_the_bar_was_not_over_by_then(latency_s: float, told: list[Sold]) -> None:
    venue, at = await entered(BOTH, latency_ms=latency_s * 1000, latency_sigma=0.0)
    for each in exits():
        await venue.broker.submit(replace(each, changed_at=at))
    assert sold(venue) == told


async def test_an_exit_that_follows_its_entrys_average_meets_what_came_after_it_moved() -> None:
    venue = await Venue(FRICTIONLESS).open()
    venue.session("monday")
    bar(venue, 100, 100, 100, 100)
    await venue.broker.submit(replace(order(BUY, 200, tif=GTC), changed_at=venue.at))
    bar(venue, *NEITHER, volume=100)
    _, stop = (replace(each, changed_at=venue.at, oco="", exit_pct=Decimal(5)) for each in exits())
    await venue.broker.submit(stop)
    bar(venue, 110, 111, 99.5, 105)
    assert sold(venue) == []
    # Half of it at 100, half at 110: five per cent under 105.
    await venue.broker.replace(stop, Terms(Decimal(200), stop=Decimal("99.75")))
    assert sold(venue) == [("r1-3", 99.75, "stop-price")]
    assert venue.last.filled == 200


async def test_each_entry_has_the_rest_of_its_own_bar() -> None:
    """A high that may have come before the second entry is not met by its target, though the first one's may meet all of that bar."""
    venue, at = await entered(NEITHER)
    await venue.broker.submit(replace(order(BUY, number=9, limit=98, tif=GTC), changed_at=at))
    bar(venue, 100, 112, 97, 100)
    target, _ = (replace(each, changed_at=venue.at, parent="r1-9", oco="") for each in exits())
    await venue.broker.submit(target)
    assert sold(venue) == []
    await venue.broker.submit(replace(exits()[1], changed_at=at, oco="", stop=Decimal("97.5")))
    assert sold(venue) == [("r1-3", 97.5, "stop-price")]


async def test_what_late_exits_took_of_a_bar_its_closing_auction_has_not() -> None:
    venue, at = await entered(NEITHER)
    await venue.broker.submit(replace(order(BUY, 100, number=9, tif=CLS), changed_at=at))
    bar(venue, *BOTH, volume=150)
    for each in exits():
        await venue.broker.submit(replace(each, changed_at=at))
    assert sold(venue) == [("r1-3", 95, "stop-price")]
    venue.session("monday", Phase.CLOSED)
    assert [int(u.filled) for u in venue.news if u.order_id == "r1-9" and u.filled] == [50, 50]


async def test_a_fill_is_forgotten_after_twenty_bars() -> None:
    venue, at = await entered(BOTH)
    for _ in range(20):
        bar(venue, *NEITHER)
    assert "AAPL" in venue.broker._matcher._entered
    bar(venue, *NEITHER)
    assert "AAPL" not in venue.broker._matcher._entered
    for each in exits():
        await venue.broker.submit(replace(each, changed_at=at))
    assert sold(venue) == []
