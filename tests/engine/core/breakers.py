"""What the tests of the breakers share: a position that loses, the market some minutes later, and a breaker's row and its reset."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from engine.model.effects import Reply
from engine.model.inputs import ResetBreaker
from engine.model.modes import Mode
from engine.model.records import SignalRaised
from engine.model.settings import StrategyLimits
from engine.model.views import BreakerRow
from tests.engine.core.floor import OPEN_LIMITS, SECOND, Floor, settings

D = Decimal
MINUTE = 60 * SECOND
CIRCUIT: dict[str, Any] = {"circuit_breaker_pct": D(1), "circuit_breaker_minutes": 10}


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


def verdict(the_floor: Floor, signal_id: str, **proposal: Any) -> str:
    the_floor.propose(signal_id, **proposal)
    rule: str = the_floor.of(SignalRaised)[-1].verdict.rule
    return rule


def losing_strategy() -> Floor:
    """sma holds 100 bought at 100 and may lose 1,000; the person holds as many."""
    the_floor = holding(Mode.FULL_AUTO, strategies={"sma": StrategyLimits(max_daily_loss_pct=D(1))})
    the_floor.propose("entry", quantity=100)
    the_floor.quote("AAPL", 100)
    assert the_floor.position() == 200
    return the_floor
