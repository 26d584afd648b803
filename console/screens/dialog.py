"""The dialog all questions are made of. Its default is the safe answer, and it takes no key that was meant for something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import ClassVar, Protocol, TypeAlias, TypeVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.geometry import Offset
from textual.message import Message
from textual.screen import ModalScreen
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from console.key_names import key_named
from console.keys import KeyMap
from console.screens.behind import Behind
from widgets.cells import Cell, length
from widgets.hints import HintLine
from widgets.line_editor import LineEditor
from widgets.lines import Lines
from widgets.steady import SteadyLoop
from widgets.text import clean, wrap
from widgets.thumb import Thumb

ScrollBar.renderer = Thumb
"""Dialogs alone have a scroll bar of Textual's."""

ResultT = TypeVar("ResultT")
Line: TypeAlias = list[Cell]

TOO_SOON = "Too soon after another key."
DEAF_SECONDS = 0.25
"""How long a new dialog takes no key that confirms: a held Enter must not answer a question nobody has read."""
HIGHEST = 92
"""Per cent of the screen's height that a dialog takes at most."""
BESIDE = 6
"""Columns of a dialog that are its frame and the blanks within."""
SCROLLING = {"down": 1, "up": -1, "j": 1, "k": -1}


class HasKeys(Protocol):
    """The app that dialogs are shown by."""

    keys: KeyMap
    plain: bool
    """Whether all is written and nothing drawn."""
    silence: float
    """For how many seconds no other key came before the key or click that is handled, as far as that is certain."""
    pressed_at: float
    """When the mouse was last pressed, on Textual's own clock."""


