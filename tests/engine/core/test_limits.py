"""Limits that a person changes while it runs: what holds at once, and what is asked first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.effects import Reply
from engine.model.inputs import SetLimits, Unwatch, Watch
from engine.model.limit_changes import changes
from engine.model.market import Instrument, Split
from engine.model.modes import TradingState
from engine.model.orders import Side
from engine.model.records import LimitsChanged
from engine.model.settings import Limits, StrategyLimits, SymbolLimits
from tests.engine.core.floor import OPEN_LIMITS, SECOND, Floor, settings, wish

D = Decimal


def floor(limits: Limits = OPEN_LIMITS) -> Floor:
    the_floor = Floor(settings(limits=limits))
    the_floor.session("2025-06-12")
    the_floor.quote("AAPL", 100)
    return the_floor


def set_limits(the_floor: Floor, reason: str = "", **limits: Any) -> Reply:
    command_id = the_floor.command_id()
    now = the_floor.core.desk.settings.limits
    the_floor.handle(SetLimits(command_id, replace(now, **limits), reason))
    return next(reply for reply in the_floor.replies if reply.command_id == command_id)


def test_a_tighter_limit_holds_for_the_very_next_order() -> None:
    the_floor = floor()
    assert set_limits(the_floor, max_order_pct=D(1)).text == "max_order_pct 100 → 1"
    denied = the_floor.submit(wish(Side.BUY, 11))
    assert not denied.ok
    assert "limit is 1 % of equity" in denied.text
    assert the_floor.submit(wish(Side.BUY, 9)).ok


def test_a_looser_limit_takes_a_reason_and_is_refused_without_one() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_order_pct=D(1)))
    refused = set_limits(the_floor, max_order_pct=D(5), max_position_pct=D(50))
    assert refused.text == "no limit was changed: to loosen max_order_pct 1 → 5 takes a reason"
    assert the_floor.core.desk.settings.limits.max_position_pct == 100
    assert not set_limits(the_floor, "  ", max_order_pct=D(5)).ok
    assert set_limits(the_floor, "more room for the open", max_order_pct=D(5)).ok
    assert the_floor.submit(wish(Side.BUY, 49)).ok
    assert [(r.changes, r.loosened, r.reason) for r in the_floor.of(LimitsChanged)] == [
        ("max_order_pct 1 → 5", True, "more room for the open")
    ]


def test_a_loss_limit_that_is_tightened_under_the_loss_trips_at_once() -> None:
    the_floor = floor()
    the_floor.hold(500, 100)
    the_floor.move("AAPL", 96)
    the_floor.tick()
    assert the_floor.trading() is TradingState.ACTIVE
    assert set_limits(the_floor, max_daily_loss_pct=D(2)).ok
    assert the_floor.trading() is TradingState.REDUCING


def test_a_limit_of_a_symbol_or_a_strategy_holds_at_once_and_one_of_nobody_is_refused() -> None:
    the_floor = floor()
    assert set_limits(the_floor, symbols={"AAPL": SymbolLimits(max_order_quantity=D(5))}).text == "symbols.AAPL.max_order_quantity none → 5"
    assert "for AAPL" in the_floor.submit(wish(Side.BUY, 6)).text
    refused = set_limits(the_floor, symbols={"NOPE": SymbolLimits(max_order_quantity=D(5))})
    assert "limits.symbols.NOPE: this run has no such name" in refused.text
    refused = set_limits(the_floor, strategies={"nobody": StrategyLimits(max_order_quantity=D(5))})
    assert "limits.strategies.nobody: this run has no such name" in refused.text


def test_a_limit_of_a_symbol_that_is_watched_no_longer_keeps_nobody_from_tightening_others() -> None:
    the_floor = floor()
    the_floor.handle(Watch("w", Instrument("TSLA"), 240.0))
    assert set_limits(the_floor, symbols={"TSLA": SymbolLimits(max_order_quantity=D(5))}).ok
    the_floor.handle(Unwatch("u", "TSLA"))
    assert set_limits(the_floor, max_order_pct=D(1)).ok
    assert "limit is 1 % of equity" in the_floor.submit(wish(Side.BUY, 11)).text


def test_no_limit_changes_by_what_somebody_does_to_the_mappings_they_handed_over() -> None:
    given = replace(OPEN_LIMITS, symbols={"AAPL": SymbolLimits(max_order_quantity=D(50))})
    the_floor = floor(given)
    given.symbols.clear()
    assert "for AAPL" in the_floor.submit(wish(Side.BUY, 51)).text
    mine = {"AAPL": SymbolLimits(max_order_quantity=D(5))}
    assert set_limits(the_floor, symbols=mine).ok
    mine["AAPL"] = SymbolLimits(max_order_quantity=D(1000))
    assert "for AAPL" in the_floor.submit(wish(Side.BUY, 6)).text
    assert set_limits(the_floor, symbols=mine).text.endswith("takes a reason")


def test_new_limits_trip_nothing_while_a_price_is_still_told_in_the_shares_of_before_a_split() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_daily_loss_pct=D(2), max_drawdown_pct=D(2)))
    the_floor.hold(100, 100)
    the_floor.market(Split("AAPL", the_floor.at, D("0.5"), 100.0, "2025-06-13"))
    the_floor.session("2025-06-13")
    the_floor.quote("AAPL", 200)
    the_floor.restart()
    the_floor.core.prime("AAPL", 100.0, at=the_floor.at - SECOND)
    assert set_limits(the_floor, max_order_pct=D(1)).ok
    assert the_floor.trading() is TradingState.ACTIVE


@pytest.mark.parametrize("instead", [None, D(90)])
def test_a_loss_limit_that_tripped_holds_for_its_session_whatever_it_is_by_now(instead: Decimal | None) -> None:
    the_floor = floor(replace(OPEN_LIMITS, symbols={"AAPL": SymbolLimits(max_daily_loss_pct=D(1))}))
    the_floor.hold(100, 100)
    the_floor.move("AAPL", 80)
    the_floor.tick()
    assert set_limits(the_floor, "it will turn", symbols={"AAPL": SymbolLimits(max_daily_loss_pct=instead)}).ok
    denied = the_floor.submit(wish(Side.BUY, 1))
    assert denied.text == "AAPL reached its loss limit in this session: nothing is entered in it until the next."
    assert set_limits(the_floor, "it will turn", symbols={}).ok
    assert not the_floor.submit(wish(Side.BUY, 1)).ok
    the_floor.session("2025-06-13")
    assert the_floor.submit(wish(Side.BUY, 1)).ok


def test_numbers_out_of_range_change_nothing() -> None:
    the_floor = floor()
    for wrong in (D(0), D(-1), D(101), D("NaN")):
        refused = set_limits(the_floor, "because", max_order_pct=wrong)
        assert not refused.ok
        assert "max_order_pct" in refused.text
    assert the_floor.core.desk.settings.limits == OPEN_LIMITS
    assert the_floor.of(LimitsChanged) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"symbols": None}, "limits.symbols is None; allowed: a mapping of names"),
        ({"symbols": [("AAPL", SymbolLimits())]}, "allowed: a mapping of names"),
        ({"symbols": {"AAPL": 5}}, "limits.symbols.AAPL is 5; allowed: SymbolLimits"),
        ({"symbols": {"AAPL": StrategyLimits()}}, "allowed: SymbolLimits"),
        ({"symbols": {7: SymbolLimits()}}, "limits.symbols.7: the name must be"),
        ({"strategies": {None: StrategyLimits()}}, "limits.strategies.None: the name must be"),
        ({"strategies": "all"}, "limits.strategies is 'all'; allowed: a mapping of names"),
        ({"strategies": {"mine": {"max_order_pct": D(1)}}}, "allowed: StrategyLimits"),
    ],
)
def test_limits_of_a_wrong_kind_are_refused_in_words_and_trading_goes_on(wrong: dict[str, Any], said: str) -> None:
    the_floor = floor()
    refused = set_limits(the_floor, "because", **wrong)
    assert not refused.ok
    assert said in refused.text
    the_floor.handle(SetLimits(the_floor.command_id(), cast(Limits, wrong), "because"))
    assert the_floor.replies[-1].text == "no limit was changed: dict is given where Limits belong"
    assert the_floor.core.desk.settings.limits == OPEN_LIMITS
    assert the_floor.submit(wish(Side.BUY, 1)).ok


def test_a_change_made_from_limits_that_hold_no_more_is_refused_and_undoes_nothing() -> None:
    the_floor = floor()
    seen = the_floor.core.desk.settings.limits
    assert set_limits(the_floor, max_order_pct=D(1)).ok
    held = the_floor.core.desk.settings.limits
    the_floor.handle(SetLimits("late", replace(seen, max_position_pct=D(50)), "more room", seen))
    refused = the_floor.replies[-1]
    assert (refused.ok, the_floor.core.desk.settings.limits) == (False, held)
    assert refused.text == "no limit was changed: others hold by now than those it was made from (max_order_pct 100 → 1)"
    the_floor.handle(SetLimits("again", replace(held, max_position_pct=D(50)), "more room", held))
    assert the_floor.replies[-1].ok


def test_what_was_changed_holds_for_the_run_and_the_settings_again_after_it() -> None:
    the_floor = floor()
    set_limits(the_floor, max_order_pct=D(1))
    the_floor.restart()
    assert the_floor.core.desk.settings.limits == OPEN_LIMITS


def test_a_longer_look_back_for_repetitions_holds_at_once() -> None:
    the_floor = floor(replace(OPEN_LIMITS, repetition_s=0.0))
    set_limits(the_floor, repetition_s=60.0)
    assert the_floor.submit(wish(Side.BUY, 1), confirmed=False).ok
    the_floor.tick(5)
    the_floor.quote("AAPL", 100)
    assert "looks like a repetition" in the_floor.submit(wish(Side.BUY, 1), confirmed=False).text


def test_the_circuit_breakers_window_is_the_new_one() -> None:
    the_floor = floor(replace(OPEN_LIMITS, circuit_breaker_pct=D(1), circuit_breaker_minutes=60))
    the_floor.hold(500, 100)
    set_limits(the_floor, "the window is too long for this symbol", circuit_breaker_minutes=5)
    for price in (99.5, 99, 98.5, 98):
        the_floor.quote("AAPL", price, later_s=240)
        the_floor.tick()
    assert the_floor.trading() is TradingState.ACTIVE
    set_limits(the_floor, circuit_breaker_minutes=30)
    the_floor.quote("AAPL", 97.9)
    the_floor.tick()
    the_floor.quote("AAPL", 97.4)
    the_floor.tick()
    assert the_floor.trading() is TradingState.REDUCING


LOOSER: dict[str, tuple[Any, Any]] = {
    "short_selling": (False, True),
    "outside_hours": ("deny", "queue"),
    "repetition_s": (2.0, 1.0),
    "circuit_breaker_minutes": (10, 5),
    "max_order_notional": (D(5), None),
    "max_order_quantity": (D(5), None),
    "max_net_exposure_pct": (D(5), None),
    "stale_after_s": (5.0, 6.0),
}


@pytest.mark.parametrize("name", [name for name in Limits.__struct_fields__ if name not in ("strategies", "symbols")])
def test_which_way_each_limit_is_looser(name: str) -> None:
    tight, loose = LOOSER.get(name, (D(5), D(6)))
    before, after = replace(Limits(), **{name: tight}), replace(Limits(), **{name: loose})
    [change] = changes(before, after)
    assert (change.key, change.looser) == (name, True)
    [back] = changes(after, before)
    assert not back.looser


def test_a_symbols_limit_that_is_taken_away_is_looser() -> None:
    own = replace(Limits(), symbols={"AAPL": SymbolLimits(collar_pct=D(1))})
    [change] = changes(own, Limits())
    assert (str(change), change.looser) == ("symbols.AAPL.collar_pct 1 → none", True)


per_cents = st.decimals("0.1", 100, places=1)


@given(per_cents, per_cents, st.booleans(), st.booleans())
def test_a_change_and_its_way_back_are_never_both_looser(one: D, other: D, short: bool, long: bool) -> None:
    before = replace(Limits(), max_order_pct=one, short_selling=short)
    after = replace(Limits(), max_order_pct=other, short_selling=long)
    there, back = changes(before, after), changes(after, before)
    assert [change.key for change in there] == [change.key for change in back]
    for way, other_way in zip(there, back, strict=True):
        assert way.looser is not other_way.looser
    assert changes(before, before) == ()
