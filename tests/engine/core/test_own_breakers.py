"""Breakers of one strategy or one symbol: it enters no more, and everybody else does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.state import CIRCUIT_BREAKER, DRAWDOWN
from engine.model.modes import Mode, TradingState
from engine.model.orders import OrderState, Side
from engine.model.records import BreakerReset, SignalRaised, StrategyLossTripped, StrategyTripped, SymbolLossTripped
from engine.model.settings import StrategyLimits, SymbolLimits
from tests.engine.core.breakers import holding, later, losing_strategy, reset, row, verdict
from tests.engine.core.floor import OPEN_LIMITS, Floor, facts, settings, wish

D = Decimal


# ---- a strategy's own loss


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
