"""The circuit breaker: what was lost within minutes, counted from the highest of them."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.core.peak import RollingPeak
from engine.core.state import CIRCUIT_BREAKER
from engine.model.modes import TradingState
from engine.model.orders import Side
from engine.model.records import CashMoved, CircuitTripped, EquityMarked
from tests.engine.core.breakers import CIRCUIT, holding, later, reset
from tests.engine.core.floor import facts, wish

D = Decimal


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
    the_floor.core.prime("AAPL", 94.0)
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
