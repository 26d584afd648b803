"""The order line: one widget that handles every key itself, so that keys typed in a burst keep their order.

An order is never made from stock inputs: under load those lose the order of keys. What a text means is said by the two functions given
at the start; this widget knows no grammar. What Enter hands over is the very reading that stands under the line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.model import Level, Outcome
from engine.model.effects import Reply
from widgets import numbers
from widgets.cells import Cell, length
from widgets.line_editor import LineEditor
from widgets.lines import Lines
from widgets.text import clean, wrap

ROWS = 3
PROMPT = "> "
HISTORY = 200
MARGIN = " "
SPACE = Cell("   ")
INDENT = Cell("  ")
EXAMPLES = "buy 100 AAPL @ 187.50 day    close AAPL 50%    cancel *    mode semi"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line means: a `command` and its `normal` form, or a `message` about text[start:end].

    `unfinished` says that nothing is wrong so far. `right` are words that would be right there.
    """

    command: object | None = None
    normal: str = ""
    start: int = 0
    end: int = 0
    message: str = ""
    right: tuple[str, ...] = ()
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Entered:
    """Enter was pressed on a line that means something."""

    command: object
    normal: str


@dataclass(frozen=True, slots=True)
class Left:
    """The line is empty and the key leads away from it: `forward` to the next panel, else back."""

    forward: bool = False


class OrderLine(Lines, can_focus=True):
    """Three rows: the line, and two under it for what it means. `take_key` is called for every key while it has the focus."""

    DEFAULT_CSS = f"""
    OrderLine {{ height: {ROWS}; }}
    """

    def __init__(self, interpret: Callable[[str], Reading], complete: Callable[[str], tuple[int, tuple[str, ...]]]) -> None:
        """`interpret` reads a whole line; `complete` answers for the text before the cursor (start of the word, candidates)."""
        super().__init__()
        self._interpret = interpret
        self._complete = complete
        self._editor = LineEditor()
        self._reading = Reading(unfinished=True)
        self._preview: Reply | None = None
        self._said: tuple[Level, str] | None = None
        self._candidates: tuple[str, ...] = ()
        self._history: list[str] = []
        self._recalled: int | None = None
        self._draft = ""

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

    def prefill(self, text: str, cursor: int) -> None:
        """Begin a line, with the cursor where something is missing."""
        self._editor.put(text, cursor)
        self._changed()

    def show_preview(self, reply: Reply | None) -> None:
        """The gate's answer to the order in the line, or None where there is no such order."""
        if reply is not self._preview:
            self._preview = reply
            self.redraw()

    def say(self, text: str, level: Level) -> None:
        """Show `text` under the line until the next key."""
        self._said = level, clean(text)
        self.redraw()

    def hush(self) -> None:
        """A key was pressed elsewhere: what was said has been read."""
        if self._said is not None:
            self._said = None
            self.redraw()

    def reread(self) -> None:
        """The market moved: prices and positions named by words may mean other numbers now."""
        reading = self._interpret(self._editor.text)
        if reading != self._reading:
            self._reading = reading
            self.redraw()

    # ---- keys

    def take_key(self, key: str, character: str | None) -> Entered | Left | None:
        """Apply one key, at once. Answers what it led to beyond the line, if anything."""
        self._said = None
        self._candidates = ()
        self.redraw()
        if key == "enter":
            return self._enter()
        if key == "tab":
            return self._tab()
        if key == "shift+tab":
            return Left()
        if key == "escape" or (key == "backspace" and not self.text):
            return self._escape()
        if key in ("up", "down"):
            self._recall(-1 if key == "up" else 1)
        elif self._editor.key(key, character):
            self._changed()
        return None

    def take_paste(self, text: str) -> None:
        self._said = None
        # Terminals send the ends of pasted lines as \r: what is no line's end to `clean` must be cut off before it.
        self._editor.paste(clean(next(iter(text.strip().splitlines()), "")))
        self._changed()

    def _enter(self) -> Entered | None:
        """An empty line does nothing, so an Enter that repeats itself sends nothing twice."""
        if not self.text.strip():
            return None
        if self._reading.command is None:
            # Asked to act on what is not finished: from here on it is shown as a mistake.
            message = f"still missing: {self._reading.message}" if self._reading.unfinished else self._reading.message
            self._reading = Reading(start=self._reading.start, end=self._reading.end, message=message, right=self._reading.right)
            return None
        entered = Entered(self._reading.command, self._reading.normal)
        if self._history[-1:] != [self.text]:
            self._history = [*self._history, self.text][-HISTORY:]
        self._editor.put("")
        self._changed()
        return entered

    def _tab(self) -> Left | None:
        if not self.text:
            return Left(forward=True)
        start, candidates = self._complete(self.text[: self.cursor])
        common = _common_start(candidates)
        typed = self.text[start : self.cursor]
        if len(candidates) == 1 or len(common) > len(typed):
            after = self.text[self.cursor :]
            word = f"{candidates[0]} " if len(candidates) == 1 and not after.startswith(" ") else common
            self._editor.put(self.text[:start] + word + after, start + len(word))
            self._changed()
        elif candidates:
            self._candidates = candidates
        return None

    def _escape(self) -> Left | None:
        if not self.text:
            return Left()
        self._editor.put("")
        self._changed()
        return None

    def _recall(self, step: int) -> None:
        if self._recalled is None:
            self._draft, place = self.text, len(self._history)
        else:
            place = self._recalled
        place = min(max(place + step, 0), len(self._history))
        self._editor.put(self._history[place] if place < len(self._history) else self._draft)
        self._changed()
        self._recalled = place if place < len(self._history) else None

    def _changed(self) -> None:
        self._recalled = None
        self._preview = None
        self._reading = self._interpret(self._editor.text)
        self.redraw()

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
        notes = [[INDENT, *line] for line in self._notes(room - len(INDENT.text))]
        lines = [self._line_cells(room), *notes, [], []][:ROWS]
        return [("", [Cell(MARGIN), *line]) for line in lines]

    def _line_cells(self, width: int) -> list[Cell]:
        text, cursor = self.text, self.cursor
        room = max(width - len(PROMPT) - 1, 1)
        first = max(cursor - room, 0)
        wrong = range(self._reading.start, self._reading.end) if self._reading.message and not self._reading.unfinished else range(0)
        cells: list[Cell] = [Cell(PROMPT, "key" if self._active else "muted")]
        for place in range(first, min(first + room + 1, max(len(text), cursor + 1))):
            character = text[place] if place < len(text) else " "
            if place == cursor and self._active:
                cells.append(Cell(character, "title-focus"))
            else:
                cells.append(Cell(character, "error" if place in wrong else ""))
        return cells

    def _notes(self, width: int) -> list[list[Cell]]:
        """What stands under the line."""
        if self._said is not None:
            level, text = self._said
            role = {Level.INFO: "success", Level.WARNING: "warning", Level.ERROR: "error"}[level]
            return [[Cell(line, role)] for line in wrap(text, width)]
        if self._candidates:
            return [[Cell(line, "muted")] for line in wrap("  ".join(self._candidates), width)]
        if not self.text:
            return [[Cell(EXAMPLES, "muted")]] if self._active else []
        if self._reading.command is None:
            return self._mistake(width)
        return self._meaning(width)

    def _mistake(self, width: int) -> list[list[Cell]]:
        """The message under the word it is about, moved to the left where it would not fit."""
        reading = self._reading
        right = "  ".join(reading.right)
        if reading.unfinished:
            message, role = f"{reading.message}{': ' if right else ''}{right}", "muted"
        else:
            message, role = f"^ {reading.message}{'. Right: ' if right else ''}{right}", "error"
        column = max(min(reading.start, width - len(message)), 0)
        return [[Cell(" " * column), Cell(line, role)] for line in wrap(message, width - column)]

    def _meaning(self, width: int) -> list[list[Cell]]:
        """Normal form and verdict, then the figures; where the verdict needs the room, it comes before the figures."""
        normal = Cell(self._reading.normal, "title")
        reply = self._preview
        if reply is None:
            return [[normal]]
        gate = _gate(reply)
        if length([normal, SPACE, gate]) <= width:
            return [[normal, SPACE, gate], [Cell(_figures(reply, width), "muted")]]
        return [[normal], *([Cell(line, gate.role)] for line in wrap(gate.text, width))]


