"""Up and down, buying and selling are told by a sign, a word or a shape as well, in every panel: colour only underlines it."""

from __future__ import annotations

import re

import pytest
from rich.segment import Segment
from textual.color import Color

from tests.views import sample_view
from tests.widgets.harness import PANELS, Harness, segments_of
from themes import Themes
from widgets.candles import _FALLING, _RISING
from widgets.header import HeaderBar
from widgets.panel import Panel

ROLES = ("up", "down", "buy", "sell")
SAID = re.compile(r"[▲▼+-]|BUY|SELL|bought|sold|limit|stop|average|rise|fall")


def colour_of(segment: Segment) -> str:
    colour = segment.style.color if segment.style else None
    return colour.triplet.hex if colour and colour.triplet else ""


@pytest.mark.parametrize("panel", [*PANELS, HeaderBar], ids=lambda panel: panel.__name__)
@pytest.mark.parametrize("theme", ["dark", "red-up", "monochrome"])
async def test_what_is_coloured_as_up_or_down_says_so_without_colour(panel: type[Panel] | type[HeaderBar], theme: str) -> None:
    widget = panel()
    app = Harness(widget, theme=theme)
    async with app.run_test(size=(120, 20)) as pilot:
        app.show(sample_view())
        await pilot.pause()
        variables = Themes().load(theme).variables
        # In the theme without colour a plain text may have the very grey of a role: there the roles that are told by weight alone count.
        colours = {Color.parse(variables[role]).hex6.lower() for role in ROLES if theme != "monochrome" or role in ("down", "sell")}
        for segment in segments_of(widget):
            if colour_of(segment) in colours and segment.text.strip():
                # Candles, and the lines of orders, which are named at their ends.
                shapes = all("\u2500" <= character <= "\u257f" for character in segment.text if character != " ")
                assert shapes or SAID.search(segment.text), segment.text


def test_the_body_of_a_rising_candle_is_hollow_and_that_of_a_falling_one_solid() -> None:
    """From one whole row on; a body of half a row has one shape alone, as there are no others of half a cell."""
    assert _RISING[2, 2] != _FALLING[2, 2]
