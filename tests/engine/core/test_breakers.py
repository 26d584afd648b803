"""The breakers together: the circuit breaker, a strategy's own loss, what is shown of them, and that a person alone resets one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.peak import RollingPeak
from engine.core.state import CIRCUIT_BREAKER, DAILY_LOSS, DRAWDOWN
from engine.model.effects import Reply
from engine.model.inputs import ResetBreaker
from engine.model.modes import Level, Mode, TradingState
from engine.model.orders import OrderState, Side
from engine.model.records import (
    BreakerReset,
    CashMoved,
    CircuitTripped,
    EquityMarked,
    LossLimitTripped,
    Noted,
    SignalRaised,
    StrategyLossTripped,
    StrategyTripped,
    SymbolLossTripped,
)
from engine.model.settings import StrategyLimits, SymbolLimits
from engine.model.views import BreakerRow
from tests.engine.core.floor import OPEN_LIMITS, SECOND, Floor, essence, facts, restored, settings, wish

D = Decimal
MINUTE = 60 * SECOND


def holding(mode: Mode = Mode.MANUAL, **limits: Any) -> Floor:
    """Holds 100 bought at 100, of 100,000 in all: each dollar down is a tenth of a per cent."""
    the_floor = Floor(settings(limits=replace(OPEN_LIMITS, **limits)), mode=mode, prices={"AAPL": 100.0, "MSFT": 400.0})
    the_floor.hold(100, 100)
    the_floor.tick()
    return the_floor


def later(the_floor: Floor, minutes: float, price: float) -> None:
    """The market comes to `price` after so many of its minutes, and the clock ticks."""
    the_floor.at += int(minutes * MINUTE)
    the_floor.quote("AAPL", price)
    the_floor.tick()


def reset(the_floor: Floor, name: str, reason: str = "looked at it") -> Reply:
    the_floor.handle(ResetBreaker(the_floor.command_id(), name, reason))
    return the_floor.replies[-1]


def row(the_floor: Floor, name: str) -> BreakerRow:
    return next(row for row in the_floor.core.breakers.rows() if row.name == name)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (
            {"max_daily_loss_pct": D(1)},
            "today's loss of 1,000.00 reached the limit of 1,000.00: no entries until the next session and your",
        ),
        ({"max_drawdown_pct": D(1)}, "equity is 1,000.00 under its highest, the limit is 1,000.00: no entries until your"),
        ({"circuit_breaker_pct": D(1)}, "1,000.00 were lost within 10 minutes, the limit is 1,000.00: no entries until your"),
    ],
)
def test_a_breaker_that_trips_says_so_once(limits: dict[str, Any], text: str) -> None:
    the_floor = holding(**limits)
    for _ in range(3):
        later(the_floor, 1, 90)
    assert [(note.level, note.source, note.text) for note in the_floor.of(Noted) if "no entries" in note.text] == [
        (Level.ERROR, "risk", f"{text} word; resting entries are cancelled")
    ]


def test_a_fill_that_reaches_a_limit_trips_it_before_any_timer_ran() -> None:
    the_floor = holding(max_daily_loss_pct=D("0.25"))
    entry = the_floor.buy(10, limit=80)
    the_floor.sell(50)
    the_floor.quote("AAPL", 94.5)  # the sale fills here, 275 under what it was worth
    assert the_floor.position() == 50
    assert the_floor.trading() is TradingState.REDUCING
    assert [trip.loss for trip in the_floor.of(LossLimitTripped)] == [D(275)]
    assert entry.state is OrderState.CANCELED


# ---- the circuit breaker

CIRCUIT: dict[str, Any] = {"circuit_breaker_pct": D(1), "circuit_breaker_minutes": 10}


def test_a_fall_within_the_window_trips_at_the_limit_and_not_a_cent_before() -> None:
    the_floor = holding(**CIRCUIT)
    later(the_floor, 9, 90.01)
    assert the_floor.trading() is TradingState.ACTIVE
    later(the_floor, 0.5, 90)
    tripped = the_floor.of(CircuitTripped)
    assert facts(the_floor.trading(), len(tripped), tripped[0].loss, tripped[0].limit) == (TradingState.REDUCING, 1, 1000, 1000)
    denied = the_floor.submit(wish(Side.BUY, 1))
    assert denied.text.endswith("1,000.00 were lost within 10 minutes, the limit is 1,000.00.")
    assert the_floor.submit(wish(Side.SELL, 1)).ok


def test_what_an_earlier_run_reached_later_in_the_day_is_no_loss_of_a_feed_that_begins_anew() -> None:
    the_floor = holding(**CIRCUIT)
    opened = the_floor.at
    later(the_floor, 60, 120)
    the_floor.tick(60)
    later(the_floor, 180, 100)
    assert max(mark.equity for mark in the_floor.of(EquityMarked)) == 102_000
    the_floor.at = opened
    the_floor.restart()
    later(the_floor, 1, 100)
    assert the_floor.of(CircuitTripped) == []


def test_an_account_without_equity_is_told_of_no_limit_in_per_cent_of_it() -> None:
    the_floor = holding(max_daily_loss_pct=D(2), max_drawdown_pct=D(2))
    the_floor.core.desk.record(CashMoved(D(-200_000), "wire", the_floor.at))
    the_floor.session("2025-06-13")
    later(the_floor, 1, 100)
    assert the_floor.trading() is TradingState.ACTIVE
    denied = the_floor.submit(wish(Side.BUY, 1))
    assert not denied.ok
    assert denied.verdict is not None
    assert denied.verdict.rule == "order size"


def test_the_same_fall_over_a_longer_time_does_not() -> None:
    the_floor = holding(**CIRCUIT)
    for price in (98, 96, 94, 92, 90, 88, 86):
        later(the_floor, 2.5, price)
    assert the_floor.trading() is TradingState.ACTIVE


def test_it_counts_from_the_highest_within_the_window() -> None:
    the_floor = holding(**CIRCUIT)
    later(the_floor, 5, 115)
    later(the_floor, 6, 104.8)
    assert the_floor.trading() is TradingState.REDUCING


def test_a_deposit_hides_no_loss_and_a_withdrawal_is_none() -> None:
    for amount in (D(50_000), D(-50_000)):
        the_floor = holding(**CIRCUIT)
        the_floor.core.desk.record(CashMoved(amount, "wire", the_floor.at))
        later(the_floor, 1, 97)
        assert the_floor.trading() is TradingState.ACTIVE
        later(the_floor, 1, 81)
        assert the_floor.trading() is TradingState.REDUCING


def test_it_trips_again_after_a_restart_on_what_was_lost_before_it() -> None:
    the_floor = holding(**CIRCUIT)
    later(the_floor, 5, 94)
    the_floor.restart()
    the_floor.core.prime("AAPL", 94.0, 94.0)
    later(the_floor, 1, 90)
    assert the_floor.trading() is TradingState.REDUCING


def test_once_reset_it_counts_from_there() -> None:
    the_floor = holding(**CIRCUIT)
    later(the_floor, 5, 90)
    assert reset(the_floor, CIRCUIT_BREAKER).text == "circuit breaker reset: trading is ACTIVE"
    later(the_floor, 1, 81)
    assert the_floor.trading() is TradingState.ACTIVE
    later(the_floor, 1, 75)
    assert the_floor.trading() is TradingState.REDUCING


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-50, 50)), min_size=1, max_size=60), st.integers(1, 100))
def test_a_rolling_peak_is_the_highest_of_the_window(steps: list[tuple[int, int]], window: int) -> None:
    peak, told, now = RollingPeak(100), [], 0
    for step, value in steps:
        now += step
        peak.add(now, D(value))
        told.append((now, D(value)))
        assert peak.within(now - window, now) == max(value for at, value in told if at >= now - window)


# ---- a strategy's own loss


def losing_strategy() -> Floor:
    """sma holds 100 bought at 100 and may lose 1,000; the person holds as many."""
    the_floor = holding(Mode.FULL_AUTO, strategies={"sma": StrategyLimits(max_daily_loss_pct=D(1))})
    the_floor.propose("entry", quantity=100)
    the_floor.quote("AAPL", 100)
    assert the_floor.position() == 200
    return the_floor


def verdict(the_floor: Floor, signal_id: str, **proposal: Any) -> str:
    the_floor.propose(signal_id, **proposal)
    rule: str = the_floor.of(SignalRaised)[-1].verdict.rule
    return rule


def test_a_strategy_that_lost_its_share_enters_no_more_and_everybody_else_does() -> None:
    the_floor = losing_strategy()
    the_floor.propose("resting", quantity=5, limit=80)
    later(the_floor, 1, 90.01)
    assert the_floor.of(StrategyLossTripped) == []
    later(the_floor, 1, 90)
    tripped = the_floor.of(StrategyLossTripped)
    assert facts(len(tripped), tripped[0].loss, tripped[0].limit) == (1, 1000, 1000)
    assert the_floor.open_states() == {}
    assert verdict(the_floor, "more", quantity=1) == "strategy loss"
    assert verdict(the_floor, "another's", quantity=1, strategy="rsi") == "all"
    assert the_floor.submit(wish(Side.BUY, 1)).ok
    assert facts(the_floor.trading(), verdict(the_floor, "out", side=Side.SELL, quantity=50)) == (TradingState.ACTIVE, "all")


@pytest.mark.parametrize("crash", [False, True])
def test_neither_a_recovery_nor_a_restart_gives_a_strategy_its_entries_back_before_the_next_session(crash: bool) -> None:
    the_floor = losing_strategy()
    later(the_floor, 1, 90)
    later(the_floor, 1, 105)
    assert verdict(the_floor, "recovered", quantity=1) == "strategy loss"
    the_floor.restart(crash=crash, mode=Mode.FULL_AUTO)
    the_floor.session("2025-06-12")
    the_floor.quote("AAPL", 105)
    assert verdict(the_floor, "restarted", quantity=1) == "strategy loss"
    the_floor.session("2025-06-13")
    assert verdict(the_floor, "next day", quantity=1) == "all"


def test_a_strategys_loss_counts_from_what_it_had_made_when_the_session_opened() -> None:
    the_floor = losing_strategy()
    later(the_floor, 1, 91)
    the_floor.session("2025-06-13")
    later(the_floor, 1, 81.5)
    assert the_floor.of(StrategyLossTripped) == []
    later(the_floor, 1, 81)
    assert [record.session for record in the_floor.of(StrategyLossTripped)] == ["2025-06-13"]


# ---- a strategy's own fall

SMA_FALLS: dict[str, StrategyLimits] = {
    DRAWDOWN: StrategyLimits(max_drawdown_pct=D(1)),
    CIRCUIT_BREAKER: StrategyLimits(circuit_breaker_pct=D(1)),
}


def falling_strategy(breaker: str) -> Floor:
    """sma holds 100 bought at 100, and made 1,000 since; it may fall by 1 % of the account's equity. The person holds none."""
    limits = replace(OPEN_LIMITS, strategies={"sma": SMA_FALLS[breaker]})
    the_floor = Floor(settings(limits=limits), mode=Mode.FULL_AUTO, prices={"AAPL": 100.0})
    the_floor.propose("entry", quantity=100)
    the_floor.quote("AAPL", 100)
    later(the_floor, 1, 110)
    the_floor.tick(60)
    assert the_floor.position() == 100
    return the_floor


