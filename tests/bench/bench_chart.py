"""CPU milliseconds for one tick of the chart, as the screen draws it twelve times a second.

    python -m tests.bench.bench_chart

Drawn are 1,000 bars with two averages, a fill and three working orders, whose newest bar ticks; the line of values and the search for lines
that changed are counted, Textual's own work is not. Beside it, what the engine pays for the chart's part of a View. Compare runs on one
machine; do not quote them.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from statistics import median

from msgspec.structs import replace

from engine.chart import REST_NS, ChartBuilder
from engine.core.core import Core
from engine.feeds.simulated.feed import SimulatedFeed
from engine.model.market import Quote
from engine.model.orders import Side
from engine.model.settings import FeedSettings, Settings
from engine.model.views import ChartMark
from tests.views import MINUTE, NOW, sample_bars, sample_chart, sample_view
from tests.widgets.harness import Harness
from widgets.candles import SCALES
from widgets.chart import Chart

TICKS = 300
LOOKS = (((80, 20), 1, False), ((120, 30), 1, False), ((120, 30), 1, True), ((120, 30), 8, False), ((200, 55), 1, False))


def marks() -> tuple[ChartMark, ...]:
    fill = ChartMark(NOW - 7 * MINUTE, Side.BUY, 187.20, Decimal(100), "fill")
    return (fill, *(ChartMark(NOW, Side.SELL, 187 + n / 2, Decimal(100), "limit") for n in range(3)))


async def tick_ms(size: tuple[int, int], together: int, *, crossed: bool = False) -> float:
    chart = Chart()
    async with Harness(chart).run_test(size=(size[0] + 4, size[1] + 3)) as pilot:
        bars = sample_bars(count=1_000)
        view = sample_view(chart=sample_chart(bars=bars, marks=marks()))
        chart.show(view)
        await pilot.pause()
        chart.zoom(SCALES.index((together, 1)) - chart.scale)
        if crossed:
            chart.move(-20)
        views = [
            replace(view, chart=sample_chart(bars=(*bars[:-1], replace(bars[-1], close=bars[-1].close - n % 7 / 50)), marks=marks()))
            for n in range(TICKS)
        ]
        return timed([partial(chart.show, view) for view in views])


def timed(work: list[Callable[[], object]]) -> float:
    took = []
    for do in work:
        before = time.process_time()
        do()
        took.append(time.process_time() - before)
    return median(took) * 1000


def view_ms(timeframe: str) -> tuple[float, float, float]:
    """Milliseconds for the first look at a symbol, for its long past, and for every View after that."""
    feed = SimulatedFeed(["AAPL", "MSFT"], FeedSettings(session="XNYS"))
    core = Core(Settings(), feed.instruments(), run_id="r")
    chart = ChartBuilder(core, feed)
    chart.focus("AAPL", timeframe)
    chart.view((), 1)
    chart.focus("MSFT")
    first, long = timed([lambda: chart.view((), 1)]), timed([lambda: chart.view((), 1 + REST_NS)])
    quotes = [Quote("MSFT", NOW + n, 1.0, 1.0, 1.0, 1.0, 400.0 + n % 7) for n in range(TICKS)]

    def tick(quote: Quote) -> None:
        chart.on_quote(quote)
        chart.view((), 1)

    return first, long, timed([partial(tick, quote) for quote in quotes])


def main() -> None:
    for size, together, crossed in (
        ((80, 20), 1, False),
        ((120, 30), 1, False),
        ((120, 30), 1, True),
        ((120, 30), 8, False),
        ((200, 55), 1, False),
    ):
        took = asyncio.run(tick_ms(size, together, crossed=crossed))
        what = f"{size[0]}x{size[1]}, {together} to a candle" + (", crosshair" if crossed else "")
        sys.stdout.write(f"{what:<36} {took:5.2f} ms a tick\n")
    for timeframe in ("5s", "5m", "1h", "1d"):
        first, long, every = view_ms(timeframe)
        sys.stdout.write(
            f"engine, {timeframe:<4} {first:6.2f} ms at the first look, {long:6.2f} ms for the long past, {every:6.3f} ms a view\n"
        )


if __name__ == "__main__":
    main()
