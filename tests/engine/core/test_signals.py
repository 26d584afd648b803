"""Signals: what each mode makes of one, what strategies may send, and what is remembered of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.inputs import Proposal, Reject
from engine.model.market import Dividend, MarketStatus, Phase, Split
from engine.model.modes import Mode
from engine.model.orders import OrderType, Side, Source
from engine.model.records import SignalDecided, SignalRaised
from engine.model.settings import AutoApprove
from engine.model.signals import SignalState
from tests.engine.core.floor import DAY, OPEN_LIMITS, SECOND, Floor, facts, restored, settings
from tests.engine.core.signal_floor import AUTO, floor, state_of

D = Decimal


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
