"""Orders that hang together: brackets, OCO and OTO through fills, cancels, refusals and restarts."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.capabilities import Capabilities
from engine.model.inputs import (
    Approve,
    BrokerSnapshot,
    Cancel,
    EmergencyStop,
    GroupKind,
    LinkChanged,
    NotDurable,
    OrderUpdate,
    Proposal,
    Replace,
    SetMode,
    StrategyFailed,
    Submit,
    SubmitGroup,
    Tick,
    Unsent,
)
from engine.model.modes import LinkState, Mode
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Intent, Order, OrderState, OrderType, Side, Terms, TimeInForce
from engine.model.records import OrderPlaced, OrderReleased
from engine.model.settings import Settings
from tests.engine.core.floor import OPEN_LIMITS, SECOND, Floor, facts, settings
from tests.engine.core.told import Told, bought, states

D = Decimal
WITHOUT_REPLACE = Capabilities(replace=False)


def bracketed(told: Told, quantity: int = 100, take_profit: object = 110, stop_loss: object = 95) -> tuple[Order, Order, Order]:
    """An entry with both exits, at work."""
    entry = told.submit(bought(quantity, take_profit, stop_loss))
    profit, loss = told.orders[-2:]
    return entry, profit, loss


def closing_pair(told: Told, first: int = 100, second: int = 100) -> tuple[Intent, Intent]:
    """What takes the profit of a long position, and what ends its loss."""
    target = Intent("AAPL", Side.SELL, D(first), OrderType.LIMIT, limit=D(110), tif=TimeInForce.GTC, reduce_only=True)
    stop = Intent("AAPL", Side.SELL, D(second), OrderType.STOP, stop=D(95), tif=TimeInForce.GTC, reduce_only=True)
    return target, stop


def holding(can: Capabilities | None = None, quantity: int = 100) -> Told:
    told = Told(can)
    told.fill(told.submit(bought(quantity)), quantity)
    return told


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


def correction(told: Told, order: Order) -> OrderUpdate:
    """What its ticket says now, as the broker's later and better word."""
    return replace(news_of(told, order), corrected=True)


def news_of(told: Told, order: Order) -> OrderUpdate:
    ticket = told.tickets[order.id]
    return OrderUpdate(order.id, ticket.event, f"T{order.number}", ticket.filled, ticket.cost, ticket.fees)


def shorting() -> Settings:
    return settings(limits=replace(OPEN_LIMITS, short_selling=True))


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
    assert profit.reason == f"#1 ended without a fill: {entry.state.lower()}"
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


# ---- a person's hand


@pytest.mark.parametrize("filled", [0, 100], ids=["held", "at work"])
@pytest.mark.parametrize("which", [1, 2])
def test_a_cancel_of_either_leg_ends_the_other(which: int, filled: int) -> None:
    told = Told()
    legs = bracketed(told)
    if filled:
        told.fill(legs[0], filled)
    reply = told.cancel(legs[which])
    assert reply.text == ("cancel of #2, #3 sent" if which == 1 else "cancel of #3, #2 sent")
    assert [leg.state for leg in legs[1:]] == [OrderState.CANCELED] * 2
    told.tick()
    assert len(told.orders) == 3


def test_legs_that_a_person_cancels_after_one_of_them_filled_early_and_was_succeeded_stay_gone() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.fill(entry, 10)
    told.mute = True
    told.fill(entry, 90)
    told.handle(news_of(told, entry))
    asked = told.tickets[profit.id].order.terms
    told.tickets[loss.id].order.quantity = D(10)
    told.mute = False
    told.fill(loss, 10, 95)
    told.handle(OrderUpdate(profit.id, OrderEvent.REPLACE, "T2", D(0), D(0), D(0), terms=asked))
    later = told.orders[-1]
    assert states((profit, loss, later)) == ["WORKING 0/90", "FILLED 10/10", "WORKING 0/90"]
    told.cancel(profit)
    told.tick(5)
    assert states(told.orders[1:]) == ["CANCELED 0/90", "FILLED 10/10", "CANCELED 0/90"]