@pytest.mark.parametrize("breaker", SMA_FALLS)
def test_a_strategy_that_fell_too_far_enters_no_more_and_everybody_else_does(breaker: str) -> None:
    the_floor = falling_strategy(breaker)
    the_floor.propose("resting", quantity=5, limit=80)
    later(the_floor, 1, 100.01)
    assert the_floor.of(StrategyTripped) == []
    later(the_floor, 1, 100)
    later(the_floor, 1, 99)
    assert [(trip.strategy, trip.fell, trip.limit) for trip in the_floor.of(StrategyTripped)] == [("sma", 1000, 1000)]
    assert the_floor.open_states() == {}
    assert verdict(the_floor, "more", quantity=1) == "strategy breaker"
    assert verdict(the_floor, "another's", quantity=1, strategy="rsi") == "all"
    assert the_floor.submit(wish(Side.BUY, 1)).ok
    assert facts(the_floor.trading(), verdict(the_floor, "out", side=Side.SELL, quantity=50)) == (TradingState.ACTIVE, "all")


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("breaker", SMA_FALLS)
def test_a_strategys_breaker_outlives_restart_and_session_and_ends_by_a_persons_word(breaker: str, crash: bool) -> None:
    the_floor = falling_strategy(breaker)
    later(the_floor, 1, 100)
    name = f"{breaker} of sma"
    the_floor.restart(crash=crash, mode=Mode.FULL_AUTO)
    the_floor.session("2025-06-13")
    later(the_floor, 1, 100)
    assert verdict(the_floor, "restarted", quantity=1) == "strategy breaker"
    assert facts(row(the_floor, name).unlocks, row(the_floor, name).releasable) == ("your word", True)
    assert reset(the_floor, name, " ").text == "say why: the reason goes to the audit log"
    assert reset(the_floor, name).text == f"{name} reset: sma may enter again"
    assert [(record.name, record.reason) for record in the_floor.of(BreakerReset)] == [(name, "looked at it")]
    later(the_floor, 1, 99)
    assert verdict(the_floor, "released", quantity=1) == "all"
    assert len(the_floor.of(StrategyTripped)) == 1
    assert not reset(the_floor, name).ok


