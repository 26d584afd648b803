"""A console whose engine and screen are timed, to be run in a terminal by a bench.

    python -m tests.bench.watched_console FILE

Into FILE go, several times a second, the longest gaps in seconds since it was last taken away: between two quotes in the engine's hand, and
between two frames of the screen.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from console.app import run_console
from console.build import create_engine
from engine.model import Quote, Settings, View
from engine.model.settings import FeedSettings

LOOK_S = 0.2


class Gaps:
    """The longest time between two calls of `beat`."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = 0.0

    def beat(self) -> None:
        now = time.perf_counter()
        if self._last:
            self.longest = max(self.longest, now - self._last)
        self._last = now


def main(file: Path, symbols: tuple[str, ...] = tuple("ABCDEFGHIJ")) -> int:
    with tempfile.TemporaryDirectory() as home:
        feed = replace(FeedSettings(), quotes_per_second=50.0)
        engine = create_engine(Settings(database=Path(home) / "paper.sqlite", symbols=symbols, feed=feed))
        quotes, frames, told = Gaps(), Gaps(), 0.0
        engine.subscribe(Quote, lambda _: quotes.beat())
        view = engine.view

        def watched() -> View:
            nonlocal told
            frames.beat()
            if time.perf_counter() - told > LOOK_S:
                told = time.perf_counter()
                if not file.exists():
                    quotes.longest = frames.longest = 0.0
                file.write_text(f"{quotes.longest:.4f} {frames.longest:.4f}\n")
            return view()

        engine.view = watched  # type: ignore[method-assign]
        return run_console(engine, backtests=Path(home) / "backtests.sqlite")


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