def test_a_leg_cancelled_at_the_broker_by_somebody_else_ends_the_other() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.end(loss, OrderEvent.CANCEL)
    assert states((profit, loss)) == ["CANCELED 0/100", "CANCELED 0/100"]


@pytest.mark.parametrize("end", [OrderEvent.REJECT, OrderEvent.EXPIRE])
def test_a_leg_that_the_broker_ends_by_itself_leaves_the_other_at_work(end: OrderEvent) -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.end(profit, end)
    told.tick()
    assert loss.state is OrderState.WORKING


@pytest.mark.parametrize(
    "can", [Capabilities(), WITHOUT_REPLACE, Capabilities(oco=True, oco_resize=False)], ids=["replaces", "does not", "resizes no group"]
)
def test_what_two_brackets_both_lay_claim_to_stays_with_the_older_and_does_not_go_to_and_fro(can: Capabilities) -> None:
    told = Told(can, given=shorting())
    first, *_ = bracketed(told, 60)
    told.fill(first, 50)
    second, *_ = bracketed(told, 50)
    told.fill(second, 50)
    told.fill(told.submit(Intent("AAPL", Side.SELL, D(40))), 40)
    told.fill(first, 10)
    assert {order.family: order.remaining for order in told.core.state.book.working()} == {first.id: 60, second.id: 10}
    before = len(told.sent)
    told.tick(3)
    told.listed()
    assert len(told.sent) == before < 20


def test_what_a_person_sells_by_hand_the_exits_no_longer_close() -> None:
    told = Told(given=shorting())
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.fill(told.submit(Intent("AAPL", Side.SELL, D(30))), 30)
    assert facts(told.position(), states((profit, loss))) == (70, ["WORKING 0/70", "WORKING 0/70"])
    told.ask(Cancel, "", "")
    told.tick(2)
    assert not told.core.state.book.open


def test_an_exit_waits_where_anothers_still_sells_what_its_entry_bought() -> None:
    told = Told()
    first, profit, loss = bracketed(told)
    told.fill(first, 100)
    second, *exits = bracketed(told, 50)
    told.mute = True
    told.fill(loss, 60, 95)
    told.handle(news_of(told, loss))
    assert (profit.state, profit.may_trade) == (OrderState.PENDING_REPLACE, D(100)), "nobody knows yet that it sells no more than 40"
    told.fill(second, 50)
    told.handle(news_of(told, second))
    assert [order.state for order in exits] == [OrderState.HELD] * 2
    told.mute = False
    told.tick(20)
    told.listed()
    assert states((profit, *exits)) == ["WORKING 0/40", "WORKING 0/50", "WORKING 0/50"]


@pytest.mark.parametrize("can", [Capabilities(), WITHOUT_REPLACE], ids=["replaces", "does not replace"])
def test_two_brackets_whose_exits_sell_too_much_both_come_down_though_neither_leaves_the_other_anything_to_close(can: Capabilities) -> None:
    told = Told(can)
    first, *exits = bracketed(told)
    told.fill(first, 100)
    second, *others = bracketed(told, 40)
    told.fill(second, 40)
    told.mute = True
    told.fill(exits[0], 95, 110)
    told.fill(others[1], 39, 95)
    told.mute = False
    told.listed()
    told.tick(2)
    assert facts(told.position(), told.core.state.book.working_quantity("AAPL", Side.SELL)) == (6, 6)
    left = {order.family: order.remaining for order in told.core.state.book.working()}
    assert facts(left[first.id], left[second.id]) == (5, 1)


def test_the_exits_of_a_symbol_that_the_feed_lacks_since_the_restart_are_kept_in_step_all_the_same() -> None:
    told = Told()
    first, *_ = bracketed(told, take_profit="10%")
    told.fill(first, 60)
    told.symbols = ("MSFT",)
    told.crash()
    entry, profit, loss = told.orders
    told.fill(entry, 40)
    assert states((profit, loss)) == ["WORKING 0/100", "WORKING 0/100"]
    told.fill(profit, 30, 110)
    assert states((profit, loss)) == ["PARTIAL 30/100", "WORKING 0/70"]


