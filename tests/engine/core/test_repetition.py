"""What looks like a repetition needs a person's yes, whoever sends it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.modes import Mode
from engine.model.orders import Side
from engine.model.records import SignalDecided
from engine.model.signals import SignalState
from tests.engine.core.floor import OPEN_LIMITS, wish
from tests.engine.core.signal_floor import floor, state_of


def test_a_strategy_that_repeats_itself_while_its_signal_waits_asks_once() -> None:
    the_floor = floor(Mode.MANUAL)
    the_floor.propose("s1")
    the_floor.propose("s2")
    assert list(the_floor.core.state.approvals.waiting) == ["s1"]


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


def test_a_strategy_that_orders_again_at_the_next_bar_means_it_however_fast_bars_are_played() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    for number in (1, 2):
        the_floor.bar("AAPL", 100, 100, 100, 100)
        the_floor.propose(f"first at {number}", quantity=10, limit=99)
        the_floor.propose(f"again at {number}", quantity=10, limit=99)
    states = [state_of(the_floor, name) for name in ("first at 1", "again at 1", "first at 2", "again at 2")]
    assert states == [SignalState.SENT, SignalState.DENIED] * 2


def test_a_persons_second_press_of_a_key_is_caught_however_fast_bars_are_played() -> None:
    the_floor = floor()
    the_floor.bar("AAPL", 100, 100, 100, 100)
    assert the_floor.submit(wish(Side.BUY, 10), confirmed=False).ok
    the_floor.bar("AAPL", 100, 100, 100, 100)
    assert "looks like a repetition" in the_floor.submit(wish(Side.BUY, 10), confirmed=False).text


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
