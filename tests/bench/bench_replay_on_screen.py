"""A replay of a million bars on a real pseudo-terminal: from `tradeconsole --replay` to its first picture, and from a key, or a click on
the line at the bottom, to the moment it leads to being on the screen. The market of the session underneath goes on meanwhile.

`python -m tests.bench.bench_replay_on_screen`
"""

from __future__ import annotations

import random
import sys
import tempfile
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from console.backtest.kept import carry_out, keep
from console.backtest.terms import Terms, job_of
from engine.model.settings import Settings
from tests.bench.bench_replay import BARS, OFTEN, bars_of_a_walk
from tests.pseudo_terminal import PseudoTerminal

SIZE = (120, 36)
SEEKS = 60
GOAL_S = 0.2
MOVED = rb"bar ([\d,]+) of 1,000,000"
REST_S = 0.3
"""Between two of them, for the screen to come to rest."""
KEYS = {"a click anywhere": b"", "next trade": b"n", "trade before": b"N", "one bar back": b",", "one bar on": b"."}


def prices(file: Path) -> None:
    """The walk as a file of minutes."""
    columns = bars_of_a_walk(BARS).columns
    first, minute = datetime(2005, 1, 3, 9, 30, tzinfo=UTC), timedelta(minutes=1)
    rows = zip(*(column.tolist() for column in columns[1:]), strict=True)
    with file.open("w") as out:
        out.write("date,open,high,low,close,volume\n")
        out.writelines(f"{first + number * minute:%Y-%m-%d %H:%M},{','.join(map(repr, row))}\n" for number, row in enumerate(rows))


def record(folder: Path) -> None:
    """A backtest that trades every five hundred bars, kept with its recording."""
    strategy = folder / "often.py"
    strategy.write_text(textwrap.dedent(OFTEN))
    prices(folder / "AAPL.csv")
    keep(folder / "backtests.sqlite", carry_out(job_of(Terms(str(strategy), str(folder / "AAPL.csv")), Settings())))


def _to(terminal: PseudoTerminal, keys: bytes) -> float:
    """Seconds from these keys until another moment is on the screen."""
    terminal.bytes_in(REST_S)
    began = time.perf_counter()
    terminal.write(keys)
    return terminal.until_match(MOVED, 10) - began


def _click(column: int) -> bytes:
    line = SIZE[1] - 1
    return f"\x1b[<0;{column};{line}M\x1b[<0;{column};{line}m".encode()


def main() -> int:
    places = random.Random(7)
    took: dict[str, list[float]] = {name: [] for name in KEYS}
    with tempfile.TemporaryDirectory() as home:
        record(Path(home))
        opened = []
        for _ in range(2):
            began = time.perf_counter()
            terminal = PseudoTerminal([sys.executable, "-m", "tradeconsole", "--replay", "1"], SIZE, {"TRADECONSOLE_HOME": home})
            try:
                opened.append(terminal.until(b"before the first bar", 120) - began)
                if len(opened) < 2:
                    continue
                before = 0
                for number in range(SEEKS):
                    name = list(KEYS)[number % len(KEYS)]
                    column = places.choice([place for place in range(20, 100) if abs(place - before) > 1])
                    before = column if name == "a click anywhere" else before
                    took[name].append(_to(terminal, KEYS[name] or _click(column)))
            finally:
                terminal.close()
    out = sys.stdout.write
    out(f"{BARS:,} bars on a terminal of {SIZE[0]}x{SIZE[1]}: the first picture after {opened[0]:.1f} s, later {opened[1]:.1f} s\n")
    for name, times in took.items():
        out(f"  {name:<18} to the screen: median {median(times) * 1e3:4.0f} ms, worst {max(times) * 1e3:4.0f} ms\n")
    worst = max(max(times) for times in took.values())
    out(f"  worst of all {worst * 1e3:.0f} ms (goal: under {GOAL_S * 1e3:.0f} ms)\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
