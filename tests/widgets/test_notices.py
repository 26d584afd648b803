"""The line of notices: at any width, of any text, without a word where there is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.modes import Level
from tests.widgets.harness import Harness, text_of
from widgets.cells import length
from widgets.notices import NoticeLine


@given(st.text(), st.integers(1, 250), st.sampled_from(list(Level)))
def test_it_fits_and_is_clean_whatever_it_says(text: str, width: int, level: Level) -> None:
    line = NoticeLine()
    line.show(3, level, 1_700_000_000_000_000_000, text, "i")
    ((_, cells),) = line.draw(width)
    assert length(cells) == width
    assert all(character.isprintable() for cell in cells for character in cell.text)


@pytest.mark.parametrize("width", [80, 120])
async def test_the_count_and_the_key_stay_where_the_text_is_cut(width: int) -> None:
    line = NoticeLine()
    async with Harness(line).run_test(size=(width, 5)) as pilot:
        assert line.size.height == 0
        line.show(12, Level.ERROR, 1, "x" * 300, "i")
        await pilot.pause()
        said = text_of(line)
        assert said.startswith(" ✗ 12 notices ")
        assert "…" in said
        assert said.rstrip().endswith("i reads them" if width >= 100 else "i reads")
        line.show(0, Level.INFO, 0, "", "i")
        await pilot.pause()
        assert (line.size.height, line.text) == (0, "")


@pytest.mark.parametrize(("level", "mark"), [(Level.ERROR, "✗"), (Level.WARNING, "!"), (Level.INFO, "●")])
async def test_the_worst_of_them_has_its_mark_and_not_its_colour_alone(level: Level, mark: str) -> None:
    line = NoticeLine()
    async with Harness(line).run_test(size=(80, 5)):
        line.show(1, level, 1, "MSFT is above 402", "i")
        assert line.text.startswith(f"{mark} 1 notice ")
