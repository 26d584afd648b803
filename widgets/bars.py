"""A chart in numbers, for whoever cannot see candles: what works and was traded, then the bars, newest first."""

from __future__ import annotations

from engine.model.views import ChartView
from widgets import numbers
from widgets.cells import Cell

_DAY = 86_400_000_000_000
PRICES = ("open", "high", "low", "close")


def bar_lines(chart: ChartView, width: int, height: int) -> list[list[Cell]]:
    """At most `height` lines of cells; narrow ones leave out the volume, then all prices but the close."""
    tick = chart.tick
    lines = [
        [
            Cell(
                f"alert at {numbers.price(mark.price, tick)}"
                if mark.kind == "alert"
                else f"{mark.kind} {mark.side.value} {numbers.quantity(mark.quantity)} at {numbers.price(mark.price, tick)}",
                mark.side.value.lower(),
            )
        ]
        for mark in reversed(chart.marks)
    ][: max(0, height // 3)]
    span = chart.bars[-1].at - chart.bars[-2].at if len(chart.bars) > 1 else 0
    when = "%Y-%m-%d" if span >= _DAY * 0.9 else "%d %H:%M:%S"
    wide = max(len(numbers.price(bar.high, tick)) for bar in chart.bars) + 2
    names = PRICES if width >= 14 + 4 * wide else ("close",)
    volumes = width >= 14 + 4 * wide + 9
    heading = f"{'time':<12}{''.join(f'{name:>{wide}}' for name in names)}{'  volume' if volumes else ''}"
    lines.append([Cell(heading, "muted")])
    for bar in chart.bars[::-1][: max(0, height - len(lines))]:
        prices = "".join(f"{numbers.price(getattr(bar, name), tick):>{wide}}" for name in names)
        volume = f"{numbers.volume(bar.volume):>8}" if volumes else ""
        rose = "up" if bar.close >= bar.open else "down"
        lines.append(
            [Cell(f"{numbers.market_time(bar.at, when):<12}", "muted"), Cell(prices), Cell(volume, "muted"), Cell(f"  {rose}", rose)]
        )
    return lines