def test_a_fill_missed_in_a_symbol_that_the_feed_lacks_at_the_start_has_its_exits() -> None:
    told = Told()
    entry, *_ = bracketed(told)
    told.mute = True
    told.fill(entry, 100)
    told.mute = False
    told.symbols = ("MSFT",)
    told.crash()
    assert states(told.orders) == ["FILLED 100/100", "WORKING 0/100", "WORKING 0/100"]


def test_a_position_that_is_gone_ends_its_exits_in_words() -> None:
    told = Told(given=shorting())
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    by_hand = told.submit(Intent("AAPL", Side.SELL, D(100)))
    told.fill(by_hand, 100)
    assert [profit.state, loss.state] == [OrderState.CANCELED] * 2
    assert profit.reason == "there is no AAPL left to close"


def test_the_price_of_a_leg_can_be_replaced_and_its_quantity_cannot() -> None:
    told = Told()
    entry, profit, _ = bracketed(told)
    assert told.replace(profit, limit=D(112)).text == "#2, still held, is SELL 100 AAPL limit 112.00 GTC now"
    told.fill(entry, 100)
    assert told.sent[1].limit == 112
    assert told.replace(profit, limit=D(115)).ok
    assert facts(profit.limit, profit.state) == (115, OrderState.WORKING)
    reply = told.replace(profit, quantity=D(50))
    assert (reply.ok, "its quantity follows from their fills" in reply.text) == (False, True)


def test_a_replaced_price_of_an_exit_in_per_cent_stands() -> None:
    told = Told()
    entry, profit, _ = bracketed(told, take_profit="5%")
    told.replace(profit, limit=D(120))
    told.fill(entry, 100)
    assert profit.limit == 120


# ---- brokers that do not play along


def test_where_a_broker_cannot_replace_a_successor_takes_the_legs_place_and_never_works_beside_it() -> None:
    told = Told(WITHOUT_REPLACE)
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.fill(profit, 40, 110)
    successor = told.orders[3]
    assert states((loss, successor)) == ["CANCELED 0/100", "WORKING 0/60"]
    assert facts(successor.stop, successor.succeeds, successor.oco) == (95, loss.id, loss.oco)
    assert not told.replaced
    told.fill(successor, 60, 95)
    assert facts(told.position(), profit.state) == (0, OrderState.CANCELED)


def test_a_successor_waits_until_the_leg_before_it_has_ended() -> None:
    told = Told(WITHOUT_REPLACE)
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.mute = True
    told.fill(profit, 40, 110)
    told.listed()
    told.tick()
    assert [loss.state, told.orders[3].state] == [OrderState.PENDING_CANCEL, OrderState.HELD]
    told.mute = False
    told.end(loss, OrderEvent.CANCEL)
    assert told.orders[3].state is OrderState.WORKING


def test_a_refused_replace_of_a_legs_size_is_a_cancel_and_a_new_order() -> None:
    told = Told()
    entry, profit, _ = bracketed(told)
    told.fill(entry, 100)
    told.refuses = "not while it is pending"
    told.fill(profit, 40, 110)
    assert states(told.orders[1:]) == ["PARTIAL 40/100", "CANCELED 0/100", "WORKING 0/60"]
    assert len(told.replaced) == 1


def test_a_broker_that_keeps_groups_itself_is_left_to_it_until_its_list_says_otherwise() -> None:
    told = Told(Capabilities(oco=True))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.fill(profit, 40, 110)
    told.tick()
    assert facts(told.replaced, loss.quantity) == ([], 100)
    told.tickets[loss.id].order.quantity = D(60)
    told.tell(loss, terms=Terms(D(60), stop=D(95)))
    assert states((profit, loss)) == ["PARTIAL 40/100", "WORKING 0/60"]
    told.fill(profit, 20, 110)
    told.listed()
    assert states((profit, loss)) == ["PARTIAL 60/100", "WORKING 0/40"]


