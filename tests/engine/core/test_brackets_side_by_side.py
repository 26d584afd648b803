"""Several brackets in one symbol: together their exits close no more than is held."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.capabilities import Capabilities
from engine.model.orders import Intent, OrderState, Side
from tests.engine.core.brackets import WITHOUT_REPLACE, bracketed, news_of, shorting
from tests.engine.core.floor import facts
from tests.engine.core.told import Told, states

D = Decimal


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
