"""A bracket's life: its exits are held until the entry fills, follow what it fills, and end with it or with each other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.inputs import Approve, NotDurable, OrderUpdate, PreviewReplace, Proposal, Replace, SetMode, StrategyFailed, Submit
from engine.model.modes import Mode
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Order, OrderState, OrderType, Side, Terms, TimeInForce
from engine.model.records import OrderPlaced
from tests.engine.core.brackets import bracketed, news_of, shorting
from tests.engine.core.floor import OPEN_LIMITS, SECOND, Floor, facts, settings
from tests.engine.core.told import Told, bought, states

D = Decimal


# ---- a bracket's life


def test_a_brackets_exits_are_written_with_it_and_held_until_it_fills() -> None:
    told = Told()
    before = len(told.records)
    entry, profit, loss = bracketed(told)
    placed = [record for record in told.records[before:] if isinstance(record, OrderPlaced)]
    assert [record.id for record in placed] == [entry.id, profit.id, loss.id]
    assert {unit for unit in told.units if before < unit < told.records.index(placed[2]) + 1} == set()
    assert [order.id for order in told.sent] == [entry.id]
    assert facts(profit.type, profit.limit, loss.type, loss.stop) == (OrderType.LIMIT, 110, OrderType.STOP, 95)
    for leg in (profit, loss):
        assert (leg.side, leg.tif, leg.reduce_only, leg.parent, leg.state) == (Side.SELL, TimeInForce.GTC, True, entry.id, OrderState.HELD)
    assert profit.oco == loss.oco != ""
    assert told.replies[-1].text == "#1 BUY 100 AAPL market DAY sent with #2, #3 held for what it fills"


def test_held_exits_count_for_nothing_and_are_not_asked_for() -> None:
    told = Told()
    _, profit, loss = bracketed(told)
    book = told.core.state.book
    assert facts(book.working_quantity("AAPL", Side.BUY), book.working_quantity("AAPL", Side.SELL)) == (100, 0)
    told.listed()
    told.tick()
    assert profit.state is loss.state is OrderState.HELD


def test_cancelling_both_legs_one_after_the_other_is_no_failure() -> None:
    told = Told()
    _, profit, loss = bracketed(told)
    assert [told.cancel(leg).ok for leg in (profit, loss)] == [True, True]
    assert (profit.state, loss.state) == (OrderState.CANCELED, OrderState.CANCELED)


@pytest.mark.parametrize(("leg", "price"), [(1, D("112.00")), (2, D("88.00"))], ids=["take-profit", "stop-loss"])
def test_an_exit_that_is_held_can_be_put_so_far_from_its_entry(leg: int, price: Decimal) -> None:
    told = Told()
    legs = bracketed(told)
    reply = told.ask(Replace, legs[leg].id, Terms(D(100), exit_pct=D(12)))
    assert (reply.ok, reply.text) == (True, f"#{leg + 1}, still held, is 12% away from its entry now")
    assert (legs[leg].limit, legs[leg].stop, legs[leg].exit_pct) == (None, None, D(12))
    told.fill(legs[0], 100, 100)
    assert price in (legs[leg].limit, legs[leg].stop)


@pytest.mark.parametrize(
    ("leg", "pct", "why"),
    [(0, 5, "takes a price"), (1, 100, "not between 0 and 100"), (1, 0, "not between 0 and 100")],
    ids=["no exit", "all of it", "nothing"],
)
def test_what_is_no_distance_of_a_held_exit_is_refused(leg: int, pct: int, why: str) -> None:
    told = Told()
    legs = bracketed(told)
    reply = told.ask(Replace, legs[leg].id, Terms(D(100), exit_pct=D(pct)))
    assert not reply.ok
    assert why in reply.text


@pytest.mark.parametrize(
    ("leg", "price", "why"),
    [
        (1, {"limit": 99}, "The take profit at 99 must be above the entry at 100.0."),
        (2, {"stop": 101}, "The stop loss at 101 must be below the entry at 100.0."),
    ],
    ids=["take profit", "stop loss"],
)
def test_a_held_exit_is_not_moved_to_where_it_would_trade_at_once(leg: int, price: dict[str, int], why: str) -> None:
    told = Told()
    legs = bracketed(told)
    terms = Terms(D(100), **{name: D(value) for name, value in price.items()})
    for asks in (PreviewReplace, Replace):
        reply = told.ask(asks, legs[leg].id, terms)
        assert (reply.ok, reply.text) == (False, why)


def test_the_first_fill_releases_the_exits_for_what_filled_and_the_next_ones_make_them_grow() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.fill(entry, 30)
    assert told.sent[1:] == [profit, loss]
    assert states((profit, loss)) == ["WORKING 0/30", "WORKING 0/30"]
    told.fill(entry, 50)
    told.fill(entry, 20)
    assert states((entry, profit, loss)) == ["FILLED 100/100", "WORKING 0/100", "WORKING 0/100"]
    assert told.core.state.book.working_quantity("AAPL", Side.SELL) == 100


def test_exits_in_per_cent_are_set_from_the_average_fill_on_the_tick() -> None:
    told = Told()
    entry, profit, loss = bracketed(told, take_profit="5%", stop_loss="2.5%")
    assert (profit.limit, loss.stop) == (None, None)
    told.fill(entry, 100, "100.13")
    assert (profit.limit, loss.stop) == (D("105.14"), D("97.63"))


def test_exits_in_per_cent_follow_the_average_of_an_entry_that_fills_in_many_parts() -> None:
    told = Told()
    entry, profit, loss = bracketed(told, take_profit="5%", stop_loss="2.5%")
    for part in range(20):
        told.fill(entry, 5, f"{100 + part * D('0.37')}")
    assert entry.average == D("103.515")
    assert (profit.limit, loss.stop) == (D("108.69"), D("100.93"))
    assert states((profit, loss)) == ["WORKING 0/100", "WORKING 0/100"]


def test_an_exit_in_per_cent_that_was_moved_by_hand_at_work_stays_there() -> None:
    told = Told()
    entry, profit, loss = bracketed(told, take_profit="5%", stop_loss="2.5%")
    told.fill(entry, 50)
    told.replace(profit, limit=D(120))
    told.fill(entry, 50, 110)
    assert facts(profit.limit, loss.stop) == (120, D("102.38"))
    assert states((profit, loss)) == ["WORKING 0/100", "WORKING 0/100"]


def test_an_exit_that_the_broker_gives_no_other_price_is_asked_for_it_once() -> None:
    told = Told()
    entry = told.submit(bought(100, "5%"))
    profit = told.orders[-1]
    told.fill(entry, 100)
    told.refuses = "not now"
    told.tickets[entry.id].cost += 100
    told.handle(correction(told, entry))
    for _ in range(3):
        told.tick()
    assert facts(len(told.replaced), profit.limit, profit.state) == (1, 105, OrderState.WORKING)


def test_a_stop_loss_may_follow_the_market_and_shrinks_with_the_other_exit() -> None:
    told = Told()
    entry = told.submit(replace(bought(100), bracket=Bracket(Exit(D(110)), Exit(trail=D("2.004")))))
    profit, loss = told.orders[-2:]
    assert facts(loss.type, loss.trail, loss.stop) == (OrderType.TRAILING_STOP, 2, None)
    told.fill(entry, 60)
    told.fill(entry, 40)
    told.fill(profit, 30, 110)
    assert states((profit, loss)) == ["PARTIAL 30/100", "WORKING 0/70"]
    told.crash()
    told.listed()
    told.fill(loss, 70, 98)
    assert told.position() == 0
    assert [order.state for order in told.orders] == [OrderState.FILLED, OrderState.CANCELED, OrderState.FILLED]


def test_a_trailing_stop_loss_on_paper_follows_the_market_up_and_ends_the_position() -> None:
    the_floor = Floor(prices={"AAPL": 100})
    the_floor.submit(replace(bought(100), bracket=Bracket(stop_loss=Exit(trail_pct=D(2)))))
    for price in (100, 105, 110, 108):
        the_floor.move("AAPL", price)
    assert facts(the_floor.position(), the_floor.last_order.stop) == (100, D("107.80"))
    the_floor.move("AAPL", 107)
    assert facts(the_floor.position(), the_floor.last_order.state) == (0, OrderState.FILLED)


def test_a_short_entrys_exits_buy_back_below_and_above() -> None:
    told = Told(given=shorting())
    entry = told.submit(bought(100, "5%", "2%", Side.SELL))
    profit, loss = told.orders[-2:]
    told.fill(entry, 100)
    assert facts(profit.side, profit.limit, loss.stop) == (Side.BUY, 95, 102)
    assert states((profit, loss)) == ["WORKING 0/100", "WORKING 0/100"]


def test_a_part_of_one_leg_takes_from_the_other_and_the_whole_of_it_ends_it() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.fill(profit, 40, 110)
    assert states((profit, loss)) == ["PARTIAL 40/100", "WORKING 0/60"]
    told.fill(profit, 60, 110)
    assert states((profit, loss)) == ["FILLED 100/100", "CANCELED 0/60"]
    assert told.position() == 0


def test_both_legs_filling_in_parts_close_what_is_held_and_no_more() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.fill(profit, 30, 110)
    told.fill(loss, 50, 95)
    assert states((profit, loss)) == ["PARTIAL 30/50", "PARTIAL 50/70"]
    told.fill(profit, 20, 110)
    assert facts(told.position(), states((profit, loss))) == (0, ["FILLED 50/50", "CANCELED 50/70"])


def test_a_bracket_with_one_exit_is_closed_by_it() -> None:
    told = Told()
    entry = told.submit(bought(100, stop_loss=95))
    loss = told.orders[-1]
    told.fill(entry, 100)
    told.fill(loss, 100, 95)
    assert facts(told.position(), states((entry, loss))) == (0, ["FILLED 100/100", "FILLED 100/100"])


# ---- how an entry ends


@pytest.mark.parametrize("end", [OrderEvent.CANCEL, OrderEvent.REJECT, OrderEvent.EXPIRE])
def test_an_entry_that_ends_without_a_fill_ends_its_exits(end: OrderEvent) -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.end(entry, end, "no")
    assert states((profit, loss)) == ["CANCELED 0/100", "CANCELED 0/100"]
    assert profit.reason == f"#1 ended without a fill: {entry.state.words}"
    assert told.sent == [entry]
    assert not told.cancelled


@pytest.mark.parametrize("before", [0, 40])
def test_an_entry_that_fills_after_its_end_has_exits_for_that(before: int) -> None:
    told = Told()
    entry, *exits = bracketed(told)
    if before:
        told.fill(entry, before)
        told.fill(exits[0], before, 110)
    told.cancel(entry)
    assert not told.core.state.book.open
    told.mute = True
    told.fill(entry, 20)
    told.mute = False
    told.end(entry, OrderEvent.CANCEL)
    assert facts(told.position(), entry.state) == (20, OrderState.CANCELED)
    assert states(told.core.state.book.open.values()) == ["WORKING 0/20", "WORKING 0/20"]
    told.crash()
    told.fill(told.orders[-1], 20, 95)
    assert facts(told.position(), len(told.core.state.book.open)) == (0, 0)


def test_exits_that_a_person_cancelled_do_not_come_back_with_a_fill_after_the_entrys_end() -> None:
    told = Told()
    entry, profit, _ = bracketed(told)
    told.cancel(profit)
    told.cancel(entry)
    told.mute = True
    told.fill(entry, 20)
    told.mute = False
    told.end(entry, OrderEvent.CANCEL)
    assert facts(told.position(), len(told.core.state.book.open)) == (20, 0)


def test_an_entry_cancelled_after_a_part_filled_leaves_its_exits_with_that() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.fill(entry, 30)
    told.cancel(entry)
    told.tick()
    assert states((entry, profit, loss)) == ["CANCELED 30/100", "WORKING 0/30", "WORKING 0/30"]


def test_an_entry_that_could_not_be_written_ends_with_its_exits_and_nothing_is_sent() -> None:
    told = Told()
    told.core.handle(Submit("c", bought(100, 110, 95)), told.mono)
    told.handle(NotDurable((told.order(1).id,), "the disk is full"))
    assert [order.state for order in told.orders] == [OrderState.CANCELED] * 3
    assert not told.sent


def test_an_exit_that_filled_while_the_entry_still_works_is_succeeded_for_what_fills_later() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.fill(entry, 50)
    told.fill(profit, 50, 110)
    later = told.orders[3:]
    assert states((profit, loss)) == ["FILLED 50/50", "CANCELED 0/50"]
    assert [(order.type, order.state, order.succeeds) for order in later] == [
        (OrderType.LIMIT, OrderState.HELD, profit.id),
        (OrderType.STOP, OrderState.HELD, loss.id),
    ]
    told.fill(entry, 50)
    assert states(later) == ["WORKING 0/50", "WORKING 0/50"]
    assert facts(told.position(), [order.limit for order in later], [order.stop for order in later]) == (50, [110, None], [None, 95])


def test_successors_that_are_not_needed_end_with_the_entry() -> None:
    told = Told()
    entry, profit, _ = bracketed(told)
    told.fill(entry, 50)
    told.fill(profit, 50, 110)
    told.cancel(entry)
    assert [order.state for order in told.orders[3:]] == [OrderState.CANCELED] * 2


# ---- a strategy's exits


def proposal(**more: Any) -> Proposal:
    bracket = bought(100, 110, 95).bracket
    return Proposal("s1", "sma", "AAPL", Side.BUY, D(100), strength=1.0, bracket=bracket, **more)


def test_a_signals_exits_are_approved_with_it() -> None:
    told = Told()
    told.handle(proposal(tif=TimeInForce.GTC))
    assert not told.orders
    told.ask(Approve, "s1")
    entry, profit, loss = told.orders
    assert (entry.tif, entry.strategy, profit.strategy, loss.signal_id) == (TimeInForce.GTC, "sma", "sma", "s1")
    told.fill(entry, 100)
    assert states((profit, loss)) == ["WORKING 0/100", "WORKING 0/100"]


def test_an_entry_that_was_cut_down_has_exits_for_what_was_let_through() -> None:
    told = Told(given=settings(limits=replace(OPEN_LIMITS, max_order_pct=D(5))))
    told.ask(SetMode, Mode.FULL_AUTO)
    told.handle(proposal())
    entry, profit, loss = told.orders
    assert facts(entry.quantity, entry.requested) == (50, 100)
    told.fill(entry, 50)
    assert states((profit, loss)) == ["WORKING 0/50", "WORKING 0/50"]


def test_exits_are_neither_counted_as_entries_nor_cancelled_with_them() -> None:
    told = Told()
    told.ask(SetMode, Mode.FULL_AUTO)
    told.handle(proposal())
    entry, profit, loss = told.orders
    told.fill(entry, 40)
    told.handle(StrategyFailed("sma", "it hangs", disabled=True))
    assert states((entry, profit, loss)) == ["CANCELED 40/100", "WORKING 0/40", "WORKING 0/40"]
    assert told.core.state.sent_within(SECOND * 3600, told.core.desk.now, "sma") == 1


def correction(told: Told, order: Order) -> OrderUpdate:
    """What its ticket says now, as the broker's later and better word."""
    return replace(news_of(told, order), corrected=True)
