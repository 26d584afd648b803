"""Lines: a strip of the screen without a frame, made of a few lines of cells. The header, the banner and the hints are made of it."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import Cell, fit_cells, length, segments
from widgets.palette import Palette
from widgets.steady import Steady
from widgets.text import clean


class Lines(Steady, Widget):
    """Draws what `draw` answers, and paints again only the lines that came out differently."""

    DEFAULT_CSS = """
    Lines {
        height: 1;
        background: $background;
        color: $foreground;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self._drawn: list[tuple[str, list[Cell]]] = []
        self._palette: Palette | None = None

    @property
    def palette(self) -> Palette:
        if self._palette is None:
            self._palette = Palette.of(self.app)
        return self._palette

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        """Each line as the role that lies under all of it, and its cells; one line more or less than the widget is high is no matter."""
        raise NotImplementedError

    @property
    def cut(self) -> str:
        """The lines that have no room, whole."""
        return "\n".join("".join(cell.text for cell in cells) for _, cells in self._drawn if length(cells) > self.size.width)

    def redraw(self) -> None:
        # Whatever a subclass forgot to clean (the name of a file was) ends here.
        drawn = [(base, [Cell(clean(text), role) for text, role in cells]) for base, cells in self.draw(self.size.width)]
        before, self._drawn = self._drawn, drawn
        for y, line in enumerate(self._drawn):
            if y >= len(before) or line != before[y]:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        self.redraw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette = None

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base, cells = self._drawn[y] if y < len(self._drawn) else ("", [])
        return Strip(segments(fit_cells(cells, width), self.palette, base), width)
