"""Crossing averages over seeded walks, against an oracle in integers: every fill, and the last equity to the last digit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.backtest.runner import run
from tests.engine.backtest.workloads import CROSS, crossing, market, oracle


@pytest.mark.parametrize(
    ("symbols", "bars", "daily"),
    [(1, 20_000, False), (20, 1_000, False), (1, 3_000, True)],
    ids=["one symbol by the minute", "many symbols in one portfolio", "by the day"],
)
@pytest.mark.parametrize("file", [CROSS, CROSS.with_name("named.py")], ids=["adding to averages", "naming them"])
def test_fills_and_equity_are_those_of_the_oracle(file: Path, symbols: int, bars: int, daily: bool) -> None:
    data = market(symbols, bars, daily=daily)
    wanted = oracle(data)
    result = run(data, crossing(file))
    assert len(wanted.fills) > 100
    assert [(fill.symbol, int(fill.price * 100)) for fill in result.fills] == list(wanted.fills)
    assert result.final_value == Decimal(wanted.equity) / 1000
    assert result.curve.equity[-1] == pytest.approx(float(result.final_value), abs=0.001)
