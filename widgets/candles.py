"""Draws the chart: candles or a line, volume, averages, marks, axes and the crosshair. Pure: bars and a size in, lines of cells out.

A line of the plot is two half cells high. A rising candle has a hollow body, a falling one a solid body, so that colour never has to
tell them apart alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct

from engine.model.market import Bar
from engine.model.views import ChartMark, ChartView
from widgets import chart_marks, numbers, time_axis
from widgets.canvas import Canvas, Dots
from widgets.cells import Cell
from widgets.chart_bars import AVERAGES, Average, Candle, ChartBars
from widgets.price_axis import Scale, places, round_prices, scale_for

SCALES = ((8, 1), (4, 1), (2, 1), (1, 1), (1, 2), (1, 4), (1, 6))
"""Zoom steps from far to near: bars in one candle, columns for one candle."""

# What a cell shows by what is in its upper and lower half: 0 nothing, 1 wick, 2 body.
_FALLING = {(0, 0): " ", (1, 1): "│", (0, 1): "╷", (1, 0): "╵", (2, 2): "┃", (0, 2): "╻", (2, 0): "╹", (1, 2): "╽", (2, 1): "╿"}
_RISING = {**_FALLING, (2, 2): "║"}
_LEVELS = " ▁▂▃▄▅▆▇█"
_LEAST_PLOT = 24
_WORDY_PLOT = 40


class Look(Struct, frozen=True):
    """How a person wants to see it. `scale` is an index of SCALES; `last` the place of the last bar in view, None for the newest;
    `cross` that of the bar under the crosshair, and `price` where its other line lies if not at the close."""

    scale: int
    last: int | None = None
    averages: tuple[Average, ...] = AVERAGES[:2]
    line: bool = False
    cross: int | None = None
    price: float | None = None


class Plot(Struct, frozen=True):
    """What was drawn where: the candles in view and their columns, and the prices of the rows."""

    lines: list[list[Cell]]
    candles: list[Candle]
    xs: list[int]
    prices: Scale
    width: int


def columns_for(width: int) -> int:
    """How many columns candles may take in a panel of `width` cells, about: the price axis takes the rest."""
    return max(1, width - 12)


def draw(chart: ChartView, bars: ChartBars, look: Look, width: int, height: int) -> Plot | None:
    """Exactly `height` lines of `width` cells; None where there is nothing to draw or no room. A size too small for axes does without."""
    if not bars.bars or width < 2 or height < 1:
        return None
    newest = len(bars.bars) - 1
    last = newest if look.last is None else min(look.last, newest)
    marks = chart_marks.levels(chart.marks)
    together, columns = SCALES[look.scale]
    axis = _axis_for(bars.bars[max(0, last + 1 - width * together) : last + 1], bars.bars[newest].close, marks, chart.tick, width)
    canvas, plot_width = Canvas(width, height), width - axis.width
    half = max(0, (columns - 2) // 2)
    candles = bars.candles(last, max(1, (plot_width - 1 - half) // columns), together)
    time_rows = 1 if height >= 5 else 0
    volume_rows = _volume_rows(height) if any(candle.volume > 0 for candle in candles) else 0
    rows = height - time_rows - volume_rows
    low, high = min(candle.low for candle in candles), max(candle.high for candle in candles)
    # Arrows of fills have a row of their own at the edges.
    margin = 1 if any(mark.kind == chart_marks.FILL for mark in chart.marks) else 0
    prices = scale_for(low, high, [mark.price for mark in marks], rows, chart.tick, margin)
    # The newest stands at the right, where the eye and the price axis are.
    xs = [plot_width - 2 - half - (len(candles) - 1 - i) * columns for i in range(len(candles))]
    if look.line:
        _line(canvas, candles, xs, prices)
    else:
        for x, candle in zip(xs, candles, strict=True):
            _candle(canvas, x, candle, prices) if half == 0 else _wide_candle(canvas, x, half, candle, prices)
    lined = {prices.row(mark.price) for mark in marks if prices.shows(mark.price)}
    chart_marks.draw_fills(canvas, chart.marks, candles, xs, prices, plot_width, last == newest, chart.tick, lined)
    index = crossed(candles, look.cross)
    level = _level(candles, look, index)
    if index is not None and level is not None:
        _crosshair(canvas, xs[index], prices.row(level) if prices.shows(level) else None, height - time_rows, plot_width)
    chart_marks.draw_lines(canvas, marks, prices, plot_width)
    for average in look.averages:
        _average(canvas, average, bars, candles, xs, prices)
    if volume_rows:
        _volume(canvas, candles, xs, half, rows, volume_rows)
    _sessions(canvas, chart.sessions, candles, xs, columns, rows)
    if time_rows:
        _times(canvas, candles, xs, height - 1, plot_width, index)
    if axis.width:
        _axis(canvas, axis, bars.bars[newest].close, marks, prices, plot_width, chart.tick, level)
        if volume_rows:
            most, over = _most_volume(candles)
            text = numbers.volume(most) + "+" * over if most else ""
            canvas.put(plot_width, rows, f" {text:>{axis.figures + over}}", "muted")
    return Plot(canvas.lines(), candles, xs, prices, plot_width)


class _Axis(Struct, frozen=True):
    """`figures` are the columns of a price; beside it stands what it is the price of, in full (`short` False), in short, or not (None)."""

    width: int
    figures: int
    short: bool | None


def _axis_for(seen: Sequence[Bar], newest: float, marks: Sequence[ChartMark], tick: Decimal, width: int) -> _Axis:
    ends = max(newest, max(bar.high for bar in seen)), min(bar.low for bar in seen)
    figures = max(len(numbers.price(price, tick)) for price in (*ends, *(mark.price for mark in marks)))
    if width < figures + 2 + 12:
        return _Axis(0, figures, None)
    for short, least in ((False, _WORDY_PLOT), (True, _LEAST_PLOT)):
        words = max((len(chart_marks.label(mark, short)) for mark in marks), default=0)
        if words and width - figures - 2 - words >= least:
            return _Axis(figures + 2 + words, figures, short)
    return _Axis(figures + 2, figures, None)


def _candle(canvas: Canvas, x: int, candle: Candle, prices: Scale) -> None:
    top, bottom = prices.level(candle.high), prices.level(candle.low)
    first, last = prices.level(max(candle.open, candle.close)), prices.level(min(candle.open, candle.close))
    shapes, role = (_RISING, "up") if candle.rises else (_FALLING, "down")
    for row in range(top // 2, bottom // 2 + 1):
        upper = 2 * row
        lower = upper + 1
        above = 2 if first <= upper <= last else 1 if upper >= top else 0
        below = 2 if first <= lower <= last else 1 if lower <= bottom else 0
        canvas.dot(x, row, shapes[above, below], role)


def _wide_candle(canvas: Canvas, x: int, half: int, candle: Candle, prices: Scale) -> None:
    """A body as wide as `half` columns on either side of the wick; it begins and ends with a whole row."""
    top, bottom = prices.level(candle.high), prices.level(candle.low)
    first, last = prices.row(max(candle.open, candle.close)), prices.row(min(candle.open, candle.close))
    role = "up" if candle.rises else "down"
    for row in (*range(top // 2, first), *range(last + 1, bottom // 2 + 1)):
        halves = tuple(int(top <= level <= bottom) for level in (2 * row, 2 * row + 1))
        canvas.put(x, row, _FALLING[halves[0], halves[1]], role)
    above, below = top // 2 < first, bottom // 2 > last
    left, side, width = x - half, "━" * half, 2 * half + 1
    if candle.open == candle.close:
        canvas.put(left, first, f"{side}{'┿' if above and below else '┷' if above else '┯' if below else '━'}{side}", role)
    elif not candle.rises:
        for row in range(first, last + 1):
            canvas.put(left, row, "█" * width, role)
    elif first == last:
        canvas.put(left, first, "[" + " " * (width - 2) + "]", role)
    else:
        canvas.put(left, first, f"┏{side[1:]}{'┷' if above else '━'}{side[1:]}┓", role)
        for row in range(first + 1, last):
            canvas.put(left, row, "┃" + " " * (width - 2) + "┃", role)
        canvas.put(left, last, f"┗{side[1:]}{'┯' if below else '━'}{side[1:]}┛", role)


def _line(canvas: Canvas, candles: Sequence[Candle], xs: Sequence[int], prices: Scale) -> None:
    dots = Dots()
    dots.line([(2 * x, prices.level(candle.close, 4)) for x, candle in zip(xs, candles, strict=True)])
    dots.draw(canvas, "up" if candles[-1].close >= candles[0].open else "down", prices.rows)


def _average(canvas: Canvas, average: Average, bars: ChartBars, candles: Sequence[Candle], xs: Sequence[int], prices: Scale) -> None:
    values = bars.averages[average.name]
    dots = Dots(average.on, average.of)
    points: list[tuple[int, int] | None] = []
    for x, candle in zip(xs, candles, strict=True):
        value = values[candle.last]
        points.append(None if value is None or not prices.shows(value) else (2 * x, prices.level(value, 4)))
    dots.line(points)
    dots.draw(canvas, average.role, prices.rows)


def _volume_rows(height: int) -> int:
    """One as soon as the candles keep six rows, which they need to be told apart beside their marks."""
    return next(rows for least, rows in ((34, 5), (18, 3), (10, 2), (8, 1), (0, 0)) if height >= least)


def _most_volume(candles: Sequence[Candle]) -> tuple[float, bool]:
    """What fills the rows of the volume, and whether some candle has more: an auction must not make everything else invisible."""
    volumes = sorted(candle.volume for candle in candles)
    usual = 2 * volumes[len(volumes) * 9 // 10]
    return (usual, True) if 0 < usual < volumes[-1] / 2 else (volumes[-1], False)


def _volume(canvas: Canvas, candles: Sequence[Candle], xs: Sequence[int], half: int, top: int, rows: int) -> None:
    most, _ = _most_volume(candles)
    if most <= 0:
        return
    bottom = top + rows - 1
    for x, candle in zip(xs, candles, strict=True):
        if candle.volume <= 0:
            continue
        full, rest = divmod(max(1, round(min(1.0, candle.volume / most) * rows * 8)), 8)
        role = "muted" if candle.rises else "line"
        for column in range(x - half, x + half + 1):
            for row in range(full):
                canvas.dot(column, bottom - row, "█", role)
            if rest:
                canvas.dot(column, bottom - full, _LEVELS[rest], role)


def _sessions(canvas: Canvas, sessions: Sequence[int], candles: Sequence[Candle], xs: Sequence[int], columns: int, rows: int) -> None:
    """A fine line before the first candle of each session, or through it where there is no column between."""
    times = [candle.at for candle in candles]
    for at in sessions[bisect_left(sessions, times[0]) :]:
        index = bisect_left(times, at)
        if 0 < index < len(times):
            x = xs[index] - (columns + 1) // 2 if columns > 1 else xs[index]
            for row in range(rows):
                canvas.under(x, row, "┊", "line")


def _times(canvas: Canvas, candles: Sequence[Candle], xs: Sequence[int], row: int, width: int, index: int | None) -> None:
    times = [candle.at for candle in candles]
    start = end = 0
    if index is not None:
        text = f" {time_axis.moment(times[index], spacing_s(candles))} "[:width]
        start = max(0, min(xs[index] - len(text) // 2, width - len(text)))
        end = start + len(text)
        canvas.put(start, row, text, "cursor")
    for label in time_axis.labels(times, xs, width):
        x = xs[label.index]
        if x + len(label.text) <= start or x >= end:
            canvas.put(x, row, label.text, "title" if label.begins else "muted")


def spacing_s(candles: Sequence[Candle]) -> float:
    """The least distance between two candles in seconds; a minute where there is but one."""
    return min((later.at - candle.at for candle, later in pairwise(candles)), default=60_000_000_000) / 1e9


def crossed(candles: Sequence[Candle], cross: int | None) -> int | None:
    """Which candle the crosshair is on."""
    return None if cross is None else next((i for i, candle in enumerate(candles) if candle.first <= cross <= candle.last), None)


def _level(candles: Sequence[Candle], look: Look, index: int | None) -> float | None:
    """The price of the crosshair."""
    if index is None:
        return None
    return candles[index].close if look.price is None else look.price


def _crosshair(canvas: Canvas, x: int, row: int | None, rows: int, width: int) -> None:
    for y in range(rows):
        canvas.under(x, y, "╎", "focus")
    if row is not None:
        for column in range(width):
            canvas.under(column, row, "╌", "focus")


def _axis(
    canvas: Canvas, axis: _Axis, last: float, marks: Sequence[ChartMark], prices: Scale, x: int, tick: Decimal, level: float | None
) -> None:
    """Round numbers, the last price on a ground of its own, what is marked with its name, and the price of the crosshair."""

    def price(value: float) -> str:
        beyond = " " if prices.shows(value) else "↑" if value > prices.high else "↓"
        return f"{beyond}{numbers.price(value, tick):>{axis.figures}} "

    taken = {prices.row(last)}
    for mark, row in zip(marks, places([mark.price for mark in marks], prices, last), strict=True):
        if row is not None:
            taken.add(row)
            name = "" if axis.short is None else chart_marks.label(mark, axis.short)
            canvas.put(x, row, price(mark.price) + name, chart_marks.role(mark))
    for value in round_prices(prices, tick):
        if (row := prices.row(value)) not in taken:
            taken.add(row)
            canvas.put(x, row, price(value), "muted")
    canvas.put(x, prices.row(last), price(last), "mark")
    if level is not None and prices.shows(level):
        canvas.put(x, prices.row(level), price(level).ljust(axis.width), "cursor")
