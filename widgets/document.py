"""Document: a framed text to scroll through that may change while it is read. It paints again only the lines that came out differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rich.segment import Segment
from textual.geometry import Size

from engine.model.views import View
from widgets.cells import Cell, fit_cells, length, pieces, segments
from widgets.panel import Panel

Line: TypeAlias = Sequence[Cell]
Draw: TypeAlias = Callable[[int], Sequence[Line]]
"""All lines of a text that is so many cells wide. Text from outside is cleaned where it is painted."""


class Document(Panel, inherit_bindings=False):
    """Shows what `draw` answers for its width. Whoever reads further down stays there while lines change above or below."""

    MARGIN = 1

    def __init__(self, title: str, more: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        """`more` stands behind the title where there is room for it."""
        super().__init__(id=id, classes=classes)
        self._draw: Draw | None = None
        self._lines: Sequence[Line] = ()
        self.set_title(Cell(title), Cell(f" {more}" if more else ""))

    def show(self, view: View) -> None:
        """A text is no panel of the View: whoever writes it draws it."""

    def show_text(self, draw: Draw) -> None:
        """Draw this from now on."""
        self._draw = draw
        self._redraw()

    @property
    def near_end(self) -> bool:
        """Whether the last page is in view, or nearly; not before there is a page at all."""
        return bool(self._lines) and self.scroll_offset.y + 2 * self.inner_height >= len(self._lines)

    @property
    def cut(self) -> str:
        """Of the lines in sight those that have no room, whole."""
        room, top = self.inner_width - 2 * self.MARGIN, self.scroll_offset.y
        shown = [pieces(line, room) for line in self._lines[top : top + self.inner_height]]
        return "\n".join("".join(piece.text for piece in line) for line in shown if length(line) > room)

    def scroll_lines(self, lines: int) -> None:
        """Down by so many lines, or up."""
        self._go(int(self.scroll_target_y) + lines)

    def scroll_page(self, direction: int) -> None:
        self.scroll_lines(direction * max(1, self.inner_height - 1))

    def scroll_key(self, key: str) -> bool:
        """Scroll by a key, by Textual's name of it. False where it scrolls nothing."""
        match key:
            case "down" | "j":
                self.scroll_lines(1)
            case "up" | "k":
                self.scroll_lines(-1)
            case "pagedown" | "space":
                self.scroll_page(1)
            case "pageup":
                self.scroll_page(-1)
            case "home" | "g":
                self.to_top()
            case "end" | "G":
                self.to_end()
            case _:
                return False
        return True

    def to_top(self) -> None:
        self._go(0)

    def to_end(self) -> None:
        self._go(len(self._lines))

    def _go(self, line: int) -> None:
        self.scroll_to_line(min(max(0, line), max(0, len(self._lines) - self.inner_height)))

    def _redraw(self) -> None:
        if self._draw is None or not self.inner_width:
            return
        before, self._lines = self._lines, list(self._draw(max(1, self.inner_width - 2 * self.MARGIN)))
        if len(before) != len(self._lines):
            self._measure()
            self.refresh()
            return
        top = self.scroll_offset.y
        for y in range(min(self.inner_height, len(self._lines) - top)):
            if before[top + y] != self._lines[top + y]:
                self.refresh_content_line(y)

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._lines) + 2)
        if self.scroll_target_y > max(0, len(self._lines) - self.inner_height):
            self.to_end()

    def on_resize(self) -> None:
        self._lines = ()
        self._redraw()
        self._measure()

    def content_height(self, shown: int) -> int:
        return len(self._lines)

    def content_line(self, y: int, width: int) -> list[Segment]:
        index = self.scroll_offset.y + y
        line = self._lines[index] if index < len(self._lines) else ()
        room = max(0, width - 2 * self.MARGIN)
        edge = Cell(" " * self.MARGIN)
        return segments(fit_cells([edge, *fit_cells(pieces(line, room), room), edge], width), self.palette)
