"""The daily loss limit: what trips it, what it spares, and that only the next session and a person end it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.modes import Mode, TradingState
from engine.model.orders import OrderState, Side
from engine.model.records import (
    LossLimitTripped,
    SessionOpened,
)
from engine.model.settings import CommissionSettings
from tests.engine.core.floor import FRICTIONLESS, OPEN_LIMITS, Floor, facts, settings, wish

D = Decimal


def floor(mode: Mode = Mode.MANUAL, **more: Any) -> Floor:
    return Floor(settings(**more), mode=mode, prices={"AAPL": 100.0, "MSFT": 400.0})


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
    dear = replace(FRICTIONLESS, commission=CommissionSettings("fixed", rate=D(1000)))
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
    assert list(the_floor.open_states()) == [target.number, stop.number]
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
    assert [(record.session, record.equity) for record in the_floor.of(SessionOpened)] == [
        ("2025-06-12", D(100_000)),
        ("2025-06-13", D(101_000)),
    ]


def test_a_restart_in_the_middle_of_a_session_mistakes_no_gain_of_the_past_for_a_loss() -> None:
    the_floor = losing()
    the_floor.quote("AAPL", 150)
    the_floor.session("2025-06-13")
    the_floor.restart()
    the_floor.core.prime("AAPL", 150.0)
    the_floor.session("2025-06-13")
    the_floor.tick()
    assert the_floor.trading() is TradingState.ACTIVE
