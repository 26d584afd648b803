"""Signals: who decides, on which picture, and what became of those that were not sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.capabilities import Capabilities
from engine.model.effects import Reply
from engine.model.inputs import Approve, OrderUpdate, Proposal, Reject, StrategyFailed
from engine.model.market import Dividend, MarketStatus, Phase, Split
from engine.model.modes import Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderType, Side, Source
from engine.model.records import OrderPlaced, SignalDecided, SignalRaised
from engine.model.settings import Approvals, AutoApprove
from engine.model.signals import SignalEdit, SignalState
from tests.engine.core.floor import DAY, OPEN_LIMITS, SECOND, Floor, facts, restored, settings, wish

D = Decimal
AUTO = AutoApprove(max_notional=D(5000), min_confidence=0.8, symbols=("AAPL",))


def floor(mode: Mode = Mode.MANUAL, **more: Any) -> Floor:
    return Floor(settings(auto=AUTO, **more), mode=mode, prices={"AAPL": 100.0, "MSFT": 400.0})


def state_of(the_floor: Floor, signal_id: str) -> SignalState:
    return the_floor.core.state.approvals.cases[signal_id].state


# ---- modes


def test_in_manual_every_signal_waits_for_a_person() -> None:
    the_floor = floor(Mode.MANUAL)
    the_floor.propose("s", quantity=1)
    assert (state_of(the_floor, "s"), the_floor.sent) == (SignalState.WAITING, [])
    assert the_floor.approve("s").text == "#1 BUY 1 AAPL sent"
    assert (state_of(the_floor, "s"), the_floor.sent[0].source) == (SignalState.SENT, Source.STRATEGY)
    assert the_floor.sent[0].signal_id == "s"


def test_in_full_auto_every_signal_within_the_limits_is_sent() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", quantity=900, symbol="AAPL", strength=0.1)
    assert facts(the_floor.sent[0].quantity, the_floor.of(SignalDecided)[0].by) == (900, "FULL_AUTO")


def test_in_full_auto_a_signal_beyond_the_limits_is_denied_with_the_gates_sentence() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", Side.SELL, 5)
    decided = the_floor.of(SignalDecided)[0]
    assert (decided.state, decided.by, the_floor.sent) == (SignalState.DENIED, "gate", [])
    assert "would be short" in decided.reason


@pytest.mark.parametrize(
    ("symbol", "quantity", "strength", "sent"),
    [
        ("AAPL", 50, 0.8, True),
        ("AAPL", 51, 0.8, False),
        ("AAPL", 50, 0.79, False),
        ("MSFT", 1, 1.0, False),
    ],
    ids=["each rule exactly met", "a share too large", "too weak", "another symbol"],
)
def test_in_semi_auto_a_signal_must_meet_every_rule(symbol: str, quantity: int, strength: float, sent: bool) -> None:
    the_floor = floor(Mode.SEMI_AUTO)
    the_floor.propose("s", quantity=quantity, symbol=symbol, strength=strength)
    assert bool(the_floor.sent) is sent
    assert state_of(the_floor, "s") is (SignalState.SENT if sent else SignalState.WAITING)


def test_in_semi_auto_no_symbols_means_any() -> None:
    the_floor = Floor(settings(auto=replace(AUTO, symbols=())), mode=Mode.SEMI_AUTO, prices={"MSFT": 400.0})
    the_floor.propose("s", quantity=1, symbol="MSFT")
    assert len(the_floor.sent) == 1


def test_in_semi_auto_what_counts_is_the_size_that_would_be_sent() -> None:
    the_floor = floor(Mode.SEMI_AUTO, limits=replace(OPEN_LIMITS, max_order_pct=D(5)))
    the_floor.propose("s", quantity=500)
    assert (the_floor.sent[0].quantity, the_floor.sent[0].requested) == (D(50), D(500))


@pytest.mark.parametrize("side", Side)
def test_in_research_nothing_is_sent_and_everything_keeps_a_shadow(side: Side) -> None:
    the_floor = floor(Mode.MANUAL)
    the_floor.hold(100, 100)
    the_floor.set_mode(Mode.RESEARCH)
    before = len(the_floor.sent)
    the_floor.propose("s", side, 10)
    assert (state_of(the_floor, "s"), len(the_floor.sent)) == (SignalState.SHADOW, before)
    shadow = the_floor.core.state.approvals.cases["s"].shadow(103.0)
    assert shadow == 30 * side.sign


def test_a_signal_keeps_no_shadow_while_it_waits_or_once_it_was_sent() -> None:
    the_floor = floor(Mode.MANUAL)
    the_floor.propose("s", quantity=1)
    case = the_floor.core.state.approvals.cases["s"]
    assert case.shadow(103.0) is None
    the_floor.approve("s")
    assert case.shadow(103.0) is None


def test_a_rejected_signal_keeps_its_shadow_from_the_price_it_was_raised_at() -> None:
    the_floor = floor(Mode.MANUAL)
    the_floor.propose("s", quantity=10)
    the_floor.quote("AAPL", 100.5)
    the_floor.handle(Reject("c", "s", "not today"))
    case = the_floor.core.state.approvals.cases["s"]
    assert (case.state, case.reason, case.shadow(101.0)) == (SignalState.REJECTED, "not today", D(10))


# ---- the person's yes


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


# ---- what strategies send


def test_a_second_proposal_with_the_same_id_is_dropped_also_after_a_restart() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", quantity=1)
    the_floor.propose("s", quantity=2)
    the_floor.restart()
    the_floor.quote("AAPL", 100)
    the_floor.propose("s", quantity=3)
    assert [record.signal.quantity for record in the_floor.of(SignalRaised)] == [1]
    assert len(the_floor.sent) == 1


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-5", "1E+13", "1E+999999"])
@pytest.mark.parametrize("place", ["quantity", "limit", "stop"])
def test_a_number_that_is_none_is_dropped_and_said(number: str, place: str) -> None:
    the_floor = floor(Mode.FULL_AUTO)
    amounts: dict[str, Any] = {place: D(number)}
    the_floor.handle(Proposal("s", "sma", "AAPL", Side.BUY, type=OrderType.LIMIT, **amounts))
    the_floor.tick()
    assert (the_floor.sent, the_floor.core.state.approvals.cases) == ([], {})
    assert the_floor.records[-1].text == "proposed AAPL with a number that is none: dropped"  # type: ignore[union-attr]


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), -0.1, 1.1, 1e308])
def test_a_strength_outside_zero_to_one_is_dropped(strength: float) -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", quantity=1, strength=strength)
    assert (the_floor.sent, the_floor.core.state.approvals.cases) == ([], {})


@pytest.mark.parametrize("symbol", ["TSLA", "[/bold]\x1b[2J"])
def test_a_symbol_without_a_price_is_dropped(symbol: str) -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", quantity=1, symbol=symbol)
    assert (the_floor.sent, the_floor.core.state.approvals.cases) == ([], {})


# ---- sizing


def test_a_buy_without_a_quantity_is_sized_by_equity_and_strength() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", strength=0.5)
    assert the_floor.sent[0].quantity == 25


def test_a_buy_is_sized_to_the_target_less_what_is_held_or_works() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.hold(20, 100)
    the_floor.buy(10, limit=90)
    the_floor.propose("s1")
    assert the_floor.last_order.quantity == 20
    the_floor.propose("s2")
    assert "s2" not in the_floor.core.state.approvals.cases


def test_a_sale_without_a_quantity_sells_what_is_held_and_free() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.hold(20, 100)
    the_floor.sell(5, limit=120)
    the_floor.propose("s", Side.SELL, strength=0.1)
    assert facts(the_floor.last_order.side, the_floor.last_order.requested) == (Side.SELL, 15)


def test_a_sale_of_nothing_is_no_signal() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", Side.SELL)
    assert the_floor.core.state.approvals.cases == {}


def test_with_short_selling_a_sale_aims_at_the_target_below_zero() -> None:
    the_floor = floor(Mode.FULL_AUTO, limits=replace(OPEN_LIMITS, short_selling=True))
    the_floor.hold(20, 100)
    the_floor.propose("s", Side.SELL)
    assert the_floor.last_order.quantity == 70


def test_a_strategy_that_repeats_itself_while_its_signal_waits_asks_once() -> None:
    the_floor = floor(Mode.MANUAL)
    the_floor.propose("s1")
    the_floor.propose("s2")
    assert list(the_floor.core.state.approvals.waiting) == ["s1"]


def test_the_expiry_and_the_drift_follow_the_settings() -> None:
    the_floor = Floor(settings(approvals=Approvals(expire_s=5, max_drift_pct=D(10))), prices={"AAPL": 100.0})
    the_floor.propose("s", quantity=1)
    the_floor.quote("AAPL", 109)
    the_floor.tick(4.9)
    assert state_of(the_floor, "s") is SignalState.WAITING
    the_floor.tick(0.2)
    assert state_of(the_floor, "s") is SignalState.EXPIRED


# ---- repetition


@pytest.mark.parametrize(
    ("mode", "state"),
    [(Mode.FULL_AUTO, SignalState.DENIED), (Mode.SEMI_AUTO, SignalState.WAITING), (Mode.MANUAL, SignalState.WAITING)],
)
def test_a_strategy_that_says_the_same_twice_within_moments_needs_a_persons_yes_whatever_rules_cover_it(
    mode: Mode, state: SignalState
) -> None:
    the_floor = floor(mode)
    the_floor.propose("one", quantity=10, limit=99)
    if mode is Mode.MANUAL:
        the_floor.approve("one")
    the_floor.tick(1.9)
    the_floor.propose("two", quantity=10, limit=99)
    assert (state_of(the_floor, "two"), len(the_floor.sent)) == (state, 1)
    if state is SignalState.WAITING:
        assert the_floor.approve("two").ok
    else:
        assert the_floor.of(SignalDecided)[-1].reason == (
            "It looks like a repetition: the same BUY 10 AAPL was sent 1.9 s ago as #1. Confirm that it is meant, or wait 2 s."
        )


@pytest.mark.parametrize("other", [{"quantity": 11}, {"limit": "98.99"}, {"strategy": "rsi"}, {"symbol": "MSFT"}])
def test_another_quantity_price_strategy_or_symbol_is_no_repetition(other: dict[str, Any]) -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("one", quantity=10, limit=99)
    the_floor.propose("two", **{"quantity": 10, "limit": 99, **other})
    assert len(the_floor.sent) == 2


def test_after_two_seconds_and_for_what_only_reduces_there_is_no_repetition() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.hold(100, 100)
    the_floor.propose("one", quantity=10, limit=99)
    the_floor.tick(2)
    the_floor.propose("two", quantity=10, limit=99)
    the_floor.propose("out", Side.SELL, quantity=10)
    the_floor.propose("again out", Side.SELL, quantity=10)
    assert [state_of(the_floor, name) for name in ("two", "out", "again out")] == [SignalState.SENT] * 3


def test_a_person_is_told_of_a_repetition_and_passes_with_a_confirmation() -> None:
    the_floor = floor()
    assert the_floor.submit(wish(Side.BUY, 10), confirmed=False).ok
    refused = the_floor.submit(wish(Side.BUY, 10), confirmed=False)
    assert refused.verdict is not None
    assert refused.verdict.rule == "repetition"
    assert the_floor.submit(wish(Side.BUY, 10), confirmed=True).ok


def test_with_no_window_nothing_is_a_repetition() -> None:
    the_floor = floor(Mode.FULL_AUTO, limits=replace(OPEN_LIMITS, repetition_s=0.0))
    the_floor.propose("one", quantity=10)
    the_floor.propose("two", quantity=10)
    assert len(the_floor.sent) == 2


# ---- SEMI_AUTO's other rules


@pytest.mark.parametrize(
    ("rules", "sent"),
    [
        ({"max_quantity": D(10)}, True),
        ({"max_quantity": D(9)}, False),
        ({"strategies": ("sma", "rsi")}, True),
        ({"strategies": ("rsi",)}, False),
    ],
)
def test_the_rules_also_look_at_quantity_and_strategy(rules: dict[str, Any], sent: bool) -> None:
    the_floor = Floor(settings(auto=AutoApprove(min_confidence=0.5, **rules)), mode=Mode.SEMI_AUTO, prices={"AAPL": 100.0})
    the_floor.propose("s", quantity=10)
    assert bool(the_floor.sent) is sent


@pytest.mark.parametrize(("regular", "sent"), [(True, False), (False, True)])
def test_outside_regular_hours_the_rules_cover_a_signal_only_where_they_say_so(regular: bool, sent: bool) -> None:
    the_floor = Floor(settings(auto=AutoApprove(regular_hours=regular)), mode=Mode.SEMI_AUTO, prices={"AAPL": 100.0})
    the_floor.handle(MarketStatus(Phase.POST, "after hours", "2025-06-12", the_floor.at))
    the_floor.propose("s", quantity=1)
    assert bool(the_floor.sent) is sent


# ---- what is remembered


@pytest.mark.parametrize("crash", [False, True])
def test_an_id_is_known_for_a_day_of_the_market_across_restarts_and_then_forgotten(crash: bool) -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", quantity=1)
    raised = the_floor.core.desk.now
    the_floor.restart(crash=crash, mode=Mode.FULL_AUTO)
    the_floor.at = raised + DAY
    the_floor.quote("AAPL", 100, later_s=0)
    the_floor.propose("other", quantity=2)
    the_floor.propose("s", quantity=1)
    the_floor.at += SECOND
    the_floor.quote("AAPL", 100)
    the_floor.propose("third", quantity=3)
    the_floor.propose("s", quantity=1)
    assert [record.signal.id for record in the_floor.of(SignalRaised)] == ["s", "other", "third", "s"]


def test_a_flood_of_signals_takes_a_bounded_place_and_forgets_neither_what_waits_nor_what_was_sent() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("sent", quantity=1)
    the_floor.set_mode(Mode.MANUAL)
    the_floor.propose("waits", quantity=2)
    the_floor.set_mode(Mode.FULL_AUTO)
    for number in range(5_000):
        the_floor.propose(f"denied{number}", Side.SELL, quantity=5, symbol="MSFT")
    cases = the_floor.core.state.approvals.cases
    assert len(cases) <= 2_002
    assert {"sent", "waits", "denied4999"} <= set(cases)
    the_floor.propose("denied7", Side.SELL, quantity=5, symbol="MSFT")
    assert len(the_floor.of(SignalRaised)) == 5_002


def test_a_shadow_is_no_profit_and_no_loss_of_a_split_or_a_dividend() -> None:
    the_floor = floor(mode=Mode.RESEARCH)
    the_floor.propose("s", Side.BUY, 10)
    for event, last, shadow in (
        (Split("AAPL", the_floor.at, Decimal(2)), 51.0, 20),
        (Dividend("AAPL", the_floor.at, Decimal("0.5")), 50.5, 20),
    ):
        the_floor.market(event)
        assert the_floor.core.state.approvals.cases["s"].shadow(last) == shadow
    assert restored(the_floor.records).approvals.cases["s"].shadow(50.5) == 20


@pytest.mark.parametrize("side", Side)
def test_a_shadow_outlives_a_restart_and_a_short_gains_where_the_price_falls(side: Side) -> None:
    the_floor = floor(Mode.RESEARCH, limits=replace(OPEN_LIMITS, short_selling=True))
    the_floor.propose("research", side, 10)
    the_floor.set_mode(Mode.MANUAL)
    the_floor.propose("rejected", side, 10)
    the_floor.propose("expired", side, 20)
    the_floor.handle(Reject("c", "rejected"))
    the_floor.quote("AAPL", 99)
    the_floor.tick(60)
    the_floor.restart(crash=True)
    cases = the_floor.core.state.approvals.cases
    shadows = {name: cases[name].shadow(97.0) for name in ("research", "rejected", "expired")}
    assert shadows == {"research": -30 * side.sign, "rejected": -30 * side.sign, "expired": -60 * side.sign}
