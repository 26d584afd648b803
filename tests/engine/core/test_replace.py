"""Replacing a working order: judged like a new one, durable before it is asked for, and both terms count until it is answered."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.capabilities import Capabilities
from engine.model.effects import Persist, ReplaceAtBroker
from engine.model.inputs import EmergencyStop, OrderUpdate, PreviewReplace, Replace
from engine.model.order_states import OrderEvent
from engine.model.orders import Intent, Order, OrderState, OrderType, Side, Source, Terms
from engine.model.records import OrderChanged, OrderDenied, OrderReplaced, ReplaceAsked
from engine.model.settings import MarginSettings
from tests.engine.core.floor import OPEN_LIMITS, essence, facts, restored, settings
from tests.engine.core.told import Told, bought, states

D = Decimal


def resting(told: Told, quantity: int = 100, limit: int = 90) -> Order:
    return told.submit(bought(quantity, limit=limit))


def unanswered(told: Told, order: Order, **changed: Decimal) -> None:
    """The replace is asked for, and the broker says nothing."""
    told.mute = True
    assert told.replace(order, **changed).ok
    told.mute = False


def test_a_replaced_order_keeps_its_id_and_number_and_works_under_the_new_terms() -> None:
    told = Told()
    order = resting(told)
    reply = told.replace(order, quantity=D(80), limit=D("91.004"))
    assert reply.text == "replace of #1 by BUY 80 AAPL limit 91.00 DAY sent"
    assert facts(order.id, order.number, order.quantity, order.limit, order.state) == ("r1-1", 1, 80, 91, OrderState.WORKING)
    assert told.replaced == [(order.id, Terms(D(80), D(91)))]
    assert [type(record) for record in told.records[-4:-1]] == [ReplaceAsked, OrderChanged, OrderReplaced]


def test_a_preview_of_new_terms_counts_the_order_once_and_changes_nothing() -> None:
    told = Told(given=settings(limits=replace(OPEN_LIMITS, max_order_pct=D(10))))
    order = resting(told)
    before = list(told.records)
    reply = told.ask(PreviewReplace, order.id, Terms(D(110), D(90)))
    assert facts(reply.ok, reply.quantity, reply.cost, reply.position_after) == (True, 110, 9900, 110)
    assert reply.buying_power_after == D(100_000) - D(9900)
    denied = told.ask(PreviewReplace, order.id, Terms(D(120), D(90)))
    assert (denied.ok, denied.verdict and denied.verdict.rule) == (False, "order size")
    assert told.records == before
    assert told.ask(PreviewReplace, "nothing", Terms(D(1))).text == "there is no such order"


def test_a_short_sale_that_asks_for_more_is_judged_by_what_it_would_be_worth() -> None:
    given = settings(limits=replace(OPEN_LIMITS, max_order_pct=D(10), short_selling=True))
    told = Told(given=replace(given, margin=MarginSettings(enabled=True)))
    order = told.submit(replace(bought(90, limit=105), side=Side.SELL))
    denied = told.replace(order, limit=D(1000))
    assert (denied.ok, denied.verdict and denied.verdict.rule) == (False, "order size")
    assert told.replace(order, limit=D(110)).ok
    assert told.replace(order, limit=D(120), quantity=D(80)).ok


def test_the_wish_is_written_before_the_broker_is_asked() -> None:
    told = Told()
    order = resting(told)
    effects = told.core.handle(Replace("r", order.id, replace(order.terms, limit=D(91))), told.mono)
    assert [type(effect) for effect in effects[:2]] == [Persist, ReplaceAtBroker]
    assert order.state is OrderState.PENDING_REPLACE
    assert order.limit == 90


def test_until_it_is_answered_the_larger_of_both_counts_and_after_it_the_new() -> None:
    told = Told()
    order = resting(told)
    unanswered(told, order, quantity=D(150), limit=D(95))
    book, gate = told.core.state.book, told.core.gate
    assert facts(book.working_quantity("AAPL", Side.BUY), gate.figures().reserved) == (150, 150 * 95)
    told.handle(OrderUpdate(order.id, OrderEvent.REPLACE))
    assert facts(book.working_quantity("AAPL", Side.BUY), gate.figures().reserved) == (150, 150 * 95)
    unanswered(told, order, quantity=D(20), limit=D(50))
    assert gate.figures().reserved == 150 * 95
    told.handle(OrderUpdate(order.id, OrderEvent.REPLACE))
    assert gate.figures().reserved == 20 * 50


def test_a_refused_replace_leaves_the_old_terms_and_tells_the_brokers_words() -> None:
    told = Told()
    order = resting(told)
    told.refuses = "price band exceeded (code 42210000)"
    told.replace(order, quantity=D(150))
    assert facts(order.state, order.quantity, order.asked, order.reason) == (OrderState.WORKING, 100, None, told.refuses)
    assert told.core.state.book.working_quantity("AAPL", Side.BUY) == 100


def test_what_a_new_order_would_not_be_allowed_a_replace_is_not() -> None:
    told = Told(given=settings(limits=replace(OPEN_LIMITS, max_order_pct=D(10))))
    order = resting(told, 100, 90)
    reply = told.replace(order, quantity=D(200))
    assert facts(reply.ok, order.state) == (False, OrderState.WORKING)
    assert "The order would be 18.00 % (18,000.00)" in reply.text
    assert isinstance(told.records[-1], OrderDenied)
    assert not told.replaced


def test_the_order_itself_does_not_stand_in_the_way_of_its_replace() -> None:
    told = Told(given=settings(limits=replace(OPEN_LIMITS, max_position_pct=D(10))))
    order = resting(told, 100, 90)
    assert told.replace(order, quantity=D(110)).ok
    assert not told.replace(order, quantity=D(112)).ok


def test_what_only_takes_risk_off_passes_where_a_new_order_would_not() -> None:
    told = Told()
    order = resting(told)
    told.mono += 3600 * 1_000_000_000
    assert not told.replace(order, limit=D(91)).ok
    assert told.replace(order, limit=D(89)).ok
    assert told.replace(order, quantity=D(50)).ok


@pytest.mark.parametrize("state", [OrderState.FILLED, OrderState.CANCELED])
def test_an_order_that_ended_is_not_replaced(state: OrderState) -> None:
    told = Told()
    order = resting(told)
    if state is OrderState.FILLED:
        told.fill(order, 100, 90)
    else:
        told.cancel(order)
    assert told.replace(order, limit=D(91)).text == f"#1 ended already: {state.words}"


def test_why_an_order_cannot_be_replaced_now_is_said_in_a_sentence() -> None:
    told = Told()
    order = resting(told)
    assert told.ask(Replace, "nobody", order.terms).text == "there is no such order"
    assert told.replace(order).text == "#1 has these terms already"
    told.fill(order, 60, 90)
    assert told.replace(order, quantity=D(60)).text == "#1 has filled 60 already: cancel the rest instead."
    assert told.replace(order, limit=D("NaN")).text == "#1 cannot have these terms: one of their numbers is none."
    assert told.replace(order, limit=D(-1)).text == "The limit price -1 is not a price above zero."
    assert told.ask(Replace, order.id, Terms(D(100), D(90), D(80))).text == "A limit order takes no stop price."
    unanswered(told, order, limit=D(91))
    assert told.replace(order, limit=D(92)).text == "#1's last replace has not been answered yet."
    told.handle(OrderUpdate(order.id, OrderEvent.LOSE))
    assert told.replace(order, limit=D(92)).text == "#1's last replace has not been answered yet."


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "1E+13", "1E+999999", "1E-999999"])
@pytest.mark.parametrize("name", ["quantity", "limit", "stop", "trail", "trail_pct"])
def test_terms_with_a_number_that_is_none_are_refused_whatever_the_order(number: str, name: str) -> None:
    told = Told()
    told.fill(told.submit(bought(100)), 100)
    stop = told.submit(Intent("AAPL", Side.SELL, D(40), OrderType.STOP, stop=D(90)))
    trailing = told.submit(Intent("AAPL", Side.SELL, D(40), OrderType.TRAILING_STOP, trail=D(2)))
    for order in (resting(told, limit=80), stop, trailing):
        assert not told.replace(order, **{name: D(number)}).ok
        assert order.state is OrderState.WORKING


def test_after_the_stop_nothing_is_replaced() -> None:
    told = Told()
    order = resting(told)
    told.mute = True
    told.ask(EmergencyStop)
    assert told.replace(order, limit=D(80)).text == "Trading is halted (stop key): nothing is replaced."


def test_a_broker_that_cannot_replace_is_not_asked_to() -> None:
    told = Told(Capabilities(replace=False))
    order = resting(told)
    assert told.replace(order, limit=D(91)).text == "This broker replaces no orders: cancel it, and send another."


def test_an_order_is_filled_only_when_it_covers_what_it_may_still_become() -> None:
    told = Told()
    order = resting(told)
    unanswered(told, order, quantity=D(150))
    told.handle(OrderUpdate(order.id, OrderEvent.FILL_PART, "T1", D(100), D(9000)))
    assert states([order]) == ["PENDING_REPLACE 100/100"]
    told.handle(OrderUpdate(order.id, OrderEvent.REPLACE, "T1", D(100), D(9000)))
    assert states([order]) == ["PARTIAL 100/150"]


def test_a_fill_that_races_a_refused_replace_fills_the_order() -> None:
    told = Told()
    order = resting(told)
    unanswered(told, order, quantity=D(150))
    told.handle(OrderUpdate(order.id, OrderEvent.FILL_PART, "T1", D(100), D(9000)))
    told.handle(OrderUpdate(order.id, OrderEvent.REFUSE_REPLACE, "T1", D(100), D(9000), reason="filled"))
    assert states([order]) == ["FILLED 100/100"]


def test_a_replace_to_what_has_filled_meanwhile_is_a_filled_order() -> None:
    told = Told()
    order = resting(told)
    unanswered(told, order, quantity=D(60))
    told.handle(OrderUpdate(order.id, OrderEvent.FILL_ALL, "T1", D(60), D(5400)))
    assert states([order]) == ["FILLED 60/60"]


def test_terms_that_the_broker_tells_are_the_orders_terms() -> None:
    told = Told()
    order = resting(told)
    told.handle(OrderUpdate(order.id, OrderEvent.WORK, "T1", terms=Terms(D(70), D(89))))
    assert facts(order.quantity, order.limit) == (70, 89)
    told.handle(OrderUpdate(order.id, OrderEvent.WORK, "T1", terms=Terms(D("NaN"), D(89))))
    assert order.quantity == 70
    assert told.said("#1: the broker told terms that are none")


def test_terms_of_old_news_are_old() -> None:
    told = Told()
    order = resting(told)
    told.fill(order, 40, 90)
    told.replace(order, quantity=D(70))
    told.handle(OrderUpdate(order.id, OrderEvent.FILL_PART, "T1", D(20), D(1800), terms=Terms(D(100), D(90))))
    assert states([order]) == ["PARTIAL 40/70"]


def test_a_lost_replace_is_unknown_and_both_terms_count_until_the_broker_tells() -> None:
    told = Told()
    order = resting(told)
    unanswered(told, order, quantity=D(150))
    told.handle(OrderUpdate(order.id, OrderEvent.LOSE, reason="no answer within 10 s"))
    assert facts(order.state, told.core.state.book.working_quantity("AAPL", Side.BUY)) == (OrderState.UNKNOWN, 150)
    told.handle(OrderUpdate(order.id, OrderEvent.WORK, "T1", terms=Terms(D(100), D(90))))
    assert facts(states([order]), order.asked) == (["WORKING 0/100"], None)


@pytest.mark.parametrize("taken", [True, False])
def test_a_replace_that_a_crash_interrupted_is_settled_by_the_brokers_list(taken: bool) -> None:
    told = Told()
    order = resting(told)
    unanswered(told, order, quantity=D(150))
    if not taken:
        told.tickets[order.id].order.quantity = D(100)
    told.crash()
    order = told.order(1)
    assert facts(states([order]), order.asked) == ([f"WORKING 0/{150 if taken else 100}"], None)
    assert len(told.replaced) == 1
    assert essence(restored(told.records)) == essence(told.core.state)


def test_a_replace_under_way_is_left_alone_by_a_comparison_for_ten_seconds() -> None:
    told = Told()
    order = resting(told)
    unanswered(told, order, quantity=D(150))
    told.tickets[order.id].order.quantity = D(100)
    told.listed()
    assert order.state is OrderState.PENDING_REPLACE
    told.tick(10)
    told.listed()
    assert facts(states([order]), order.reason) == (["WORKING 0/100"], "the broker has it under its old terms")


def test_a_cancel_overtakes_a_replace() -> None:
    told = Told()
    order = resting(told)
    unanswered(told, order, quantity=D(150))
    assert told.cancel(order).ok
    assert order.state is OrderState.CANCELED
    assert told.core.state.book.working_quantity("AAPL", Side.BUY) == 0


def test_a_replace_that_is_refused_while_a_cancel_is_under_way_is_answered() -> None:
    told = Told()
    order = resting(told)
    unanswered(told, order, quantity=D(200))
    told.mute = True
    told.cancel(order)
    told.handle(OrderUpdate(order.id, OrderEvent.REFUSE_REPLACE, reason="it is being cancelled"))
    assert (order.state, order.asked) == (OrderState.PENDING_CANCEL, None)
    told.handle(OrderUpdate(order.id, OrderEvent.REFUSE_CANCEL, reason="not now"))
    assert facts(order.state, order.may_trade) == (OrderState.WORKING, 100)


def test_a_trailing_stop_follows_the_broker_and_its_trail_can_be_replaced() -> None:
    told = Told()
    told.fill(told.submit(bought(100)), 100)
    order = told.submit(Intent("AAPL", Side.SELL, D(100), OrderType.TRAILING_STOP, trail=D(2)))
    told.handle(OrderUpdate(order.id, OrderEvent.WORK, "T2", stop=D(98)))
    told.handle(OrderUpdate(order.id, OrderEvent.WORK, "T2", stop=D("99.5")))
    assert order.stop == D("99.5")
    assert told.ask(Replace, order.id, Terms(D(100), trail=D(3))).ok
    assert facts(order.trail, order.state, order.stop) == (3, OrderState.WORKING, D("99.5"))
    told.handle(OrderUpdate(order.id, OrderEvent.WORK, "T2", terms=Terms(D(100), stop=D(97), trail=D(3)), stop=D(97)))
    assert facts(order.stop, order.asked) == (97, None)
    assert essence(restored(told.records)) == essence(told.core.state)


def test_an_order_placed_elsewhere_can_be_replaced_too() -> None:
    told = Told()
    order = resting(told)
    order.source = Source.EXTERNAL
    assert told.replace(order, limit=D(91)).ok


@pytest.mark.parametrize("told_terms", [True, False])
@pytest.mark.parametrize("filled", [5, 60])
def test_fills_that_overtake_the_answer_leave_the_order_working_under_the_new_terms(filled: int, told_terms: bool) -> None:
    told = Told()
    order = resting(told, quantity=10)
    unanswered(told, order, quantity=D(99))
    told.handle(OrderUpdate(order.id, OrderEvent.FILL_PART, filled=D(filled), cost=D(90 * filled)))
    told.handle(OrderUpdate(order.id, OrderEvent.REPLACE, terms=replace(order.terms, quantity=D(99)) if told_terms else None))
    assert facts(order.state, order.quantity, order.filled, order.asked) == (OrderState.PARTIAL, 99, filled, None)
    assert told.core.state.book.working_quantity("AAPL", Side.BUY) == 99 - filled
    told.handle(OrderUpdate(order.id, OrderEvent.FILL_ALL, filled=D(99), cost=D(90 * 99)))
    assert order.state is OrderState.FILLED
