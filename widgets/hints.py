"""HintLine: which keys do what here, and at the right, always, the emergency stop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual import events
from textual.message import Message

from widgets.cells import Cell, length
from widgets.lines import Lines
from widgets.text import clean, width_of

OUT = "Esc"
STOP = (Cell("F12 / ^G EMERGENCY STOP", "stop"), Cell("F12 / ^G STOP", "stop"), Cell("F12 STOP", "stop"))


class HintLine(Lines):
    """One line. Where room is short, whole hints go, the last first, and of two the way out; and the stop is said shorter, never left out.

    A click on a hint posts `Chosen`; the wheel brings those that have no room. An app whose stop is for several accounts says for how many
    as `stop_accounts`.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self._hints: tuple[tuple[str, str], ...] = ()
        self._shown: list[tuple[str, str]] = []
        self._accounts = 1
        self._passed = 0
        """How many of the first hints the wheel has rolled out of sight."""
        self._last_hidden = False

    class Chosen(Message):
        """A hint was clicked; `key` is its key as it is shown."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def on_mount(self) -> None:
        self._accounts = getattr(self.app, "stop_accounts", 1)

    def on_click(self, event: events.Click) -> None:
        # The stop is no hint: what one slip of the mouse can do must not be that.
        right = 1
        for place, (key, text) in enumerate(self._shown):
            left = right + (2 if place else 0)
            right = left + width_of(f"{key} {text}")
            if left <= event.x < right:
                self.post_message(self.Chosen(key))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._roll(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._roll(-1)

    def _roll(self, step: int) -> None:
        if step < 0 or self._last_hidden:
            self._passed = max(0, self._passed + step)
            self.redraw()

    def show(self, hints: Sequence[tuple[str, str]]) -> None:
        """`hints` are (key, what it does), the most useful first."""
        before, self._hints = self._hints, tuple((clean(key), clean(text)) for key, text in hints)
        if self._hints != before:
            self._passed = 0
        self.redraw()

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        self._shown, self._last_hidden = [], False
        stop = STOP[0 if width >= 100 else 1 if width >= 40 else 2]
        if self._accounts > 1:
            stop = Cell(f"{stop.text} OF {self._accounts} ACCOUNTS" if width >= 100 else f"{stop.text} ALL {self._accounts}", stop.role)
        if width < length([stop]) + 3:
            return [("", [stop])]
        room = width - length([stop]) - 4
        for end, shown in self._choices():
            self._shown = shown
            cells = _cells(shown)
            if length(cells) <= room:
                self._last_hidden = end < len(self._hints)
                break
        else:
            self._shown, cells = [], []
        padding = max(1, width - 2 - length(cells) - length([stop]))
        return [("", [Cell(" "), *cells, Cell(" " * padding), stop, Cell(" ")])]

    def _choices(self) -> Iterator[tuple[int, list[tuple[str, str]]]]:
        """What may be shown, the most first, each with the place up to which its hints go: at last the first hint, without the way out."""
        for end in range(len(self._hints), self._passed, -1):
            # Whoever has only a mouse must get out, too.
            out = [hint for hint in (*self._hints[: self._passed], *self._hints[end:]) if hint[0] == OUT][:1]
            yield end, [*self._hints[self._passed : end], *out]
        yield self._passed + 1, list(self._hints[self._passed : self._passed + 1])


def _cells(hints: Sequence[tuple[str, str]]) -> list[Cell]:
    cells: list[Cell] = []
    for key, text in hints:
        cells += [Cell("  " if cells else ""), Cell(f"{key} ", "key"), Cell(text, "muted")]
    return cells
