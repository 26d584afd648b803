"""Core and broker hear only of the bars that matter, where no limit looks on: nothing may come of that."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from msgspec.structs import replace

from engine.backtest.data import Data
from engine.backtest.profile import OFF, Profile
from engine.backtest.runner import run
from engine.feeds.bar_columns import BarColumns
from engine.feeds.calendar import Calendar
from engine.model.settings import StrategySettings
from tests.engine.backtest.market import FREE
from tests.engine.backtest.workloads import CROSS, SECOND, market

RESTLESS = Profile((StrategySettings(str(CROSS.with_name("restless.py"))),), replace(FREE, volume_cap_pct=0.02))


def with_gaps(data: Data, seed: int, later: int) -> Data:
    """A third of all bars is missing; some symbols start late, some end early. All of it so many nanoseconds `later`."""
    draws = np.random.default_rng(seed)
    bars = {}
    for symbol, series in data.bars.items():
        kept = draws.random(len(series)) < 2 / 3
        kept[: draws.integers(1, 200)] = False
        kept[len(kept) - draws.integers(1, 200) :] = False
        columns = series.columns.rows(kept)
        bars[symbol] = BarColumns(symbol, columns._replace(at=columns.at + later))
    return replace(data, bars=bars)


@pytest.mark.parametrize(("daily", "calendar"), [(False, "24/7"), (True, "24/7"), (False, "XNYS")], ids=["minutes", "days", "sessions"])
@pytest.mark.parametrize("seed", range(2))
def test_who_hears_every_bar_and_who_hears_what_matters_end_alike(seed: int, daily: bool, calendar: str) -> None:
    # From the last hour of New York's first session of the year into its second.
    symbols, bars, later = (2, 1_450, 44 * 3600 * SECOND) if calendar == "XNYS" else (4, 800, 0)
    data = replace(with_gaps(market(symbols, bars, daily=daily), seed, later), calendar=Calendar(calendar))
    free, held = run(data, RESTLESS), run(data, replace(RESTLESS, limits=OFF))
    assert len(free.fills) > 50
    assert Counter(fill.rule.split("-")[0] for fill in free.fills).keys() >= {"market", "limit", "stop", "trail"}
    assert free.fills == held.fills
    assert free.trades == held.trades
    assert free.final_value == held.final_value
    assert free.curve.equity.tolist() == held.curve.equity.tolist()
    assert (free.denied, free.cut, free.ended, free.open_orders) == (held.denied, held.cut, held.ended, held.open_orders)
