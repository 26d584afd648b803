"""What the console's engine and screen feel of a backtest that runs beside them, begun in the console's own form: the longest gap between
two quotes in the engine's hand and between two frames of the screen, alone and beside it, measured by turns in one console.

`python -m tests.bench.bench_beside_a_backtest`
"""

from __future__ import annotations

import sys
import tempfile
import textwrap
import time
from pathlib import Path
from statistics import median

from tests.bench.bench_replay_on_screen import prices
from tests.pseudo_terminal import PseudoTerminal

ROUNDS = 2
SECONDS = 1.0
"""For each look at the gaps."""
GOAL_S = 0.05
"""A quote that waits longer in the engine is felt."""
BUSY = """
    from tradeconsole import Bar, Context, Strategy


    class Busy(Strategy):
        bar = 0

        def on_bar(self, ctx: Context, bar: Bar) -> None:
            self.bar += 1
            if self.bar % 100 == 0:
                ctx.buy(bar.symbol, 10, limit=bar.close * 1.01)
            elif self.bar % 100 == 50:
                ctx.close(bar.symbol)
"""
Gaps = tuple[float, float]


class Watched:
    """The console, and the longest gaps of its engine and its screen."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "gaps"
        self.terminal = PseudoTerminal([sys.executable, "-m", "tests.bench.watched_console", str(self._file)])

    def look(self) -> Gaps:
        """In the next second."""
        self._file.unlink(missing_ok=True)
        self.terminal.bytes_in(SECONDS)
        while len(told := self._file.read_text().split() if self._file.exists() else []) < 2:  # it is just being written
            self.terminal.bytes_in(0.01)
        engine, screen = map(float, told)
        return engine, screen

    def type(self, keys: str) -> None:
        """One after the other, as a person does."""
        for key in keys:
            self.terminal.write(key.encode())
            self.terminal.bytes_in(0.02)


def beside(watched: Watched, folder: Path) -> list[Gaps]:
    """The looks while a backtest runs that was begun in the form."""
    terminal, down, rub_out = watched.terminal, "\x1b[B", b"\x15"
    watched.type("Bn")
    terminal.until(b"New backtest")
    terminal.bytes_in(0.5)
    for text, fields in ((str(folder / "busy.py"), 0), (str(folder / "AAPL.csv"), 5)):
        for _ in range(fields):
            terminal.write(down.encode())
            terminal.bytes_in(0.1)
        terminal.write(rub_out)
        watched.type(text)
    terminal.write(b"\x1b[15~")
    terminal.until(rb"is being loaded")
    found = []
    end = time.monotonic() + 300
    while b"Kept" not in terminal.recent and b"busy on AAPL" not in terminal.recent:
        found.append(watched.look())
        if time.monotonic() > end:
            raise TimeoutError("the backtest did not end")
    for _ in range(3):
        terminal.write(b"\x1b")
        terminal.bytes_in(1)
    return found


def main() -> int:
    alone: list[Gaps] = []
    together: list[Gaps] = []
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        (folder / "busy.py").write_text(textwrap.dedent(BUSY))
        prices(folder / "AAPL.csv")
        watched = Watched(folder)
        try:
            watched.terminal.until("▲".encode())
            watched.terminal.bytes_in(3)
            for _ in range(ROUNDS):
                alone += [watched.look() for _ in range(6)]
                together += beside(watched, folder)
        finally:
            watched.terminal.close()
    out = sys.stdout.write
    out(f"a backtest of a million bars beside the console, {len(together)} looks of {SECONDS:g} s, {len(alone)} without it\n")
    for name, place in (("between two quotes", 0), ("between two frames", 1)):
        without, beside_it = ([gaps[place] * 1e3 for gaps in looks] for looks in (alone, together))
        out(f"  longest gap {name}: median {median(without):4.0f} ms alone, {median(beside_it):4.0f} ms beside it")
        out(f" ({median(beside_it) / median(without):.2f} x); worst {max(without):.0f} ms, {max(beside_it):.0f} ms\n")
    out(f"  goal: under {GOAL_S * 1e3:.0f} ms between two quotes, as without it\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