def untold(told: Told, order: Order, quantity: int, price: object, *others: Order) -> None:
    """`order` fills at a broker that keeps groups, which takes it from the others by itself and tells nothing yet."""
    told.mute = True
    told.fill(order, quantity, price)
    for other in others:
        told.tickets[other.id].order.quantity -= quantity
    told.mute = False


def told_terms(told: Told, order: Order) -> None:
    """The broker tells `order` with the terms that it has there."""
    told.tell(order, terms=told.tickets[order.id].order.terms)


@pytest.mark.parametrize("resizes", [True, False], ids=["resizes", "does not resize"])
def test_a_leg_that_the_broker_made_smaller_before_it_told_the_others_fill_is_not_given_that_back(resizes: bool) -> None:
    told = Told(Capabilities(oco=True, oco_resize=resizes))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    untold(told, profit, 40, 110, loss)
    told_terms(told, loss)
    told.tick(5)
    assert facts(told.replaced, told.cancelled, states((profit, loss))) == ([], [], ["WORKING 0/100", "WORKING 0/60"])
    told.tell(profit)
    told.tick(5)
    assert facts(told.replaced, told.cancelled, states((profit, loss))) == ([], [], ["PARTIAL 40/100", "WORKING 0/60"])


def test_another_price_for_a_leg_that_the_broker_made_smaller_gives_it_nothing_back() -> None:
    told = Told(Capabilities(oco=True))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    untold(told, profit, 40, 110, loss)
    told_terms(told, loss)
    told.replace(loss, stop=D(97))
    told.tick(5)
    assert facts(loss.stop, states((profit, loss))) == (97, ["WORKING 0/100", "WORKING 0/60"])


def test_what_an_entry_fills_while_a_legs_fill_is_untold_makes_the_other_grow_by_that_alone() -> None:
    told = Told(Capabilities(oco=True))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 50)
    untold(told, profit, 40, 110, loss)
    told_terms(told, loss)
    told.fill(entry, 30)
    assert facts(told.position(), states((profit, loss))) == (40, ["PARTIAL 40/80", "WORKING 0/40"])
    assert [f"{order_id} {terms.quantity:f}" for order_id, terms in told.replaced] == [f"{profit.id} 80", f"{loss.id} 40"]


def test_a_leg_that_the_broker_made_smaller_for_nothing_has_its_quantity_back_once_the_broker_has_listed_all() -> None:
    told = Told(Capabilities(oco=True))
    entry, _, loss = bracketed(told)
    told.fill(entry, 100)
    told.tickets[loss.id].order.quantity = D(60)
    told_terms(told, loss)
    told.tick(5)
    assert states((loss,)) == ["WORKING 0/60"]
    told.listed()
    assert states((loss,)) == ["WORKING 0/100"]


def test_a_replace_that_crossed_the_brokers_own_word_is_put_right_without_waiting_for_its_list() -> None:
    told = Told(Capabilities(oco=True))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 50)
    untold(told, profit, 40, 110, loss)
    told.fill(entry, 30)
    told_terms(told, loss)
    told.tell(profit)
    assert states((profit, loss)) == ["PARTIAL 40/80", "WORKING 0/80"]
    told.tick(1)
    assert facts(told.tickets[loss.id].order.quantity) == (80,), "it is the broker's turn"
    told.tick(1)
    assert facts(told.position(), states((profit, loss))) == (40, ["PARTIAL 40/80", "WORKING 0/40"])
    assert told.tickets[loss.id].order.quantity == 40


def test_a_leg_that_the_broker_will_not_make_smaller_when_asked_is_succeeded_without_waiting_whether_it_does_so_by_itself() -> None:
    told = Told(Capabilities(oco=True))
    entry, profit, _ = bracketed(told)
    told.fill(entry, 100)
    told.fill(profit, 40, 110)
    told.refuses = "not now"
    told.listed()
    assert states(told.orders[1:]) == ["PARTIAL 40/100", "CANCELED 0/100", "WORKING 0/60"]
    assert len(told.replaced) == 1