@pytest.mark.parametrize("breaker", SMA_FALLS)
def test_a_strategys_breaker_that_was_reset_counts_anew(breaker: str) -> None:
    the_floor = falling_strategy(breaker)
    later(the_floor, 1, 100)
    assert reset(the_floor, f"{breaker} of sma").ok
    later(the_floor, 1, 100)
    the_floor.tick(60)
    later(the_floor, 1, 90.2)
    assert len(the_floor.of(StrategyTripped)) == 1
    later(the_floor, 1, 90)
    assert [trip.fell for trip in the_floor.of(StrategyTripped)] == [1000, 1000]


@pytest.mark.parametrize("breaker", SMA_FALLS)
def test_what_a_strategy_falls_from_is_known_after_a_restart(breaker: str) -> None:
    the_floor = falling_strategy(breaker)
    the_floor.restart(crash=True)
    later(the_floor, 1, 100)
    assert [trip.fell for trip in the_floor.of(StrategyTripped)] == [1000]


def test_a_strategys_exposure_is_what_it_holds_itself_and_what_its_orders_may_add() -> None:
    limits = replace(OPEN_LIMITS, strategies={"sma": StrategyLimits(max_exposure_pct=D(10))})
    the_floor = Floor(settings(limits=limits), mode=Mode.FULL_AUTO, prices={"AAPL": 100.0, "MSFT": 400.0})
    the_floor.hold(300, 100)
    the_floor.propose("held", quantity=40)
    the_floor.quote("AAPL", 100)
    the_floor.propose("resting", quantity=10, symbol="MSFT", limit=300)
    the_floor.buy(10, "MSFT", limit=301)
    the_floor.propose("too much", quantity=50)
    cut = the_floor.of(SignalRaised)[-1].verdict
    assert facts(cut.rule, cut.quantity) == ("strategy exposure", 30)
    assert verdict(the_floor, "another's", quantity=50, strategy="rsi") == "all"


