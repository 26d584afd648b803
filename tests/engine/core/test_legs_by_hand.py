"""What a person does to the exits of a bracket, or to the position that they close, and what somebody else does at the broker."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.inputs import Cancel, OrderUpdate
from engine.model.order_states import OrderEvent
from engine.model.orders import Intent, OrderState, Side
from tests.engine.core.brackets import bracketed, news_of, shorting
from tests.engine.core.floor import facts
from tests.engine.core.told import Told, states

D = Decimal


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


def test_what_a_person_sells_by_hand_the_exits_no_longer_close() -> None:
    told = Told(given=shorting())
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.fill(told.submit(Intent("AAPL", Side.SELL, D(30))), 30)
    assert facts(told.position(), states((profit, loss))) == (70, ["WORKING 0/70", "WORKING 0/70"])
    told.ask(Cancel, "", "")
    told.tick(2)
    assert not told.core.state.book.open


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