def test_terms_that_held_before_the_ones_we_know_undo_nothing_however_late_and_often_they_are_told() -> None:
    told = Told(Capabilities(oco=True))
    entry, _, loss = bracketed(told)
    told.fill(entry, 60)

    def terms_of(quantity: int, revision: int, event: OrderEvent = OrderEvent.WORK) -> OrderUpdate:
        return OrderUpdate(loss.id, event, "T3", terms=Terms(D(quantity), stop=D(95)), revision=revision)

    told.handle(terms_of(60, 3))
    for late in (terms_of(20, 2), terms_of(20, 2), terms_of(40, 1, OrderEvent.REPLACE)):
        told.handle(late)
        assert states((loss,)) == ["WORKING 0/60"]
    told.mute = True
    told.fill(entry, 40)
    told.handle(news_of(told, entry))
    assert loss.state is OrderState.PENDING_REPLACE
    told.handle(terms_of(40, 1, OrderEvent.REPLACE))
    assert facts(loss.state, loss.quantity) == (OrderState.PENDING_REPLACE, 60), "an old answer is none to what was asked since"
    told.handle(terms_of(100, 4, OrderEvent.REPLACE))
    assert states((loss,)) == ["WORKING 0/100"]


def test_what_its_group_traded_unheard_on_paper_comes_off_an_order_that_is_replaced_meanwhile() -> None:
    floor = Floor(prices={"AAPL": 100})
    low = Intent("AAPL", Side.BUY, D(60), OrderType.LIMIT, limit=D(98), tif=TimeInForce.GTC)
    high = Intent("AAPL", Side.BUY, D(60), OrderType.STOP, stop=D(103), tif=TimeInForce.GTC)
    floor.handle(SubmitGroup(floor.command_id(), GroupKind.OCO, low, high))
    one, two = floor.core.state.book.orders.values()
    floor.held_news = deque()
    floor.quote("AAPL", 97, size=21)
    assert facts(one.filled, two.quantity) == (0, 60), "nothing of it is heard"
    floor.handle(Replace(floor.command_id(), two.id, replace(two.terms, stop=D(104))))
    news, floor.held_news = floor.held_news, None
    for event in news:
        floor.handle(event)
    assert states((one, two)) == ["PARTIAL 21/60", "WORKING 0/39"]
    for price in (105, 105):
        floor.quote("AAPL", price)
    assert floor.position() == 60


def test_a_leg_that_is_found_filled_only_as_it_was_to_trade_no_more_is_succeeded_for_what_its_entry_filled_meanwhile() -> None:
    told = Told(Capabilities(oco=True))
    told.keeps_groups = True
    entry, profit, loss = bracketed(told)
    told.fill(entry, 40)
    told.mute = True
    told.fill(profit, 10, 110)
    told.fill(loss, 30, 95)
    told.fill(entry, 60)
    told.handle(news_of(told, loss))
    assert states((loss,)) == ["PARTIAL 30/40"], "nobody told that it was to trade 30 alone"
    told.mute = False
    told.crash()
    assert facts(told.position(), states(told.orders[:3])) == (60, ["FILLED 100/100", "CANCELED 10/40", "FILLED 30/30"])
    assert states(told.orders[3:]) == ["WORKING 0/60", "WORKING 0/60"]


def test_a_leg_that_the_broker_should_have_ended_with_the_other_is_cancelled_without_waiting_for_its_list() -> None:
    told = Told(Capabilities(oco=True))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.fill(profit, 100, 110)
    told.tick(1)
    assert told.cancelled == [], "it is the broker's turn"
    told.tick(1)
    assert facts(told.cancelled, loss.state) == ([loss.id], OrderState.CANCELED)


