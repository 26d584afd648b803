"""A signal that waits for a person's yes: on which picture it is given, what may be changed first, and what ends the waiting."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.capabilities import Capabilities
from engine.model.effects import Reply
from engine.model.inputs import Approve, OrderUpdate, Proposal, Reject, StrategyFailed
from engine.model.modes import Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderType, Side
from engine.model.records import OrderPlaced, SignalDecided
from engine.model.settings import Approvals
from engine.model.signals import SignalEdit, SignalState
from tests.engine.core.floor import OPEN_LIMITS, Floor, restored, settings
from tests.engine.core.signal_floor import floor, state_of

D = Decimal


def test_a_signal_approved_twice_is_one_order() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=1)
    the_floor.approve("s")
    again = the_floor.approve("s")
    assert (again.ok, again.text) == (False, "signal 1 was decided already: sent by you")
    assert len(the_floor.of(OrderPlaced)) == len(the_floor.sent) == 1


def test_nobody_can_approve_what_was_never_raised_or_was_rejected() -> None:
    the_floor = floor()
    assert the_floor.approve("s").text == "there is no such signal"
    the_floor.propose("s", quantity=1)
    the_floor.handle(Reject("c", "s"))
    assert not the_floor.approve("s").ok
    assert the_floor.sent == []


def test_approval_judges_risk_again_and_leaves_the_signal_waiting_where_it_fails() -> None:
    the_floor = floor(limits=replace(OPEN_LIMITS, max_exposure_pct=D(50)))
    the_floor.propose("s", quantity=100)
    order = the_floor.buy(500, limit=100)
    reply = the_floor.approve("s")
    assert not reply.ok
    assert "total exposure" in reply.text
    assert state_of(the_floor, "s") is SignalState.WAITING
    the_floor.cancel(order)
    assert the_floor.approve("s").ok


def test_approval_says_where_the_order_was_cut_down() -> None:
    the_floor = floor(limits=replace(OPEN_LIMITS, max_order_pct=D(10)))
    the_floor.propose("s", quantity=150)
    assert the_floor.approve("s").text == "#1 BUY 100 AAPL sent (cut from 150: order size)"


def approve_edited(the_floor: Floor, quantity: object, kind: OrderType = OrderType.MARKET, limit: object = None) -> Reply:
    edit = SignalEdit(D(str(quantity)), kind, None if limit is None else D(str(limit)))
    the_floor.handle(Approve("c", "s", edit))
    return the_floor.replies[-1]


def test_an_edited_signal_is_sent_as_edited_and_the_trail_says_what_was_changed() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=50)
    assert approve_edited(the_floor, 30, OrderType.LIMIT, "99.50").text == "#1 BUY 30 AAPL sent"
    order = the_floor.sent[0]
    assert (order.quantity, order.requested, order.type, order.limit) == (D(30), D(30), OrderType.LIMIT, D("99.50"))
    decided = the_floor.of(SignalDecided)[0]
    assert (decided.by, decided.reason) == ("you", "edited by you: 50 -> 30, market -> limit 99.50")
    assert restored(the_floor.records).approvals.cases["s"].reason == decided.reason


def test_an_edit_that_changes_nothing_leaves_no_word_of_it() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=50)
    approve_edited(the_floor, 50)
    assert the_floor.of(SignalDecided)[0].reason == ""


def test_an_edited_quantity_is_judged_again_and_refused_with_what_would_pass_where_it_is_too_much() -> None:
    the_floor = floor(limits=replace(OPEN_LIMITS, max_order_pct=D(10)))
    the_floor.propose("s", quantity=50)
    reply = approve_edited(the_floor, 150)
    assert not reply.ok
    assert "100 would pass" in reply.text
    assert (state_of(the_floor, "s"), the_floor.sent) == (SignalState.WAITING, [])
    assert approve_edited(the_floor, 100).ok


@pytest.mark.parametrize("quantity", ["30.5", "0", "-1", "NaN"])
def test_an_edited_quantity_that_does_not_trade_is_refused_in_words_and_never_cut_behind_a_persons_back(quantity: str) -> None:
    the_floor = floor()
    the_floor.core.gate.capabilities = Capabilities()
    the_floor.propose("s", quantity=50)
    reply = approve_edited(the_floor, quantity)
    assert (reply.ok, state_of(the_floor, "s"), the_floor.sent) == (False, SignalState.WAITING, [])
    assert reply.text


def test_a_limit_too_far_through_the_market_is_no_way_around_the_gate() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=50)
    assert "limit" in approve_edited(the_floor, 50, OrderType.LIMIT, 120).text
    assert the_floor.sent == []


def test_the_price_may_not_have_run_away_from_an_edited_signal_either() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=50)
    the_floor.quote("AAPL", 102)
    assert not approve_edited(the_floor, 30).ok
    assert (state_of(the_floor, "s"), the_floor.sent) == (SignalState.EXPIRED, [])


def test_an_edit_keeps_the_stop_of_the_same_type_and_drops_it_for_another() -> None:
    the_floor = floor()
    for signal_id in ("s", "t"):
        the_floor.handle(Proposal(signal_id, "sma", "AAPL", Side.BUY, D(5), OrderType.STOP, None, D(101)))
    approve_edited(the_floor, 4, OrderType.STOP)
    the_floor.handle(Approve("c", "t", SignalEdit(D(4), OrderType.LIMIT, D(99))))
    assert [(order.type, order.stop, order.limit) for order in the_floor.sent] == [
        (OrderType.STOP, D(101), None),
        (OrderType.LIMIT, None, D(99)),
    ]


@pytest.mark.parametrize(("edited", "filled", "stopped"), [(30, 50, True), (80, 80, False)])
def test_what_counts_as_approved_is_the_edited_quantity(edited: int, filled: int, stopped: bool) -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=50)
    assert approve_edited(the_floor, edited).ok
    order = the_floor.sent[0]
    the_floor.handle(OrderUpdate(order.id, OrderEvent.FILL_ALL, "b", D(filled), D(100 * filled)))
    assert (the_floor.core.state.trading is TradingState.HALTED) is stopped


def test_a_signals_edit_takes_exact_numbers_alone() -> None:
    with pytest.raises(TypeError, match="quantity"):
        SignalEdit(30.0, OrderType.MARKET)  # type: ignore[arg-type]


def test_a_signal_expires_after_sixty_seconds_of_the_persons_time() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=1)
    the_floor.tick(59.9)
    assert state_of(the_floor, "s") is SignalState.WAITING
    the_floor.tick(0.1)
    decided = the_floor.of(SignalDecided)[0]
    assert (decided.state, decided.by, decided.reason) == (SignalState.EXPIRED, "clock", "nobody answered within 60 s")


def test_a_yes_after_the_time_is_up_sends_nothing_even_before_the_clock_was_looked_at() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=1)
    the_floor.mono += 60_000_000_000
    the_floor.quote("AAPL", 100)
    assert not the_floor.approve("s").ok
    assert (state_of(the_floor, "s"), the_floor.sent) == (SignalState.EXPIRED, [])


def test_market_time_does_not_run_out_the_persons_minute() -> None:
    the_floor = Floor(settings(), price_life_s=3600)
    the_floor.bar("AAPL", 100, 100, 100, 100, later_s=86_400)
    the_floor.propose("s", quantity=1)
    for _ in range(10):
        the_floor.bar("AAPL", 100, 100, 100, 100, later_s=86_400)
        the_floor.tick(1)
    assert the_floor.approve("s").ok


@pytest.mark.parametrize("price", [101.0, 99.0])
def test_a_move_of_one_per_cent_is_borne_and_a_cent_more_is_not(price: float) -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=1)
    the_floor.quote("AAPL", price)
    the_floor.tick()
    assert state_of(the_floor, "s") is SignalState.WAITING
    the_floor.quote("AAPL", price + (0.01 if price > 100 else -0.01))
    assert not the_floor.approve("s").ok
    decided = the_floor.of(SignalDecided)[0]
    assert (decided.state, decided.by, decided.reason) == (SignalState.EXPIRED, "market", "the price moved 1.01 %, the limit is 1 %")


def test_a_wide_spread_is_no_move() -> None:
    the_floor = floor()
    the_floor.quote("AAPL", 100, spread=5)
    the_floor.propose("s", quantity=1)
    assert the_floor.core.state.approvals.cases["s"].signal.price == D("102.5")
    the_floor.tick()
    assert the_floor.approve("s").ok


def test_on_a_feed_of_bars_the_price_may_run_while_the_person_thinks() -> None:
    the_floor = Floor(settings(), price_life_s=3600)
    the_floor.bar("AAPL", 100, 100, 100, 100)
    the_floor.propose("s", quantity=1)
    the_floor.bar("AAPL", 110, 110, 110, 110)
    the_floor.tick()
    assert the_floor.approve("s").ok


def test_what_waited_is_void_after_a_restart() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=1)
    the_floor.restart()
    the_floor.quote("AAPL", 100)
    assert not the_floor.approve("s").ok
    decided = the_floor.of(SignalDecided)[0]
    assert (decided.state, decided.by) == (SignalState.REJECTED, "restart")
    assert the_floor.sent == []


def test_what_waited_of_a_strategy_that_is_disabled_ends_in_words() -> None:
    the_floor = Floor(prices={"AAPL": 100.0, "MSFT": 400.0})
    the_floor.propose("s1", quantity=10)
    the_floor.propose("s2", quantity=10, symbol="MSFT", strategy="rsi")
    the_floor.handle(StrategyFailed("sma", "it raised three times", disabled=True))
    assert the_floor.approve("s1").text == "signal 1 was decided already: rejected by engine (sma was disabled: it raised three times)"
    the_floor.tick()
    assert list(the_floor.core.state.approvals.waiting) == ["s2"]


def test_what_waited_is_void_after_a_stop() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=1)
    the_floor.stop()
    the_floor.resume()
    assert not the_floor.approve("s").ok
    assert (state_of(the_floor, "s"), the_floor.sent) == (SignalState.REJECTED, [])


@pytest.mark.parametrize("mode", [Mode.MANUAL, Mode.SEMI_AUTO, Mode.FULL_AUTO, Mode.RESEARCH])
def test_a_signal_while_halted_is_denied_in_every_mode(mode: Mode) -> None:
    the_floor = floor(mode)
    the_floor.stop()
    the_floor.propose("s", quantity=1)
    assert (state_of(the_floor, "s"), the_floor.sent) == (SignalState.DENIED, [])


def test_the_expiry_and_the_drift_follow_the_settings() -> None:
    the_floor = Floor(settings(approvals=Approvals(expire_s=5, max_drift_pct=D(10))), prices={"AAPL": 100.0})
    the_floor.propose("s", quantity=1)
    the_floor.quote("AAPL", 109)
    the_floor.tick(4.9)
    assert state_of(the_floor, "s") is SignalState.WAITING
    the_floor.tick(0.2)
    assert state_of(the_floor, "s") is SignalState.EXPIRED
