"""The screen as a terminal sees it: the first paint, bytes a second, how long after a key its echo is there, a terminal that is not read.

    python -m tests.bench.bench_screen

Everything runs on a real pseudo-terminal. The first paint is measured against an app of the same Textual that shows one word, started in
turns with the console, so that a loaded machine slows both. Each line has its goal beside it. Compare runs on one machine; do not quote
them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from string import ascii_uppercase

from tests.pseudo_terminal import PseudoTerminal

STARTS = 7
SECONDS = 10.0
UNREAD_S = 8.0
PAUSE_S = 0.05
SYMBOLS = tuple(map("".join, product(ascii_uppercase, repeat=3)))
VARIABLES = {"PYTHONDONTWRITEBYTECODE": ""}
"""Who starts a program a second time finds it compiled."""
EMPTY_APP = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("EMPTY")
Empty().run()
"""
BUSY = "symbols: [{symbols}]\nfeed: {{quotes_per_second: {rate}}}\nscreen: {{frames_per_second: {frames}, low_bandwidth: {low}}}\n"


TWO_BROKERS = """
accounts:
  alpaca: {broker: alpaca, alpaca: {url: "http://127.0.0.1:9"}, feed: {source: alpaca, url: "http://127.0.0.1:9"}, symbols: [AAPL]}
  ib: {broker: ib, ib: {host: 127.0.0.1, port: 9}, feed: {source: ib}, symbols: [IBM]}
combined: {max_exposure_pct: 60}
"""
KEYS = {"ALPACA_API_KEY": "PKBENCH0123456789", "ALPACA_SECRET_KEY": "nobody-takes-it-0123456789"}
"""Nobody listens there: the first paint waits for no answer."""


@contextmanager
def console(*options: str, config: str = "", size: tuple[int, int] = (120, 36)) -> Iterator[PseudoTerminal]:
    with tempfile.TemporaryDirectory() as home:
        if config:
            (Path(home) / "tradeconsole.yaml").write_text(config)
        variables = VARIABLES | KEYS | {"TRADECONSOLE_HOME": home}
        terminal = PseudoTerminal([sys.executable, "-m", "tradeconsole", *options], size, variables=variables)
        try:
            yield terminal
        finally:
            terminal.close()


def busy(symbols: int, events: int, *, frames: int = 12, low: bool = False) -> str:
    """A config in which so many symbols have so many quotes a second between them."""
    names = ", ".join(f'"{name}"' for name in SYMBOLS[:symbols])
    return BUSY.format(symbols=names, rate=events / symbols, frames=frames, low=str(low).lower())


def first_paints() -> tuple[float, float, float]:
    """Seconds to the first paint, the median of several starts: (an empty app, the console, it with accounts at two brokers)."""
    empty, ours, brokers = [], [], []
    for _ in range(STARTS):
        terminal = PseudoTerminal([sys.executable, "-c", EMPTY_APP], variables=VARIABLES)
        empty.append(terminal.until(b"EMPTY") - terminal.began)
        terminal.close()
        with console("--feed", "sim") as terminal:
            ours.append(terminal.until(b"Watchlist") - terminal.began)
        with console(config=TWO_BROKERS) as terminal:
            brokers.append(terminal.until(b"Watchlist") - terminal.began)
    return statistics.median(empty), statistics.median(ours), statistics.median(brokers)


def quoted(terminal: PseudoTerminal) -> None:
    """All is up, and prices move."""
    terminal.until("▲".encode())
    terminal.bytes_in(3)


def bytes_a_second(*, low: bool) -> float:
    """Of 40 rows on the screen that all have a new quote ten times a second."""
    with console(config=busy(40, 400, frames=10, low=low), size=(120, 50)) as terminal:
        quoted(terminal)
        terminal.write(b"z")
        terminal.bytes_in(2)
        return terminal.bytes_in(SECONDS) / SECONDS


