"""The fields of a ticket, without a screen. Each applies its keys at once, and holds what a person made of it as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from widgets.cells import Cell
from widgets.line_editor import LineEditor

LONGEST = 16
"""Characters of a number; a longer one is a slip of the hand."""
STEPS = {"up": 1, "down": -1, "pageup": 10, "pagedown": -10}


class Field:
    """One line of a ticket. `note` stands beside it, what it takes beside it while it has the keys."""

    def __init__(self, name: str, label: str) -> None:
        self.name = name
        self.label = label
        self.note: Sequence[Cell] = ()
        self.takes: Sequence[Cell] = ()

    @property
    def text(self) -> str:
        raise NotImplementedError

    def key(self, key: str, character: str | None) -> bool:
        """Apply one key by Textual's name of it. False where it means nothing here."""
        raise NotImplementedError

    def paste(self, text: str) -> None:
        """Only what could be typed is taken."""

    def cells(self, active: bool) -> list[Cell]:
        raise NotImplementedError


class TextField(Field):
    """A line of text, of `characters` alone. A key of `whole` writes all of it: the market's price, or `half`.

    `stepped` answers the text so many steps up or down; where it answers None, the arrows do nothing. With `trails` the key t says that
    it trails, and once more that it does not; Backspace in an empty field takes that back, too.
    """

    def __init__(self, name: str, label: str, characters: str, *, trails: bool = False, upper: bool = False) -> None:
        super().__init__(name, label)
        self.whole: Mapping[str, str] = {}
        self.stepped: Callable[[str, int], str | None] = lambda text, steps: None
        self.trails = False
        self._may_trail = trails
        self._upper = upper
        self._characters = frozenset(characters)
        self._editor = LineEditor(LONGEST)

    @property
    def text(self) -> str:
        return self._editor.text

    def put(self, text: str) -> None:
        self._editor.put(text)

    def key(self, key: str, character: str | None) -> bool:
        if character is not None and character.isprintable():
            return self._type(character.upper() if self._upper else character)
        if key in STEPS:
            stepped = self.stepped(self.text, STEPS[key])
            if stepped is not None:
                self._editor.put(stepped)
            return stepped is not None
        if key == "backspace" and not self.text and self.trails:
            self.trails = False
            return True
        return self._editor.key(key, None)

    def _type(self, character: str) -> bool:
        if character in self.whole:
            self._editor.put(self.whole[character])
        elif character == "t" and self._may_trail:
            self.trails = not self.trails
        elif character in self._characters:
            self._editor.insert(character)
        else:
            return False
        return True

    def paste(self, text: str) -> None:
        for character in text:
            if (character.upper() if self._upper else character) in self._characters:
                self._editor.insert(character.upper() if self._upper else character)

    def cells(self, active: bool) -> list[Cell]:
        lead = [Cell("trail ", "key")] if self.trails else []
        text, cursor = self.text, self._editor.cursor
        if not active:
            return [*lead, Cell(text or "-", "" if text else "muted")]
        return [
            *lead,
            Cell(text[:cursor], "cursor"),
            Cell(text[cursor : cursor + 1] or " ", "title-focus"),
            Cell(f"{text[cursor + 1 :]:<{max(LONGEST - cursor - 1 - len(lead) * 6, 0)}}", "cursor"),
        ]


class Option(Struct, frozen=True):
    """One of several: `value` is what it stands for, `label` what is read and whose letters choose it, in its style
    `role`."""

    value: str
    label: str
    role: str = "title"


class ChoiceField(Field):
    """One of several options, all in sight. Arrows and Space go from one to the next, a letter to the next that begins with it."""

    def __init__(self, name: str, label: str, options: Sequence[Option], value: str) -> None:
        super().__init__(name, label)
        self.options = tuple(options)
        self._value = value

    @property
    def text(self) -> str:
        """The value that is chosen; the first where the one that was is not among the options any more."""
        values = [option.value for option in self.options]
        return self._value if self._value in values else values[0]

    def choose(self, value: str) -> None:
        self._value = value

    def key(self, key: str, character: str | None) -> bool:
        if key in ("right", "down", "space"):
            self._go(1)
        elif key in ("left", "up"):
            self._go(-1)
        elif character is not None and character.isprintable():
            return self._to(character.lower())
        else:
            return False
        return True

    def _go(self, step: int) -> None:
        values = [option.value for option in self.options]
        self._value = values[(values.index(self.text) + step) % len(values)]

    def _to(self, letter: str) -> bool:
        here = [option.value for option in self.options].index(self.text)
        after = (*self.options[here + 1 :], *self.options[: here + 1])
        found = next((option.value for option in after if option.label.lower().startswith(letter)), None)
        if found is not None:
            self._value = found
        return found is not None

    def cells(self, active: bool) -> list[Cell]:
        cells: list[Cell] = []
        for option in self.options:
            if option.value == self.text:
                cells.append(Cell(f"‹{option.label}›", "title-focus" if active else option.role))
            else:
                cells.append(Cell(f" {option.label} ", "muted"))
        return cells

    def place(self, x: int) -> str | None:
        """The value of the option that is drawn at column `x`."""
        for option in self.options:
            x -= len(option.label) + 2
            if x < 0:
                return option.value
        return None


class ButtonField(Field):
    """The last one: Enter on it leads on."""

    @property
    def text(self) -> str:
        return ""

    def key(self, key: str, character: str | None) -> bool:
        return False

    def cells(self, active: bool) -> list[Cell]:
        return [Cell(f"[ {self.label} ]", "title-focus" if active else "key")]