class Dialog(SteadyLoop, Behind, ModalScreen[ResultT], inherit_bindings=False):
    """`body` draws it, `key` takes its keys; Escape and Ctrl+C answer `safe`. A subclass says what it asks.

    `clock` is monotonic seconds. Keys typed before the dialog opened are dropped, and for its first moment those that confirm; where it
    `DECIDES`, those are dropped until a key came after a pause, however long keys follow each other.
    """

    BINDINGS: ClassVar[list[BindingType]] = []
    # Where it takes nearly all the width it takes it all: of what lies under it, two columns at each side would be noise.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-roomy")]  # noqa: RUF012 - declared by Textual as the instance's
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 20%; }
    Dialog > VerticalScroll {
        width: 80; max-width: 94%; height: auto; max-height: 92%; padding: 1 0 1 2;
        background: $background; border: round $focus; border-title-color: $focus; border-title-style: bold;
        scrollbar-size-vertical: 1; scrollbar-color: $focus; scrollbar-background: $background; scrollbar-color-hover: $focus;
        scrollbar-background-hover: $background;
    }
    Dialog.-narrow > VerticalScroll { max-width: 100%; }
    Dialog > HintLine { dock: bottom; }
    Dialog.-grave > VerticalScroll { border: round $error; border-title-color: $error; }
    Dialog.-plain { background: $background; }
    Dialog.-plain > VerticalScroll {
        border: blank; border-subtitle-align: left; border-subtitle-color: $muted; scrollbar-size-vertical: 0;
    }
    """

    def __init__(self, title: str, safe: ResultT, clock: Callable[[], float], *, grave: bool = False) -> None:
        super().__init__(classes="-grave" if grave else None)
        self.answered: Callable[[ResultT], None] = lambda result: None
        """Is given the answer."""
        self._safe = safe
        self._clock = clock
        self._opened = clock()
        self._pushed = Message().time
        self._quiet_since = self._opened
        """Since when, on `clock`, no key came."""
        self._is_read = False
        """Whether a key came after a pause since it opened."""
        self.too_soon = False
        """Whether the last key was one that confirms, and was dropped for coming too soon."""
        self._scroller = VerticalScroll(can_focus=False)
        self._scroller.border_title = clean(title).replace("[", "\\[")
        self._drawing = _Body(self.body, self._body_clicked, self._wheeled)
        self._hints = HintLine()

    def compose(self) -> ComposeResult:
        with self._scroller:
            yield self._drawing
        yield self._hints

    def on_mount(self) -> None:
        self._hints.show(self.hints())
        self.call_after_refresh(self._place_cursor)
        if cast(HasKeys, self.app).plain:
            self.add_class("-plain")
            for changing in ("scroll_y", "virtual_size"):
                self.watch(self._scroller, changing, self._sight_changed)

    def draw(self) -> None:
        """Draw the body again."""
        self._drawing.refresh(layout=True)
        self._drawing.redraw()
        if self.is_attached:
            self._hints.show(self.hints())
        self.call_after_refresh(self._place_cursor)

    def _place_cursor(self) -> None:
        """The terminal's own cursor to what is marked or typed, for a screen reader; elsewhere it is not shown."""
        self._cursor_into(self._drawing, self.body(self._drawing.size.width))

    def _cursor_into(self, drawing: Widget, lines: Sequence[Line]) -> None:
        """To the first piece of `lines`, as `drawing` shows them, that is marked."""
        marked = [(y, line) for y, line in enumerate(lines) if any(cell.role == "title-focus" for cell in line)]
        y, line = marked[0] if marked else (0, [])
        before = takewhile(lambda cell: cell.role != "title-focus", line)
        self.app.cursor_position = drawing.region.offset + Offset(length(before), y)

    @on(HintLine.Chosen)
    def _hint_chosen(self, event: HintLine.Chosen) -> None:
        self.take_key(key_named(event.key), None, self.pressed_at)

    @property
    def room(self) -> int:
        """Lines of its body that are in sight at once: the style's part of the screen without the hints, less frame and padding."""
        return (self.app.size.height - 1) * HIGHEST // 100 - 4

    def widen_to(self, cells: int) -> None:
        """No narrower than lines of so many cells need; the screen may give it less."""
        self._scroller.styles.min_width = cells + BESIDE

    # ---- what a subclass gives

    def clicked(self, line: int, x: int, *, twice: bool) -> None:
        """A cell of the body was clicked: its line and its place in it, counted from 0, as they are drawn now."""

    CHOOSES: ClassVar[bool] = False
    """Whether up and down choose among what is listed: the wheel does then, too. Else it scrolls."""

    CONFIRMING: ClassVar[frozenset[str]] = frozenset({"enter", "space", "y"})
    """The keys that confirm. Where text is typed, letters and blanks do not, and none is lost."""

    DECIDES: ClassVar[bool] = False
    """Whether its answer does what no other key takes back."""

    PLACE: ClassVar[str] = ""
    """Its place in the table of keys, which says what the hint line tells of it."""

    def hints(self) -> Sequence[tuple[str, str]]:
        """(key, what it does), the most useful first."""
        return self.keys_of(self.PLACE)

    def keys_of(self, place: str) -> Sequence[tuple[str, str]]:
        """The same for a place in the table of keys."""
        return cast(HasKeys, self.app).keys.hints(place)

    def body(self, width: int) -> list[Line]:
        """All of it as lines of at most `width` cells. Text from outside is cleaned where it is drawn."""
        raise NotImplementedError

    def key(self, key: str, character: str | None) -> None:
        """One key that the dialog may take. Unused keys scroll."""

    # ---- keys

    def take_key(self, key: str, character: str | None, time: float) -> None:
        """Called for every key while the dialog is on top; `time` is when it was typed, on Textual's own clock."""
        if time < self._pushed:
            return
        self._is_read = self._is_read or self.is_after_a_pause(time, self._quiet_since)
        self._quiet_since = self._clock()
        is_awaited = self._is_read if self.DECIDES else self.typed_at(time) - self._opened >= DEAF_SECONDS
        self.too_soon = key in self.CONFIRMING and not is_awaited
        if self.too_soon:
            self.draw()
        elif key in ("escape", "ctrl+c"):
            self.answer(self._safe)
        else:
            self.key(key, character)

    @property
    def pressed_at(self) -> float:
        """When the click that is told of was made."""
        return cast(HasKeys, self.app).pressed_at

    def typed_at(self, time: float) -> float:
        """When a key of that `time` was typed, on `clock`: one that waited behind a busy moment was typed no later for that."""
        return self._clock() - max(Message().time - time, 0.0)

    def is_after_a_pause(self, time: float, since: float) -> bool:
        """Whether a key of that `time` is an answer to what was asked at `since`, on `clock`: keys that follow each other at typing speed
        are the end of what was typed before."""
        return min(self.typed_at(time) - since, self.silence()) >= DEAF_SECONDS

    def silence(self) -> float:
        """For how many seconds no other key came before this one, as far as the terminal's reader is certain."""
        return cast(HasKeys, self.app).silence

    def take_paste(self, text: str) -> None:
        """Nothing is pasted into a question."""

    def _body_clicked(self, event: events.Click) -> None:
        """As with keys: a click that was meant for what was there before, or for what nobody can have read, is none."""
        time = self.pressed_at
        if time >= self._pushed and self.typed_at(time) - self._opened >= DEAF_SECONDS:
            self.clicked(event.y, event.x, twice=event.chain == 2)

    def _wheeled(self, key: str) -> bool:
        """Whether the wheel did what `key` does."""
        if self.CHOOSES:
            self.key(key, None)
        return self.CHOOSES

    def answer(self, result: ResultT) -> None:
        """Close with `result`. A dialog answers once, and at once: the key behind the one that answers may be about what comes of it."""
        if self.is_current:
            self.dismiss(result)
            self.answered(result)

    def on_resize(self, event: events.Resize) -> None:
        self._sight_changed()

    def _sight_changed(self) -> None:
        if self.has_class("-plain"):
            # How high it is, is known once it is laid out.
            self.call_after_refresh(self._tell_hidden)

    def _tell_hidden(self) -> None:
        """Written where no scroll bar is drawn: what lies out of sight would be taken for not being there."""
        above = self._scroller.scroll_offset.y
        places = ((above, "above"), (self._scroller.max_scroll_y - above, "below"))
        hidden = " and ".join(where for count, where in places if count > 0)
        self._scroller.border_subtitle = f"… more {hidden}" if hidden else ""

    def scroll_by(self, key: str) -> None:
        page = max(self._scroller.size.height - 1, 1)
        match key:
            case "pagedown" | "space":
                self._scroller.scroll_relative(y=page, animate=False)
            case "pageup":
                self._scroller.scroll_relative(y=-page, animate=False)
            case "home" | "g":
                self._scroller.scroll_home(animate=False)
            case "end" | "G":
                self._scroller.scroll_end(animate=False)
            case _ if key in SCROLLING:
                self._scroller.scroll_relative(y=SCROLLING[key], animate=False)


