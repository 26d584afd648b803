"""How a backtest grows: what a bar costs in time and in memory by how many bars and how many symbols there are, a process for each.

    python -m tests.bench.bench_growth [MOST_BARS]

The same crossing of averages over all, about one fill in 26 bars. Linear is the same cost a bar in each row; what a run takes to begin with
shows in the short ones. Memory is the peak beyond the data, and is left out where there is no /proc.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from engine.backtest.runner import run
from tests.bench.bench_backtest import cpu, memory
from tests.engine.backtest.workloads import crossing, market

LENGTHS = (10_000, 100_000, 1_000_000, 10_000_000)
"""Bars of all symbols together."""
MOST = 1_000_000
"""Unless more is asked for: ten million take minutes, and 1.5 GB."""
SYMBOLS = (1, 10, 50, 200, 500)
ROUNDS = 3
GOAL = 1.1
"""How much more than at a tenth of the length a bar may cost at a million."""


def cost(symbols: int, bars: int) -> tuple[float, float]:
    """CPU seconds and MB of one run over so many bars a symbol, in this process."""
    taken = memory(symbols, bars) if Path("/proc/self/clear_refs").exists() else 0.0
    data = market(symbols, bars)
    return min(cpu(partial(run, data, crossing()))[0] for _ in range(ROUNDS)), taken


def _in_its_own_process(symbols: int, bars: int) -> tuple[float, float]:
    script = f"from tests.bench.bench_growth import cost; print(*cost({symbols}, {bars}))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    seconds, taken = map(float, told.split())
    return seconds, taken


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else MOST
    say = sys.stdout.write
    say("symbols       bars   CPU s   ns a bar    MB   bytes a bar\n")
    for symbols in SYMBOLS:
        before: float | None = None
        for bars in (length for length in LENGTHS if length <= most):
            seconds, taken = _in_its_own_process(symbols, bars // symbols)
            each = seconds / bars
            grown = "" if before is None else f"   {each / before:.2f} x a tenth of it"
            say(f"{symbols:7} {bars:10,} {seconds:7.3f} {each * 1e9:10,.0f} {taken:5,.0f} {taken * 2**20 / bars:13,.0f}{grown}\n")
            sys.stdout.flush()
            before = each
    say(f"goal: at 1,000,000 bars of one symbol at most {GOAL:g} x what a bar costs at 100,000\n")


if __name__ == "__main__":
    main()
