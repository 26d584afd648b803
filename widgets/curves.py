"""Curves: several equity curves over one another by braille dots, each as what it had made since its first point."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct
from rich.segment import Segment

from engine.model.views import View
from widgets import numbers
from widgets.cells import Cell, fit_cells, length, segments
from widgets.curve import DOTS, dot_row
from widgets.panel import Panel
from widgets.text import clean

_LOOKS = tuple((role, dotted) for dotted in (False, True) for role in ("accent", "warning", ""))
"""Three colours, then the same dotted: where there is no colour, what stands at a line's end tells which it is."""
BRIEF_UNDER = 90
"""Cells under which a line's end says no more than its name."""
_SAMPLES = {False: "━━", True: "╍╍"}


class CurveLine(Struct, frozen=True):
    """A line by its name: `gains` are fractions of its first value, at these times, ns UTC, ascending. `more` is told of it where there is
    room."""

    name: str
    at: Sequence[int]
    gains: Sequence[float]
    more: str = ""


class Curves(Panel, inherit_bindings=False):
    """Points stand at even distances in the order of their times, so that nights and weekends take no room; what began later begins
    further right. `show_lines` draws; the widget asks nobody."""

    def __init__(self, title: str, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self.set_title(Cell(title))
        self._lines: tuple[CurveLine, ...] = ()
        self._empty = ""
        self._pattern = "%Y-%m-%d"
        self._drawn: list[list[Cell]] = []
        self._drawn_for: tuple[int, int] = (0, 0)

    def show(self, view: View) -> None:
        """Curves are no part of the View."""

    def show_lines(self, lines: Sequence[CurveLine], empty: str, pattern: str = "%Y-%m-%d") -> None:
        """Draw these, or say `empty` where none has two points. `pattern` is how their times are written."""
        self._lines = tuple(line for line in lines if len(line.at) > 1)
        self._empty, self._pattern = empty, pattern
        self._drawn_for = (0, 0)
        self.refresh()

    def content_line(self, y: int, width: int) -> list[Segment]:
        if not self._lines:
            return self.message_line(y, width, self._empty)
        size = width, self.inner_height
        if self._drawn_for != size:
            self._drawn, self._drawn_for = self._written() if self.palette.plain else self._draw(*size), size
        line = self._drawn[y] if y < len(self._drawn) else []
        return segments(fit_cells(line, width), self.palette)

    def _written(self) -> list[list[Cell]]:
        """The lines in words, one each, where nothing is drawn."""
        lines: list[list[Cell]] = []
        for line in self._lines:
            name, days = f"{clean(line.name)} {clean(line.more)}".strip(), " to ".join(map(self._time, (line.at[0], line.at[-1])))
            reached = f"highest {numbers.percent(max(line.gains))}, lowest {numbers.percent(min(line.gains))}"
            lines.append([Cell(f" {name} {numbers.change(line.gains[-1])}, {days}, {reached}")])
        return lines

    def _draw(self, width: int, height: int) -> list[list[Cell]]:
        looks = [_LOOKS[place % len(_LOOKS)] for place in range(len(self._lines))]
        named = [self._named(line, *look, brief=width < BRIEF_UNDER) for line, look in zip(self._lines, looks, strict=True)]
        low, high = min(0.0, *(min(line.gains) for line in self._lines)), max(0.0, *(max(line.gains) for line in self._lines))
        room = max(1, width - max(map(length, named)) - 2)
        rows = max(1, height - 1)
        times = sorted({at for line in self._lines for at in line.at})
        bits = [_dots(line, times, (room, rows), (low, high), dotted) for line, (_, dotted) in zip(self._lines, looks, strict=True)]
        zero = dot_row(0.0, low, high, rows * 4) // 4
        drawn = [_row([each[row] for each in bits], [role for role, _ in looks], row == zero) for row in range(rows)]
        ends = _apart([dot_row(line.gains[-1], low, high, rows * 4) // 4 for line in self._lines], rows)
        labels = {row: label for row, label in zip(ends, named, strict=True) if row is not None}
        for row, value in ((zero, 0.0), (0, high), (rows - 1, low)):
            labels.setdefault(row, [Cell(numbers.percent(value), "muted")])
        for row, line in enumerate(drawn):
            line += [Cell(" "), *labels.get(row, ())]
        first, last = self._time(times[0]), self._time(times[-1])
        return [*drawn, [Cell(first, "muted"), Cell(" " * max(1, room - len(first) - len(last))), Cell(last, "muted")]]

    def _named(self, line: CurveLine, role: str, dotted: bool, *, brief: bool) -> list[Cell]:
        """What stands where it ends."""
        more = [] if brief or not line.more else [Cell(f"{clean(line.more)} ", "muted")]
        change = Cell(numbers.change(line.gains[-1]), numbers.change_direction(line.gains[-1]))
        return [Cell(f"{_SAMPLES[dotted]} ", role), Cell(f"{clean(line.name)} "), *more, change]

    def _time(self, at: int) -> str:
        return numbers.market_time(at, self._pattern)


def _dots(line: CurveLine, times: Sequence[int], size: tuple[int, int], reach: tuple[float, float], dotted: bool) -> list[list[int]]:
    """The dots of each row: each column from the line's lowest to its highest point in it, and on to where the next begins."""
    (room, rows), (low, high) = size, reach
    bits = [[0] * room for _ in range(rows)]
    last = max(1, len(times) - 1)
    before: tuple[int, int] | None = None
    place = 0
    for at, gain in zip(line.at, line.gains, strict=True):
        place = bisect_left(times, at, place)
        x, y = place * (2 * room - 1) // last, dot_row(gain, low, high, rows * 4)
        from_x, from_y = before or (x, y)
        for column in range(from_x, x):
            _put(bits, column, from_y, dotted)
        for dot in range(min(from_y, y), max(from_y, y) + 1):
            _put(bits, x, dot, dotted)
        before = x, y
    return bits


def _put(bits: list[list[int]], x: int, y: int, dotted: bool) -> None:
    if not dotted or x // 2 % 2 == 0:
        bits[y // 4][x // 2] |= DOTS[y % 4][x % 2]


def _row(of_lines: Sequence[Sequence[int]], roles: Sequence[str], is_zero: bool) -> list[Cell]:
    """One row of all lines: where several have dots in a cell, it has the colour of the first."""
    cells: list[Cell] = []
    for dots in zip(*of_lines, strict=True):
        both = 0
        for each in dots:
            both |= each
        role = next((role for each, role in zip(dots, roles, strict=True) if each), "line")
        text = chr(0x2800 + both) if both else "╌" if is_zero else " "
        if cells and cells[-1].role == role:
            cells[-1] = Cell(cells[-1].text + text, role)
        else:
            cells.append(Cell(text, role))
    return cells


def _apart(wanted: Sequence[int], rows: int) -> list[int | None]:
    """A row of its own for each label, as near to where its line ends as the others leave room; None where there are not enough rows."""
    found: list[int | None] = [None] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])[:rows]
    for nth, place in enumerate(order):
        above = found[order[nth - 1]] if nth else None
        found[place] = max(wanted[place], 0 if above is None else above + 1)
    below = rows
    for place in reversed(order):
        row = found[place]
        assert row is not None
        found[place] = below = min(row, below - 1)
    return found