class Field:
    """A line to type into, within a dialog: a label and an editor of our own."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.editor = LineEditor(longest=200)

    @property
    def text(self) -> str:
        return self.editor.text.strip()

    def lines(self, width: int, active: bool) -> list[Line]:
        room = max(width - 3, 1)
        typed, cursor = self.editor.text + " ", self.editor.cursor
        first = max(cursor - room, 0)
        before, after = clean(typed[first:cursor]), clean(typed[cursor + 1 : first + room + 1])
        return [
            *paragraph(self.label, width, "muted"),
            [Cell("> ", "key" if active else "muted"), Cell(before), Cell(typed[cursor], "title-focus" if active else ""), Cell(after)],
        ]


def paragraph(text: str, width: int, role: str = "", *lead: Cell) -> list[Line]:
    """`text` wrapped to `width`, what stands in `lead` before its first line and as much room before the others. The spaces that it begins
    with are kept, for all its lines."""
    if spaces := len(text) - len(text.lstrip(" ")):
        lead = (*lead, Cell(" " * spaces))
    indent = length(lead)
    first, *others = wrap(clean(text), max(width - indent, 8))
    return [[*lead, Cell(first, role)], *([Cell(" " * indent), Cell(line, role)] for line in others)]


class _Body(Lines):
    """Draws a dialog's lines, as high as there are lines."""

    DEFAULT_CSS = """
    _Body { height: auto; padding-right: 2; }
    """

    def __init__(self, body: Callable[[int], list[Line]], clicked: Callable[[events.Click], None], wheeled: Callable[[str], bool]) -> None:
        super().__init__()
        self._clicked = clicked
        self._wheeled = wheeled
        self._body = body

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self._body(width))

    def on_click(self, event: events.Click) -> None:
        self._clicked(event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, "up")

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, "down")

    def _wheel(self, event: events.MouseEvent, key: str) -> None:
        if self._wheeled(key):
            event.stop()
            event.prevent_default()

    def draw(self, width: int) -> list[tuple[str, Line]]:
        return [("", line) for line in self._body(width)]
