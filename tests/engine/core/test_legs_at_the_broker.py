"""Exits at brokers that do not play along: one that cannot replace an order, or will not, and one that keeps groups itself."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.capabilities import Capabilities
from engine.model.inputs import GroupKind, OrderUpdate, Replace, Submit, SubmitGroup
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Intent, Order, OrderState, OrderType, Side, Terms, TimeInForce
from tests.engine.core.brackets import WITHOUT_REPLACE, bracketed, news_of
from tests.engine.core.floor import Floor, facts
from tests.engine.core.told import Told, bought, states

D = Decimal


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
