"""A recorded backtest over a million bars: what recording it costs, how many bytes a bar takes, and how long a seek anywhere takes.

`python -m tests.bench.bench_replay`
"""

from __future__ import annotations

import random
import sys
import tempfile
import textwrap
import time
from functools import partial
from pathlib import Path
from statistics import median

from engine.backtest.data import Data
from engine.backtest.looks import Looks
from engine.backtest.player import Orders
from engine.backtest.profile import Profile
from engine.backtest.runner import run
from engine.feeds.bar_columns import BarColumns, Columns, Floats
from engine.feeds.calendar import Calendar
from engine.model.settings import StrategySettings
from engine.replay.backtests import BacktestRecording, effects_of
from engine.replay.outline import pieces_of, run_of
from engine.replay.packing import pack_bars
from engine.replay.replay import Replay
from storage.recordings import BacktestFiles

BARS = 1_000_000
SEEKS = 40
ROUNDS = 4
GOAL_S, GOAL_BYTES, GOAL_LOOKS = 0.2, 40, 1.05
_MINUTE = 60 * 1_000_000_000
_FIRST = 1_672_531_200 * 1_000_000_000
OFTEN = """
    from tradeconsole import Bar, Context, Strategy


    class Often(Strategy):
        bar = 0

        def on_bar(self, ctx: Context, bar: Bar) -> None:
            self.bar += 1
            if self.bar % 1000 == 0:
                ctx.buy(bar.symbol, 10, reason="a thousand bars")
            elif self.bar % 1000 == 500:
                ctx.close(bar.symbol)
"""


def bars_of_a_walk(count: int) -> BarColumns:
    """As many minutes of a walk in cents."""
    import numpy as np

    moves = np.random.default_rng(7)
    close: Floats = np.round(np.maximum(100 + np.cumsum(moves.normal(0, 0.02, count)), 1), 2).astype(np.float64)
    opened: Floats = np.concatenate((close[:1], close[:-1]))
    high = np.round(np.maximum(opened, close) + np.abs(moves.normal(0, 0.01, count)), 2)
    low = np.round(np.minimum(opened, close) - np.abs(moves.normal(0, 0.01, count)), 2)
    volume = moves.integers(100, 100_000, count).astype(np.float64)
    at = _FIRST + _MINUTE * np.arange(1, count + 1, dtype=np.int64)
    return BarColumns("AAPL", Columns(at, opened, high, low, close, volume))


def _cost_of_looks(data: Data) -> str:
    """What writing down the indicators costs the fast lane: the best of several runs with and without, one after the other."""
    profile = Profile((StrategySettings("sma_cross"),))
    without: list[float] = []
    told: list[float] = []
    for _ in range(ROUNDS):
        for times, looks in ((without, None), (told, Looks())):
            began = time.process_time()
            run(data, profile, None, None, looks)
            times.append(time.process_time() - began)
    return f"indicators written down: {min(told) / min(without):.3f} times the run without (goal: under {GOAL_LOOKS})"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        strategy = Path(folder) / "often.py"
        strategy.write_text(textwrap.dedent(OFTEN))
        data, profile = Data("a walk", {"AAPL": bars_of_a_walk(BARS)}, Calendar("24/7")), Profile((StrategySettings(str(strategy)),))
        looked = _cost_of_looks(data)
        began = time.perf_counter()
        run(data, profile)
        plain_s = time.perf_counter() - began
        ordered: list[Orders] = []
        began = time.perf_counter()
        result = run(data, profile, None, ordered.append)
        told_s = time.perf_counter() - began
        files = BacktestFiles(Path(folder) / "recordings")
        began = time.perf_counter()
        pieces, bars = pieces_of(result, ordered)
        files.write("run", pieces, {name: partial(pack_bars, series) for name, series in bars.items()})
        written_s = time.perf_counter() - began
        began = time.perf_counter()
        read = run_of(files.read("run")[0], files.read_bars)
        effects = effects_of(read)
        effects_s = time.perf_counter() - began
        size = sum(file.stat().st_size for file in files.folder.rglob("*") if file.is_file()) + sum(map(len, effects))
        began = time.perf_counter()
        replay = Replay(BacktestRecording("a walk", read, effects))
        opened_s = time.perf_counter() - began
        places, seeks, views = random.Random(7), [], []
        for _ in range(SEEKS):
            step = places.randrange(BARS)
            began = time.perf_counter()
            replay.seek(step)
            seeks.append(time.perf_counter() - began)
            began = time.perf_counter()
            replay.view()
            views.append(time.perf_counter() - began)
    lines = (
        looked,
        f"run over {BARS:,} bars, {len(result.fills):,} fills: {plain_s:.2f} s; told what was ordered: {told_s:.2f} s",
        f"written in {written_s:.2f} s: {size / BARS:.1f} bytes a bar with all effects (goal: under {GOAL_BYTES})",
        f"effects worked out in {effects_s:.2f} s, once; opened in {opened_s:.2f} s, {len(replay.index.frames)} places to go on from",
        f"seek anywhere: median {median(seeks) * 1e3:.0f} ms, worst {max(seeks) * 1e3:.0f} ms (goal: under {GOAL_S * 1e3:.0f} ms)",
        f"view: median {median(views) * 1e3:.1f} ms, worst {max(views) * 1e3:.1f} ms",
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
