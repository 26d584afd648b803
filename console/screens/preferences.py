"""The preferences on a page: settings in groups, each changed in its row. What is allowed, and what is wrong, stands under the row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from textual import events
from textual.containers import Horizontal
from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget

from console.preferences import GROUPS, Preference, Unknown, Written, read, stepped, words
from console.screens.beside import Beside
from console.screens.dialog import Line, paragraph
from console.screens.explained import LOOSER, TIGHTER, explained
from console.screens.page import BACK, Page
from console.screens.questions import Choice, Choose, Clock, listed
from console.screens.reading import Reading
from engine.model import Level
from widgets.cells import Cell, fit_cells
from widgets.line_editor import LineEditor
from widgets.lines import Lines
from widgets.text import clean

if TYPE_CHECKING:
    from console.actions.preferences import PreferenceActions
    from console.actions.stage import Stage

NAME, VALUE = 21, 16
"""Cells of the first two columns."""
OWN_MORE = 12
"""So much more the first has where a strategy's or a symbol's name stands in it, too."""
UNDER = Cell("    ")
_PHRASE_END = re.compile(r"[,:;] ")
OWN = "Limits of single strategies and symbols"
ADD = "add a limit"
ACCOUNTS = "Accounts"
TOGETHER = "Limits on all accounts together"


class PreferencesPage(Page):
    """Arrows move, Enter changes: of a few choices it takes the next, else a value is typed. `R` reads the config file again."""

    DEFAULT_CSS = """
    PreferencesPage Rows { width: 3fr; height: 1fr; }
    """

    def __init__(self, stage: Stage, actions: PreferenceActions) -> None:
        super().__init__(stage)
        self._actions = actions
        self._marked = 0
        self._editor: LineEditor | None = None
        self._added: Preference | None = None
        """A limit of one strategy or symbol that has no value yet."""
        self._complaint = ""
        self._head = Head(actions.file)
        self._rows = Rows(self._blocks)
        self._beside = Beside()
        self._is_beside = False

    def content(self) -> Iterable[Widget]:
        yield self._head
        with Horizontal():
            yield self._rows
            yield self._beside

    def frame(self) -> None:
        self._is_beside = self._beside.takes_room()
        items = self._items()
        if self._added is not None and self._added in self._actions.own_limits():
            # It holds: what was marked as the last row stands among the others now.
            self._marked, self._added = items.index(self._added), None
        self._marked = min(self._marked, len(items) - 1)
        self._head.show(self._marked + 1, len(items))
        self._rows.show(self._marked)
        if self._is_beside:
            self._explain()
        # For a screen reader, which reads where the cursor is.
        self.app.cursor_position = self._rows.region.offset + Offset(2, self._rows.marked_line)

    # ---- rows

    def _items(self) -> list[Preference | None]:
        """All rows; the last, None, adds a limit of one strategy or symbol."""
        own = self._actions.own_limits()
        added = [self._added] if self._added is not None and self._added not in own else []
        return [*(preference for _, group in self._groups for preference in group), *own, *added, None]

    @property
    def _groups(self) -> Sequence[tuple[str, Sequence[Preference]]]:
        """With what the file alone says of the accounts, and the limits on all of them, over the account's own."""
        together = [(TOGETHER, self._actions.together)] if self._actions.together else []
        *others, (limits, group) = GROUPS
        return [*others, (ACCOUNTS, self._actions.written), *together, (f"{limits}{self._whose}", group)]

    @property
    def _whose(self) -> str:
        return f" of {self._actions.account}" if self._actions.account else ""

    @property
    def _item(self) -> Preference | None:
        return self._items()[self._marked]

    def _blocks(self, width: int) -> list[Block]:
        blocks: list[Block] = []
        items = self._items()
        groups = self._groups
        first_own = sum(len(group) for _, group in groups)
        starts = {group[0].key: title for title, group in groups}
        for place, item in enumerate(items):
            title = starts.get(item.key, "") if item is not None else ""
            if place == first_own:
                title = f"{OWN}{self._whose}"
            if title:
                blocks.append(Block(None, [*[[]] * bool(blocks), [Cell(f" {title}", "title")]]))
            blocks.append(Block(place, self._row(item, place == self._marked, width)))
        return blocks

    def _row(self, item: Preference | None, marked: bool, width: int) -> list[Line]:
        lead = Cell(" ▸ " if marked else "   ", "key")
        if item is None:
            how = paragraph(TIGHTER, width, "muted", UNDER) if marked and not self._is_beside else []
            return [fit_cells([lead, *_column(ADD, NAME + 4, marked)], width), *how]
        name = _column(item.name, NAME + OWN_MORE if item.is_own else NAME, marked)
        if marked and self._editor is not None:
            return [fit_cells([lead, *name, Cell("> ", "key"), *self._editor.cells], width), *self._allowed(item, width)]
        value = self._value(item)
        later = "; from the next start on" if item.next_start else ""
        means = f"{item.means}{later}"
        shown = fit_cells([Cell(f" {words(value, item.unit)}", "muted" if value is None else "accent")], VALUE)
        room = width - (3 + NAME + OWN_MORE * item.is_own + VALUE + 2)
        fits = len(means) <= room
        if not marked:
            short = _PHRASE_END.split(item.means)[0]
            said = means if fits else f"{short}{later}" if len(short + later) <= room else short
            return [fit_cells([lead, *name, *shown, Cell(f" {said}", "muted")], width)]
        if not fits:
            return [[lead, *name, *shown], *paragraph(f"{means}.", width, "", UNDER), *self._allowed(item, width)]
        return [fit_cells([lead, *name, *shown, Cell(f" {means}")], width), *self._allowed(item, width)]

    def _value(self, item: Preference) -> Any:
        return item.says if isinstance(item, Written) else self._actions.value(item.key)

    def _allowed(self, item: Preference, width: int) -> list[Line]:
        """What stands under the marked row: what is wrong, or, where it is not said beside it, what it may be."""
        if self._complaint:
            return paragraph(self._complaint, width, "error", UNDER)
        if self._is_beside:
            return []
        if isinstance(item, Written):
            return [line for text in (*item.lines, item.how) for line in paragraph(text, width, "muted", UNDER)]
        allowed = self._may_be(item)
        # A choice is written as it stands in the file.
        may_be = f"May be {allowed}" if self._actions.options(item) else f"{allowed[0].upper()}{allowed[1:]}"
        away = f"{self._away(item)} " if item.is_own else ""
        text = f"{may_be}. {away}{LOOSER if item.is_limit or item.is_combined else ''}"
        return paragraph(text.strip(), width, "muted", UNDER)

    def _may_be(self, item: Preference) -> str:
        options = self._actions.options(item)
        if not options:
            return item.allowed
        *others, last = [words(option) for option in options]
        return f"{', '.join(others)} or {last}" if others else last

    def _away(self, item: Preference) -> str:
        return f"{self.stage.keys.names['remove_limit']} takes it away."

    def _explain(self) -> None:
        """What is known of the marked one, beside it."""
        item, view, own = self._item, self.stage.view, self._actions.own_limits()
        if item is None:
            self._beside.say(ADD, f"A strategy or a symbol gets a limit of its own. {TIGHTER}", "")
            return
        options, value, whole = self._actions.options(item), self._value(item), self._actions.combined.whole
        allowed, key = "" if isinstance(item, Written) else self._may_be(item), self._actions.key_in_file(item)
        self._beside.tell(item.name, "", lambda width: explained(item, key, value, options, allowed, view, own, width, whole))

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        if self._editor is not None:
            return self.stage.keys.hints("preference")
        item, away = self._item, self.stage.keys.names["remove_limit"]
        own = item is not None and item.is_own
        return (BACK, *(hint for hint in self.stage.keys.hints("preferences") if own or hint[0] != away))

    def take_key(self, key: str, character: str | None, time: float) -> None:
        if self._editor is not None and not self.reads_cut(key):
            self._type(self._editor, key, character)
            self.frame()
        elif self._editor is None:
            super().take_key(key, character, time)

    def take_paste(self, text: str) -> None:
        if self._editor is not None:
            self._editor.paste(text)
            self.frame()

    def _type(self, editor: LineEditor, key: str, character: str | None) -> None:
        self._complaint = ""
        item = self._item
        if key in ("escape", "ctrl+c") or item is None:
            self._editor = self._added = None
        elif key == "enter":
            try:
                value = read(item, editor.text)
            except ValueError as error:
                self._complaint = str(error)
                return
            self._editor = None
            self._actions.change(item, value)
        else:
            editor.key(key, character)

    def key(self, key: str, character: str | None) -> None:
        page = max(self._rows.size.height - 4, 1)
        match key:
            case "down" | "j" | "tab":
                self._move(1)
            case "up" | "k" | "shift+tab":
                self._move(-1)
            case "pagedown":
                self._move(page)
            case "pageup":
                self._move(-page)
            case "home" | "g":
                self._move(-len(self._items()))
            case "end" | "G":
                self._move(len(self._items()))
            case "enter" | "space" | "right":
                self._change(1, typing=key != "right")
            case "left":
                self._change(-1, typing=False)
            case "delete" | "d":
                item = self._item
                if item is not None and item.is_own:
                    self._actions.change(item, None)
            case "R":
                self._actions.reread()
        self.frame()

    def _move(self, step: int) -> None:
        self._marked = min(max(self._marked + step, 0), len(self._items()) - 1)

    def _change(self, step: int, *, typing: bool) -> None:
        item = self._item
        if item is None:
            if typing:
                self._actions.add_own_limit(self._add)
            return
        if isinstance(item, Unknown) and item.account in self._actions.combined.unknown:
            self._actions.combined.leave_out(item.account)
            return
        if isinstance(item, Written):
            self.say(f"{item.name}: {item.how}", Level.INFO)
            return
        options, value = self._actions.options(item), self._actions.value(item.key)
        if options:
            self._actions.change(item, stepped(options, value, step))
        elif typing:
            self._complaint = ""
            self._editor = LineEditor(longest=30)
            self._editor.put("" if value is None else words(value).replace(",", ""))

    def _add(self, item: Preference | None) -> None:
        """A limit was chosen for a strategy or a symbol: on its row, for a value."""
        if item is not None:
            self._added = item
            self._marked = len(self._items()) - 2
            self._change(1, typing=True)
        self.frame()

    def on_rows_clicked(self, event: Rows.Clicked) -> None:
        """One click marks, a second one changes."""
        if self._editor is not None:
            return
        self._marked = event.place
        if event.twice:
            self._change(1, typing=True)
        self.frame()

    def on_rows_wheeled(self, event: Rows.Wheeled) -> None:
        if self._editor is None:
            self._move(event.step)
            self.frame()


