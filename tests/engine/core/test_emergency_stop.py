"""The stop and the flatten: idempotent, never across zero, and left only with a reason."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.brokers.base import BrokerEvent
from engine.model.effects import CancelAtBroker, Latch, Persist, Reply
from engine.model.inputs import (
    EmergencyStop,
    Flatten,
    LinkChanged,
    OrderUpdate,
    Tick,
)
from engine.model.modes import LinkState, Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, OrderState, OrderType, Side, Source
from engine.model.records import (
    Noted,
    ReplaceAsked,
)
from tests.engine.core.floor import OPEN_LIMITS, Floor, essence, facts, restored, settings, wish

D = Decimal


def floor(mode: Mode = Mode.MANUAL, **more: Any) -> Floor:
    return Floor(settings(**more), mode=mode, prices={"AAPL": 100.0, "MSFT": 400.0})


def test_the_stop_latches_voids_and_cancels_everything_in_this_order() -> None:
    the_floor = floor()
    the_floor.buy(10, limit=90)
    the_floor.propose("s", quantity=1)
    persist, latch, cancel, reply = the_floor.core.handle(EmergencyStop("c", "too fast"), the_floor.mono)
    assert isinstance(persist, Persist)
    assert latch == Latch(True, "too fast")
    assert cancel == CancelAtBroker(("r1-1",))
    assert isinstance(reply, Reply)
    assert reply.text == "HALTED: 1 working order being cancelled"
    assert essence(restored([*the_floor.records, *persist.records])) == essence(the_floor.core.state)


def test_a_stop_that_finds_nothing_to_cancel_says_so_and_that_the_broker_is_asked() -> None:
    assert floor().stop().text == "HALTED: no order is known to work; the broker is asked for its list"


def test_ten_presses_are_one_stop() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.buy(10, limit=90)
    the_floor.stop()
    after_one = essence(the_floor.core.state)
    written = len(the_floor.records)
    for _ in range(9):
        assert the_floor.stop().text.startswith("HALTED already")
    assert (essence(the_floor.core.state), len(the_floor.records)) == (after_one, written)


def test_the_stop_asks_again_until_nothing_works() -> None:
    the_floor = floor()
    order = the_floor.buy(10, limit=90)
    the_floor.handle(OrderUpdate(order.id, OrderEvent.LOSE, reason="timeout"))
    the_floor.held_news = deque()
    the_floor.stop()
    the_floor.mono += 1_000_000_000
    assert CancelAtBroker((order.id,)) in the_floor.core.handle(Tick(), the_floor.mono)
    assert CancelAtBroker((order.id,)) not in the_floor.core.handle(Tick(), the_floor.mono)


def test_the_stop_cancels_first_what_may_open_a_position_soonest() -> None:
    """A broker takes so many cancels a second and no more."""
    the_floor = floor()
    the_floor.hold(10, 100)
    closes = the_floor.sell(10, limit=101)
    far, near, between = (the_floor.buy(1, limit=price) for price in (50, 99, 96))
    effects = the_floor.core.handle(EmergencyStop("c", "too fast"), the_floor.mono)
    (cancel,) = [effect for effect in effects if isinstance(effect, CancelAtBroker)]
    assert cancel.order_ids == (near.id, between.id, far.id, closes.id)


def test_an_unknown_order_that_turns_up_while_halted_is_cancelled_at_once() -> None:
    the_floor = floor()
    order = the_floor.buy(10, limit=90)
    the_floor.handle(OrderUpdate(order.id, OrderEvent.LOSE, reason="timeout"))
    the_floor.held_news = deque()
    the_floor.stop()
    assert the_floor.open_states() == {order.number: OrderState.UNKNOWN}
    found = OrderUpdate(order.id, OrderEvent.WORK, order.broker_id)
    assert CancelAtBroker((order.id,)) in the_floor.core.handle(found, the_floor.mono)
    assert the_floor.open_states() == {order.number: OrderState.PENDING_CANCEL}


def test_while_halted_nothing_is_sent_but_a_flatten() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.hold(100, 100)
    the_floor.stop()
    sent = len(the_floor.sent)
    assert the_floor.submit(wish(Side.BUY, 1)).verdict.rule == "halted"  # type: ignore[union-attr]
    assert the_floor.submit(wish(Side.SELL, 1)).verdict.rule == "halted"  # type: ignore[union-attr]
    the_floor.propose("s", quantity=1)
    the_floor.propose("t", Side.SELL, 1)
    assert len(the_floor.sent) == sent
    the_floor.flatten()
    assert (the_floor.sent[-1].source, len(the_floor.sent)) == (Source.FLATTEN, sent + 1)


def test_no_mode_is_chosen_while_halted_and_emergency_never_is() -> None:
    the_floor = floor()
    assert not the_floor.set_mode(Mode.EMERGENCY).ok
    the_floor.stop()
    for mode in Mode:
        assert not the_floor.set_mode(mode).ok
    assert (the_floor.trading(), the_floor.mode()) == (TradingState.HALTED, Mode.MANUAL)


def test_leaving_the_stop_takes_a_reason_and_lands_in_manual() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.stop()
    for nothing in ("", "  "):
        assert not the_floor.resume(nothing).ok
    assert the_floor.trading() is TradingState.HALTED
    assert the_floor.latched
    assert the_floor.resume("the feed was wrong, it is right now").ok
    assert facts(the_floor.trading(), the_floor.mode(), the_floor.latched) == (TradingState.ACTIVE, Mode.MANUAL, "")
    assert not the_floor.resume().ok


@pytest.mark.parametrize("crash", [False, True])
def test_a_restart_is_still_halted_and_latches_again(crash: bool) -> None:
    the_floor = floor()
    the_floor.stop()
    the_floor.latched = ""
    the_floor.restart(crash=crash)
    assert the_floor.trading() is TradingState.HALTED
    assert the_floor.latched


def test_a_latch_that_another_process_set_halts_from_the_start() -> None:
    the_floor = floor()
    order = the_floor.buy(10, limit=90)
    the_floor.latched = "tradeconsole kill"
    the_floor.restart()
    the_floor.tick(1)
    assert (the_floor.trading(), the_floor.core.state.halt_reason) == (TradingState.HALTED, "tradeconsole kill")
    assert the_floor.core.state.book.orders[order.id].state is OrderState.CANCELED


def test_keep_protective_spares_the_stops_that_protect_and_nothing_else() -> None:
    the_floor = floor(keep_protective=True)
    the_floor.hold(100, 100)
    protective = the_floor.sell(60, stop=80)
    the_floor.sell(40, limit=120)
    the_floor.buy(10, stop=120)
    the_floor.stop()
    assert list(the_floor.open_states()) == [protective.number]


def test_stops_are_spared_only_as_far_as_a_position_is_held() -> None:
    the_floor = floor(keep_protective=True, limits=replace(OPEN_LIMITS, short_selling=True))
    the_floor.hold(100, 100)
    first = the_floor.sell(100, stop=80)
    the_floor.sell(100, stop=70)
    the_floor.stop()
    assert list(the_floor.open_states()) == [first.number]
    the_floor.quote("AAPL", 60)
    assert the_floor.position() == 0


def test_a_protective_exit_that_was_spared_is_not_replaced_for_a_fill_that_comes_after_the_stop() -> None:
    the_floor = floor(keep_protective=True)
    bracket = Bracket(Exit(price=D(120)), Exit(price=D(80)))
    the_floor.submit(replace(wish(Side.BUY, 100, limit=100), bracket=bracket))
    the_floor.quote("AAPL", 100, size=40)
    entry, stop = (order for order in the_floor.core.state.book.orders.values() if order.type is not OrderType.LIMIT or not order.parent)
    assert facts(the_floor.position(), stop.quantity, stop.released) == (40, 40, True)
    the_floor.stop()
    assert list(the_floor.open_states()) == [stop.number]
    the_floor.handle(OrderUpdate(entry.id, OrderEvent.FILL_PART, entry.broker_id, D(60), D(6000)))
    the_floor.tick()
    assert facts(the_floor.position(), stop.quantity, len(the_floor.of(ReplaceAsked))) == (60, 40, 0)
    assert list(the_floor.open_states()) == [stop.number], "nothing is held ready either"


# ---- flatten


def test_flatten_closes_long_and_short_with_one_order_each() -> None:
    the_floor = floor(limits=replace(OPEN_LIMITS, short_selling=True))
    the_floor.hold(100, 100)
    the_floor.hold(-5, 400, "MSFT")
    reply = the_floor.flatten()
    assert reply.text == "flatten: #3 SELL 100 AAPL, #4 BUY 5 MSFT"
    the_floor.quote("AAPL", 100)
    the_floor.quote("MSFT", 400)
    assert facts(the_floor.position("AAPL"), the_floor.position("MSFT")) == (0, 0)
    assert the_floor.flatten().text == "flatten: nothing to close"


def test_ten_flattens_send_one_closing_order_a_symbol() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    for _ in range(10):
        the_floor.stop()
        the_floor.flatten()
    the_floor.quote("AAPL", 100, size=30)
    for _ in range(10):
        the_floor.stop()
        the_floor.flatten()
    the_floor.quote("AAPL", 100)
    the_floor.flatten()
    the_floor.quote("AAPL", 100)
    assert len([order for order in the_floor.sent if order.source is Source.FLATTEN]) == 1
    assert (the_floor.position(), the_floor.snapshot().positions) == (D(0), ())


def test_a_flatten_that_still_works_is_the_only_one_even_where_more_was_bought() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.flatten()
    the_floor.buy(50)
    the_floor.quote("AAPL", 100, size=60)
    assert the_floor.position() == 90
    sent = len(the_floor.sent)
    the_floor.flatten()
    assert len(the_floor.sent) == sent


def test_a_flatten_takes_the_brokers_quantity_where_our_books_differ() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.handle(Flatten("c", (("AAPL", D(70)),)))
    assert the_floor.last_order.quantity == 70


def test_a_flatten_leaves_to_working_orders_what_they_may_still_close() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.sell(30, stop=99)
    the_floor.flatten()
    assert (the_floor.last_order.source, the_floor.last_order.quantity) == (Source.FLATTEN, D(70))
    the_floor.quote("AAPL", 90)
    assert the_floor.position() == 0


def test_a_fill_that_races_the_cancel_before_a_flatten_takes_nothing_across_zero() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.sell(100, limit=110)
    news: deque[BrokerEvent] = deque()
    the_floor.held_news = news
    the_floor.quote("AAPL", 110, size=60)
    the_floor.stop()
    the_floor.handle(Flatten("c", (("AAPL", D(100)),)))
    the_floor.held_news = None
    for event in news:
        the_floor.handle(event)
    the_floor.flatten()
    the_floor.quote("AAPL", 110)
    assert facts(the_floor.position(), the_floor.core.state.book.open) == (0, {})


def test_an_unknown_sale_counts_against_a_flatten() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    order = the_floor.sell(100, limit=110)
    the_floor.handle(OrderUpdate(order.id, OrderEvent.LOSE, reason="timeout"))
    sent = len(the_floor.sent)
    the_floor.flatten()
    assert len(the_floor.sent) == sent
    assert the_floor.of(Noted)[-1].text == "100 AAPL may still trade in working orders: left to those"


def test_a_flatten_needs_no_price_and_no_room() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.restart()
    assert the_floor.flatten().text.startswith("flatten: #2 SELL 100 AAPL")


def test_a_flatten_closes_what_the_broker_holds_to_the_last_fraction_and_in_symbols_that_no_feed_knows() -> None:
    the_floor = floor()
    the_floor.handle(Flatten("c", (("AAPL", D("0.5")), ("XYZ", D(-7)))))
    assert the_floor.replies[-1].text == "flatten: #1 SELL 0.5 AAPL, #2 BUY 7 XYZ"


def test_a_journal_that_cannot_be_written_does_not_keep_a_position_open() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.handle(Tick("the disk is full"))
    assert the_floor.submit(wish(Side.SELL, 1)).verdict.rule == "journal"  # type: ignore[union-attr]
    assert the_floor.flatten().text == "flatten: #2 SELL 100 AAPL"


def test_what_cannot_be_closed_is_said_once_however_often_it_is_tried() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.handle(LinkChanged("test", LinkState.DOWN, "unplugged"))
    for _ in range(5):
        the_floor.flatten()
    told = [note.text for note in the_floor.of(Noted) if "cannot be closed" in note.text]
    assert told == ["AAPL cannot be closed: The link to the broker is down, so nothing is sent: unplugged."]


def test_a_flatten_spares_not_even_what_protects() -> None:
    the_floor = floor(keep_protective=True)
    the_floor.hold(100, 100)
    the_floor.sell(100, stop=80)
    the_floor.stop()
    assert the_floor.open_states()
    the_floor.handle(EmergencyStop("c", flatten=True))
    assert not the_floor.open_states()
    the_floor.resume()
    the_floor.sell(100, stop=80)
    the_floor.stop()
    assert the_floor.open_states(), "the next stop is one of its own"
