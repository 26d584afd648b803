"""The jump overlay: a letter on everything that can be gone to; its key goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from string import ascii_lowercase
from typing import ClassVar, cast

from msgspec import Struct
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from console.screens.dialog import HasKeys
from widgets.cells import Cell
from widgets.hints import HintLine
from widgets.lines import Lines
from widgets.steady import SteadyLoop

PLACE = "jump"


class Target(Struct, frozen=True):
    """Something to go to: its name gives the letter, which is drawn from cell (`x`, `y`) of the screen on."""

    name: str
    x: int
    y: int
    go: Callable[[], None]


def letters(targets: Iterable[Target]) -> dict[str, Target]:
    """A letter for each: the first of its name that no earlier one has, or else the first that is left."""
    given: dict[str, Target] = {}
    for target in targets:
        free = [letter for letter in (*target.name.lower(), *ascii_lowercase) if letter in ascii_lowercase and letter not in given]
        if free:
            given[free[0]] = target
    return given


class Jump(SteadyLoop, ModalScreen[None], inherit_bindings=False):
    """Any key ends it; a letter that is shown goes there too."""

    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    Jump { background: $background 20%; }
    Jump > _Label { position: absolute; width: 3; }
    Jump > HintLine { dock: bottom; }
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self._letters = letters(targets)
        self._hints = HintLine()

    def compose(self) -> ComposeResult:
        for letter, target in self._letters.items():
            yield _Label(letter, target.x, target.y, self._go)
        yield self._hints

    def on_mount(self) -> None:
        self._hints.show(cast(HasKeys, self.app).keys.hints(PLACE))

    def take_key(self, key: str, character: str | None, time: float) -> None:
        self._go(key)

    def _go(self, letter: str) -> None:
        if self.is_current:
            self.dismiss()
            if target := self._letters.get(letter):
                target.go()

    def on_click(self) -> None:
        """A click beside the letters ends it, as any other key does."""
        self._go("")

    def take_paste(self, text: str) -> None:
        """Nothing is pasted into it."""


class _Label(Lines):
    def __init__(self, letter: str, x: int, y: int, clicked: Callable[[str], None]) -> None:
        super().__init__()
        self._letter = letter
        self.styles.offset = (x, y)
        self._clicked = clicked

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self._clicked(self._letter)

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        return [("", [Cell(f" {self._letter} ", "mark")])]
