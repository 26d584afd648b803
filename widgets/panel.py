"""The frame every panel shares: digit, title and summary in the top border, content between, a foot in the bottom border, and a scroll
thumb in the right one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.model.views import View
from widgets.cells import Cell, fit_cells, length, segments
from widgets.palette import Palette
from widgets.steady import Steady
from widgets.text import GLUE, balanced, clean

_ACTION = re.compile(r"\{([a-z_]+)\}")
_BEFORE_WORD = re.compile(r"(\{[a-z_]+\}) ")


DIGIT_END = 4
"""The cell behind the digit in the top border."""


class Panel(Steady, ScrollView, can_focus=True, inherit_bindings=False):
    """A framed panel on the Line API. A subclass draws `content_line`, and everything outside the frame is none of its business.

    The frame is drawn here and not by a style sheet, because a border there holds one title and repaints the whole widget for it; here the
    summary sits at the right of the same line, and a new one repaints that line alone.
    """

    DEFAULT_CSS = """
    Panel {
        background: $background;
        color: $foreground;
        min-height: 3;
        overflow: hidden auto;
        scrollbar-size: 0 0;
    }
    """

    DIGIT: ClassVar[str] = ""
    TITLE: ClassVar[str] = ""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self._title: tuple[Cell, ...] = (Cell(self.TITLE),)
        self._summary: tuple[Cell, ...] = ()
        self._summary_from = 0
        """The column where the summary begins as it was drawn."""
        self._palette: Palette | None = None
        self._key_names: dict[str, str] = {}

    # ---- what a subclass gives

    def show(self, view: View) -> None:
        """Draw the panel's part of `view`."""
        raise NotImplementedError

    def content_line(self, y: int, width: int) -> list[Segment]:
        """Line `y` of what is inside the frame, exactly `width` cells."""
        raise NotImplementedError

    def content_height(self, shown: int) -> int:
        """Lines that all of the content would take, where `shown` fit; what is more can be scrolled to."""
        return shown

    def foot(self, room: int) -> tuple[Sequence[Cell], Sequence[Cell]]:
        """What stands in the bottom border at its left and at its right, in `room` cells; the right goes where both do not fit."""
        return (), ()

    # ---- what a subclass uses

    @property
    def palette(self) -> Palette:
        if self._palette is None:
            self._palette = Palette.of(self.app)
        return self._palette

    @property
    def inner_width(self) -> int:
        return max(0, self.size.width - 2)

    @property
    def inner_height(self) -> int:
        return max(0, self.size.height - 2)

    @property
    def summary_text(self) -> str:
        """The summary in the top border as plain text."""
        return "".join(cell.text for cell in self._summary)

    def summary_cell(self, x: int) -> Cell | None:
        """What of the summary stands in column `x` of the top border."""
        right = self._summary_from
        for cell in self._summary:
            left, right = right, right + length([cell])
            if left <= x < right:
                return cell
        return None

    def name_keys(self, names: Mapping[str, str]) -> None:
        """How the keys are called that the panel's texts speak of, by action: they are the user's to choose."""
        self._key_names = dict(names)
        self.refresh()

    def with_keys(self, text: str) -> str:
        """`text` with the key of each {action} filled in; the action's own name where nobody told of a key."""
        return _ACTION.sub(lambda found: self._key_names.get(found[1], found[1]), text)

    def set_title(self, *cells: Cell) -> None:
        """What stands behind the digit. Text from outside may be in it."""
        self._set_border("_title", cells)

    def set_summary(self, *cells: Cell) -> None:
        """What stands at the right of the top border."""
        self._set_border("_summary", cells)

    def _set_border(self, which: str, cells: Sequence[Cell]) -> None:
        cleaned = tuple(Cell(clean(text), role) for text, role in cells if text)
        if cleaned != getattr(self, which):
            setattr(self, which, cleaned)
            self.refresh_screen_line(0)

    def refresh_content_line(self, y: int) -> None:
        """Paint content line `y` again, counted inside the frame from its top as it is on the screen."""
        self.refresh_screen_line(y + 1)

    def refresh_screen_line(self, y: int) -> None:
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def scroll_to_line(self, line: float) -> None:
        """Has `line` of the content at the top, at once. Forced, as Textual thinks that what has no scroll bar yet cannot be scrolled."""
        self.scroll_to(y=line, animate=False, force=True)

    # ---- the mouse

    class ZoomAsked(Message):
        """The panel's digit was clicked twice."""

    def on_click(self, event: events.Click) -> None:
        if event.y == 0 and event.x < DIGIT_END and event.chain % 2 == 0:
            self.post_message(self.ZoomAsked())

    # ---- drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette = None

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if width < 2 or height < 1:
            return Strip.blank(width)
        if y == 0:
            return Strip(self._top(width), width)
        frame = "focus" if self.has_focus else "line"
        if y >= height - 1:
            return Strip(self._bottom(width, frame), width)
        left = segments([Cell("│", frame)], self.palette)
        right = segments([Cell("┃" if y - 1 in self._thumb(height - 2) else "│", frame)], self.palette)
        return Strip([*left, *self.content_line(y - 1, width - 2), *right], width)

    def _top(self, width: int) -> list[Segment]:
        focused = self.has_focus
        frame = "focus" if focused else "line"
        room = max(0, width - 4)
        name, *rest = self._title or (Cell(""),)
        rest = [Cell(text, role or "title") for text, role in rest]
        digit = f"{self.DIGIT} " if self.DIGIT else ""
        if focused:
            # The name stands on a ground of its own: that is seen without colour, too.
            title = [Cell(f" {digit}{name.text} ", "title-focus"), *rest]
        else:
            title = [Cell(" "), Cell(digit, "key"), Cell(f"{name.text} ", name.role or "title"), *rest]
        if rest:
            title.append(Cell(" "))
        while rest and length(title) > room:
            # A piece of it is said whole or not at all; the name stays.
            title.remove(rest.pop())
        summary = [Cell(" "), *(Cell(text, role or "muted") for text, role in self._summary), Cell(" ")] if self._summary else []
        if length(title) + length(summary) + 1 > room:
            summary = []
        if length(title) > room:
            title = fit_cells(title, room)
        self._summary_from = width - 2 - length(summary[1:]) if summary else width
        rule = Cell("─" * (room - length(title) - length(summary)), frame)
        return segments(fit_cells([Cell("╭─", frame), *title, rule, *summary, Cell("─╮", frame)], width), self.palette)

    def _bottom(self, width: int, frame: str) -> list[Segment]:
        room = max(0, width - 4)
        left, right = self.foot(room)
        if length(left) + length(right) > room:
            right = ()
        if length(left) > room:
            left = fit_cells(left, room)
        rule = Cell("─" * (room - length(left) - length(right)), frame)
        return segments(fit_cells([Cell("╰─", frame), *left, rule, *right, Cell("─╯", frame)], width), self.palette)

    def refresh_foot(self) -> None:
        """Paint the bottom border again."""
        self.refresh_screen_line(self.size.height - 1)

    def _thumb(self, shown: int) -> range:
        """Lines of the right border that stand for the part of the content in view; none where all of it is."""
        total = self.content_height(shown)
        if shown < 2 or total <= shown:
            return range(0)
        size = max(1, shown * shown // total)
        start = round(self.scroll_offset.y * (shown - size) / (total - shown))
        return range(start, start + size)

    def message_line(self, y: int, width: int, text: str) -> list[Segment]:
        """Line `y` of a quiet sentence in the middle of an otherwise empty panel."""
        # A key stays on the line of what it does.
        lines = balanced(self.with_keys(_BEFORE_WORD.sub(rf"\1{GLUE}", text)), max(1, width - 4))
        first = max(0, (self.inner_height - len(lines)) // 2)
        line = lines[y - first] if 0 <= y - first < len(lines) else ""
        return segments(fit_cells([Cell(" " * max(0, (width - length([Cell(line)])) // 2)), Cell(line, "muted")], width), self.palette)
