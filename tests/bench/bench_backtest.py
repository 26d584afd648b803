"""Measures backtests: bars per CPU second with many orders and with none, what a bar and an order cost, and whether that stays.

Run as `python -m tests.bench.bench_backtest [ROUNDS]`. Where backtesting.py is installed (it need not be) the same work is run through it
in turn with ours: on a busy machine only the ratio of two neighbours means something. Data and imports are left out, figures are counted.
"""

from __future__ import annotations

import importlib
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.backtest.data import Data
from engine.backtest.runner import run
from tests.engine.backtest.workloads import CASH, CROSS, crossing, market

MUTE = CROSS.with_name("mute.py")
WORKLOADS = (
    ("W1: one symbol by the minute", 1, 100_000, False),
    ("W2: 50 symbols, one portfolio", 50, 2_000, False),
    ("W3: by the day", 1, 10_000, True),
)
GROWTH = (10_000, 100_000, 300_000)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds, medians of the rounds; `theirs` is None where backtesting.py is not installed."""

    ours: float
    mute: float
    theirs: float | None
    fills: int


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    answer = work()
    return time.process_time() - begun, answer


def peer() -> Callable[[Data], Any] | None:
    """The same strategy through backtesting.py, a run a symbol, for it has no portfolio of several."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    warnings.simplefilter("ignore")
    try:
        theirs, lib, helpers = (importlib.import_module(name) for name in ("backtesting", "backtesting.lib", "backtesting.test"))
    except ImportError:
        return None
    import pandas as pd  # type: ignore[import-untyped]

    class Cross(theirs.Strategy):  # type: ignore[name-defined,misc]
        def init(self) -> None:
            self.fast = self.I(helpers.SMA, self.data.Close, 10)
            self.slow = self.I(helpers.SMA, self.data.Close, 30)

        def next(self) -> None:
            if lib.crossover(self.fast, self.slow):
                if not self.position:
                    self.buy(size=100)
            elif lib.crossover(self.slow, self.fast) and self.position:
                self.position.close()

    frames: dict[int, list[Any]] = {}

    def work(data: Data) -> None:
        if id(data) not in frames:
            frames[id(data)] = [_frame(pd, series.columns) for series in data.bars.values()]
        for frame in frames[id(data)]:
            theirs.Backtest(frame, Cross, cash=CASH, commission=0.001).run()

    return work


def _frame(pd: Any, columns: Any) -> Any:
    at, *values = columns
    return pd.DataFrame(dict(zip(("Open", "High", "Low", "Close", "Volume"), values, strict=True)), index=pd.to_datetime(at))


def measure(data: Data, theirs: Callable[[Data], Any] | None, rounds: int) -> Cost:
    """Each round runs them one after the other; the first warms up and does not count."""
    ours, mute, other, fills = [], [], [], 0
    for _ in range(rounds + 1):
        seconds, result = cpu(lambda: run(data, crossing()))
        ours.append(seconds)
        fills = len(result.fills)
        mute.append(cpu(lambda: run(data, crossing(MUTE)))[0])
        if theirs is not None:
            other.append(cpu(lambda: theirs(data))[0])
    middle = statistics.median
    return Cost(middle(ours[1:]), middle(mute[1:]), middle(other[1:]) if other else None, fills)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    theirs = peer()
    for name, symbols, bars, daily in WORKLOADS:
        cost, count = measure(market(symbols, bars, daily=daily), theirs, rounds), symbols * bars
        beside = f"; backtesting.py {count / cost.theirs:,.0f}, so {cost.theirs / cost.ours:.2f} x" if cost.theirs else ""
        sys.stdout.write(f"{name}: {count / cost.ours:,.0f} bars a CPU second{beside}\n")
        order = (cost.ours - cost.mute) / max(cost.fills, 1)
        alone = f", {cost.theirs / cost.mute:.2f} x" if cost.theirs else ""
        sys.stdout.write(f"  a bar {cost.mute / count * 1e9:,.0f} ns{alone}; an order {order * 1e6:,.0f} us, of {cost.fills:,}\n")
    first = 0.0
    for bars in GROWTH:
        seconds = min(cpu(partial(run, market(1, bars), crossing()))[0] for _ in range(2))
        first = first or seconds / bars
        sys.stdout.write(f"{bars:,} bars: {seconds / bars * 1e9:,.0f} ns a bar, {seconds / bars / first:.2f} x the shortest run's\n")


if __name__ == "__main__":
    main()
