"""Draws candles, volume, axes and marks as lines of cells. Pure: a ChartView and a size in, lines out.

A line of the plot is two half cells high. A rising candle has a hollow body, a falling one a solid body, so that colour never has to
tell them apart alone.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.model.market import Bar
from engine.model.orders import Side
from engine.model.views import ChartMark, ChartView
from widgets import numbers
from widgets.cells import Cell
from widgets.text import width_of

SCALES = ((8, 1), (4, 1), (2, 1), (1, 1), (1, 2), (1, 3), (1, 5))
"""Zoom steps from far to near: bars in one candle, columns for one candle."""

# What a cell shows by what is in its upper and lower half: 0 nothing, 1 wick, 2 body.
_FALLING = {(0, 0): " ", (1, 1): "│", (0, 1): "╷", (1, 0): "╵", (2, 2): "┃", (0, 2): "╻", (2, 0): "╹", (1, 2): "╽", (2, 1): "╿"}
_RISING = {**_FALLING, (2, 2): "║"}
_LEVELS = " ▁▂▃▄▅▆▇█"
LARGEST = 1e15
_DAY = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Candle:
    """One or more bars in a row, drawn as one."""

    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def rises(self) -> bool:
        return self.close >= self.open


def is_price(value: float) -> bool:
    """Whether it can stand on an axis: a number, and none so large that the differences of two overflow."""
    return abs(value) < LARGEST


def gather(bars: Sequence[Bar], count: int, together: int) -> list[Candle]:
    """The newest `count` candles of `together` bars each, oldest first. Bars with a price that is no number are left out."""
    sound = [bar for bar in bars[-count * together :] if all(map(is_price, (bar.open, bar.high, bar.low, bar.close)))]
    first = len(sound) % together
    groups = ([sound[:first]] if first else []) + [sound[i : i + together] for i in range(first, len(sound), together)]
    return [
        Candle(
            at=group[-1].at,
            open=group[0].open,
            high=max(bar.high for bar in group),
            low=min(bar.low for bar in group),
            close=group[-1].close,
            volume=sum(bar.volume for bar in group if math.isfinite(bar.volume)),
        )
        for group in groups
    ]


@dataclass(frozen=True, slots=True)
class Scale:
    """Prices against the rows of a plot, two levels a row, row 0 on top."""

    low: float
    high: float
    rows: int

    def level(self, price: float) -> int:
        return min(2 * self.rows - 1, max(0, round((self.high - price) / (self.high - self.low) * (2 * self.rows - 1))))

    def row(self, price: float) -> int:
        return self.level(price) // 2

    def shows(self, price: float) -> bool:
        return self.low <= price <= self.high


def scale_for(candles: Sequence[Candle], marks: Sequence[ChartMark], rows: int, tick: Decimal) -> Scale:
    """From the lowest low to the highest high, with room for marks that are not too far away to be worth flattening the candles for."""
    low, high = min(candle.low for candle in candles), max(candle.high for candle in candles)
    reach = (high - low) * 0.4
    prices = [mark.price for mark in marks if is_price(mark.price) and low - reach <= mark.price <= high + reach]
    low, high = min([low, *prices]), max([high, *prices])
    least = max(float(tick) * 4, abs(high) * 1e-9)
    if high - low < least:
        middle = (high + low) / 2
        low, high = middle - least / 2, middle + least / 2
    return Scale(low, high, rows)


class Canvas:
    """A grid of characters with a style role each."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._grid = [[(" ", "")] * width for _ in range(height)]

    def put(self, x: int, y: int, text: str, role: str) -> None:
        """`text` from (x, y) to the right; what lies outside is cut off. Only characters one cell wide."""
        if 0 <= y < self.height:
            for offset, character in enumerate(text):
                if 0 <= x + offset < self.width:
                    self._grid[y][x + offset] = character, role

    def is_blank(self, x: int, y: int, count: int) -> bool:
        return 0 <= y < self.height and x >= 0 and x + count <= self.width and all(self._grid[y][x + i][0] == " " for i in range(count))

    def lines(self) -> list[list[Cell]]:
        lines: list[list[Cell]] = []
        for row in self._grid:
            cells: list[Cell] = []
            run, role = "", ""
            for character, its_role in row:
                if its_role == role or character == " ":
                    run += character
                else:
                    cells.append(Cell(run, role))
                    run, role = character, its_role
            cells.append(Cell(run, role))
            lines.append(cells)
        return lines


