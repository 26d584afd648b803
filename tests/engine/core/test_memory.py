"""Weeks of orders, fills, signals and refusals: what the engine remembers reaches a size and stays there."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from engine.metrics import Metrics
from engine.model.inputs import Submit
from engine.model.modes import Mode
from engine.model.orders import Side
from tests.engine.core.floor import DAY, OPEN_LIMITS, Floor, settings, wish
from tests.engine.core.sizes import sizes

A_SESSION, SETTLED, SESSIONS = 60, 6, 14


class Floored(Floor):
    """A floor whose records are counted by the metrics as well, as the shell has it."""

    metrics: Metrics | None = None

    def _perform(self, effects: list) -> None:  # type: ignore[type-arg]
        before = len(self.records)
        super()._perform(effects)
        if self.metrics is not None:
            for record in self.records[before:]:
                self.metrics.record(record, self.core.state, self.mono)


def trade(floor: Floor, session: int) -> None:
    """A day: market orders, limit orders that rest and are cancelled, brackets' worth of signals, and orders that are refused."""
    floor.at += DAY
    floor.session(f"2025-{7 + session // 28:02}-{1 + session % 28:02}")
    for number in range(A_SESSION):
        price = 100 + number % 5
        floor.mono += 10**9
        floor.quote("AAPL", price, later_s=3)
        floor.quote("MSFT", price)
        floor.buy(1) if number % 2 else floor.sell(1)
        resting = floor.buy(1, "MSFT", limit=price - 3)
        floor.propose(f"s{session}-{number}", Side.BUY if number % 2 else Side.SELL, 1, "MSFT")
        floor.handle(Submit(floor.command_id(), wish(Side.BUY, 10**9)))
        floor.cancel(resting)
    floor.tick(61)


@pytest.mark.parametrize("mode", [Mode.FULL_AUTO, Mode.MANUAL])
def test_what_is_remembered_reaches_a_size_and_stays_there(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.core.order_book._ENDED_KEPT", 50)
    for kept in ("_DECIDED_KEPT", "_UNSENT_KEPT"):
        monkeypatch.setattr(f"engine.core.approvals.{kept}", 50)
    limits = replace(OPEN_LIMITS, short_selling=True, repetition_s=0, max_orders_minute=1000, max_orders_day=1000)
    floor = Floored(settings(limits=limits), mode=mode, prices={"AAPL": 100.0, "MSFT": 100.0})
    floor.metrics = Metrics()
    history: list[Counter[str]] = []
    for session in range(SESSIONS):
        trade(floor, session)
        history.append(sizes((floor.core, floor.broker, floor.metrics)))
    settled, last = history[SETTLED], history[-1]
    assert sum(settled.values()) > 1000, "it looks at what there is to look at"
    assert {path: (settled[path], count) for path, count in last.items() if count > settled[path] * 1.1 + 3} == {}