def test_a_leg_that_took_the_place_of_a_lost_one_is_in_no_group_and_ends_at_once_when_the_other_fills() -> None:
    told = Told(Capabilities(oco=True))
    entry, profit, loss = bracketed(told)
    told.mute = True
    told.fill(entry, 100)
    told.handle(news_of(told, entry))
    del told.tickets[loss.id]
    told.mute = False
    told.tell(profit)
    for event in (OrderEvent.LOSE, OrderEvent.REJECT):
        told.handle(OrderUpdate(loss.id, event, reason="it never reached the broker"))
    later = told.orders[-1]
    assert facts(later.succeeds, later.state, profit.state) == (loss.id, OrderState.WORKING, OrderState.WORKING)
    told.fill(profit, 100, 110)
    assert facts(told.position(), told.cancelled, later.state) == (0, [later.id], OrderState.CANCELED)


def test_a_sibling_that_the_broker_cancels_with_a_fill_is_no_cancel_by_hand() -> None:
    told = Told(Capabilities(oco=True))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 50)
    told.end(loss, OrderEvent.CANCEL)
    told.fill(profit, 50, 110)
    told.fill(entry, 50)
    assert [order.state for order in told.orders[3:]] == [OrderState.WORKING] * 2
    assert not told.cancelled


def test_where_a_native_group_cannot_be_resized_a_whole_group_takes_its_place_once_all_of_it_has_ended() -> None:
    told = Told(Capabilities(oco=True, oco_resize=False))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 40)
    assert states((profit, loss)) == ["WORKING 0/40", "WORKING 0/40"]
    told.mute = True
    told.fill(entry, 60)
    told.handle(OrderUpdate(entry.id, OrderEvent.FILL_ALL, filled=D(100), cost=D(10_000)))
    assert told.replaced == []
    assert [order.state for order in (profit, loss)] == [OrderState.PENDING_CANCEL] * 2
    told.mute = False
    told.end(profit, OrderEvent.CANCEL)
    assert [order.state for order in told.orders[3:]] == [OrderState.HELD] * 2, "half a group would be no group at the broker"
    told.end(loss, OrderEvent.CANCEL)
    assert states(told.orders[3:]) == ["WORKING 0/100", "WORKING 0/100"]


def test_a_trailing_stop_beside_a_target_is_refused_before_the_entry_where_no_group_holds_it() -> None:
    told = Told(Capabilities(oco=True, oco_types=frozenset({OrderType.LIMIT, OrderType.STOP})))
    trails = Bracket(Exit(D(110)), Exit(trail=D(3)))
    answer = told.ask(Submit, replace(bought(100), bracket=trails))
    assert answer.text.startswith("This broker takes no trailing-stop order beside another exit: leave one of the two out.")
    assert told.ask(Submit, replace(bought(100), bracket=Bracket(None, Exit(trail=D(3))))).ok


def test_a_release_that_the_gate_refuses_ends_the_leg_in_words() -> None:
    told = Told()
    first, second = bought(100, limit=90), Intent("MSFT", Side.BUY, D(5000))
    one, two = told.group(GroupKind.OTO, first, second)
    told.fill(one, 100, 90)
    assert two.state is OrderState.CANCELED
    assert two.reason.startswith("The order needs")
    assert told.said("#2 MSFT is not sent although what it waited for has happened: The order needs")


# ---- when nothing may be sent


def test_exits_wait_while_the_link_is_down_and_go_out_with_the_first_comparison() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.handle(LinkChanged("told", LinkState.DOWN, "cable"))
    told.fill(entry, 100)
    assert told.sent == [entry]
    told.handle(LinkChanged("told", LinkState.UP))
    told.listed()
    assert told.sent == [entry, profit, loss]


def test_an_exit_that_was_caught_between_the_journal_and_the_broker_is_sent_later() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.tickets[entry.id].filled, told.tickets[entry.id].cost = D(100), D(10_000)
    told.held["AAPL"], told.cash = D(100), told.cash - 10_000
    told.tickets[entry.id].event = OrderEvent.FILL_ALL
    effects_lost = told.snapshot()
    told.core.handle(effects_lost, told.mono)
    assert [profit.state, loss.state] == [OrderState.PENDING_SUBMIT] * 2
    told.handle(LinkChanged("told", LinkState.DOWN, "cable"))
    for leg in (profit, loss):
        told.handle(Unsent(leg.id))
    told.handle(LinkChanged("told", LinkState.UP))
    told.listed()
    assert states(told.orders[3:]) == ["WORKING 0/100", "WORKING 0/100"]


