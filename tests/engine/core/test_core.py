"""The core as a whole: the order of its effects, the emergency stop, the daily loss limit, and what a restart finds."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.brokers.base import BrokerEvent
from engine.model.effects import CancelAtBroker, Latch, Persist, Reply, Send
from engine.model.inputs import (
    Cancel,
    EmergencyStop,
    Flatten,
    NotDurable,
    Note,
    OrderUpdate,
    SetMode,
    StrategyFailed,
    Submit,
    Tick,
    Unsent,
)
from engine.model.modes import Level, Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderState, Side, Source
from engine.model.records import (
    EquityMarked,
    FillBooked,
    LossLimitTripped,
    Noted,
    OrderChanged,
    OrderPlaced,
    SessionOpened,
    StrategyErrored,
)
from engine.model.settings import PaperSettings
from tests.engine.core.floor import FRICTIONLESS, OPEN_LIMITS, Floor, essence, facts, restored, settings, wish

D = Decimal


def floor(mode: Mode = Mode.MANUAL, **more: Any) -> Floor:
    return Floor(settings(**more), mode=mode, prices={"AAPL": 100.0, "MSFT": 400.0})


def open_states(the_floor: Floor) -> dict[int, OrderState]:
    return {order.number: order.state for order in the_floor.core.state.book.open.values()}


# ---- effects


def test_an_order_is_written_before_it_is_sent_and_answered_last() -> None:
    the_floor = floor()
    persist, send, reply = the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    assert isinstance(persist, Persist)
    assert isinstance(send, Send)
    assert isinstance(reply, Reply)
    assert [type(record) for record in persist.records] == [OrderPlaced]
    assert persist.records[0].id == send.order.id == "r1-1"  # type: ignore[union-attr]
    assert reply.text == "#1 BUY 10 AAPL market DAY sent"


def test_a_fill_is_written_before_the_change_of_state_it_brings_and_the_equity_after() -> None:
    the_floor = floor()
    the_floor.buy(10)
    before = len(the_floor.records)
    the_floor.quote("AAPL", 100)
    assert [type(record) for record in the_floor.records[before:]] == [FillBooked, OrderChanged, EquityMarked]


def test_a_fill_happens_at_the_time_of_the_bar_that_filled_it() -> None:
    the_floor = Floor(settings(), price_life_s=1e6)
    the_floor.bar("AAPL", 100, 100, 100, 100, later_s=86_400)
    order = the_floor.buy(10)
    the_floor.bar("AAPL", 101, 101, 101, 101, later_s=86_400)
    fill = the_floor.of(FillBooked)[0].fill
    assert (fill.at, fill.price, order.changed_at) == (the_floor.at, D(101), the_floor.at)
    assert order.created_at == the_floor.at - 86_400 * 1_000_000_000


def test_what_an_error_in_the_middle_leaves_is_what_was_to_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    the_floor = floor()

    def break_off(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(the_floor.core.desk), "reply", break_off)
    with pytest.raises(ZeroDivisionError):
        the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    persist = the_floor.core.desk.effects()[0]
    assert isinstance(persist, Persist)
    assert essence(restored([*the_floor.records, *persist.records])) == essence(the_floor.core.state)


def test_what_says_nothing_new_has_no_effects() -> None:
    the_floor = floor()
    order = the_floor.buy(10)
    the_floor.quote("AAPL", 100)
    done = OrderUpdate(order.id, OrderEvent.FILL_ALL, order.broker_id, D(10), D(1000))
    assert the_floor.core.handle(done, the_floor.mono) == []


def test_news_of_an_order_that_is_not_ours_is_said_and_changes_nothing() -> None:
    the_floor = floor()
    before = essence(restored(the_floor.records))
    the_floor.handle(OrderUpdate("someone-else", OrderEvent.FILL_ALL, "x", D(10), D(1000)))
    assert essence(the_floor.core.state) == before
    assert the_floor.of(Noted)[-1].text.startswith("news of an order that is not ours")


def test_an_intent_that_could_not_be_written_ends_and_shuts_the_gate() -> None:
    the_floor = floor()
    effects = the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    order = the_floor.last_order
    the_floor.handle(NotDurable((order.id,), "the disk is full"))
    assert facts(len(effects), order.state, the_floor.core.gate.figures().reserved) == (3, OrderState.CANCELED, 0)
    assert not the_floor.submit(wish(Side.BUY, 10)).ok
    the_floor.handle(Tick())
    assert the_floor.submit(wish(Side.BUY, 10)).ok


def test_an_order_the_stop_kept_from_being_sent_ends_cancelled() -> None:
    the_floor = floor()
    the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    the_floor.handle(Unsent(the_floor.last_order.id))
    assert facts(the_floor.last_order.state, the_floor.last_order.reason) == (OrderState.CANCELED, "cancelled before it was sent")


def test_a_note_goes_to_the_audit_log() -> None:
    the_floor = floor()
    the_floor.handle(Note(Level.WARNING, "feed", "a day is missing"))
    assert (the_floor.of(Noted)[-1].source, the_floor.of(Noted)[-1].text) == ("feed", "a day is missing")


# ---- cancels


def test_an_order_is_cancelled_by_its_id_and_not_twice() -> None:
    the_floor = floor()
    order = the_floor.buy(10, limit=90)
    assert the_floor.cancel(order).text == "cancel of #1 sent"
    assert order.state is OrderState.CANCELED
    assert the_floor.cancel(order).text == "#1 ended already: canceled"


def test_one_symbol_or_everything_is_cancelled_at_once() -> None:
    the_floor = floor()
    the_floor.buy(10, limit=90)
    the_floor.buy(1, "MSFT", limit=300)
    the_floor.handle(Cancel("c", symbol="AAPL"))
    assert list(open_states(the_floor)) == [2]
    the_floor.cancel()
    assert open_states(the_floor) == {}
    assert the_floor.cancel().text == "nothing is working there"


def test_an_order_the_broker_has_not_seen_keeps_no_other_from_being_cancelled() -> None:
    the_floor = floor()
    the_floor.core.handle(Submit("c", wish(Side.BUY, 10, limit=90)), the_floor.mono)
    seen = the_floor.buy(10, limit=90)
    the_floor.stop()
    assert seen.state is OrderState.CANCELED


def test_cancelling_entries_only_spares_what_closes() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.buy(10, limit=90)
    close = the_floor.sell(60, limit=120)
    stop = the_floor.sell(40, stop=80)
    the_floor.handle(Cancel("c", entries_only=True))
    assert list(open_states(the_floor)) == [close.number, stop.number]


# ---- the emergency stop


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
    assert list(open_states(the_floor)) == [protective.number]


def test_stops_are_spared_only_as_far_as_a_position_is_held() -> None:
    the_floor = floor(keep_protective=True, limits=replace(OPEN_LIMITS, short_selling=True))
    the_floor.hold(100, 100)
    first = the_floor.sell(100, stop=80)
    the_floor.sell(100, stop=70)
    the_floor.stop()
    assert list(open_states(the_floor)) == [first.number]
    the_floor.quote("AAPL", 60)
    assert the_floor.position() == 0


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


# ---- the daily loss


LOSS = replace(OPEN_LIMITS, max_daily_loss_pct=D(2))


def losing(**more: Any) -> Floor:
    """Holds 100 bought at 100, of 100,000 in all: at 80 exactly two per cent are lost."""
    the_floor = floor(limits=LOSS, **more)
    the_floor.hold(100, 100)
    return the_floor


def test_a_cent_short_of_the_limit_goes_on_and_the_limit_itself_trips() -> None:
    the_floor = losing()
    the_floor.quote("AAPL", 80.0001)
    the_floor.tick()
    assert the_floor.trading() is TradingState.ACTIVE
    the_floor.quote("AAPL", 80)
    the_floor.tick()
    tripped = the_floor.of(LossLimitTripped)
    assert facts(the_floor.trading(), len(tripped), tripped[0].loss, tripped[0].limit) == (TradingState.REDUCING, 1, 2000, 2000)


def test_entries_are_denied_at_the_limit_before_any_timer_ran() -> None:
    the_floor = losing()
    the_floor.quote("AAPL", 80)
    assert the_floor.submit(wish(Side.BUY, 1)).verdict.rule == "daily loss"  # type: ignore[union-attr]
    assert the_floor.submit(wish(Side.SELL, 1)).ok


def test_fees_count_as_loss() -> None:
    dear = replace(FRICTIONLESS, commission_min=D(1000))
    the_floor = floor(limits=LOSS, paper=dear)
    the_floor.hold(1, 100)
    the_floor.tick()
    assert the_floor.trading() is TradingState.ACTIVE
    the_floor.sell(1)
    the_floor.quote("AAPL", 100)
    the_floor.tick()
    assert the_floor.trading() is TradingState.REDUCING


def test_a_trip_cancels_resting_entries_and_keeps_what_closes_or_protects() -> None:
    the_floor = losing()
    the_floor.buy(10, limit=50)
    the_floor.buy(1, "MSFT", limit=300)
    target = the_floor.sell(40, limit=150)
    stop = the_floor.sell(60, stop=70)
    the_floor.quote("AAPL", 80)
    the_floor.tick()
    assert list(open_states(the_floor)) == [target.number, stop.number]
    assert the_floor.position() == 100


def test_a_sale_that_would_turn_the_position_is_an_entry() -> None:
    the_floor = floor(limits=replace(LOSS, short_selling=True))
    the_floor.hold(100, 100)
    turning = the_floor.sell(300, limit=150)
    the_floor.quote("AAPL", 80)
    the_floor.tick()
    assert turning.state is OrderState.CANCELED


def test_of_more_than_is_held_a_stop_is_kept_before_a_target() -> None:
    the_floor = floor(limits=replace(LOSS, short_selling=True))
    the_floor.hold(100, 100)
    target = the_floor.sell(100, limit=150)
    stop = the_floor.sell(100, stop=70)
    the_floor.quote("AAPL", 80)
    the_floor.tick()
    assert facts(target.state, stop.state) == (OrderState.CANCELED, OrderState.WORKING)


@pytest.mark.parametrize("crash", [False, True])
def test_neither_recovery_nor_restart_nor_mode_nor_a_stop_resets_it(crash: bool) -> None:
    the_floor = losing()
    the_floor.quote("AAPL", 80)
    the_floor.tick()
    the_floor.quote("AAPL", 120)
    the_floor.tick()
    the_floor.restart(crash=crash)
    the_floor.session("2025-06-12")
    the_floor.quote("AAPL", 120)
    the_floor.set_mode(Mode.FULL_AUTO)
    assert not the_floor.resume().ok
    the_floor.stop()
    assert the_floor.resume().text == "resumed in MANUAL, reducing only: the daily loss limit holds"
    assert the_floor.trading() is TradingState.REDUCING
    assert the_floor.submit(wish(Side.BUY, 1)).verdict.rule == "reducing"  # type: ignore[union-attr]
    assert the_floor.submit(wish(Side.SELL, 1)).ok
    assert len(the_floor.of(LossLimitTripped)) == 1


def test_it_ends_with_the_next_session_and_a_persons_word_and_not_with_one_of_them() -> None:
    the_floor = losing()
    the_floor.quote("AAPL", 80)
    the_floor.tick()
    assert the_floor.resume().text == "the daily loss limit holds until the next session"
    the_floor.session("2025-06-13")
    the_floor.tick()
    assert the_floor.trading() is TradingState.REDUCING
    assert the_floor.resume().ok
    assert (the_floor.trading(), the_floor.mode()) == (TradingState.ACTIVE, Mode.MANUAL)
    the_floor.quote("AAPL", 79)
    the_floor.tick()
    assert the_floor.trading() is TradingState.ACTIVE


def test_a_trip_while_halted_is_kept_for_the_resume() -> None:
    the_floor = losing()
    the_floor.stop()
    the_floor.quote("AAPL", 80)
    the_floor.tick()
    assert the_floor.trading() is TradingState.HALTED
    the_floor.resume()
    assert the_floor.trading() is TradingState.REDUCING


def test_a_session_opens_once_and_counts_from_its_own_equity() -> None:
    the_floor = losing()
    the_floor.quote("AAPL", 110)
    the_floor.session("2025-06-13")
    the_floor.session("2025-06-13", open=False)
    assert the_floor.core.prices.by_symbol["AAPL"].previous == 110.0
    assert [(record.session, record.equity) for record in the_floor.of(SessionOpened)] == [
        ("2025-06-12", D(100_000)),
        ("2025-06-13", D(101_000)),
    ]


def test_a_restart_in_the_middle_of_a_session_mistakes_no_gain_of_the_past_for_a_loss() -> None:
    the_floor = losing()
    the_floor.quote("AAPL", 150)
    the_floor.session("2025-06-13")
    the_floor.restart()
    the_floor.core.prime("AAPL", 150.0, 150.0)
    the_floor.session("2025-06-13")
    the_floor.tick()
    assert the_floor.trading() is TradingState.ACTIVE


# ---- strategies


def test_a_disabled_strategys_entries_are_cancelled_and_nobody_elses() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.hold(100, 100)
    mine = the_floor.buy(10, limit=90)
    the_floor.propose("e", quantity=10, limit=90)
    the_floor.propose("c", Side.SELL, 10, limit=120)
    closing = the_floor.last_order
    the_floor.handle(StrategyFailed("sma", "It hung.", "Traceback"))
    assert len(open_states(the_floor)) == 3
    the_floor.handle(StrategyFailed("sma", "It hung.", "Traceback", disabled=True))
    assert list(open_states(the_floor)) == [mine.number, closing.number]
    told = the_floor.of(StrategyErrored)[-1]
    assert (told.error, told.detail, told.disabled) == ("It hung.", "Traceback", True)


# ---- restarts


@pytest.mark.parametrize("asked_for", [Mode.SEMI_AUTO, Mode.FULL_AUTO, Mode.RESEARCH])
def test_after_a_crash_the_mode_is_manual_whatever_was_asked_for(asked_for: Mode) -> None:
    the_floor = floor(asked_for)
    the_floor.restart()
    assert the_floor.mode() is asked_for
    the_floor.restart(crash=True)
    assert the_floor.mode() is Mode.MANUAL
    assert "did not end in order" in the_floor.of(Noted)[-1].text


def test_a_restart_finds_what_was_there() -> None:
    paper = PaperSettings(latency_ms=0)
    the_floor = floor(Mode.FULL_AUTO, paper=paper)
    the_floor.buy(100)
    the_floor.quote("AAPL", 100.25, size=60)
    the_floor.buy(5, "MSFT", limit=390)
    the_floor.propose("s", quantity=3)
    the_floor.handle(SetMode("c", Mode.SEMI_AUTO))
    before = essence(the_floor.core.state)
    assert essence(restored(the_floor.records)) == before
    the_floor.restart()
    after = essence(the_floor.core.state)
    assert {name: after[name] for name in ("cash", "fees", "holdings", "orders", "open")} == {
        name: before[name] for name in ("cash", "fees", "holdings", "orders", "open")
    }


def test_numbers_go_on_counting_after_a_restart() -> None:
    the_floor = floor()
    the_floor.buy(1)
    the_floor.restart()
    the_floor.quote("AAPL", 100)
    assert (the_floor.buy(1).id, the_floor.last_order.number) == ("r2-2", 2)
