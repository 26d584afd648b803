"""Chart: candles of the chosen symbol with what was traded and what works there, a crosshair, and a view back into the past."""

from __future__ import annotations

from bisect import bisect_left

from msgspec.structs import replace
from rich.segment import Segment
from textual import events
from textual.message import Message

from engine.model.money import ZERO
from engine.model.orders import Side
from engine.model.views import ChartMark, ChartView, View
from widgets import numbers
from widgets.bars import bar_lines
from widgets.candles import SCALES, Look, Plot, columns_for, draw
from widgets.cells import Cell, fit_cells, segments
from widgets.chart_bars import AVERAGES, ChartBars
from widgets.chart_line import describe
from widgets.panel import Panel
from widgets.text import clean

CLOSE, APART = SCALES.index((1, 1)), SCALES.index((1, 2))
_LINE_FROM, _TWO_LINES_FROM = 7, 10
"""Heights from which the line of values has room, and a second one with the crosshair."""
SHORTER, LONGER = Cell("< ", "key"), Cell(" >", "key")


class Chart(Panel, inherit_bindings=False):
    """Draws a ChartView; paints again only the lines that came out differently. Which keys move it is the screen's business."""

    DIGIT = "7"
    TITLE = "Chart"
    EMPTY = "No bars yet. Choose a symbol in the watchlist ({panel_watch})."
    STARTING = "The feed is being asked. Its bars stand here as soon as it has answered."
    FAILED = "The engine did not start: there are no bars."

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self.empty_text = self.EMPTY
        self._chart: ChartView | None = None
        self._bars = ChartBars()
        self._chosen: int | None = None
        self._averages = 2
        self._as_line = False
        self._alerts: tuple[tuple[str, float], ...] = ()
        # Moments, not places: bars are dropped at the beginning, and another time frame has others.
        self._cross: int | None = None
        self._price: float | None = None
        self._end: int | None = None
        self._hovers = False
        self._plot: Plot | None = None
        self._above = 0
        self._drawn: list[list[Cell]] = []

    # ---- what a person may ask of it

    @property
    def scale(self) -> int:
        """Index of the zoom step in `widgets.candles.SCALES`. Until somebody zooms, candles stand apart while there is room for that."""
        if self._chosen is not None:
            return self._chosen
        columns = columns_for(self.inner_width)
        return APART if len(self._bars.bars) * SCALES[APART][1] <= columns or columns >= 80 else CLOSE

    @property
    def has_crosshair(self) -> bool:
        return self._cross is not None

    @property
    def crosshair_at(self) -> int | None:
        """The close of the bar under the crosshair."""
        return self._cross

    def zoom(self, steps: int) -> None:
        """Nearer by so many steps, or farther by a negative number; stops at the ends."""
        self._chosen = min(len(SCALES) - 1, max(0, self.scale + steps))
        self._redraw()

    def move(self, candles: int) -> None:
        """The crosshair by so many candles, to the future where positive; it appears at the last candle in view."""
        plot, bars = self._plot, self._bars.bars
        if plot is None:
            return
        if self._cross is None:
            place = plot.candles[-1].last
            if abs(candles) == 1:
                candles = 0
        else:
            place = self._bars.place(self._cross)
        together = SCALES[self.scale][0]
        place = min(len(bars) - 1, max(0, place + candles * together))
        self._point_at(bars[place].at, None)

    def move_page(self, pages: int) -> None:
        """The crosshair, and with it what is in view, by half of what is in view."""
        if self._plot is not None:
            half = max(1, len(self._plot.candles) // 2)
            if self._end is not None or pages < 0:
                self._end = (
                    self._bars.bars[max(0, self._plot.candles[-1].last + pages * half * SCALES[self.scale][0])].at if pages < 0 else None
                )
            self.move(pages * half)

    def move_price(self, rows: int) -> None:
        """The crosshair's price by so many rows, up where positive."""
        if self._plot is None:
            return
        if self._cross is None:
            self.move(0)
        prices = self._plot.prices
        price = self._price
        if price is None and self._cross is not None:
            price = self._bars.bars[self._bars.place(self._cross)].close
        if price is not None:
            self._price = prices.price(min(prices.rows - 1, max(0, prices.row(price) - rows)))
            self._redraw()

    def move_first(self) -> None:
        """The crosshair to the oldest bar."""
        if self._bars.bars:
            self._point_at(self._bars.bars[0].at, None)

    def move_last(self) -> None:
        """The crosshair to the newest bar."""
        if self._bars.bars:
            self._end = None
            self._point_at(self._bars.bars[-1].at, None)

    def put_away(self) -> None:
        """The crosshair, and back to the newest bar."""
        self._cross = self._price = self._end = None
        self._hovers = False
        self._redraw()

    def next_averages(self) -> str:
        """One more average, after the last none. Says which are drawn."""
        self._averages = (self._averages + 1) % (len(AVERAGES) + 1)
        self._redraw()
        return ", ".join(average.name for average in AVERAGES[: self._averages]) or "no averages"

    def toggle_line(self) -> None:
        """Candles or a line of the closes."""
        self._as_line = not self._as_line
        self._redraw()

    def show_alerts(self, alerts: tuple[tuple[str, float], ...]) -> None:
        """Draws a line at each of these prices, given with their symbols."""
        if alerts != self._alerts:
            self._alerts = alerts
            self._redraw()

    # ---- the mouse

    class FrameAsked(Message):
        """The sign before or behind the time frame was clicked; `which` is longer or shorter."""

        def __init__(self, which: str) -> None:
            super().__init__()
            self.which = which

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._cross is None or self._hovers:
            if self._point_by_mouse(event):
                self._hovers = True
            else:
                self.on_leave()

    def on_click(self, event: events.Click) -> None:
        """Puts the crosshair down; another click on the same candle takes it up again. In the top border it is about the time frame."""
        sign = self.summary_cell(event.x) if event.y == 0 else None
        if sign in (SHORTER, LONGER):
            self.post_message(self.FrameAsked("longer" if sign == LONGER else "shorter"))
        before = None if self._hovers else self._cross
        if self._point_by_mouse(event):
            self._hovers = False
            if self._cross == before:
                self.put_away()

    def on_leave(self) -> None:
        if self._hovers:
            self._hovers, self._cross, self._price = False, None, None
            self._redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.zoom(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.zoom(-1)

    def _point_by_mouse(self, event: events.MouseEvent) -> bool:
        """Whether the mouse is on the plot; then the crosshair is at it."""
        plot, x, row = self._plot, event.x - 2, event.y - 1 - self._above
        if plot is None or not 0 <= x < plot.width or row < 0:
            return False
        right = min(bisect_left(plot.xs, x), len(plot.xs) - 1)
        nearest = right - 1 if right and x - plot.xs[right - 1] < plot.xs[right] - x else right
        self._point_at(plot.candles[nearest].at, plot.prices.price(row) if row < plot.prices.rows else None)
        return True

    def _point_at(self, at: int, price: float | None) -> None:
        if (at, price) != (self._cross, self._price) or self._end is not None:
            self._cross, self._price = at, price
            self._hovers = False
            self._redraw()

    # ---- drawing

    def show(self, view: View) -> None:
        chart = view.chart
        if chart is not self._chart:
            if chart is None or self._chart is None or chart.symbol != self._chart.symbol:
                self._cross = self._price = self._end = None
                self._hovers = False
            self._chart = chart
            if chart is not None:
                self._bars.update(chart)
            self._redraw()
        self._say_when_empty(view)
        self._title_of(view)

    def _say_when_empty(self, view: View) -> None:
        if view.chart is not None:
            text = f"No bars of {clean(view.chart.symbol)} yet. They appear as the feed sends them."
        elif view.health.ready:
            text = self.EMPTY
        else:
            text = self.FAILED if view.health.failed else self.STARTING
        if text != self.empty_text:
            self.empty_text = text
            self.refresh()

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
            what = numbers.stale(row.stale_s) if row.stale_s is not None else numbers.change(row.change)
            title.append(Cell(what, "stale" if stale else numbers.change_direction(row.change)))
        self.set_title(*title)
        self._sum_up(chart)

    def _sum_up(self, chart: ChartView) -> None:
        together = SCALES[self.scale][0]
        summary = [Cell(chart.timeframe if together == 1 else f"{together} × {chart.timeframe}", "title")]
        if len(chart.offered) > 1:
            summary = [SHORTER, *summary, LONGER]
        if self._end is not None:
            summary = [Cell("the past  ", "warning"), *summary]
        self.set_summary(*summary)

    def on_resize(self) -> None:
        self._redraw()

    def _look(self) -> Look:
        bars = self._bars
        cross = None if self._cross is None else bars.place(self._cross)
        last = None if self._end is None else bars.place(self._end)
        return Look(self.scale, last, AVERAGES[: self._averages], self._as_line, cross, self._price)

    def _redraw(self) -> None:
        before = self._drawn
        self._drawn = self._draw()
        if self._chart is not None:
            self._sum_up(self._chart)
        if len(before) != len(self._drawn):
            self.refresh()
            return
        for y, line in enumerate(self._drawn):
            if line != before[y]:
                self.refresh_content_line(y)

    def _draw(self) -> list[list[Cell]]:
        """All lines of the content; none where there is nothing to show."""
        chart, width, height = self._chart, max(0, self.inner_width - 2), self.inner_height
        self._plot = None
        if chart is None or not self._bars.bars:
            return []
        if lines := [price for symbol, price in self._alerts if symbol == chart.symbol]:
            chart = replace(chart, marks=(*chart.marks, *(ChartMark(0, Side.BUY, price, ZERO, "alert") for price in lines)))
        if self.palette.plain:
            return bar_lines(chart, width, height) if width else []
        most = 0 if height < _LINE_FROM else 1 if height < _TWO_LINES_FROM else 2
        look = self._look()
        plot = draw(chart, self._bars, look, width, height - min(1, most))
        if plot is not None and self._bring_into_view(plot):
            look = self._look()
            plot = draw(chart, self._bars, look, width, height - min(1, most))
        said = describe(chart, self._bars, look, plot, width, most) if plot is not None and most else []
        if len(said) > 1:
            plot = draw(chart, self._bars, look, width, height - 2)
        if plot is None:
            return []
        self._plot, self._above = plot, len(said)
        return [*said, *plot.lines]

    def _bring_into_view(self, plot: Plot) -> bool:
        """Whether the crosshair lies outside of what was drawn; then the end of that is moved so far that it comes into view."""
        if self._cross is None:
            return False
        bars, together, shown = self._bars.bars, SCALES[self.scale][0], plot.candles
        place, newest = self._bars.place(self._cross), len(bars) - 1
        if shown[0].first <= place <= shown[-1].last:
            return False
        last = place if place > shown[-1].last else min(newest, place + (len(shown) - 1) * together)
        self._end = None if last >= newest else bars[last].at
        return True

    def content_line(self, y: int, width: int) -> list[Segment]:
        if not self._drawn:
            return self.message_line(y, width, self.empty_text)
        return segments(fit_cells([Cell(" "), *self._drawn[y]] if y < len(self._drawn) else [], width), self.palette)