def _gate(reply: Reply) -> Cell:
    """What the gate says, with rule, limit and actual where it says no."""
    verdict = reply.verdict
    if verdict is None:
        return Cell(clean(reply.text), "muted" if reply.ok else "error")
    if verdict.outcome is Outcome.PASS:
        return Cell("gate: passes", "success")
    measured = clean(f"{verdict.rule}: limit {verdict.limit}, actual {verdict.actual}" if verdict.limit else verdict.text)
    if verdict.outcome is Outcome.RESIZE:
        return Cell(f"gate: cuts it to {numbers.quantity(reply.quantity)}  {measured}", "warning")
    return Cell(f"gate: denies  {measured}", "error")


def _figures(reply: Reply, width: int) -> str:
    figures = (
        ("cost ", "cost ", numbers.money(reply.cost)),
        ("buying power after ", "power ", numbers.money(reply.buying_power_after)),
        ("position after ", "position ", numbers.quantity(reply.position_after)),
        ("", "", _distance(reply.distance)),
    )
    known = [figure for figure in figures if figure[2] != numbers.NONE]
    long = "   ".join(name + value for name, _, value in known)
    return long if len(long) <= width else "  ".join(name + value for _, name, value in known)


def _common_start(words: tuple[str, ...]) -> str:
    """The letters that all of `words` begin with."""
    if not words:
        return ""
    first, last = min(words), max(words)
    return first[: next((place for place, letter in enumerate(first) if letter != last[place]), len(first))]


def _distance(distance: float | None) -> str:
    if distance is None:
        return numbers.NONE
    if abs(distance) < 0.00005:
        return "at the market"
    return f"{abs(distance):.2%} {'over' if distance > 0 else 'under'} the market"
