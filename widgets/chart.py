"""Chart: candles of the chosen symbol with what was traded and what works there."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType

from engine.model.views import ChartView, View
from widgets import numbers
from widgets.bars import bar_lines
from widgets.candles import SCALES, draw
from widgets.cells import Cell, fit_cells, segments
from widgets.panel import Panel

CLOSE, APART = SCALES.index((1, 1)), SCALES.index((1, 2))

AXIS = 12
"""Cells that the price axis takes, about."""


class Chart(Panel, inherit_bindings=False):
    """Draws a ChartView; paints again only the lines that came out differently."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(1)", "nearer", show=False),
        Binding("minus", "zoom(-1)", "farther", show=False),
    ]
    DIGIT = "7"
    TITLE = "Chart"
    EMPTY = "No bars yet. Choose a symbol in the watchlist ({panel_watch})."

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self._chart: ChartView | None = None
        self._chosen: int | None = None
        self._drawn: list[list[Cell]] = []

    @property
    def scale(self) -> int:
        """Index of the zoom step in `widgets.candles.SCALES`. Until somebody zooms, candles stand apart while there is room for that."""
        if self._chosen is not None:
            return self._chosen
        bars = len(self._chart.bars) if self._chart is not None else 0
        return APART if bars * SCALES[APART][1] <= self.inner_width - AXIS else CLOSE

    def zoom(self, steps: int) -> None:
        """Nearer by so many steps, or farther by a negative number; stops at the ends."""
        self._chosen = min(len(SCALES) - 1, max(0, self.scale + steps))
        self._redraw()

    def action_zoom(self, steps: int) -> None:
        self.zoom(steps)

    def show(self, view: View) -> None:
        chart = view.chart
        self._title_of(view)
        if chart is not self._chart:
            self._chart = chart
            self._redraw()

    def _title_of(self, view: View) -> None:
        chart = view.chart
        if chart is None:
            self.set_title(Cell(self.TITLE))
            self.set_summary()
            return
        row = next((row for row in view.watch if row.symbol == chart.symbol), None)
        title = [Cell(chart.symbol)]
        if row is not None:
            stale = row.stale_s is not None
            title.append(Cell(f" {numbers.price(row.last, row.tick)}  ", "stale" if stale else "foreground"))
            what = f"stale {numbers.age(row.stale_s)}" if stale else numbers.change(row.change)
            title.append(Cell(what, "stale" if stale else numbers.direction(row.change)))
        self.set_title(*title)
        together = SCALES[self.scale][0]
        self.set_summary(Cell(chart.timeframe if together == 1 else f"{together} × {chart.timeframe}"))

    def on_resize(self) -> None:
        self._redraw()

    def _redraw(self) -> None:
        width, height = max(0, self.inner_width - 2), self.inner_height
        before = self._drawn
        self._drawn = (
            (bar_lines(self._chart, width, height) if self.palette.plain else draw(self._chart, width, height, self.scale))
            if self._chart is not None and self._chart.bars and width
            else []
        )
        if len(before) != len(self._drawn):
            self.refresh()
            return
        for y, line in enumerate(self._drawn):
            if line != before[y]:
                self.refresh_content_line(y)

    def content_line(self, y: int, width: int) -> list[Segment]:
        if not self._drawn:
            return self.message_line(y, width, self.EMPTY)
        return segments(fit_cells([Cell(" "), *self._drawn[y]] if y < len(self._drawn) else [], width), self.palette)
