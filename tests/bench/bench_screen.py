"""The screen as a terminal sees it: the first paint, bytes a second, and how long after a key its echo is there.

    python -m tests.bench.bench_screen

Everything runs on a real pseudo-terminal of 120x36. The first paint is measured against an app of the same Textual that shows one word,
started in turns with the console, so that a loaded machine slows both. Compare runs on one machine; do not quote them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from string import ascii_uppercase

from tests.pseudo_terminal import PseudoTerminal

STARTS = 7
SECONDS = 10.0
SYMBOLS = tuple(map("".join, product(ascii_uppercase, repeat=3)))
EMPTY_APP = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("EMPTY")
Empty().run()
"""


@contextmanager
def console(*options: str) -> Iterator[PseudoTerminal]:
    with tempfile.TemporaryDirectory() as home:
        terminal = PseudoTerminal([sys.executable, "-m", "tradeconsole", *options], variables={"TRADECONSOLE_HOME": home})
        try:
            yield terminal
        finally:
            terminal.close()


def first_paints() -> tuple[float, float]:
    """Seconds to the first paint, the median of several starts: (an empty app, the console)."""
    empty, ours = [], []
    for _ in range(STARTS):
        terminal = PseudoTerminal([sys.executable, "-c", EMPTY_APP])
        empty.append(terminal.until(b"EMPTY") - terminal.began)
        terminal.close()
        with console("--feed", "sim") as terminal:
            ours.append(terminal.until(b"Watchlist") - terminal.began)
    return statistics.median(empty), statistics.median(ours)


def bytes_a_second(*options: str) -> float:
    with console(*options) as terminal:
        terminal.until("▲".encode())
        terminal.bytes_in(3)
        return terminal.bytes_in(SECONDS) / SECONDS


def key_echoes(symbols: Sequence[str]) -> list[float]:
    """Seconds from a key in the order line to its letter on the screen, while so many symbols tick."""
    with console("--feed", "sim", "--symbols", ",".join(symbols)) as terminal:
        terminal.until("▲".encode())
        terminal.bytes_in(3)
        terminal.write(b":")
        terminal.until(b"mode semi")
        took, text = [], ""
        for letter in ascii_uppercase * 3:
            text += letter
            terminal.write(letter.encode())
            began = time.perf_counter()
            took.append(terminal.until(text.encode()) - began)
            terminal.bytes_in(0.05)
        return took


def main() -> None:
    empty, ours = first_paints()
    sys.stdout.write(f"first paint         {ours / empty:5.2f} x an empty app   ({ours * 1000:.0f} ms, {empty * 1000:.0f} ms)\n")
    few, many = ",".join(SYMBOLS[:4]), ",".join(SYMBOLS[:40])
    for name, options in (("4 symbols tick", ("--symbols", few)), ("40 symbols tick", ("--symbols", many))):
        sys.stdout.write(f"{name:<19} {bytes_a_second('--feed', 'sim', *options) / 1000:5.1f} kB/s\n")
    echoes = key_echoes(SYMBOLS[:200])
    cuts = statistics.quantiles(echoes, n=20)
    sys.stdout.write(f"key to screen       {cuts[9] * 1000:5.1f} ms p50   {cuts[18] * 1000:.1f} ms p95   while 200 symbols tick\n")


if __name__ == "__main__":
    main()