def test_an_exit_that_could_not_be_written_is_sent_as_soon_as_the_journal_can_be() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.tickets[entry.id].filled, told.tickets[entry.id].cost = D(100), D(10_000)
    told.held["AAPL"], told.cash = D(100), told.cash - 10_000
    told.tickets[entry.id].event = OrderEvent.FILL_ALL
    told.core.handle(told.snapshot(), told.mono)
    told.handle(NotDurable((profit.id,), "the disk is full"))
    told.handle(NotDurable((loss.id,), "the disk is full"))
    told.handle(Tick("the disk is full"))
    assert told.sent == [entry]
    told.tick()
    assert states(told.orders[3:]) == ["WORKING 0/100", "WORKING 0/100"]


def test_the_stop_ends_held_exits_too_and_releases_nothing_after_it() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.mute = True
    told.ask(EmergencyStop)
    told.mute = False
    told.tickets[entry.id].event = OrderEvent.FILL_PART
    told.fill(entry, 40)
    assert [order.state for order in (profit, loss)] == [OrderState.CANCELED] * 2
    assert told.sent == [entry]


# ---- OCO and OTO


def test_an_oco_closes_a_position_once() -> None:
    told = holding()
    target, stop = told.group(GroupKind.OCO, *closing_pair(told))
    assert told.core.state.book.working_quantity("AAPL", Side.SELL) == 100
    told.fill(stop, 30, 95)
    assert states((target, stop)) == ["WORKING 0/70", "PARTIAL 30/100"]
    told.fill(target, 70, 110)
    assert facts(told.position(), states((target, stop))) == (0, ["FILLED 70/70", "CANCELED 30/100"])
    assert stop.reason == "the other order of its group filled"


def test_two_entries_of_an_oco_reserve_the_larger_once() -> None:
    told = Told()
    up = Intent("AAPL", Side.BUY, D(300), OrderType.STOP, stop=D(110))
    down = Intent("AAPL", Side.BUY, D(300), OrderType.LIMIT, limit=D(90))
    one, two = told.group(GroupKind.OCO, up, down)
    assert told.core.gate.figures().reserved == 300 * 110
    told.fill(two, 300, 90)
    assert facts(told.position(), one.state) == (300, OrderState.CANCELED)


def test_an_oco_is_one_symbol_and_one_quantity_and_both_pass_or_none_is_sent() -> None:
    told = holding()
    target, stop = closing_pair(told, 100, 50)
    assert told.ask(SubmitGroup, GroupKind.OCO, target, stop).text == "The orders of an OCO share one quantity; these would be 100 and 50."
    other = replace(stop, symbol="MSFT")
    assert told.ask(SubmitGroup, GroupKind.OCO, target, other).text == "The orders of an OCO are of one symbol, not of AAPL and MSFT."
    broken = replace(stop, stop=None)
    assert told.ask(SubmitGroup, GroupKind.OCO, target, broken).text == "A stop order needs a stop price."
    bracket = replace(target, bracket=bought(1, 120).bracket)
    assert told.ask(SubmitGroup, GroupKind.OTO, bracket, stop).text == "The orders of an OTO bring no exits of their own."
    assert len(told.orders) == 1


def test_an_oco_that_would_trade_with_itself_is_refused() -> None:
    told = holding()
    low = Intent("AAPL", Side.SELL, D(50), OrderType.LIMIT, limit=D("99.5"))
    high = Intent("AAPL", Side.BUY, D(50), OrderType.LIMIT, limit=D("100.5"))
    for pair in ((low, high), (high, low)):
        reply = told.ask(SubmitGroup, GroupKind.OCO, *pair)
        assert (reply.ok, "would trade with each other" in reply.text) == (False, True)
    assert told.ask(SubmitGroup, GroupKind.OCO, replace(low, limit=D(101)), replace(high, limit=D(99))).ok


