"""The line of notices: at any width, of any text, without a word where there is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.modes import Level
from tests.widgets.harness import Harness, text_of
from widgets.cells import length
from widgets.notices import MOST_LINES, NoticeLine


@given(st.text(), st.integers(1, 250), st.sampled_from(list(Level)))
def test_it_fits_and_is_clean_whatever_it_says(text: str, width: int, level: Level) -> None:
    line = NoticeLine()
    line.show(3, level, "17:13:20", text, "i")
    lines = [cells for _, cells in line.draw(width)]
    assert length(lines[0]) == width
    assert all(length(cells) <= width for cells in lines)
    assert len(lines) <= MOST_LINES
    assert all(character.isprintable() for cells in lines for cell in cells for character in cell.text)


def test_what_to_do_stands_there_in_80_columns_too() -> None:
    line = NoticeLine()
    do = "End that one, or set IB_CLIENT_ID to another number, and start again."
    line.show(
        12, Level.ERROR, "09:30:00", f"Client id 17 is in use at 127.0.0.1:7497: another console or script is connected with it. {do}", "i"
    )
    said = ["".join(cell.text for cell in cells) for _, cells in line.draw(80)]
    assert do in " ".join(" ".join(said).replace("i reads", "").split())
    assert said[0].endswith("i reads ")
    assert "…" not in "".join(said)


@pytest.mark.parametrize("width", [80, 120])
def test_a_last_word_takes_no_row_that_the_time_and_the_word_behind_the_key_can_give(width: int) -> None:
    line = NoticeLine()
    rows = []
    for words in range(2, 30):
        line.show(1, Level.ERROR, "17:13:20", " ".join(["four"] * words), "i")
        said = ["".join(cell.text for cell in cells) for _, cells in line.draw(width)]
        assert " i " in said[0]
        assert "1 notice " in said[0]
        rows.append([text.split() for text in said])
    # The first row that is taken has more than what the others could have taken.
    first = next(said for said in rows if len(said) > 1)
    assert len(" ".join(first[1])) >= 4
    before = rows[rows.index(first) - 1]
    assert "17:13:20" not in before[0]


def test_what_has_no_room_ends_in_an_ellipsis() -> None:
    line = NoticeLine()
    line.show(1, Level.ERROR, "09:30:00", "a word and another " * 40, "i")
    *whole, cut = ["".join(cell.text for cell in cells).rstrip() for _, cells in line.draw(80)]
    assert cut.endswith("…")
    assert not any("…" in text for text in whole)


@pytest.mark.parametrize("width", [80, 120])
async def test_the_count_and_the_key_stay_where_the_text_is_cut(width: int) -> None:
    line = NoticeLine()
    async with Harness(line).run_test(size=(width, 24)) as pilot:
        assert line.size.height == 0
        line.show(12, Level.ERROR, "09:30:00", "x" * 300, "i")
        await pilot.pause()
        assert line.size.height == MOST_LINES
        said, *_, last = text_of(line).split("\n")
        assert said.startswith(" ✗ 12 notices ")
        assert last.rstrip().endswith("…")
        assert said.rstrip().endswith("i reads them" if width >= 100 else "i reads")
        line.show(0, Level.INFO, "", "", "i")
        await pilot.pause()
        assert (line.size.height, line.text) == (0, "")


@pytest.mark.parametrize(("level", "mark"), [(Level.ERROR, "✗"), (Level.WARNING, "!"), (Level.INFO, "●")])
async def test_the_worst_of_them_has_its_mark_and_not_its_colour_alone(level: Level, mark: str) -> None:
    line = NoticeLine()
    async with Harness(line).run_test(size=(80, 5)):
        line.show(1, level, "09:30:00", "MSFT is above 402", "i")
        assert line.text.startswith(f"{mark} 1 notice ")
