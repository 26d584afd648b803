"""The help screen, all of it from the table of actions: first what works where the focus is, then the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.key_names import shown
from console.keys import PANELS, PLACES, TITLES, Action, KeyMap
from console.screens.dialog import Dialog, Line, paragraph
from widgets.cells import Cell, fit_cells
from widgets.line_editor import LineEditor
from widgets.text import clean

EXAMPLES = (
    ("buy 100 AAPL @ 187.50 day", "limit order; with mkt or no price at all: market order"),
    ("buy $5k AAPL @ bid+0.02 tp +4% sl -2%", "for an amount, at a price by the quote, with a take-profit and a stop-loss"),
    ("buy AAPL risk 0.5% sl 184", "as many as lose 0.5% of equity at the stop-loss"),
    ("sell half AAPL stop 184 @ 183.50 gtc", "of the position: all, half, 25%; stop-limit order"),
    ("sell all AAPL trail 1.5%", "a stop that follows the market"),
    ("close AAPL 50%", "never more than is held"),
    ("replace #12 50 @ 188", "quantity and price of a working order, or one of them"),
    ("oco sell 100 AAPL @ 190 stop 180", "two orders, of which one cancels the other"),
    ("cancel AAPL    cancel *    cancel #12", "a symbol's orders, all, one"),
    ("mode semi    flatten    sync", "execution mode; close everything; compare with the broker"),
    ("accept AAPL", "books what the broker holds where the books differ, after a word and a reason; sends nothing"),
    ("preview buy 10 MSFT", "asks the gate, sends nothing"),
)
ABOUT_THE_LINE = (
    "The verb comes first and is written out; after it the order of words is free. Keywords are lower case, symbols upper case, "
    "and $ALL is the symbol where ALL is also a word."
)
INDENT = Cell("  ")
BROAD = 170
"""Columns of a terminal from which help takes them nearly all: all that works on the trading screen is then read without scrolling."""
COLUMN, BETWEEN = 50, 4
"""The least cells of a column of it, and blanks between two."""
KEYS_WIDTH = 12


class Help(Dialog[None]):
    """Every key there is. `place` is the panel with the focus, or the order line: what works there stands first. `/` searches."""

    PLACE = "help"
    HORIZONTAL_BREAKPOINTS = [*Dialog.HORIZONTAL_BREAKPOINTS, (BROAD, "-broad")]  # noqa: RUF012 - declared by Textual as the instance's
    DEFAULT_CSS = """
    Help.-broad.-whole > VerticalScroll { width: 94%; }
    """

    def __init__(self, keys: KeyMap, place: str, clock: Callable[[], float]) -> None:
        super().__init__("Help", None, clock)
        self._sections = sections(keys, place)
        self._search: LineEditor | None = None
        self.add_class("-whole")

    def body(self, width: int) -> list[Line]:
        wanted = self._search.text.strip().lower() if self._search else ""
        typed: list[Line] = []
        if self._search is not None:
            typed = [[Cell("/ ", "key"), Cell(clean(self._search.text)), Cell(" ", "title-focus")], []]
        columns = max(1, (width + BETWEEN) // (COLUMN + BETWEEN))
        room = (width + BETWEEN) // columns - BETWEEN
        blocks = [
            _section(title, some, room)
            for title, actions in self._sections
            if (some := [action for action in actions if wanted in f"{title} {_keys(action)} {action.does}".lower()])
        ]
        examples = [example for example in EXAMPLES if wanted in " ".join(example).lower()]
        if examples:
            blocks.append(_on_the_line(examples, room))
        if not wanted:
            blocks.append(paragraph(ABOUT_THE_LINE, room))
        elif not blocks:
            blocks.append(paragraph("No key and no action is called that.", room, "muted"))
        if columns == 1:
            return [*typed, *(line for block in blocks for line in block)]
        return [*typed, *_beside(blocks, columns, room, self.room - len(typed))]

    def key(self, key: str, character: str | None) -> None:
        if self._search is None:
            if key == "slash":
                self._search = LineEditor(longest=40)
                self.remove_class("-whole")
                self.scroll_by("home")
                self.draw()
            elif key in ("q", "enter", "question_mark", "f1"):
                self.answer(None)
            else:
                self.scroll_by(key)
        elif key in ("enter", "f1") or (key == "backspace" and not self._search.text):
            self._search = None if key == "backspace" else self._search
            self.set_class(self._search is None, "-whole")
            if key != "backspace":
                self.answer(None)
            self.draw()
        elif key in ("up", "down", "pageup", "pagedown"):
            self.scroll_by(key)
        elif self._search.key(key, character):
            self.scroll_by("home")
            self.draw()


def sections(keys: KeyMap, place: str) -> list[tuple[str, list[Action]]]:
    """All actions under titles for where they work: first what works in `place` of all places, then what works anywhere, then the rest."""
    listed = [action for action in (*keys.actions, *keys.fixed) if action.keys]
    here = [action for action in listed if place in action.panels]
    anywhere = [action for action in listed if not action.panels and action.typing]
    everywhere = [action for action in listed if not action.panels and not action.typing]
    grouped: dict[frozenset[str], list[Action]] = {}
    for action in listed:
        if action.panels and place not in action.panels:
            grouped.setdefault(action.panels, []).append(action)
    found = [(f"Here, in {title_of(place)}", here)] if here else []
    found += [("Everywhere", anywhere), ("In every panel", everywhere)]
    found += [(f"In {places_of(where)}", some) for where, some in grouped.items()]
    return [(title, actions) for title, actions in found if actions]


def title_of(place: str) -> str:
    """What a panel, the order line or a kind of dialog is called."""
    return TITLES.get(place) or PLACES[place]


def places_of(where: frozenset[str]) -> str:
    """Orders, Signals and the order line."""
    *names, last = [title_of(place) for place in (*PANELS, *PLACES) if place in where]
    return f"{', '.join(names)} and {last}" if names else last


def _keys(action: Action) -> str:
    return "  ".join(map(shown, action.keys))


def _section(title: str, actions: Sequence[Action], width: int) -> list[Line]:
    lines = paragraph(title, width, "title")
    for action in actions:
        role = "stop" if action.required else "key"
        keys = Cell(f"{_keys(action):<{KEYS_WIDTH}}", role)
        does = "stop" if action.required else ""
        if len(_keys(action)) < KEYS_WIDTH:
            lines += paragraph(action.does, width, does, INDENT, keys)
        else:
            lines += paragraph(_keys(action), width, role, INDENT)
            lines += paragraph(action.does, width, does, INDENT, Cell(" " * KEYS_WIDTH))
    return [*lines, []]


def _on_the_line(examples: Sequence[tuple[str, str]], width: int) -> list[Line]:
    lines: list[Line] = [[Cell("What the order line understands", "title")]]
    for example, means in examples:
        lines += [[INDENT, Cell(example, "key")], *paragraph(means, width, "muted", INDENT, INDENT, INDENT)]
    return [*lines, []]


def _beside(blocks: Sequence[Sequence[Line]], columns: int, width: int, height: int) -> list[Line]:
    """The blocks in columns of `width` cells and `height` lines, so many side by side, and what has no room there in the same way below.
    A block is in one column where it can be."""
    filled: list[list[Line]] = [[]]
    for block in blocks:
        # The blank line behind a block needs no room at the foot of a column.
        if filled[-1] and len(filled[-1]) + len(block) - (not block[-1]) > height:
            filled.append([])
        for line in block:
            if len(filled[-1]) == height:
                filled.append([])
            filled[-1].append(line)
    lines: list[Line] = []
    for start in range(0, len(filled), columns):
        beside = filled[start : start + columns]
        last = start + columns >= len(filled)
        for y in range(max(map(len, beside)) if last else height):
            pieces = [piece[y] if y < len(piece) else [] for piece in beside]
            lines.append([cell for piece in pieces for cell in (*fit_cells(piece, width), Cell(" " * BETWEEN))])
    return lines
