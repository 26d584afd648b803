"""Measures backtests beside backtesting.py: bars per CPU second, what a bar and an order cost, how that grows, and the memory.

Run as `python -m tests.bench.bench_backtest [ROUNDS]`; `make bench` installs backtesting.py, without it the ratios are left out. The same
work is run through it in turn with ours: on a busy machine only the ratio of two neighbours means something. Data and imports are left out
but in the last line, figures are counted.
"""

from __future__ import annotations

import importlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.backtest.data import Data
from engine.backtest.runner import run
from tests.engine.backtest.workloads import CASH, CROSS, crossing, market

NAMED, MUTE, LATE = (CROSS.with_name(name) for name in ("named.py", "mute.py", "late.py"))
WORKLOADS = (
    ("W1: one symbol by the minute", 1, 1_000_000, False, 8.0),
    ("W2: 50 symbols, one portfolio", 50, 20_000, False, 7.0),
    ("W3: by the day", 1, 10_000, True, 7.0),
)
"""With the ratio that is the goal."""
LENGTHS = (10_000, 100_000, 1_000_000, 10_000_000)
SYMBOLS = (1, 10, 50, 200, 500)
FLIPS = (1, 10, 100, 1000)


class Cost(Struct, frozen=True):
    """CPU seconds, medians of the rounds: of the strategy that names its averages, as backtesting.py has it, of the one that adds to them,
    and of that without orders; `theirs` is None where backtesting.py is not installed."""

    ours: float
    adding: float
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
    ours, adding, mute, other, fills = [], [], [], [], 0
    for _ in range(rounds + 1):
        seconds, result = cpu(lambda: run(data, crossing(NAMED)))
        ours.append(seconds)
        fills = len(result.fills)
        adding.append(cpu(lambda: run(data, crossing()))[0])
        mute.append(cpu(lambda: run(data, crossing(MUTE)))[0])
        if theirs is not None:
            other.append(cpu(lambda: theirs(data))[0])
    middle = statistics.median
    return Cost(middle(ours[1:]), middle(adding[1:]), middle(mute[1:]), middle(other[1:]) if other else None, fills)


def against_the_peer(rounds: int) -> None:
    theirs = peer()
    if theirs is None:
        _say("backtesting.py is not installed: no ratios. `make bench` installs it.")
    for name, symbols, bars, daily, goal in WORKLOADS:
        cost, count = measure(market(symbols, bars, daily=daily), theirs, rounds), symbols * bars
        beside = f"; backtesting.py {count / cost.theirs:,.0f}: {cost.theirs / cost.ours:.2f} x, goal {goal:g} x" if cost.theirs else ""
        _say(f"{name}: {count / cost.ours:,.0f} bars a CPU second{beside}")
        order = (cost.adding - cost.mute) / max(cost.fills, 1)
        added = f", {cost.theirs / cost.adding:.2f} x" if cost.theirs else ""
        _say(f"  adding to averages of its own {cost.adding / count * 1e9:,.0f} ns a bar{added}")
        alone = f", {cost.theirs / cost.mute:.2f} x" if cost.theirs else ""
        _say(f"  a bar without orders {cost.mute / count * 1e9:,.0f} ns{alone}; an order {order * 1e6:,.1f} us, of {cost.fills:,}")


def growth() -> None:
    costs: dict[int, float] = {}
    for bars in LENGTHS:
        seconds = min(cpu(partial(run, market(1, bars), crossing()))[0] for _ in range(3 if bars <= 100_000 else 1))
        costs[bars] = seconds / bars
        _say(f"1 x {bars:,} bars: {costs[bars] * 1e9:,.0f} ns a bar")
    _say(f"  at 1,000,000 {costs[1_000_000] / costs[100_000]:.2f} x that at 100,000, goal at most 1.1 x")
    for symbols in SYMBOLS:
        bars = 200_000 // symbols
        seconds = min(cpu(partial(run, market(symbols, bars), crossing()))[0] for _ in range(2))
        _say(f"{symbols} symbols x {bars:,} bars: {seconds / symbols / bars * 1e9:,.0f} ns a bar")
    data = market(1, 200_000)
    for every in FLIPS:
        seconds, result = cpu(partial(run, data, crossing(CROSS.with_name("flip.py"), every=every)))
        _say(f"a fill each {every} bars ({len(result.fills):,}): {seconds / 200_000 * 1e9:,.0f} ns a bar")


def leaving_late() -> None:
    """What an order that the fast lane does not take costs by where it comes: all before it is played to the core."""
    data, bars = market(1, 1_000_000), 1_000_000
    for every in (1_000, 100):
        seconds = {at: cpu(partial(run, data, crossing(LATE, every=every, at=at)))[0] for at in (0, 1, 9 * bars // 10, bars)}
        never, first, *late = seconds.values()
        said = ", ".join(f"{each / first:.2f} x" for each in late)
        _say(f"a fill each {every} bars: {never:.2f} s in the fast lane, {first:.2f} s left at the first of {bars:,} bars")
        _say(f"  left at nine tenths and at the last bar: {said} that")


def memory(symbols: int, bars: int) -> float:
    """MB that a run takes at its peak beyond its data, in this process."""
    data = market(symbols, bars)
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak_mb()
    run(data, crossing())
    return _peak_mb() - before


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _in_another_process(call: str) -> str:
    script = f"import tests.bench.bench_backtest as bench; print({call})"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def whole_process() -> None:
    """CPU and wall seconds of `tradeconsole backtest`, from its start to its report: over the sample, and over 10,000 days in a file.

    As it is where it was installed, which compiles it: without kept bytecode each start would compile what is new here once more.
    """
    columns = next(iter(market(1, 10_000, daily=True).bars.values())).columns
    with tempfile.TemporaryDirectory() as folder:
        file, home, config = Path(folder, "S00.csv"), Path(folder, "home"), Path(folder, "config.yaml")
        rows = zip(*(column.tolist() for column in columns), strict=True)
        lines = (f"{time.strftime('%Y-%m-%d', time.gmtime(at / 1e9))},{','.join(map(repr, values))}" for at, *values in rows)
        file.write_text("\n".join(["date,open,high,low,close,volume", *lines, ""]))
        config.write_text("feed: {calendar: 24/7}\n")
        command = [sys.executable, "-m", "tradeconsole", "backtest", str(CROSS), "--config", str(config)]
        for name, more in (("the sample's IBM", ("--symbols", "IBM")), ("10,000 days from a file", ("--data", str(file)))):
            costs = []
            for _ in range(3):
                used, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                environment = {**os.environ, "TRADECONSOLE_HOME": str(home), "PYTHONDONTWRITEBYTECODE": ""}
                subprocess.run([*command, *more], check=True, stdout=subprocess.DEVNULL, env=environment)
                now = resource.getrusage(resource.RUSAGE_CHILDREN)
                costs.append((now.ru_utime - used.ru_utime + now.ru_stime - used.ru_stime, time.perf_counter() - begun))
            least, took = min(costs)
            _say(f"{name}, the whole process: {least:.2f} s of CPU, {took:.2f} s by the wall, goal 0.3")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    against_the_peer(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    growth()
    leaving_late()
    if Path("/proc/self/clear_refs").exists():
        for name, symbols, bars in (("W1", 1, 1_000_000), ("W2", 50, 20_000)):
            _say(f"{name} takes {float(_in_another_process(f'bench.memory({symbols}, {bars})')):,.0f} MB beyond its data, goal 200 for W1")
    whole_process()


if __name__ == "__main__":
    main()
