"""The thumb of a dialog's scroll bar."""

from __future__ import annotations

import pytest

from widgets.thumb import THUMB, Thumb


@pytest.mark.parametrize("position", [0, 1, 7, 39, 40])
def test_it_is_a_line_where_what_is_shown_lies_and_may_be_taken_by_the_mouse(position: int) -> None:
    drawn = Thumb.render_bar(size=20, virtual_size=60, window_size=20, position=position).segments
    thumb = [place for place, segment in enumerate(drawn) if segment.text == THUMB]
    assert thumb == list(range(thumb[0], thumb[0] + len(thumb)))
    assert abs(thumb[0] - position / 3) <= 1
    assert {segment.text for segment in drawn} == {THUMB, " "}
    styles = [segment.style for segment in drawn]
    assert all(style is not None and not style.reverse for style in styles)
    assert {style.meta["@mouse.down"] for place, style in enumerate(styles) if style is not None and place in thumb} == {"grab"}
