"""Opening: what stands in a replay's place until its panels can be drawn. How far its recording is read, or why it cannot be replayed."""

from __future__ import annotations

from rich.segment import Segment

from engine.model.views import View
from widgets.cells import Cell, Gauge, fit_cells, gauge, length, segments
from widgets.panel import Panel
from widgets.text import balanced, clean

WIDEST = 72
"""Of a sentence: longer lines are hard to read."""
_BAR = 30


class Opening(Panel, inherit_bindings=False):
    """In the middle of an otherwise empty frame. `way_out` says how to leave."""

    DEFAULT_CSS = """
    Opening { height: 1fr; }
    """

    def __init__(self, way_out: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id)
        self._way_out = way_out
        self._recording, self._done, self._problem = "", 0.0, ""

    def show(self, view: View) -> None:
        """It is no part of the View."""

    def show_reading(self, title: str, done: float) -> None:
        """The recording `title` is being read, and so much of it is `done`, 0 to 1."""
        self._say(title, done, "")

    def show_problem(self, title: str, problem: str) -> None:
        """It cannot be replayed, for this reason."""
        self._say(title, 0.0, problem)

    def _say(self, title: str, done: float, problem: str) -> None:
        said = clean(title[:1].upper() + title[1:]), round(done, 2), clean(problem)
        if said != (self._recording, self._done, self._problem):
            self._recording, self._done, self._problem = said
            self.set_title(Cell("Cannot be replayed" if problem else "Reading", "error" if problem else ""))
            self.refresh()

    def content_line(self, y: int, width: int) -> list[Segment]:
        lines = self._lines(max(1, min(width - 4, WIDEST)))
        first = max(0, (self.inner_height - len(lines)) // 2)
        line = lines[y - first] if 0 <= y - first < len(lines) else []
        left = Cell(" " * max(0, (width - length(line)) // 2))
        return segments(fit_cells([left, *line], width), self.palette)

    def _lines(self, width: int) -> list[list[Cell]]:
        if self._problem:
            head = [[Cell(line, "error")] for line in balanced(f"✗ {self._recording} cannot be replayed.", width)]
            return [*head, [], *([Cell(line)] for line in balanced(self._problem, width)), [], [Cell(self._way_out, "muted")]]
        bar = [] if self.palette.plain else [*gauge(Gauge(self._done, "accent"), min(_BAR, width - 6)), Cell(" ")]
        head = [[Cell(line)] for line in balanced(f"Reading: {self._recording} …", width)]
        return [*head, [], [*bar, Cell(f"{self._done:.0%}")], [], [Cell(self._way_out, "muted")]]