# ---- a symbol's own loss


@pytest.mark.parametrize("crash", [False, True])
def test_a_symbol_in_which_too_much_was_lost_is_entered_no_more_before_the_next_session(crash: bool) -> None:
    the_floor = holding(symbols={"AAPL": SymbolLimits(max_daily_loss_pct=D(1))})
    aapl, msft = the_floor.buy(1, limit=80), the_floor.buy(1, "MSFT", limit=300)
    later(the_floor, 1, 90.01)
    assert the_floor.of(SymbolLossTripped) == []
    later(the_floor, 1, 90)
    assert [(trip.symbol, trip.loss, trip.limit) for trip in the_floor.of(SymbolLossTripped)] == [("AAPL", 1000, 1000)]
    assert (aapl.state, msft.state.is_final) == (OrderState.CANCELED, False)
    assert row(the_floor, "daily loss in AAPL").unlocks == "the next session"
    later(the_floor, 1, 105)
    the_floor.restart(crash=crash)
    the_floor.session("2025-06-12")
    later(the_floor, 1, 105)
    denied = the_floor.submit(wish(Side.BUY, 1))
    assert denied.verdict is not None
    assert denied.verdict.rule == "symbol loss"
    the_floor.quote("MSFT", 400)
    assert the_floor.submit(wish(Side.BUY, 1, "MSFT")).ok
    assert the_floor.submit(wish(Side.SELL, 50)).ok
    the_floor.session("2025-06-13")
    assert the_floor.submit(wish(Side.BUY, 1)).ok


