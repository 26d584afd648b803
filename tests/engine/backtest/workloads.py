"""Seeded walks in whole cents, and what a crossover of averages makes on them, worked out in integers: an oracle that cannot round.

The closes are nudged so that the two averages are never equal: then the sign of their difference is the same however one sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from engine.backtest.data import Data
from engine.backtest.profile import Profile
from engine.feeds.bar_columns import BarColumns, Columns
from engine.feeds.calendar import Calendar
from engine.model.settings import CommissionSettings, PaperSettings, SlippageSettings, StrategySettings
from tests.project_files import ROOT

CROSS = ROOT / "tests" / "engine" / "backtest" / "strategies" / "cross.py"
SECOND = 1_000_000_000
CASH = 10_000_000
SHARES, FAST, SLOW = 100, 10, 30
_STARTS = {"minutes": 1_577_836_800, "days": 631_152_000}
"""2020 and 1990 begin."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What must come of it: the number of fills, the last equity in mills (thousandths of money), and each fill's (symbol, price)."""

    fills: tuple[tuple[str, int], ...]
    equity: int


def walk(symbol_number: int, bars: int, *, daily: bool) -> Columns:
    """One symbol's bars. With 1,000,000 minutes of symbol 0 it is the first workload, with 10,000 days the third."""
    sigma, drift = (0.011, 0.0003) if daily else (0.0005, 0.0)
    start, step = (_STARTS["days"], 86_400) if daily else (_STARTS["minutes"], 60)
    draws = np.random.default_rng([7, symbol_number])
    moves = draws.normal(drift - sigma * sigma / 2, sigma, bars)
    close = untied(np.maximum(np.rint(100.0 * np.exp(np.cumsum(moves)) * 100).astype(np.int64), 500))
    gap = draws.normal(0.0, sigma / 4, bars)
    before = np.concatenate(([10_000], close[:-1]))
    opens = np.maximum(np.rint(before * (1 + gap)).astype(np.int64), 1)
    up = np.rint(np.abs(draws.normal(0.0, sigma / 2, bars)) * close).astype(np.int64)
    down = np.rint(np.abs(draws.normal(0.0, sigma / 2, bars)) * close).astype(np.int64)
    high = np.maximum(opens, close) + up
    low = np.maximum(np.minimum(opens, close) - down, 1)
    volume = draws.integers(10_000, 1_000_000, bars).astype(np.float64)
    at = (start + step * (1 + np.arange(bars, dtype=np.int64))) * SECOND
    return Columns(at, opens / 100.0, high / 100.0, low / 100.0, close / 100.0, volume)


def untied(cents: Any) -> Any:
    while True:
        ties = np.flatnonzero(_spread(cents)[SLOW - 1 :] == 0) + SLOW - 1
        if not len(ties):
            return cents
        # The first of each cluster alone: a nudge moves every average that covers it.
        cents[ties[np.concatenate(([True], np.diff(ties) > SLOW))]] += 1


def _spread(cents: Any) -> Any:
    """Three times the fast sum less the slow one, 0 before there is one: the averages' difference in whole numbers."""
    sums = np.concatenate(([0], np.cumsum(cents)))
    spread = np.zeros(len(cents), dtype=np.int64)
    ends = np.arange(SLOW, len(cents) + 1)
    spread[SLOW - 1 :] = 3 * (sums[ends] - sums[ends - FAST]) - (sums[ends] - sums[ends - SLOW])
    return spread


def market(symbols: int, bars: int, *, daily: bool = False) -> Data:
    """`symbols` walks of `bars` each, on a market that never closes."""
    walks = {f"S{number:02d}": BarColumns(f"S{number:02d}", walk(number, bars, daily=daily)) for number in range(symbols)}
    return Data("walks", walks, Calendar("24/7"))


def oracle(data: Data) -> Outcome:
    """Long 100 shares after a cross up, flat after a cross down, at the next bar's open, for a commission of 0.1 % to the cent."""
    fills: list[tuple[int, int, str, int]] = []
    mills = CASH * 1000
    for number, (symbol, series) in enumerate(data.bars.items()):
        opens = _cents(series.columns.open)
        signs = np.sign(_spread(_cents(series.columns.close))).tolist()
        held = False
        for bar in range(1, len(signs) - 1):
            if (signs[bar - 1] < 0 < signs[bar] and not held) or (signs[bar - 1] > 0 > signs[bar] and held):
                held = not held
                price = opens[bar + 1]
                mills -= (price if held else -price) * SHARES * 10 + 10 * _to_cents(price * SHARES)
                fills.append((bar + 1, number, symbol, price))
        mills += held * _cents(series.columns.close)[-1] * SHARES * 10
    fills.sort()
    return Outcome(tuple((symbol, price) for _, _, symbol, price in fills), mills)


def _cents(prices: Any) -> list[int]:
    cents: list[int] = np.rint(prices * 100).astype(np.int64).tolist()
    return cents


def _to_cents(value: int) -> int:
    """A thousandth of so many cents, to the cent, ties to even."""
    whole, rest = divmod(value, 1000)
    return whole + (rest > 500 or (rest == 500 and whole % 2 == 1))


def crossing(file: Path = CROSS, **params: float) -> Profile:
    """The same as a profile: nothing but the commission is taken off."""
    paper = PaperSettings(
        cash=Decimal(CASH),
        commission=CommissionSettings(rate=Decimal("0.1"), minimum=Decimal(0)),
        slippage=SlippageSettings(bps=0),
        latency_ms=0,
        volume_cap_pct=100,
    )
    return Profile((StrategySettings(str(file), params=dict(params)),), paper)


def columns(rows: Mapping[str, list[tuple[int, float, float, float, float, float]]]) -> dict[str, BarColumns]:
    """Bars of each symbol, given as (at, open, high, low, close, volume)."""
    made = {}
    for symbol, bars in rows.items():
        at = np.array([bar[0] for bar in bars], dtype=np.int64)
        made[symbol] = BarColumns(symbol, Columns(at, *np.array([bar[1:] for bar in bars], dtype=np.float64).T))
    return made
