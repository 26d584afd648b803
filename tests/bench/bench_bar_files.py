"""What reading a file of a million bars costs beside pandas' bare reading of the same text, aggregating it, and playing it.

    python -m tests.bench.bench_bar_files

CPU seconds, and ratios to the bare reading: compare runs by those. The import of pandas is left out.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from engine.feeds.aggregate import in_timeframe
from engine.feeds.bars import BarFeed
from engine.feeds.calendar import Calendar
from engine.feeds.files import read_bars
from engine.feeds.table import Rules
from engine.model.market import MarketEvent

ROWS = 1_000_000
Result = TypeVar("Result")


def write(folder: Path, symbols: int) -> Path:
    """Minute bars around the clock of so many symbols, ROWS in all."""
    each = ROWS // symbols
    times = np.tile(pd.date_range("2015-01-01 14:31", periods=each, freq="min").strftime("%Y-%m-%d %H:%M:%S").to_numpy(), symbols)
    close = np.round(100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 1e-4, ROWS))), 2)
    columns = {"datetime": times, "open": close, "high": close + 0.05, "low": close - 0.05, "close": close, "volume": 100}
    path = folder / f"bars{symbols}.csv"
    pd.DataFrame({"symbol": np.repeat([f"S{number}" for number in range(symbols)], each), **columns}).to_csv(path, index=False)
    return path


def seconds(work: Callable[[], Result]) -> tuple[float, Result]:
    before = time.process_time()
    result = work()
    return time.process_time() - before, result


def main() -> None:
    calendar = Calendar("24/7")
    rules = Rules(calendar, time.time_ns(), ZoneInfo("UTC"))
    for symbols in (1, 100):
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder), symbols)
            bare, _ = seconds(lambda path=path: pd.read_csv(path))  # type: ignore[misc]
            read, file = seconds(lambda path=path: read_bars(path, rules))  # type: ignore[misc]
        larger, _ = seconds(lambda file=file: in_timeframe("bars", file.bars, "1h", calendar))  # type: ignore[misc]
        feed = BarFeed("bars", file.bars, pace=0, calendar=calendar)
        told: list[MarketEvent] = []
        played, _ = seconds(lambda feed=feed, told=told: asyncio.run(feed.run(told.append)))  # type: ignore[misc]
        sys.stdout.write(f"{symbols:>4} symbols   pandas alone {bare:.2f} s")
        sys.stdout.write(f"   read and checked {read:.2f} s ({read / bare:.1f} x)   to 1h {larger:.2f} s ({larger / bare:.2f} x)")
        sys.stdout.write(f"   played {played:.2f} s ({played / bare:.1f} x, {len(told) / played:,.0f} events/s)\n")


if __name__ == "__main__":
    main()
