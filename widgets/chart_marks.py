"""What is marked on the chart at a price: own fills, working orders, the position's average, alerts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from engine.model.orders import Side
from engine.model.views import ChartMark
from widgets import numbers
from widgets.canvas import Canvas
from widgets.chart_bars import Candle
from widgets.price_axis import Scale, is_price

FILL = "fill"
_DAY = 86_400 * 1_000_000_000
_NAMES = {"limit": ("limit", "lmt"), "stop": ("stop", "stp"), "target": ("target", "tgt"), "average": ("average", "avg")} | {
    "alert": ("alert", "alt")
}
_LINES = {"limit": "╌", "stop": "┄", "target": "╌", "average": "─", "alert": "┈"}
_WORDED = 4
"""Fills that are told in words on the plot: the newest ones."""


def levels(marks: Iterable[ChartMark]) -> list[ChartMark]:
    """Those that stand at a price for as long as they work, the same ones taken together."""
    found: dict[tuple[str, Side, float], ChartMark] = {}
    for mark in marks:
        if mark.kind != FILL and is_price(mark.price):
            key = mark.kind, mark.side, mark.price
            same = found.get(key)
            if same is not None and same.quantity.is_finite() and mark.quantity.is_finite():
                found[key] = replace(same, quantity=same.quantity + mark.quantity)
            else:
                found[key] = mark
    return list(found.values())


def role(mark: ChartMark) -> str:
    if mark.kind == "alert":
        return "accent"
    return "title" if mark.kind == "average" else mark.side.value.lower()


def label(mark: ChartMark, short: bool) -> str:
    """`target 100`, or in short `tgt`."""
    name = _NAMES.get(mark.kind, ("mark", "mrk"))[short]
    return name if short or mark.kind == "alert" else f"{name} {numbers.quantity(mark.quantity)}"


def in_words(mark: ChartMark, tick: Decimal) -> str:
    """`bought 100 @ 187.20`, `sell 100 target @ 190.00`"""
    at = f"@ {numbers.price(mark.price, tick)}"
    if mark.kind == FILL:
        return f"{'bought' if mark.side is Side.BUY else 'sold'} {numbers.quantity(mark.quantity)} {at}"
    return f"{mark.side.value.lower()} {numbers.quantity(mark.quantity)} {label(mark, False).split()[0]} {at}"


def of_candle(marks: Iterable[ChartMark], candles: Sequence[Candle], index: int) -> list[ChartMark]:
    """The fills of one of `candles`, and the orders that were placed in it and work."""
    return [mark for mark in marks if mark.at > 0 and is_price(mark.price) and _index(mark, candles) == index]


def _index(mark: ChartMark, candles: Sequence[Candle]) -> int | None:
    """Of the candle it happened in; None before the first and long after the last. What happened just after the last, which the next bar
    will tell of, is of the last."""
    lengths = (candles[1].at - candles[0].at, candles[-1].at - candles[-2].at) if len(candles) > 1 else (_DAY, _DAY)
    if not candles[0].at - lengths[0] < mark.at <= candles[-1].at + lengths[1]:
        return None
    return min(bisect_left(candles, mark.at, key=lambda candle: candle.at), len(candles) - 1)


def draw_lines(canvas: Canvas, marks: Iterable[ChartMark], prices: Scale, width: int) -> None:
    for mark in marks:
        if prices.shows(mark.price):
            row, character, its = prices.row(mark.price), _LINES.get(mark.kind, "╌"), role(mark)
            for x in range(width):
                canvas.under(x, row, character, its)


def draw_fills(
    canvas: Canvas,
    marks: Iterable[ChartMark],
    candles: Sequence[Candle],
    xs: Sequence[int],
    prices: Scale,
    width: int,
    newest: bool,
    tick: Decimal,
    lined: Container[int] = (),
) -> None:
    """An arrow under the candle where it bought, over the one where it sold, and for the newest ones in words where there is room, on a
    row that is not `lined` by a price where there is one.

    `newest` says that the last candle is the newest there is: what happened after it began is shown at it.
    """
    fills = sorted((mark for mark in marks if mark.kind == FILL and is_price(mark.price)), key=lambda mark: mark.at, reverse=True)
    worded: list[tuple[ChartMark, int, int]] = []
    for number, mark in enumerate(fills):
        index = _index(mark, candles)
        if index is None or (mark.at > candles[-1].at and not newest):
            continue
        bought = mark.side is Side.BUY
        x, candle, its = xs[index], candles[index], mark.side.value.lower()
        row = min(prices.rows - 1, prices.row(candle.low) + 1) if bought else max(0, prices.row(candle.high) - 1)
        canvas.put(x, row, numbers.UP if bought else numbers.DOWN, its)
        if number < _WORDED:
            worded.append((mark, x, row))
    # Once all arrows stand: one that came later would stand in the words of another.
    for mark, x, row in worded:
        away = 1 if mark.side is Side.BUY else -1
        lines = [line for line in (row, row + away, row + 2 * away) if 0 <= line < prices.rows]
        lines.sort(key=lambda line: line in lined)
        _words(canvas, f" {in_words(mark, tick)} ", x, lines, width, mark.side.value.lower())


def _words(canvas: Canvas, words: str, x: int, lines: Iterable[int], width: int, its: str) -> None:
    for line in lines:
        for start in (x + 1, x - len(words), x - len(words) // 2):
            if start + len(words) <= width and canvas.is_blank(start, line, len(words)):
                canvas.put(start, line, words, its)
                return