def _column(text: str, width: int, marked: bool) -> list[Cell]:
    return fit_cells([Cell(f" {clean(text)} ", "title-focus" if marked else "")], width)


class Head(Lines):
    """What this is, where it is written, and which row of how many is marked."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file
        self._counted = ""

    def show(self, place: int, count: int) -> None:
        self._counted = f"{place} of {count} "
        self.redraw()

    def draw(self, width: int) -> list[tuple[str, Line]]:
        where = f"  kept in {self._file}" if self._file else "  not kept: there is no config file"
        left = fit_cells([Cell(" Preferences", "title-focus"), Cell(where, "muted")], max(width - len(self._counted), 0))
        return [("", [*left, Cell(self._counted, "muted")])]


class Block(NamedTuple):
    """The lines of the row at `place`, or of no row."""

    place: int | None
    lines: list[Line]


class Rows(Lines):
    """As many blocks as there is room for, the marked one among them, and what comes before the first with it."""

    class Clicked(Message):
        def __init__(self, place: int, twice: bool) -> None:
            super().__init__()
            self.place = place
            self.twice = twice

    class Wheeled(Message):
        """The wheel was turned, by so many rows."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, blocks: Callable[[int], list[Block]]) -> None:
        super().__init__()
        self._blocks = blocks
        self._marked = 0
        self._first = 0
        self._places: list[int | None] = []
        self.marked_line = 0
        """The line of the widget that the marked row begins in."""

    def show(self, marked: int) -> None:
        self._marked = marked
        self.redraw()

    def draw(self, width: int) -> list[tuple[str, Line]]:
        lines: list[Line] = []
        places: list[int | None] = []
        start, end = 0, 0
        for place, block in self._blocks(width):
            if place == self._marked:
                start, end = (0 if place == 0 else len(lines)), len(lines) + len(block)
            lines += block
            places += [place] * len(block)
        height = self.size.height
        self._first = max(0, min(max(self._first, end - height), start, len(lines) - 1))
        self._places = places[self._first : self._first + height]
        self.marked_line = self._places.index(self._marked) if self._marked in self._places else 0
        shown = lines[self._first : self._first + height]
        return [("", line) for line in [*shown, *[[]] * (height - len(shown))]]

    def on_click(self, event: events.Click) -> None:
        place = self._places[event.y] if event.y < len(self._places) else None
        if place is not None:
            self.post_message(self.Clicked(place, event.chain == 2))

    def on_mouse_scroll_up(self) -> None:
        self.post_message(self.Wheeled(-1))

    def on_mouse_scroll_down(self) -> None:
        self.post_message(self.Wheeled(1))


# ---- the file, edited by hand


def refusal(mistakes: str, clock: Clock) -> Reading:
    """Says what is wrong with a file that was read again."""

    def lines(width: int) -> list[Line]:
        found = [line for mistake in mistakes.split("\n") for line in paragraph(mistake, width, "error")]
        return [*found, [], *paragraph("Nothing was changed: what held before holds.", width)]

    return Reading("The config is not taken", lines, clock)


def ask_to_take(at_once: Sequence[str], looser: Sequence[str], later: Sequence[str], clock: Clock) -> Choose[bool]:
    """Says what the file says otherwise than what holds, and when each change would hold."""
    parts = (("At once:", at_once), ("Lets more through, after a word:", looser), ("From the next start on:", later))
    text = "\n".join(f"{title}\n{listed([f'   {change}' for change in changes])}" for title, changes in parts if changes)
    choices = [Choice(False, "n", "Stay", "all is as it was"), Choice(True, "y", "Take", "what the file says now")]
    return Choose("Take what the file says?", text, choices, 0, clock)