def test_a_cancel_of_one_order_of_an_oco_cancels_both() -> None:
    told = holding()
    target, stop = told.group(GroupKind.OCO, *closing_pair(told))
    told.cancel(stop)
    assert [target.state, stop.state] == [OrderState.CANCELED] * 2


def test_the_second_order_of_an_oto_is_sent_when_the_first_has_filled() -> None:
    told = Told()
    one, two = told.group(GroupKind.OTO, bought(100, limit=90), Intent("MSFT", Side.BUY, D(20)))
    told.fill(one, 60, 90)
    assert two.state is OrderState.HELD
    told.fill(one, 40, 90)
    assert states((one, two)) == ["FILLED 100/100", "WORKING 0/20"]


def test_the_second_order_of_an_oto_that_closes_the_first_follows_its_fills() -> None:
    told = Told()
    one, two = told.group(GroupKind.OTO, bought(100, limit=90), Intent("AAPL", Side.SELL, D(50), OrderType.LIMIT, limit=D(99)))
    told.fill(one, 60, 90)
    assert states((two,)) == ["WORKING 0/30"]
    told.fill(one, 40, 90)
    assert states((two,)) == ["WORKING 0/50"]


def test_an_oto_whose_first_order_ends_in_part_sends_nothing_that_opens() -> None:
    told = Told()
    one, two = told.group(GroupKind.OTO, bought(100, limit=90), Intent("MSFT", Side.BUY, D(20)))
    told.fill(one, 60, 90)
    told.cancel(one)
    assert (two.state, two.reason) == (OrderState.CANCELED, "#1, which was to trigger it, ended canceled")


# ---- what a restart finds


def test_every_leg_is_there_after_a_restart_and_nothing_is_sent_twice() -> None:
    told = Told()
    entry, _, _ = bracketed(told)
    told.fill(entry, 30)
    told.crash()
    entry, profit, loss = told.orders
    assert states((entry, profit, loss)) == ["PARTIAL 30/100", "WORKING 0/30", "WORKING 0/30"]
    told.fill(entry, 70)
    assert states((profit, loss)) == ["WORKING 0/100", "WORKING 0/100"]
    told.fill(loss, 100, 95)
    assert facts(told.position(), profit.state) == (0, OrderState.CANCELED)


def test_a_fill_that_was_missed_while_away_releases_the_exits_at_the_start() -> None:
    told = Told()
    entry, _, _ = bracketed(told)
    told.mute = True
    told.fill(entry, 100)
    told.mute = False
    told.crash()
    assert states(told.orders) == ["FILLED 100/100", "WORKING 0/100", "WORKING 0/100"]


def test_a_crash_after_the_release_was_written_and_before_it_was_sent_ends_with_words_and_a_successor() -> None:
    told = Told()
    entry, _, _ = bracketed(told)
    told.fill(entry, 100)
    written = next(i for i, record in enumerate(told.records) if isinstance(record, OrderReleased))
    unit = next(length for length in told.units if length > written)
    for order in told.sent[1:]:
        del told.tickets[order.id]
    told.crash(unit)
    assert [order.state for order in told.orders[1:3]] == [OrderState.REJECTED] * 2
    assert states(told.orders[3:]) == ["WORKING 0/100", "WORKING 0/100"]


def test_a_snapshot_taken_twice_changes_nothing_the_second_time() -> None:
    told = Told()
    entry, profit, _ = bracketed(told)
    told.fill(entry, 100)
    told.fill(profit, 40, 110)
    told.listed()
    before = len(told.records)
    snapshot: BrokerSnapshot = told.snapshot()
    told.handle(snapshot)
    told.handle(snapshot)
    assert len(told.records) == before


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


def test_the_stop_that_spares_what_protects_leaves_the_stop_loss_of_two_exits() -> None:
    told = Told(given=settings(keep_protective=True))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.ask(EmergencyStop)
    told.tick(2)
    assert [profit.state, loss.state] == [OrderState.CANCELED, OrderState.WORKING]
