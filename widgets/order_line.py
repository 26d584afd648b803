"""The order line: one widget that handles every key itself, so that keys typed in a burst keep their order.

An order is never made from stock inputs: under load those lose the order of keys. What a text means is said by the two functions given
at the start; this widget knows no grammar. What Enter hands over is the very reading that stands under the line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from msgspec import Struct
from textual import events

from engine.model import Level
from engine.model.effects import Reply
from widgets import line_notes
from widgets.cells import Cell, length
from widgets.line_editor import LineEditor
from widgets.line_history import LineHistory
from widgets.line_notes import Reading
from widgets.lines import Lines
from widgets.text import ELLIPSIS, clean, cut, width_of, wrap

ROWS = 3
PROMPT = "> "
MARGIN = " "
INDENT = Cell("  ")
STANDS_S = 1.5
"""How long what went wrong stands in a burst of text: a refusal that comes in the middle of it must be seen."""
BURST_S = 0.25
"""Keys that follow each other sooner than that are of one burst. The first one behind a pause was typed by whoever had time to read."""
EXAMPLES = "buy 100 AAPL @ 187.50 day    close AAPL 50%    cancel *    mode semi"

Complete = Callable[[str], tuple[int, Sequence[tuple[str, str]]]]
"""Answers for the text before the cursor: the start of the word that Tab completes, and (word, what it stands for) for each candidate."""


class Entered(Struct, frozen=True):
    """Enter was pressed on a line that means something."""

    command: object
    normal: str


class Left(Struct, frozen=True):
    """The line is empty and the key leads away from it: `forward` to the next panel, else back."""

    forward: bool = False


class Offer(Struct, frozen=True):
    """What Tab offers for text[start:end]; `chosen` of the candidates stands there now."""

    start: int
    end: int
    candidates: Sequence[tuple[str, str]]
    chosen: int | None = None


class OrderLine(Lines, can_focus=True):
    """Three rows: the line, and two under it for what it means; while it is empty, for what a row elsewhere has no room for. `take_key` is
    called for every key while it has the focus."""

    DEFAULT_CSS = f"""
    OrderLine {{ height: {ROWS}; }}
    """

    def __init__(self, interpret: Callable[[str], Reading], complete: Complete, clock: Callable[[], float] = time.monotonic) -> None:
        """`interpret` reads a whole line, `clock` is monotonic seconds."""
        super().__init__()
        self._interpret = interpret
        self._complete = complete
        self._editor = LineEditor()
        self._history = LineHistory()
        self._reading = Reading(unfinished=True)
        self._preview: Reply | None = None
        self._clock = clock
        self._said: tuple[Level, str] | None = None
        self._is_typed_under = False
        """Whether text was typed since, in a burst that what was said outlives."""
        self._stands_until = 0.0
        self._quiet_since = 0.0
        """Since when, on `clock`, neither a key came nor anything was said."""
        self._offer: Offer | None = None
        self._insisted = False
        """Enter was pressed on what is not finished: until the next key that is a mistake."""
        self._left_out: Sequence[tuple[str, str]] = ()
        self.detail_key = "Enter"
        """How the key is called that tells everything about a row: it is the user's to choose."""

    # ---- what the screen asks and hands in

    @property
    def text(self) -> str:
        return self._editor.text

    @property
    def cursor(self) -> int:
        return self._editor.cursor

    @property
    def reading(self) -> Reading:
        """What the line means now; what Enter would hand over."""
        return self._reading

    @property
    def said(self) -> str:
        """What stands under the line until the next key, or empty."""
        return self._said[1] if self._said else ""

    @property
    def whole(self) -> str:
        """All of what is cut under the line: what was said, the gate's word, what is wrong. Empty where nothing is."""
        room = self.size.width - 2 * len(MARGIN)
        width, reading = room - len(INDENT.text), self._reading
        if self._said is not None:
            return self._said[1] if len(wrap(self._said[1], width)) >= ROWS else ""
        if self._offer is not None or not self.text:
            return ""
        if reading.command is not None:
            return line_notes.cut_verdict(self._preview, width, ROWS - 1)
        drawn = self._meaning(width, self._first_shown(room - len(PROMPT)))
        right = f": {'  '.join(reading.right)}" if reading.right else ""
        return clean(f"{reading.message}{right}") if len(drawn) >= ROWS or any(length(line) > width for line in drawn) else ""

    def keep_history(self, lines: Sequence[str], changed: Callable[[list[str]], None]) -> None:
        """Begin with `lines` that were entered earlier; `changed` is handed them all whenever one was added."""
        self._history = LineHistory(lines, changed, self._editor.longest)

    def remember(self, line: str) -> None:
        """As if it had been entered here: Up brings it back."""
        self._history.add(line)

    @property
    def cursor_column(self) -> int:
        """The cell of its first line that the cursor stands in."""
        first = self._first_shown(self.size.width - 2 * len(MARGIN) - len(PROMPT))
        return len(MARGIN) + len(PROMPT) + width_of(self.text[first : self.cursor])

    def prefill(self, text: str, cursor: int) -> None:
        """Begin a line, with the cursor where something is missing."""
        self._editor.put(text, cursor)
        self._changed()

    def show_preview(self, reply: Reply | None) -> None:
        """The gate's answer to the order in the line, or None where there is no such order."""
        if reply is not self._preview:
            self._preview = reply
            self.redraw()

    def tell(self, left_out: Sequence[tuple[str, str]]) -> None:
        """What the row under the cursor has no room for, as (title, text): it stands under the line while nothing else does."""
        if left_out != self._left_out:
            self._left_out = left_out
            self.redraw()

    def say(self, text: str, level: Level) -> None:
        """Show `text` under the line until the next key; what went wrong for a moment at least."""
        self._hint(text, level)
        self._quiet_since = self._clock()
        self._stands_until = self._quiet_since + (0 if level is Level.INFO else STANDS_S)

    def _hint(self, text: str, level: Level) -> None:
        """What the last key led to, until the next one."""
        self._said = level, clean(text)
        self._is_typed_under = False
        self._stands_until = 0.0
        self.redraw()

    def hush(self, character: str | None = None) -> None:
        """A key was pressed, here or elsewhere: what was said has been read, unless the key may be one of a burst that types text."""
        now, before = self._clock(), self._quiet_since
        self._quiet_since = now
        types = character is not None and character.isprintable() and now - before < BURST_S
        if self._said is not None and not (types and now < self._stands_until):
            self._said = None
            self.redraw()

    def reread(self) -> None:
        """The market moved: prices and positions named by words may mean other numbers now."""
        if not self._editor.text:
            return
        reading = self._interpret(self._editor.text)
        if reading != self._reading:
            self._reading = reading
            self.redraw()

    # ---- keys

    def take_key(self, key: str, character: str | None) -> Entered | Left | None:
        """Apply one key, at once. Answers what it led to beyond the line, if anything."""
        offer, self._offer = self._offer, None
        self.hush(character)
        self._is_typed_under = self._said is not None
        self._insisted = False
        outcome = self._apply(key, character, offer)
        self.redraw()
        return outcome

    def _apply(self, key: str, character: str | None, offer: Offer | None) -> Entered | Left | None:
        if key == "enter":
            return self._enter()
        if key == "tab" or (key == "shift+tab" and offer is not None):
            return self._tab(offer, 1 if key == "tab" else -1)
        if key == "shift+tab":
            return Left()
        if key == "escape" or (key == "backspace" and not self.text):
            return self._escape()
        if character == ":" and not self.text:
            # Who does not look opens the line once more; no command begins so.
            return None
        if key in ("up", "down"):
            self._recall(back=key == "up")
        elif self._editor.is_full and character is not None and character.isprintable():
            self._hint(f"The line holds {self._editor.longest} characters.", Level.WARNING)
        elif self._editor.key(key, character):
            self._changed()
        return None

    def take_paste(self, text: str) -> None:
        self.hush(text)
        self._offer = None
        left_out = self._editor.paste(text)
        self._changed()
        if left_out:
            self._hint(left_out, Level.WARNING)

    def _enter(self) -> Entered | None:
        """An empty line does nothing, so an Enter that repeats itself sends nothing twice."""
        if not self.text.strip():
            return None
        if self._reading.command is None:
            self._insisted = True
            return None
        entered = Entered(self._reading.command, self._reading.normal)
        self._history.add(self.text.strip())
        self._editor.put("")
        self._changed()
        return entered

    def _tab(self, offer: Offer | None, step: int) -> Left | None:
        """Completes as far as all candidates agree, then lists them; from there on each Tab puts in the next."""
        if not self.text:
            return Left(forward=True)
        if offer is not None:
            self._choose(offer, step)
            return None
        start, candidates = self._complete(self.text[: self.cursor])
        common = _common_start([word for word, _ in candidates])
        if len(candidates) == 1 or len(common) > self.cursor - start:
            after = self.text[self.cursor :]
            word = f"{candidates[0][0]} " if len(candidates) == 1 and not after.startswith(" ") else common
            self._editor.put(self.text[:start] + word + after, start + len(word))
            self._changed()
        elif candidates:
            self._offer = Offer(start, self.cursor, candidates)
        return None

    def _choose(self, offer: Offer, step: int) -> None:
        before = offer.chosen if offer.chosen is not None else -1 if step > 0 else 0
        self._put_in(offer, (before + step) % len(offer.candidates))

    def _put_in(self, offer: Offer, chosen: int) -> None:
        word = offer.candidates[chosen][0]
        self._editor.put(self.text[: offer.start] + word + self.text[offer.end :], offer.start + len(word))
        self._changed()
        self._offer = Offer(offer.start, self.cursor, offer.candidates, chosen)

    def _escape(self) -> Left | None:
        if not self.text:
            return Left()
        self._editor.put("")
        self._changed()
        return None

    def _recall(self, *, back: bool) -> None:
        text = self._history.step(back, self.text, self.cursor)
        if text is not None:
            self._editor.put(text)
            self._read()
        elif back:
            self._hint("No earlier line begins like this.", Level.WARNING)

    def _changed(self) -> None:
        self._history.leave()
        self._read()

    def _read(self) -> None:
        self._preview = None
        self._reading = self._interpret(self._editor.text)
        self.redraw()

    # ---- the mouse

    def on_click(self, event: events.Click) -> None:
        """The cursor goes where the line was clicked, and a candidate that was clicked into the line."""
        if self._offer is not None and event.y > 0:
            chosen = self._offered_at(self._offer, event.x, event.y)
            if chosen is not None:
                self._put_in(self._offer, chosen)
        elif event.y == 0:
            width = self.size.width - 2 * len(MARGIN) - len(PROMPT)
            place, left = self._first_shown(width), event.x - len(MARGIN) - len(PROMPT)
            while place < len(self.text) and left >= width_of(self.text[place]):
                left -= width_of(self.text[place])
                place += 1
            self._editor.cursor = place
            self._offer = None
            self._history.leave()
            self.redraw()

    def _offered_at(self, offer: Offer, x: int, y: int) -> int | None:
        """Which candidate is drawn at that cell."""
        words = [clean(word) for word, _ in offer.candidates]
        found: int | None = None
        for cell in self.draw(self.size.width)[y][1]:
            if cell.text in words and cell.role:
                found = words.index(cell.text)
            elif not cell.text.strip():
                found = None
            x -= width_of(cell.text)
            if x < 0:
                return found
        return None

    # ---- drawing

    @property
    def _active(self) -> bool:
        """Whether it has the keys. `has_focus` changes only after the events of focus and blur were handled."""
        return self.screen.focused is self

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        room = width - 2 * len(MARGIN)
        first = self._first_shown(room - len(PROMPT))
        notes = [[INDENT, *line] for line in self._notes(room - len(INDENT.text), first)]
        lines = [self._line_cells(room - len(PROMPT), first), *notes, [], []][:ROWS]
        return [("", [Cell(MARGIN), *line]) for line in lines]

    def _first_shown(self, width: int) -> int:
        """The character at which the line begins: as far on as the cursor and one cell beyond it need."""
        first, cursor = 0, self.cursor
        room = width - 1 - (width_of(self.text[cursor]) if cursor < len(self.text) else 1)
        before = width_of(self.text[:cursor])
        while before > room and first < cursor:
            before -= width_of(self.text[first])
            first += 1
        return first

    def _line_cells(self, width: int, first: int) -> list[Cell]:
        """The line from its character `first` on; what is cut off on either side is shown by an ellipsis."""
        text, cursor = self.text, self.cursor
        wrong = range(self._reading.start, self._reading.end) if self._is_mistake else range(0)
        cells: list[Cell] = []
        left = width
        for place in range(first, max(len(text), cursor + 1)):
            character = text[place] if place < len(text) else " "
            left -= width_of(character)
            if left < (1 if place + 1 < len(text) else 0):
                cells.append(Cell(ELLIPSIS, "muted"))
                break
            role = "title-focus" if place == cursor and self._active else "error" if place in wrong else ""
            cells.append(Cell(character, role))
        if first and cells and first != cursor:
            cells[0] = Cell(ELLIPSIS + " " * (width_of(cells[0].text) - 1), "muted")
        return [Cell(PROMPT, "key" if self._active else "muted"), *cells]

    @property
    def _is_mistake(self) -> bool:
        return bool(self._reading.message) and (self._insisted or not self._reading.unfinished)

    def _notes(self, width: int, first: int) -> list[list[Cell]]:
        """What stands under the line, of which the character `first` is the leftmost on the screen."""
        if self._said is None:
            return self._meaning(width, first)
        level, text = self._said
        role = {Level.INFO: "success", Level.WARNING: "warning", Level.ERROR: "error"}[level]
        lines = wrap(text, width)
        if len(lines) >= ROWS:
            lines = [*lines[: ROWS - 2], cut(" ".join(lines[ROWS - 2 :]), width)]
        # It stands on in a burst: where it leaves a row, what is typed meanwhile is understood in sight.
        typed = self._meaning(width, first) if self._is_typed_under else []
        return [*([Cell(line, role)] for line in lines), *typed]

    def _meaning(self, width: int, first: int) -> list[list[Cell]]:
        """What the line means, or what could stand in it."""
        reading = self._reading
        if self._offer is not None:
            return line_notes.offers(self._offer.candidates, self._offer.chosen, width, ROWS - 1)
        if not self.text:
            return [[Cell(EXAMPLES, "muted")]] if self._active else line_notes.left_out(self._left_out, self.detail_key, width, ROWS - 1)
        if reading.command is not None:
            return line_notes.meaning(reading, self._preview, width, ROWS - 1)
        column = width_of(self.text[first : max(reading.start, first)])
        if not self._is_mistake:
            return line_notes.unfinished(reading, column, width)
        if reading.unfinished:
            reading = Reading(message=f"still missing: {reading.message}", right=reading.right)
        size = width_of(self.text[max(self._reading.start, first) : self._reading.end])
        return line_notes.mistake(reading, column, size, width)


def _common_start(words: Sequence[str]) -> str:
    """The letters that all of `words` begin with."""
    if not words:
        return ""
    first, last = min(words), max(words)
    return first[: next((place for place, letter in enumerate(first) if letter != last[place]), len(first))]
