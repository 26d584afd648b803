"""OCO and OTO: orders of which one cancels the other, or triggers it."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.model.inputs import GroupKind, SubmitGroup
from engine.model.orders import Intent, OrderState, OrderType, Side
from tests.engine.core.brackets import closing_pair, holding
from tests.engine.core.floor import facts
from tests.engine.core.told import Told, bought, states

D = Decimal


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
    assert (two.state, two.reason) == (OrderState.CANCELED, "#1, which was to trigger it, ended cancelled")


def test_a_release_that_the_gate_refuses_ends_the_leg_in_words() -> None:
    told = Told()
    first, second = bought(100, limit=90), Intent("MSFT", Side.BUY, D(5000))
    one, two = told.group(GroupKind.OTO, first, second)
    told.fill(one, 100, 90)
    assert two.state is OrderState.CANCELED
    assert two.reason.startswith("The order needs")
    assert told.said("#2 MSFT is not sent although what it waited for has happened: The order needs")