def test_a_symbols_loss_counts_from_what_it_had_made_when_the_session_opened() -> None:
    the_floor = holding(symbols={"AAPL": SymbolLimits(max_daily_loss_pct=D(1))})
    later(the_floor, 1, 91)
    the_floor.session("2025-06-13")
    later(the_floor, 1, 81.5)
    assert the_floor.of(SymbolLossTripped) == []
    later(the_floor, 1, 81)
    assert [trip.session for trip in the_floor.of(SymbolLossTripped)] == ["2025-06-13"]


# ---- a person's word


def both_tripped() -> Floor:
    the_floor = holding(max_daily_loss_pct=D(2), max_drawdown_pct=D(2))
    later(the_floor, 1, 80)
    assert list(the_floor.core.state.trips) == [DAILY_LOSS, DRAWDOWN]
    return the_floor


def test_what_is_tripped_is_shown_with_why_since_when_and_what_unlocks_it() -> None:
    the_floor = both_tripped()
    assert row(the_floor, DAILY_LOSS) == BreakerRow(
        DAILY_LOSS,
        True,
        "the loss of 2,000.00 in session 2025-06-12 reached the limit of 2,000.00",
        "the next session and your word",
        the_floor.at,
    )
    assert row(the_floor, DRAWDOWN).unlocks == "your word"
    assert row(the_floor, CIRCUIT_BREAKER) == BreakerRow(CIRCUIT_BREAKER, False, "", "your word", 0)


def test_a_strategys_trip_is_shown_until_the_session_ends() -> None:
    the_floor = losing_strategy()
    later(the_floor, 1, 90)
    assert row(the_floor, "daily loss of sma").unlocks == "the next session"
    the_floor.session("2025-06-13")
    assert [row.name for row in the_floor.core.breakers.rows()] == [DAILY_LOSS, DRAWDOWN, CIRCUIT_BREAKER]


@pytest.mark.parametrize(
    ("name", "reason", "answer"),
    [
        (DRAWDOWN, "  ", "say why: the reason goes to the audit log"),
        ("all", "please", "there is no such breaker; there are daily loss, drawdown, circuit breaker"),
        (CIRCUIT_BREAKER, "please", "the circuit breaker is not tripped"),
        (DAILY_LOSS, "please", "the daily loss limit holds until the next session"),
    ],
)
def test_a_reset_that_is_none_is_refused_in_words(name: str, reason: str, answer: str) -> None:
    the_floor = both_tripped()
    reply = reset(the_floor, name, reason)
    assert (reply.ok, reply.text) == (False, answer)
    assert the_floor.of(BreakerReset) == []
    assert the_floor.trading() is TradingState.REDUCING


