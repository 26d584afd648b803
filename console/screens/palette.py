"""The command palette: every action found by its words, and carried out as its key would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from console.key_names import shown
from console.keys import Action, KeyMap
from console.screens.dialog import Dialog, Line, paragraph
from console.screens.help import places_of
from console.screens.listing import in_view
from widgets.cells import Cell, wrap_cells
from widgets.line_editor import LineEditor
from widgets.text import clean

LEAST_ROWS = 12
"""Lines of the list; on a high terminal it is half as high as that."""
ABOVE = 2
"""Lines above the first row."""
KEY_WIDTH = 7
TEXT = 2 + KEY_WIDTH + 2
"""The cell at which what an action does begins."""


class CommandPalette(Dialog[Action | None]):
    """Type words or the beginnings of some; arrows choose, Enter takes. Answers the action, or None.

    Actions that do not work in `panel`, which has the focus, are shown with where they do, and are not taken.
    """

    PLACE = "palette"
    CHOOSES = True
    CONFIRMING: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, keys: KeyMap, panel: str, clock: Callable[[], float]) -> None:
        super().__init__("Find an action", None, clock)
        self._keys = keys
        self._panel = panel
        self._editor = LineEditor(longest=40)
        self._marked: int | None = None
        self._complaint = ""
        self._places: list[int] = []
        """Which of those found stands in each line of the list."""
        self._found: Sequence[Action] = found(keys.actions, "", panel)

    def body(self, width: int) -> list[Line]:
        typed = clean(self._editor.text)
        lines: list[Line] = [[Cell("> ", "key"), Cell(typed), Cell(" ", "title-focus")], []]
        marked = self._marked or 0
        # What Enter would not take is not marked: nothing is, before a word is typed or an arrow pressed.
        meant = self._marked is not None or bool(self._editor.text.strip())
        rows = [self._row(action, meant and place == marked, width) for place, action in enumerate(self._found)]
        self._places = []
        most = max(LEAST_ROWS, self.app.size.height // 2)
        shown_rows = in_view([len(row) for row in rows], marked, most)
        for place in shown_rows:
            lines += rows[place]
            self._places += [place] * len(rows[place])
        lines += [[]] * (most - len(self._places))
        if not self._found:
            lines[2] = [Cell("No action is called that.", "muted")]
        hidden = ((shown_rows.start, "above"), (len(rows) - shown_rows.stop, "below"))
        counted = [f"{len(self._found)} of {len(self._keys.actions)}", *(f"{count} {where}" for count, where in hidden if count)]
        said = self._complaint or ", ".join(counted)
        return [*lines, [], *paragraph(said, width, "warning" if self._complaint else "muted")]

    def _row(self, action: Action, marked: bool, width: int) -> list[Line]:
        """One action, in more lines where it has much to say."""
        works = action.works_in(self._panel)
        key = Cell(f"{shown(action.keys[0]) if action.keys else '':<{KEY_WIDTH}}", "key" if works else "muted")
        role = "stop" if action.required else "title-focus" if marked and works else "" if works else "muted"
        where = [] if works else [Cell(f"  only in {places_of(action.panels)}", "muted")]
        return wrap_cells([Cell("▸ " if marked else "  ", "key"), key, Cell("  "), Cell(action.does, role), *where], width, TEXT)

    def take_key(self, key: str, character: str | None, time: float) -> None:
        """Every key, also one typed before it could be drawn: what follows the palette's key is meant for the palette."""
        if key in ("escape", "ctrl+c"):
            self.answer(None)
        else:
            self.key(key, character)

    def key(self, key: str, character: str | None) -> None:
        self._complaint = ""
        if key == "enter":
            self._take()
        elif key in ("up", "down", "tab", "shift+tab") and self._found:
            step = 1 if key in ("down", "tab") else -1
            self._marked = 0 if self._marked is None and step > 0 else ((self._marked or 0) + step) % len(self._found)
        elif self._editor.key(key, character):
            self._marked = None
            self._found = found(self._keys.actions, self._editor.text, self._panel)
        self.draw()

    def clicked(self, line: int, x: int, *, twice: bool) -> None:
        """One click marks, two take."""
        if 0 <= line - ABOVE < len(self._places):
            self._marked = self._places[line - ABOVE]
            if twice:
                self._take()
            self.draw()

    def take_paste(self, text: str) -> None:
        self._editor.paste(text)
        self._marked = None
        self._found = found(self._keys.actions, self._editor.text, self._panel)
        self.draw()

    def _take(self) -> None:
        if not self._found:
            return
        if self._marked is None and not self._editor.text.strip():
            # A held Enter, or one too many, must carry out nothing.
            self._complaint = "Type a word, or choose with the arrows; then Enter carries it out."
            return
        action = self._found[self._marked or 0]
        if action.works_in(self._panel):
            self.answer(action)
        else:
            self._complaint = f"That works only in {places_of(action.panels)}. Go there first; nothing was done."


def found(actions: Sequence[Action], typed: str, panel: str) -> Sequence[Action]:
    """The actions that hold every word of `typed`, best first; all of them where nothing is typed. What works in `panel` comes first."""
    words = typed.lower().split()
    scored = []
    for place, action in enumerate(actions):
        scores = [_score(word, action) for word in words]
        if None not in scores:
            here = action.works_in(panel)
            scored.append((sum(filter(None, scores)) + (0 if here else 100), not here, place, action))
    return [action for *_, action in sorted(scored, key=lambda item: item[:3])]


def _score(word: str, action: Action) -> int | None:
    """How well one typed word fits; 0 is best, None is not at all."""
    name = action.id.replace("_", " ").lower()
    says = action.does.lower()
    if name.startswith(word) or any(word == shown(key).lower() for key in action.keys):
        return 0
    if any(other.startswith(word) for other in name.split()):
        return 1
    if any(other.startswith(word) for other in says.split()):
        return 2
    if word in says:
        return 3
    # Its letters in their order, as somebody types who has no time: `apmk` for approve marked.
    letters = iter(name)
    return 4 if all(letter in letters for letter in word) else None
