"""Plays a script: presses its keys as a person would, waits for what each step is to bring about, and says what is happening.

It knows a screen only by what a person sees of it, and does nothing but press keys.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from textual import events

if TYPE_CHECKING:
    from textual.screen import Screen

    from console.screens.trading import TradingScreen
    from engine.model import View

KEY_S, LETTER_S = 0.45, 0.07
"""Seconds between two keys, and between two letters of a word."""
PATIENCE_S = 40.0
"""How long a step may take. Then the script ends, and says so."""
TEXT = "type:"


class Scene(Protocol):
    """What a person sees."""

    @property
    def trading(self) -> TradingScreen: ...

    @property
    def screen(self) -> Screen[object]:
        """The one on top."""

    @property
    def view(self) -> View: ...

    @property
    def tries_on_a_theme(self) -> bool:
        """Whether it is drawn in another theme than the chosen one."""


Condition = Callable[[Scene], bool]


def always(_: Scene) -> bool:
    return True


class Step(Struct, frozen=True):
    """Once `first` holds, `keys` are pressed by their names (`type:WORDS` types); once `until` holds, it stays for `reads_s` seconds.

    `says` has at most 68 characters: there are ten more in a line of 80. Empty, what was said before stays. With `again_s` the keys are
    pressed again while `until` does not hold after so long.
    """

    says: str
    keys: Sequence[str] = ()
    until: Condition = always
    first: Condition = always
    reads_s: float = 2.5
    again_s: float | None = None


class ScriptedKey(events.Key):
    """A key that no person pressed."""


class Player:
    """`press` is given each key in its time. Call `tick` often; `clock` is monotonic seconds.

    `caption` is what to say now. When it ends by itself it says `after`, and so where somebody takes over.
    """

    def __init__(self, script: Iterable[Step], press: Callable[[events.Key], object], clock: Callable[[], float], after: str) -> None:
        self._steps = deque(script)
        self._press = press
        self._clock = clock
        self._after = after
        self._keys: deque[tuple[str, str | None, float]] = deque()
        """Name and character of each, and how long the next one waits behind it."""
        self._begun = False
        self._since = clock()
        """When this step began."""
        self._next = clock()
        """When the next key is due."""
        self._pressed = 0.0
        """When the last key of the step was pressed."""
        self._held: float | None = None
        """Since when what the step was to bring about is there."""
        self.came_true: list[Step] = []
        self.caption = self._steps[0].says if self._steps else after

    @property
    def over(self) -> bool:
        return not self._steps

    def take_over(self) -> None:
        """A person has the controls."""
        self._steps.clear()
        self._keys.clear()
        self.caption = self._after

    def tick(self, scene: Scene) -> None:
        """Press the next key, if its time has come, or look whether what it was pressed for is there."""
        now = self._clock()
        if not self._steps:
            return
        step = self._steps[0]
        if now - self._since > PATIENCE_S:
            self.take_over()
            self.caption = f"The script waited in vain and ends here. {self._after}"
        elif not self._begun:
            if step.first(scene):
                self._begun = True
                self._lay_out(step, now)
        elif self._keys:
            if now >= self._next:
                self._press_one(now)
        elif self._held is None:
            if step.until(scene):
                self._held = now
                self.came_true.append(step)
            elif step.again_s is not None and now - self._pressed >= step.again_s:
                self._lay_out(step, now)
        elif now - self._held >= step.reads_s:
            self._go_on(now)

    def _lay_out(self, step: Step, now: float) -> None:
        for key in step.keys:
            if key.startswith(TEXT):
                *letters, last = list(key.removeprefix(TEXT))
                self._keys.extend((name_of(letter), letter, LETTER_S) for letter in letters)
                self._keys.append((name_of(last), last, KEY_S))
            else:
                self._keys.append((key, key if len(key) == 1 else None, KEY_S))
        self._next = now + KEY_S
        self._pressed = now

    def _press_one(self, now: float) -> None:
        key, character, pause = self._keys.popleft()
        self._next = now + pause
        self._pressed = now
        # Made only now: a screen drops keys that are older than itself.
        self._press(ScriptedKey(key, character))

    def _go_on(self, now: float) -> None:
        self._steps.popleft()
        self._begun, self._held, self._since = False, None, now
        if not self._steps:
            self.caption = f"That was it. {self._after}"
        elif self._steps[0].says:
            self.caption = self._steps[0].says


def name_of(character: str) -> str:
    """The name of the key that types `character`."""
    from textual.keys import _character_to_key

    return _character_to_key(character)