def test_trading_goes_on_when_the_last_breaker_is_reset_and_lands_in_manual() -> None:
    the_floor = both_tripped()
    the_floor.set_mode(Mode.FULL_AUTO)
    assert reset(the_floor, DRAWDOWN).text == "drawdown reset: the daily loss limit holds"
    assert the_floor.trading() is TradingState.REDUCING
    assert the_floor.core.state.halt_reason == "the loss of 2,000.00 in session 2025-06-12 reached the limit of 2,000.00"
    the_floor.session("2025-06-13")
    assert reset(the_floor, DAILY_LOSS, "new day, smaller size").text == "daily loss reset: trading is ACTIVE"
    assert (the_floor.trading(), the_floor.mode()) == (TradingState.ACTIVE, Mode.MANUAL)
    assert [(record.name, record.reason) for record in the_floor.of(BreakerReset)] == [
        (DRAWDOWN, "looked at it"),
        (DAILY_LOSS, "new day, smaller size"),
    ]


def test_a_resume_while_several_hold_names_them_and_entries_are_told_why() -> None:
    the_floor = both_tripped()
    the_floor.stop()
    assert the_floor.resume().text == "resumed in MANUAL, reducing only: the daily loss limit and the drawdown limit hold"
    denied = the_floor.submit(wish(Side.BUY, 1))
    assert denied.text.startswith("Only orders that shrink a position are let through: the loss of 2,000.00 in session 2025-06-12")


def test_a_reset_while_halted_leaves_the_stop() -> None:
    the_floor = holding(**CIRCUIT)
    later(the_floor, 1, 90)
    the_floor.stop()
    assert reset(the_floor, CIRCUIT_BREAKER).text == "circuit breaker reset: trading is HALTED"
    assert the_floor.trading() is TradingState.HALTED


@pytest.mark.parametrize("crash", [False, True])
def test_every_trip_outlives_a_restart(crash: bool) -> None:
    the_floor = both_tripped()
    before = essence(the_floor.core.state)["breakers"]
    the_floor.restart(crash=crash)
    assert essence(the_floor.core.state)["breakers"] == before == essence(restored(the_floor.records))["breakers"]
    assert the_floor.trading() is TradingState.REDUCING


def test_a_market_that_begins_anew_before_the_journals_end_counts_from_there() -> None:
    the_floor = holding(**CIRCUIT)
    day_order = the_floor.buy(5, limit=80)
    later(the_floor, 1, 90.01)
    the_floor.restart()
    the_floor.at -= 2 * 86_400 * SECOND
    the_floor.quote("AAPL", 90.01)
    the_floor.session("2025-06-10")
    later(the_floor, 0.001, 90.01)
    assert the_floor.core.breakers.window_loss() == 0
    later(the_floor, 1, 89)
    assert the_floor.trading() is TradingState.ACTIVE
    assert the_floor.core.state.book.orders[day_order.id].state is OrderState.EXPIRED
    assert the_floor.submit(wish(Side.BUY, 1)).ok
    later(the_floor, 1, 79)
    assert the_floor.trading() is TradingState.REDUCING


def test_a_clock_that_jumps_back_opens_no_earlier_session_whose_loss_would_count_anew() -> None:
    the_floor = holding(max_daily_loss_pct=D(2))
    the_floor.session("2025-06-13")
    later(the_floor, 1, 81)
    the_floor.session("2025-06-12")
    the_floor.session("2025-06-13")
    later(the_floor, 1, 80)
    assert [record.session for record in the_floor.of(LossLimitTripped)] == ["2025-06-13"]
    the_floor.session("2025-06-12")
    assert not reset(the_floor, DAILY_LOSS).ok
