"""A page: a screen over the trading screen with the same header, banner and stop, so that nobody loses sight of what is at stake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from console.key_names import key_named
from console.screens.behind import Behind
from engine.model import Level
from widgets.banner import Banner
from widgets.cells import Cell
from widgets.document import Document
from widgets.header import HeaderBar
from widgets.hints import HintLine
from widgets.lines import Lines
from widgets.steady import SteadyLoop
from widgets.text import clean, cut, wrap

if TYPE_CHECKING:
    from console.actions.stage import Stage
    from console.screens.dialog import HasKeys

FRAMES_PER_SECOND = 8

MOST_LINES = 4
"""Of what just happened; more would hide what it is about."""

BACK = ("Esc", "back")
CUT = "whole_text"
"""The action that opens what is cut."""

_ROLES = {Level.INFO: "accent", Level.WARNING: "warning", Level.ERROR: "error"}


class Page(SteadyLoop, Behind, Screen[None], inherit_bindings=False):
    """`stage` is the trading screen below. A subclass gives `content`, draws itself in `frame` and takes keys in `key`.

    Escape, q and Ctrl+C close it. Keys typed before it opened are dropped.
    """

    BINDINGS: ClassVar[list[BindingType]] = []
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Page { layout: vertical; background: $background; }
    Page HeaderBar { height: 2; }
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self._pushed = Message().time
        self._header = HeaderBar()
        self._banner = Banner()
        self._notice = Notice()
        self._hints = HintLine()

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._banner
        yield from self.content()
        yield self._notice
        yield self._hints

    def on_mount(self) -> None:
        self._frame()
        self.set_interval(1 / FRAMES_PER_SECOND, self._frame)

    # ---- what a subclass gives

    def content(self) -> Iterable[Widget]:
        """What stands between the banner and the hints; the first that can have it gets the focus."""
        raise NotImplementedError

    def frame(self) -> None:
        """Draw what changed: called several times a second."""

    def hints(self) -> Sequence[tuple[str, str]]:
        """(key, what it does), the most useful first."""
        return (BACK,)

    def key(self, key: str, character: str | None) -> None:
        """One key that is not the page's own."""

    @property
    def acted_on(self) -> Any:
        """The row that the page is about, for keys to act on; None where it is about many."""
        return None

    def closed(self) -> None:
        """The page goes: questions that are still open are dropped here."""

    # ---- keys and words

    def take_key(self, key: str, character: str | None, time: float) -> None:
        """Called for every key while the page is on top; `time` is when it was typed, on Textual's own clock."""
        if time < self._pushed or self.reads_cut(key):
            return
        self._notice.hush()
        if key in ("escape", "q", "ctrl+c"):
            self.leave()
        else:
            self.key(key, character)

    def reads_cut(self, key: str) -> bool:
        """Whether `key` is the one for what is cut, and there is something: it is opened, and a notice stays for that."""
        action, text = self.stage.keys.find(key, ""), self._cut()
        if not text or action is None or action.id != CUT:
            return False
        from console.screens.reading import read_text

        self.stage.read(read_text(text, self.stage.clock))
        return True

    def _cut(self) -> str:
        """All of what has no room here: the notice, else the lines of texts that are in sight."""
        texts = (widget.cut for widget in self.query(Document) if widget.display and widget.region)
        return self._notice.cut or "\n".join(filter(None, texts))

    def take_paste(self, text: str) -> None:
        """Nothing is pasted into a page."""

    @on(HintLine.Chosen)
    def _hint_chosen(self, event: HintLine.Chosen) -> None:
        """A click on a hint is its key."""
        self.take_key(key_named(event.key), None, cast("HasKeys", self.app).pressed_at)

    def leave(self) -> None:
        if self.is_current:
            self.closed()
            self.dismiss(None)

    def say(self, text: str, level: Level) -> None:
        """Tell a person something until the next key."""
        self._notice.say(text, _ROLES[level])

    def _frame(self) -> None:
        view = self.stage.view
        self._header.coarse = self.stage.drawn.low_bandwidth
        self._header.show(view, self.stage.lag_ms, terminal_slow=self.stage.terminal_slow)
        self._banner.show(view)
        self.frame()
        cut = (self.stage.keys.names[CUT], "all of it")
        self._hints.show((*[cut] * bool(self._cut()), *self.hints()))


class Notice(Lines):
    """What just happened, in a few lines at most. Takes no room while there is nothing to say."""

    DEFAULT_CSS = """
    Notice { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: tuple[str, str] | None = None

    def say(self, text: str, role: str) -> None:
        self._said = clean(text), role
        self.display = True
        self._fit()

    def on_resize(self) -> None:
        if self._said is not None:
            self._fit()

    def _fit(self) -> None:
        self.styles.height = len(self.draw(self.app.size.width))
        self.redraw()

    def hush(self) -> None:
        if self._said is not None:
            self._said = None
            self.display = False

    @property
    def cut(self) -> str:
        """All of it, where it has no room."""
        text = self._said[0] if self._said is not None else ""
        return text if len(wrap(text, _room(self.size.width))) > MOST_LINES else ""

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        text, role = self._said or ("", "")
        lines = wrap(text, _room(width))
        if len(lines) > MOST_LINES:
            lines = [*lines[: MOST_LINES - 1], cut(" ".join(lines[MOST_LINES - 1 :]), _room(width))]
        return [("", [Cell(" "), Cell(line, role)]) for line in lines]


def _room(width: int) -> int:
    """Cells of a notice's line."""
    return max(width - 2, 8)
