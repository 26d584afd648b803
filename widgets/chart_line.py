"""The line of values over the chart: the bar under the crosshair, or the newest one, and what each line through the candles is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine.model.views import ChartView
from widgets import chart_marks, numbers, time_axis
from widgets.candles import Look, Plot, crossed, spacing_s
from widgets.cells import Cell, length
from widgets.chart_bars import Average, Candle, ChartBars

_APART = Cell("  ")


def describe(chart: ChartView, bars: ChartBars, look: Look, plot: Plot, width: int, most: int) -> list[list[Cell]]:
    """In at most `most` lines of at most `width` cells. What is least needed is left out first where room is short."""
    index = crossed(plot.candles, look.cross)
    candle = plot.candles[-1 if index is None else index]
    figures = _figures(bars, candle, chart.tick)
    averages = [_average(average, bars, candle, chart.tick) for average in look.averages]
    if index is None:
        # The title tells the price already: where there is no room for both, the averages are named.
        both = [*figures, *averages]
        return [_joined(both) if length(_joined(both)) <= width else _fitting(averages or figures, width)]
    spacing = spacing_s(plot.candles)
    moment = time_axis.moment(candle.at, spacing)
    there = [
        [Cell(chart_marks.in_words(mark, chart.tick), mark.side.value.lower())]
        for mark in chart_marks.of_candle(chart.marks, plot.candles, index)
        if mark.kind != "alert"
    ]
    level = [] if look.price is None else [_distance(look.price, bars.bars[-1].close, chart.tick)]
    if most < 2:
        return [_in_one((moment, time_axis.brief_moment(candle.at, spacing)), level, figures, [*there, *averages], width)]
    first, second = [[Cell(moment, "title")], *figures], [*level, *there, *averages]
    if length(_joined([*first, *second])) <= width:
        return [_fitting([*first, *second], width)]
    return [_fitting(first, width), _fitting(second, width)]


def _in_one(moments: tuple[str, str], level: list[list[Cell]], figures: list[list[Cell]], more: list[list[Cell]], width: int) -> list[Cell]:
    """Moment, level, prices and change, as briefly as the room needs: the axis under the bar tells its day, too. Then what else fits."""
    *prices, change, volume = figures
    close = [cell for name, value in prices for cell in (Cell(f" {name.text.strip()}", name.role), value)]
    brief = [[Cell(close[0].text.strip(), close[0].role), *close[1:]], change]
    long, short = ([Cell(moment, "title")] for moment in moments)
    for needed in ([long, *level, *prices, change], [long, *level, *brief], [short, *level, *brief]):
        if length(_joined(needed)) <= width:
            return _fitting([*needed, volume, *more], width)
    return _fitting([*level, *brief], width)


def _figures(bars: ChartBars, candle: Candle, tick: Decimal) -> list[list[Cell]]:
    """Open, high, low and close, the change from the close before, and the volume."""

    def named(name: str, value: float) -> list[Cell]:
        return [Cell(f"{name} ", "muted"), Cell(numbers.price(value, tick))]

    found = [named(name, value) for name, value in zip("OHLC", (candle.open, candle.high, candle.low, candle.close), strict=True)]
    before = bars.bars[candle.first - 1].close if candle.first else candle.open
    change = candle.close / before - 1 if before else None
    found.append([Cell(numbers.change(change), numbers.change_direction(change))])
    found.append([Cell("V ", "muted"), Cell(numbers.volume(candle.volume))])
    return found


def _average(average: Average, bars: ChartBars, candle: Candle, tick: Decimal) -> list[Cell]:
    value = bars.averages[average.name][candle.last]
    return [Cell(f"{average.sample} ", average.role), Cell(f"{average.name} ", "muted"), Cell(numbers.price(value, tick))]


def _distance(price: float, last: float, tick: Decimal) -> list[Cell]:
    """The price of the crosshair's own line, and how far it is from the last."""
    return [
        Cell("at ", "muted"),
        Cell(numbers.price(price, tick)),
        Cell(f" {numbers.percent(price / last - 1 if last else None)}", "muted"),
    ]


def _joined(parts: Sequence[Sequence[Cell]]) -> list[Cell]:
    return [cell for number, part in enumerate(parts) for cell in ((_APART, *part) if number else part)]


def _fitting(parts: Sequence[Sequence[Cell]], width: int) -> list[Cell]:
    """As many of `parts` as there is room for, from the first."""
    while parts and length(_joined(parts)) > width:
        parts = parts[:-1]
    return _joined(parts)
