"""How a scroll bar of Textual's is drawn: as the panels' own, a heavy line where what is shown lies. A block looks like a cursor."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBarRender

THUMB = "┃"
_NO_COLOUR = Color.default()


class Thumb(ScrollBarRender):
    """Of a vertical bar, one cell wide."""

    VERTICAL_BARS = [" "]  # noqa: RUF012 - declared by Textual; in whole cells

    @classmethod
    def render_bar(
        cls,
        size: int = 25,
        virtual_size: float = 50,
        window_size: float = 20,
        position: float = 0,
        thickness: int = 1,
        vertical: bool = True,
        back_color: Color = _NO_COLOUR,
        bar_color: Color = _NO_COLOUR,
    ) -> Segments:
        drawn = super().render_bar(size, virtual_size, window_size, position, thickness, vertical, back_color, bar_color)
        return Segments([_thin(segment, bar_color, back_color) for segment in drawn.segments], new_lines=True)


def _thin(segment: Segment, bar: Color, back: Color) -> Segment:
    """What Textual draws as a block, reversed, as a line. The style's meta says what the mouse does there."""
    style = segment.style
    return Segment(THUMB, Style(color=bar, bgcolor=back, meta=style.meta)) if style is not None and style.reverse else segment