def draw(chart: ChartView, width: int, height: int, scale: int) -> list[list[Cell]]:
    """The chart in exactly `height` lines of `width` cells; `scale` is an index of SCALES. A size too small for axes does without."""
    canvas = Canvas(width, height)
    together, columns = SCALES[scale]
    widest = max((width_of(numbers.price(bar.high, chart.tick)) for bar in chart.bars[-1:]), default=0) + 2
    axis = widest if width >= widest + 12 else 0
    plot_width = width - axis
    candles = gather(chart.bars, max(1, (plot_width - 1) // columns), together)
    if not candles or plot_width < 2 or height < 1:
        return canvas.lines()
    time_rows = 1 if height >= 5 else 0
    volume_rows = 0 if height < 10 else 2 if height < 18 else 3
    rows = height - time_rows - volume_rows
    prices = scale_for(candles, chart.marks, rows, chart.tick)
    # The newest stands at the right, where the eye and the price axis are.
    xs = [plot_width - 2 - (len(candles) - 1 - i) * columns for i in range(len(candles))]
    working = [mark for mark in chart.marks if mark.kind != "fill" and is_price(mark.price)]
    for mark in working:
        _working_line(canvas, mark, prices, plot_width)
    for x, candle in zip(xs, candles, strict=True):
        _candle(canvas, x, candle, prices)
    for mark in working:
        _working_label(canvas, mark, prices, chart.tick)
    for mark in chart.marks:
        if mark.kind == "fill" and is_price(mark.price):
            _fill(canvas, mark, candles, xs, prices, chart.tick)
    if volume_rows:
        _volume(canvas, candles, xs, rows, volume_rows, plot_width if axis else None)
    if time_rows:
        _time_axis(canvas, candles, xs, height - 1, plot_width)
    if axis:
        _price_axis(canvas, candles[-1], prices, plot_width, axis, chart.tick)
    return canvas.lines()


def _candle(canvas: Canvas, x: int, candle: Candle, prices: Scale) -> None:
    top, bottom = prices.level(candle.high), prices.level(candle.low)
    first, last = prices.level(max(candle.open, candle.close)), prices.level(min(candle.open, candle.close))
    shapes, role = (_RISING, "up") if candle.rises else (_FALLING, "down")
    for row in range(top // 2, bottom // 2 + 1):
        halves = tuple(2 if first <= level <= last else 1 if top <= level <= bottom else 0 for level in (2 * row, 2 * row + 1))
        canvas.put(x, row, shapes[halves[0], halves[1]], role)


def _working_line(canvas: Canvas, mark: ChartMark, prices: Scale, plot_width: int) -> None:
    if prices.shows(mark.price):
        canvas.put(0, prices.row(mark.price), "╌" * plot_width, "line")


def _working_label(canvas: Canvas, mark: ChartMark, prices: Scale, tick: Decimal) -> None:
    """On its line, or at the edge with an arrow to where it would be."""
    beyond = "" if prices.shows(mark.price) else "↑ " if mark.price > prices.high else "↓ "
    text = f" {beyond}{mark.kind} {numbers.quantity(mark.quantity)} @ {numbers.price(mark.price, tick)} "
    canvas.put(1, prices.row(mark.price), text, mark.side.value.lower())


def _fill(canvas: Canvas, mark: ChartMark, candles: Sequence[Candle], xs: Sequence[int], prices: Scale, tick: Decimal) -> None:
    """An arrow under the candle where it bought, over the one where it sold, and in words where there is room."""
    began = candles[0].at - (candles[1].at - candles[0].at if len(candles) > 1 else _DAY)
    if mark.at <= began:
        return
    index = bisect_left([candle.at for candle in candles], mark.at)
    index = min(index, len(candles) - 1)
    bought = mark.side is Side.BUY
    x, candle = xs[index], candles[index]
    row = min(prices.rows - 1, prices.row(candle.low) + 1) if bought else max(0, prices.row(candle.high) - 1)
    role = mark.side.value.lower()
    canvas.put(x, row, numbers.UP if bought else numbers.DOWN, role)
    words = f" {'bought' if bought else 'sold'} {numbers.quantity(mark.quantity)} @ {numbers.price(mark.price, tick)} "
    away = 1 if bought else -1
    for line in (row, row + away, row + 2 * away):
        for start in (x + 1, x - len(words), x - len(words) // 2):
            if line < prices.rows and canvas.is_blank(start, line, len(words)):
                canvas.put(start, line, words, role)
                return


def _volume(canvas: Canvas, candles: Sequence[Candle], xs: Sequence[int], top: int, rows: int, label_at: int | None) -> None:
    most = max(candle.volume for candle in candles)
    if most <= 0:
        return
    for x, candle in zip(xs, candles, strict=True):
        eighths = max(1, round(candle.volume / most * rows * 8)) if candle.volume > 0 else 0
        for row in range(rows):
            canvas.put(x, top + rows - 1 - row, _LEVELS[min(8, max(0, eighths - 8 * row))], "line")
    if label_at is not None:
        canvas.put(label_at + 1, top, numbers.volume(most), "muted")


def _time_axis(canvas: Canvas, candles: Sequence[Candle], xs: Sequence[int], row: int, plot_width: int) -> None:
    span = candles[-1].at - candles[0].at
    step = span // max(1, len(candles) - 1)
    if step >= _DAY * 0.9:
        pattern = "%b %Y" if span > 300 * _DAY else "%d %b"
    elif span > _DAY * 0.8:
        pattern = "%d %H:%M"
    else:
        pattern = "%H:%M" if step >= 30 * 1_000_000_000 else "%H:%M:%S"
    free = 0
    for x, candle in zip(xs, candles, strict=True):
        text = numbers.market_time(candle.at, pattern)
        if x >= free and x + len(text) <= plot_width:
            canvas.put(x, row, text, "muted")
            free = x + len(text) + 8


def _price_axis(canvas: Canvas, last: Candle, prices: Scale, x: int, width: int, tick: Decimal) -> None:
    step = _nice_step((prices.high - prices.low) / max(1, prices.rows / 3), float(tick))
    marked = prices.row(last.close)
    first = math.ceil(prices.low / step)
    for number in range(prices.rows):
        price = (first + number) * step
        if price > prices.high:
            break
        if (row := prices.row(price)) != marked:
            canvas.put(x + 1, row, numbers.price(price, tick)[: width - 1], "muted")
    canvas.put(x, marked, f" {numbers.price(last.close, tick)} "[:width].ljust(width), "mark")


def _nice_step(least: float, tick: float) -> float:
    """The smallest 1, 2, 2.5 or 5 times a power of ten that is at least `least` and that the tick's decimals can write."""
    least = max(least, tick, 1e-12)
    power = 10.0 ** math.floor(math.log10(least))
    factors = (1, 2, 2.5, 5, 10) if power >= 10 * tick * (1 - 1e-9) else (1, 2, 5, 10)
    return next(factor * power for factor in factors if factor * power >= least * (1 - 1e-9))