def echoes(terminal: PseudoTerminal, keys: Sequence[tuple[bytes, bytes]]) -> list[float]:
    """Seconds from each key until what is expected of it is on the screen."""
    took = []
    for key, expected in keys:
        terminal.write(key)
        began = time.perf_counter()
        took.append(terminal.until_match(expected) - began)
        terminal.bytes_in(PAUSE_S)
    return took


def in_the_order_line(terminal: PseudoTerminal) -> list[float]:
    terminal.write(b":")
    terminal.until(b"mode semi")
    letters = ascii_uppercase * 3
    return echoes(terminal, [(letters[i : i + 1].encode(), letters[: i + 1].encode()) for i in range(len(letters))])


def in_the_ticket(terminal: PseudoTerminal) -> list[float]:
    terminal.write(b"b")
    terminal.until(b"quantity")
    terminal.bytes_in(1)  # it is deaf for its first moment
    more = [(b"8", b"8" * count + rb"(?!8)") for count in range(1, 7)]
    less = [(b"\x7f", rb"(?<!8)" + b"8" * count + rb"(?!8)") for count in range(5, 0, -1)]
    terminal.write(b"\x7f" * 12)
    terminal.bytes_in(1)
    return echoes(terminal, (more + less + [(b"\x7f", rb"quantity")]) * 4)


def in_a_table(terminal: PseudoTerminal) -> list[float]:
    names = [name.encode() for name in SYMBOLS[:8]]
    places = [*names[1:], *names[-2::-1]] * 4
    keys = [b"j"] * 7 + [b"k"] * 7
    return echoes(terminal, [(key, "▸".encode() + rb"[^A-Z]*" + place) for key, place in zip(keys * 4, places, strict=True)])


def unread() -> tuple[float, float, float]:
    """Seconds: the engine's and the screen's longest gap while nobody reads the terminal, and until it is whole when somebody does."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "gaps"
        terminal = PseudoTerminal([sys.executable, "-m", "tests.bench.watched_console", str(file)], variables=VARIABLES)
        try:
            quoted(terminal)
            file.unlink(missing_ok=True)
            time.sleep(UNREAD_S)
            engine, screen = map(float, file.read_text().split())
            terminal.recent = b""
            began = time.perf_counter()
            whole = terminal.until_match(rb"(?s)Watchlist.*Positions.*EMERGENCY") - began
            return engine, screen, whole
        finally:
            terminal.close()


def main() -> None:
    say = sys.stdout.write
    empty, ours, brokers = first_paints()
    say(f"first paint          {ours / empty:5.2f} x an empty app   goal 1.5   ({ours * 1000:.0f} ms, {empty * 1000:.0f} ms)\n")
    say(f"  with two brokers   {brokers / empty:5.2f} x an empty app   goal 1.5   ({brokers * 1000:.0f} ms)\n")
    for name, low, goal in (("40 rows at 10 Hz", False, 100), ("  low bandwidth", True, 25)):
        say(f"{name:<20} {bytes_a_second(low=low) / 1000:5.1f} kB/s            goal {goal}\n")
    places: tuple[tuple[str, Callable[[PseudoTerminal], list[float]]], ...] = (
        ("order line", in_the_order_line),
        ("ticket", in_the_ticket),
        ("table", in_a_table),
    )
    for place, measured in places:
        with console(config=busy(200, 5000)) as terminal:
            quoted(terminal)
            cuts = statistics.quantiles(measured(terminal), n=20)
        say(f"key, {place:<15} {cuts[9] * 1000:5.1f} ms p50   {cuts[18] * 1000:5.1f} ms p95   goals 20, 50   at 5,000 events/s\n")
    engine, screen, whole = unread()
    say(f"unread for {UNREAD_S:.0f} s       {engine * 1000:5.1f} ms engine gap   goal 50   {screen * 1000:.1f} ms between frames (83 due)")
    say(f"   whole again in {whole * 1000:.0f} ms\n")


if __name__ == "__main__":
    main()
