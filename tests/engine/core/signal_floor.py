"""What the tests of signals share: a floor whose rules of SEMI_AUTO cover some signals, and where a signal stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.model.modes import Mode
from engine.model.settings import AutoApprove
from engine.model.signals import SignalState
from tests.engine.core.floor import Floor, settings

D = Decimal
AUTO = AutoApprove(max_notional=D(5000), min_confidence=0.8, symbols=("AAPL",))


def floor(mode: Mode = Mode.MANUAL, **more: Any) -> Floor:
    return Floor(settings(auto=AUTO, **more), mode=mode, prices={"AAPL": 100.0, "MSFT": 400.0})


def state_of(the_floor: Floor, signal_id: str) -> SignalState:
    return the_floor.core.state.approvals.cases[signal_id].state
