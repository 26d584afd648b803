"""Curves over one another: where each begins and ends, what stands where it ends, and that none is told by its colour alone."""

from __future__ import annotations

import pytest

from widgets.cells import Cell, length
from widgets.curves import CurveLine, Curves

DAY = 86_400_000_000_000


def line(name: str, begin: int, *gains: float) -> CurveLine:
    return CurveLine(name, [(begin + place) * DAY for place in range(len(gains))], gains, "sma_cross")


def drawn(lines: list[CurveLine], width: int = 60, height: int = 12) -> list[list[Cell]]:
    curves = Curves("Equity")
    curves._lines = tuple(lines)
    return curves._draw(width, height)


def texts(rows: list[list[Cell]]) -> list[str]:
    return ["".join(cell.text for cell in row) for row in rows]


def dots(text: str) -> list[int]:
    return [place for place, character in enumerate(text) if "⠀" < character <= "⣿"]


@pytest.mark.parametrize("width", [24, 60, 140])
@pytest.mark.parametrize("height", [5, 12, 40])
def test_every_line_is_named_at_its_end_and_nothing_is_wider_than_the_panel(width: int, height: int) -> None:
    rows = drawn([line(f"#{place}", place, 0.0, 0.1 * place, -0.05) for place in range(1, 5)], width, height)
    assert len(rows) == height
    assert max(map(length, rows)) <= width
    told = "\n".join(texts(rows))
    for place in range(1, 5):
        assert f"#{place} " in told


def test_labels_of_lines_that_end_alike_stand_under_each_other() -> None:
    rows = drawn([line("#1", 0, 0.0, 0.2), line("#2", 0, 0.0, 0.2), line("#3", 0, 0.0, 0.2)])
    at = [next(row for row, text in enumerate(texts(rows)) if f"#{place} " in text) for place in (1, 2, 3)]
    assert at == [0, 1, 2]


def test_what_begins_later_is_drawn_further_right() -> None:
    rows = drawn([line("#1", 0, *([0.5] * 20)), line("#2", 10, *([-0.5] * 10))])
    early, late = dots(texts(rows)[0]), dots(texts(rows)[-2])
    assert early[0] == 0
    assert abs(late[0] - (early[-1] + 1) * 10 / 19) <= 1
    assert late[-1] == early[-1]


def test_a_point_between_two_of_another_line_leaves_no_hole() -> None:
    sparse, dense = CurveLine("#1", [0, 100 * DAY], [0.3, 0.3]), line("#2", 0, *([-0.3] * 101))
    columns = dots(texts(drawn([sparse, dense]))[0])
    assert columns == list(range(columns[-1] + 1))


def test_the_fourth_line_has_the_first_ones_colour_and_is_dotted() -> None:
    rows = drawn([line(f"#{place}", 0, *([0.1 * place] * 40)) for place in range(1, 5)], 60, 30)
    first, fourth = (next(text for text in texts(rows) if f"#{place} " in text) for place in (1, 4))
    assert "━━ #1" in first
    assert "╍╍ #4" in fourth
    assert len(dots(fourth)) * 2 == pytest.approx(len(dots(first)), abs=2)


def test_nothing_and_one_point_are_no_line() -> None:
    curves = Curves("Equity")
    curves.show_lines([CurveLine("#1", [], []), CurveLine("#2", [DAY], [0.0])], "None of them has bars to draw.")
    assert curves._lines == ()


def test_in_words_each_line_says_its_return_days_and_reach() -> None:
    curves = Curves("Equity")
    curves._lines = (line("#1", 1, 0.0, 0.5, -0.25),)
    assert texts(curves._written()) == [" #1 sma_cross ▼ -25.00%, 1970-01-01 to 1970-01-03, highest +50.00%, lowest -25.00%"]
