"""What is written in the order line, looked up with the first letter: a grammar is much to load, and no picture needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from console.kept import Kept
from console.trading_engine import TradingEngine
from engine.model import View
from widgets.line_notes import Reading
from widgets.order_line import OrderLine

if TYPE_CHECKING:
    from console.screens.line_reader import LineReader

HISTORY = "order_line"
"""What the entered lines are kept as."""


class LineMeanings:
    """`see` is to be called with each View that is shown: words like symbols, positions and prices are read by it. `clock` is
    monotonic seconds, and `add_key` the key that adds a symbol to the watchlist."""

    def __init__(self, engine: TradingEngine, view: View, clock: Callable[[], float], add_key: str) -> None:
        self._engine = engine
        self._add_key = add_key
        self._view = view
        self._loaded: LineReader | None = None
        self.line = OrderLine(self._interpret, self._complete, clock)

    def keep_history(self, kept: Kept) -> None:
        """Bring back the lines of earlier runs, and keep those that are entered from now on."""
        self.line.keep_history(kept.load(HISTORY, list[str], []), lambda lines: kept.save(HISTORY, lines))

    def see(self, view: View) -> None:
        self._view = view
        if self._loaded is not None:
            self._loaded.see(view)
        self.line.reread()

    def judge(self, view: View, now: float) -> None:
        """Show under the line what the gate says of it at `now`, in monotonic seconds, once that is known."""
        line = self.line
        if self._loaded is not None and (verdict := self._loaded.verdict(line.reading.command, line.text, view, now)) is not None:
            line.show_preview(verdict)

    def _interpret(self, text: str) -> Reading:
        return self._reader().interpret(text)

    def _complete(self, text: str) -> tuple[int, Sequence[tuple[str, str]]]:
        return self._reader().complete(text)

    def _reader(self) -> LineReader:
        if self._loaded is None:
            from console.screens.line_reader import LineReader

            self._loaded = LineReader(self._engine, self._view, self._add_key)
        return self._loaded
