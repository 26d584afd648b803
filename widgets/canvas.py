"""A grid of characters to draw on, and lines of braille dots, eight to a cell."""

from __future__ import annotations

from collections.abc import Sequence

from widgets.cells import Cell

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Unicode's bit of each dot of a braille cell, by row and column."""

_ON_A_GROUND = frozenset({"cursor", "mark"})


class Canvas:
    """Characters with a style role each. What lies outside is cut off. Only characters one cell wide."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._text = [[" "] * width for _ in range(height)]
        self._roles = [[""] * width for _ in range(height)]

    def put(self, x: int, y: int, text: str, role: str) -> None:
        """`text` from (x, y) to the right."""
        if not 0 <= y < self.height:
            return
        if x < 0:
            text, x = text[-x:], 0
        text = text[: self.width - x]
        if text:
            self._text[y][x : x + len(text)] = text
            self._roles[y][x : x + len(text)] = [role] * len(text)

    def dot(self, x: int, y: int, character: str, role: str) -> None:
        """One character."""
        if 0 <= y < self.height and 0 <= x < self.width:
            self._text[y][x] = character
            self._roles[y][x] = role

    def under(self, x: int, y: int, character: str, role: str) -> None:
        """Where nothing is drawn yet. Blanks between words are drawn."""
        if 0 <= y < self.height and 0 <= x < self.width and self._text[y][x] == " " and not self._roles[y][x]:
            self._text[y][x] = character
            self._roles[y][x] = role

    def is_blank(self, x: int, y: int, count: int) -> bool:
        return 0 <= y < self.height and x >= 0 and x + count <= self.width and self._text[y][x : x + count] == [" "] * count

    def lines(self) -> list[list[Cell]]:
        """All of it, neighbours of one role together. A blank takes the role before it, where nobody sees which it has."""
        lines: list[list[Cell]] = []
        for text, roles in zip(self._text, self._roles, strict=True):
            cells: list[Cell] = []
            start, role = 0, ""
            for x, its in enumerate(roles):
                if its != role and (its or text[x] != " " or role in _ON_A_GROUND):
                    if x > start:
                        cells.append(Cell("".join(text[start:x]), role))
                    start, role = x, its
            cells.append(Cell("".join(text[start:]), role))
            lines.append(cells)
        return lines


class Dots:
    """A line through points, in dots: two to a cell across, four up. `on` of every `of` columns of dots are drawn."""

    def __init__(self, on: int = 1, of: int = 1) -> None:
        self._on, self._of = on, of
        self._cells: dict[tuple[int, int], int] = {}

    def line(self, points: Sequence[tuple[int, int] | None]) -> None:
        """From each point (column, row, in dots) to the next; None breaks the line."""
        before = None
        for point in points:
            if point is not None and before is not None:
                self._stretch(before, point)
            elif point is not None:
                self._dot(*point)
            before = point

    def _stretch(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        (x0, y0), (x1, y1) = start, end
        if y0 == y1:
            for x in range(x0 + 1, x1 + 1):
                if x % self._of < self._on:
                    self._dot(x, y1)
            return
        width = max(1, x1 - x0)
        at = y0
        for x in range(x0 + 1, x1 + 1):
            if x % self._of >= self._on:
                at = y0 + round((y1 - y0) * (x - x0) / width)
                continue
            to = y0 + round((y1 - y0) * (x - x0) / width)
            # Dots above each other where it is steep, half of them in each of the two columns.
            for y in range(at, to, 1 if to > at else -1):
                self._dot(x - (abs(y - at) * 2 < abs(to - at)), y)
            self._dot(x, to)
            at = to

    def _dot(self, x: int, y: int) -> None:
        if x >= 0 and y >= 0:
            cell = x // 2, y // 4
            self._cells[cell] = self._cells.get(cell, 0) | _DOTS[y % 4][x % 2]

    def draw(self, canvas: Canvas, role: str, rows: int) -> None:
        """Where nothing is drawn yet, in the first `rows` rows."""
        for (x, y), bits in self._cells.items():
            if y < rows:
                canvas.under(x, y, chr(0x2800 + bits), role)
