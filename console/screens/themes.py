"""The choice of a theme. The whole screen is repainted in the one that is marked."""

from __future__ import annotations

from collections.abc import Callable

from console.looks import Looks
from console.screens.dialog import Dialog, Line, paragraph
from widgets.cells import Cell

SAMPLE = (
    (Cell(" PAPER ", "paper"), Cell(" "), Cell(" LIVE ", "live"), Cell(" "), Cell(" HALTED ", "halted")),
    (Cell("▲ +1.20%", "up"), Cell("  "), Cell("▼ -0.84%", "down"), Cell("  "), Cell("stale 7s", "stale")),
    (Cell("! a warning", "warning"), Cell("  "), Cell("✗ an error", "error")),
)


class ThemeChoice(Dialog[None]):
    """Arrows preview, Enter keeps what is marked, Escape brings back what was."""

    PLACE = "themes"
    CHOOSES = True
    DEFAULT_CSS = """
    ThemeChoice { align: right middle; background: $background 0%; }
    ThemeChoice > VerticalScroll { width: 40; }
    """

    def __init__(self, looks: Looks, clock: Callable[[], float]) -> None:
        super().__init__("Theme", None, clock)
        self._looks = looks
        self._names = looks.names
        self._marked = self._names.index(looks.chosen)

    def body(self, width: int) -> list[Line]:
        lines: list[Line] = []
        for place, name in enumerate(self._names):
            marked = place == self._marked
            role = "title-focus" if marked else "" if self._looks.usable(name) else "muted"
            kept = Cell("  in use", "muted") if name == self._looks.chosen else Cell("")
            lines.append([Cell("▸ " if marked else "  ", "key"), Cell(f" {name} ", role), kept])
        name = self._names[self._marked]
        about = paragraph(self._looks.about(name), width, "muted" if self._looks.usable(name) else "error")
        # As high for every theme, so that nothing moves while one looks.
        lines += [[], *about, *[[]] * (3 - len(about)), *map(list, SAMPLE)]
        if self._looks.without_colour:
            lines += [[], *paragraph("NO_COLOR is set: every theme comes out in greys, and monochrome is made for that.", width, "warning")]
        return lines

    def key(self, key: str, character: str | None) -> None:
        if key in ("down", "up", "j", "k", "tab", "shift+tab"):
            step = 1 if key in ("down", "j", "tab") else -1
            self._marked = (self._marked + step) % len(self._names)
            self._looks.show(self._names[self._marked])
        elif key == "enter" and self._looks.usable(self._names[self._marked]):
            self._looks.keep(self._names[self._marked])
            self.answer(None)
        self.draw()

    def clicked(self, line: int, x: int, *, twice: bool) -> None:
        """One click previews, two keep."""
        if line < len(self._names):
            self._marked = line
            self._looks.show(self._names[line])
            if twice:
                self.key("enter", None)
            self.draw()

    def answer(self, result: None) -> None:
        self._looks.show(self._looks.chosen)
        super().answer(result)
