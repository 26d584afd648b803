"""The equity curve: what is written as the same value is a level line without a drawdown, and its last value is always told."""

from __future__ import annotations

from widgets.cells import Cell
from widgets.curve import Curve, Point


def drawn(*values: float) -> list[list[Cell]]:
    curve, highest, points = Curve("Equity"), values[0], []
    for at, value in enumerate(values):
        highest = max(highest, value)
        points.append(Point(at, value, 1 - value / highest))
    curve._points = points
    return curve._draw(60, 12)


def text(rows: list[list[Cell]]) -> str:
    return "\n".join("".join(cell.text for cell in row) for row in rows)


def test_a_fraction_of_a_cent_is_no_cliff_and_no_drawdown() -> None:
    rows = drawn(100_128.92, 100_128.918)
    assert {cell.role for row in rows for cell in row if any("⠀" < character <= "⣿" for character in cell.text)} == {"accent"}
    assert sum(any("⠀" < character <= "⣿" for character in text([row])) for row in rows) == 1
    assert text(rows).count("100,128.92") == 1
    assert "▼" not in text(rows)


def test_a_cent_is_one() -> None:
    rows = drawn(100.02, 100.01)
    assert "down" in {cell.role for row in rows for cell in row}
    assert "▼ 0.01%" in text(rows)


def test_the_last_value_stands_where_the_line_ends_also_beside_the_highest() -> None:
    rows = drawn(100.0, 120.0, 119.9)
    assert text(rows[:1]).endswith("119.90")
    assert "100.00" in text(rows)
