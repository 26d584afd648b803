"""What the tests of the chart share: bars to draw, the drawn text, and a chart in an app."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace
from textual.pilot import Pilot

from engine.model.market import Bar
from engine.model.views import ChartMark, ChartView
from tests.views import MINUTE, NOW, sample_chart, sample_view
from tests.widgets.harness import Harness, lines_of
from widgets.candles import SCALES, Look, Plot, draw
from widgets.chart import Chart
from widgets.chart_bars import ChartBars

NOON = NOW // MINUTE * MINUTE - 47 * MINUTE
ONE, TWO, NEAR = SCALES.index((1, 1)), SCALES.index((1, 2)), SCALES.index((1, 4))
FEW = (
    Bar("X", NOON + 1 * MINUTE, 10.00, 10.30, 9.90, 10.20, 100),
    Bar("X", NOON + 2 * MINUTE, 10.20, 10.50, 10.10, 10.40, 400),
    Bar("X", NOON + 3 * MINUTE, 10.40, 10.40, 10.00, 10.10, 800),
    Bar("X", NOON + 4 * MINUTE, 10.10, 10.60, 10.10, 10.60, 200),
    Bar("X", NOON + 5 * MINUTE, 10.60, 10.60, 10.20, 10.30, 300),
)
QUIET = tuple(replace(bar, volume=0) for bar in FEW)
"""Without volume, as of an index: the candles have all the rows."""


def chart_of(bars: Sequence[Bar], *marks: ChartMark, **changes: object) -> ChartView:
    return replace(sample_chart(symbol="X", bars=tuple(bars), marks=marks), **changes)


def look(scale: int = TWO, **changes: object) -> Look:
    return replace(Look(scale, averages=()), **changes)


def plot_of(chart: ChartView, how: Look, width: int, height: int) -> Plot:
    bars = ChartBars()
    bars.update(chart)
    plot = draw(chart, bars, how, width, height)
    assert plot is not None
    return plot


def text(plot: Plot) -> list[str]:
    return ["".join(cell.text for cell in line).rstrip() for line in plot.lines]


@asynccontextmanager
async def shown(chart: ChartView | None = None, size: tuple[int, int] = (100, 24)) -> AsyncIterator[tuple[Chart, Harness, Pilot[None]]]:
    widget = Chart()
    app = Harness(widget)
    async with app.run_test(size=size) as pilot:
        app.show(sample_view(chart=chart or sample_chart()))
        await pilot.pause()
        yield widget, app, pilot


def values(chart: Chart) -> str:
    """What the lines of values over the plot say."""
    return " ".join(line.strip("│ ") for line in lines_of(chart)[1:3])
