"""Curve: an equity curve by braille dots, and below it how far it stood under its highest so far."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct
from rich.segment import Segment

from engine.model.views import View
from widgets import numbers
from widgets.cells import Cell, fit_cells, segments
from widgets.panel import Panel

LEAST_FALL = 0.00005
"""A drawdown that is written as more than nothing."""
AXIS = 13
"""Cells for the labels at the right, at least."""
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a braille character, by line and column (Unicode chart U+2800)."""


class Point(Struct, frozen=True):
    """A value of the curve at `at`, nanoseconds UTC; `drawdown` is the part of the highest so far that is missing, 0 to 1."""

    at: int
    value: float
    drawdown: float


def thinned(count: int, room: int) -> list[range]:
    """Which of `count` points fall on each of `room` columns of dots; every point on one, and no column without where there are enough."""
    room = min(room, count)
    return [range(place * count // room, (place + 1) * count // room) for place in range(room)]


class Curve(Panel, inherit_bindings=False):
    """Points stand at even distances, so that nights and weekends take no room. `show_points` draws; the widget asks nobody."""

    def __init__(self, title: str, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self.set_title(Cell(title))
        self._points: Sequence[Point] = ()
        self._beside: Sequence[float] = ()
        self._empty = ""
        self._pattern = "%Y-%m-%d"
        self._drawn: list[list[Cell]] = []
        self._drawn_for: tuple[int, int] = (0, 0)

    def show(self, view: View) -> None:
        """A curve is no part of the View."""

    def show_points(self, points: Sequence[Point], empty: str, pattern: str, beside: Sequence[float] = ()) -> None:
        """Draw these, or say `empty` where there are fewer than two. `pattern` is how their times are written, `beside` another curve's
        value at each of them, which is drawn fainter and behind."""
        if (points, empty, pattern, beside) != (self._points, self._empty, self._pattern, self._beside):
            self._points, self._empty, self._pattern, self._beside = points, empty, pattern, beside
            self._drawn_for = (0, 0)
            self.refresh()

    def content_line(self, y: int, width: int) -> list[Segment]:
        height = self.inner_height
        if len(self._points) < 2:
            return self.message_line(y, width, self._empty)
        if self.palette.plain:
            return segments(fit_cells(self._written(y), width), self.palette)
        if self._drawn_for != (width, height):
            self._drawn, self._drawn_for = self._draw(width, height), (width, height)
        line = self._drawn[y] if y < len(self._drawn) else []
        return segments(fit_cells(line, width), self.palette)

    def _written(self, y: int) -> list[Cell]:
        """The curve in words, a line each, where nothing is drawn."""
        lines = (
            *((word, max(self._points, key=lambda point: point.value * sign)) for word, sign in (("highest", 1), ("lowest", -1))),
            *(("first", self._points[0]), ("last", self._points[-1]), ("deepest", max(self._points, key=lambda point: point.drawdown))),
        )
        if y >= len(lines):
            return []
        word, point = lines[y]
        under = f", {point.drawdown:.2%} under the highest before" if point.drawdown else ""
        return [Cell(f" {word} {numbers.money(point.value)} at {numbers.market_time(point.at, self._pattern)}{under}")]

    def _draw(self, width: int, height: int) -> list[list[Cell]]:
        values = [point.value for point in self._points]
        low, high = min((*values, *self._beside)), max((*values, *self._beside))
        if numbers.money(low) == numbers.money(high):
            # What is written as the same value is a level line, and no cliff.
            low = high
        room = max(1, width - max(AXIS, *(2 + len(numbers.money(value)) for value in (low, high, values[-1]))))
        under = max(1, (height - 1) // 4) if height >= 5 else 0
        rows = max(1, height - 1 - under)
        columns = thinned(len(values), 2 * room)
        role = numbers.profit_direction(values[-1] - values[0])
        bits = _line(values, columns, room, rows, low, high)
        behind = _line(self._beside, columns, room, rows, low, high) if self._beside else [[0] * room for _ in range(rows)]
        lines = [_over(front, back, role if role != "flat" else "accent") for front, back in zip(bits, behind, strict=True)]
        last = dot_row(values[-1], low, high, rows * 4) // 4
        labels = {last: numbers.money(values[-1])}
        for row, value in ((0, high), (rows - 1, low)) if high > low else ():
            labels.setdefault(row, numbers.money(value))
        for row, line in enumerate(lines):
            line.append(Cell(f" {labels.get(row, '')}", "" if row == last else "muted"))
        if under:
            falls = [point.drawdown for point in self._points]
            deepest = max(falls) if max(falls) >= LEAST_FALL else 0.0
            falls = falls if deepest else [0.0] * len(falls)
            for row, text in enumerate(_filled(falls, columns, room, under)):
                label = f" ▼ {deepest:.2%}" if row == under - 1 and deepest else " drawdown" if not row else ""
                lines.append([Cell(text, "down"), Cell(label, "down" if label.startswith(" ▼") else "muted")])
        lines.append(self._times(room))
        return lines

    def _times(self, room: int) -> list[Cell]:
        first, last = (numbers.market_time(point.at, self._pattern) for point in (self._points[0], self._points[-1]))
        return [Cell(first, "muted"), Cell(" " * max(1, room - len(first) - len(last))), Cell(last, "muted")]


def dot_row(value: float, low: float, high: float, dots: int) -> int:
    """The line of dots, counted from the top."""
    if not math.isfinite(value) or high <= low:
        return dots // 2
    return min(dots - 1, max(0, round((high - value) / (high - low) * (dots - 1))))


def _text(bits: list[list[int]]) -> list[str]:
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in bits]


def _over(front: list[int], back: list[int], role: str) -> list[Cell]:
    """One row of two curves: where both have dots they are the front's."""
    cells: list[Cell] = []
    for dots, faint in zip(front, back, strict=True):
        text, of = chr(0x2800 + (dots | faint)) if dots or faint else " ", role if dots or not faint else "muted"
        if cells and cells[-1].role == of:
            cells[-1] = Cell(cells[-1].text + text, of)
        else:
            cells.append(Cell(text, of))
    return cells


def _line(values: Sequence[float], columns: Sequence[range], room: int, rows: int, low: float, high: float) -> list[list[int]]:
    """The dots of each row: each column from its lowest to its highest point, and on to where the next begins."""
    dots = rows * 4
    bits = [[0] * room for _ in range(rows)]
    before: int | None = None
    stretch = 2 * room / max(1, len(columns))
    for place, span in enumerate(columns):
        reached = [dot_row(values[index], low, high, dots) for index in span]
        first = min(reached + ([before] if before is not None else []))
        last = max(reached + ([before] if before is not None else []))
        begin = int(place * stretch)
        end = max(begin + 1, int((place + 1) * stretch))
        for dot in range(first, last + 1):
            bits[dot // 4][begin // 2] |= DOTS[dot % 4][begin % 2]
        for x in range(begin + 1, end):
            bits[reached[-1] // 4][x // 2] |= DOTS[reached[-1] % 4][x % 2]
        before = reached[-1]
    return bits


def _filled(falls: Sequence[float], columns: Sequence[range], room: int, rows: int) -> list[str]:
    """From the top down to the deepest of each column."""
    deepest, dots = max(falls), rows * 4
    bits = [[0] * room for _ in range(rows)]
    stretch = 2 * room / max(1, len(columns))
    for place, span in enumerate(columns):
        depth = max(falls[index] for index in span)
        filled = math.ceil(depth / deepest * dots) if deepest > 0 and depth > 0 else 0
        begin = int(place * stretch)
        for x in range(begin, max(begin + 1, int((place + 1) * stretch))):
            for dot in range(filled):
                bits[dot // 4][x // 2] |= DOTS[dot % 4][x % 2]
    return _text(bits)
