"""The breakers together: each says once that it tripped, all of them outlive a restart, and a person alone resets one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.core.state import CIRCUIT_BREAKER, DAILY_LOSS, DRAWDOWN
from engine.model.modes import Level, Mode, TradingState
from engine.model.orders import OrderState, Side
from engine.model.records import BreakerReset, LossLimitTripped, Noted
from engine.model.views import BreakerRow
from tests.engine.core.breakers import CIRCUIT, holding, later, losing_strategy, reset, row
from tests.engine.core.floor import SECOND, Floor, essence, restored, wish

D = Decimal


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
