"""Banner: what stands in the way of trading, over the full width: HALTED with how far the stop has come and what it leaves unprotected, a
tripped limit, not ready yet."""

from __future__ import annotations

from textual import events
from textual.message import Message

from engine.model.modes import LinkState, TradingState
from engine.model.orders import Source
from engine.model.views import LinkView, StopView, View
from widgets import numbers
from widgets.banner_lines import Told, fitted
from widgets.cells import Cell
from widgets.lines import Lines
from widgets.other_accounts import others
from widgets.protection import unprotected
from widgets.text import clean

MOST_LINES = 6
MOST_LINES_SMALL = 4
"""Where the screen has few rows, the panel under it needs them more; not more than a stop."""
_FEW_ROWS = 30
_BELOW = 9
"""Rows that it leaves to others on the lowest screen: header, tabs, order line and hints, a notice, and a panel's edge."""
_LINKS = {LinkState.FATAL: "DOWN and not tried again", LinkState.RESET: "in its RESET", LinkState.LOGIN: "waiting for a LOGIN"}


class Banner(Lines):
    """Takes no room while there is nothing to say."""

    DEFAULT_CSS = """
    Banner {
        height: auto;
        display: none;
    }
    """

    class FlattenChosen(Message):
        """The sentence that names the key to flatten was clicked."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self._said: tuple[Told, ...] = ()
        self.flatten_key, self.mode_key = "F9", "m"
        """How the keys are called that flatten, and that tell the whole reason of a state: they are the user's to choose."""

    @property
    def text(self) -> str:
        """All it says now, for whoever cannot see colours: one sentence a line."""
        return "\n".join(told.text for told in self._said)

    def show(self, view: View) -> None:
        said = tuple(_sentences(view, self.flatten_key, self.mode_key))
        if said == self._said:
            return
        self._said = said
        self.display = bool(said)
        # Its height follows from what it says, so this is one of the few things that may move the panels below.
        self.refresh(layout=True)
        self.redraw()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self.draw(width))

    def on_click(self, event: events.Click) -> None:
        line = "".join(cell.text for cell in self.draw(self.size.width)[event.y][1])
        if f"{self.flatten_key} flattens" in line:
            self.post_message(self.FlattenChosen())

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        small = self.app.size.height < _FEW_ROWS and all(told.role != "halted" for told in self._said)
        most = MOST_LINES_SMALL if small else MOST_LINES
        room = max(1, self.app.size.height - _BELOW)
        return [(role, [Cell(f" {line}")]) for role, line in fitted(self._said, max(10, width - 2), most, room)]


def _sentences(view: View, flatten_key: str, mode_key: str) -> list[Told]:
    account, health = view.account, view.health
    said: list[Told] = []
    why = f"{mode_key} tells all"
    if account.state is TradingState.HALTED:
        reason = _words(account.reason or "no reason given")
        which = f"{clean(view.name)} is " if view.name else ""
        said.append(Told("halted", f"■ {which}HALTED: ", reason, end=". Nothing is sent but cancels and flatten.", rest=why, order=1))
        if view.stop is not None:
            said.append(Told("halted", progress(view.stop, view), spare=view.stop.late))
        bare = unprotected(view)
        if bare:
            listed = tuple(clean(f"{symbol} {numbers.quantity(quantity)}") for symbol, quantity in bare)
            said.append(Told("halted", "Without protection: ", listed, ", ", f". {flatten_key} flattens."))
        elif view.positions:
            said.append(Told("halted", f"Every position has a working stop. {flatten_key} flattens."))
    elif account.state is TradingState.REDUCING:
        reason = _words(account.reason or "a limit was tripped")
        said.append(Told("reducing", "▼ REDUCING: ", reason, end=". Only orders that shrink a position pass.", rest=why, order=1))
    said += [told for each in others(view) for told in _elsewhere(each)]
    said += _links_down(health.links)
    # Nothing is compared before there is a link, and what is down says that.
    if view.mismatches:
        differ = tuple(map(clean, view.mismatches))
        end = ": no entries there until both agree; `accept` in the order line takes the broker's figure."
        said.append(Told("reducing", "! ", differ, "; ", end, order=1))
    if not health.ready and not health.problem and all(link.up for link in health.links if link.is_broker):
        said.append(Told("notice", "… not ready: reconciling with the broker. Orders wait until that is done."))
    if health.problem:
        said.append(Told("reducing", "! ", _words(health.problem), rest="see the log", order=1))
    if view.stop is not None and view.stop.late:
        left = tuple(map(clean, view.stop.left)) or ("the broker has not told where the account stands",)
        said.append(Told("halted", "Not at rest: ", left, "; ", ".", order=3))
    return said


def _elsewhere(view: View) -> list[Told]:
    """What a person must know of an account that is not shown: what it is stopped by, and that its link does not come back by itself."""
    account, name = view.account, clean(view.name)
    said: list[Told] = []
    if view.health.failed:
        said.append(Told("reducing", f"! {name} has failed: ", _words(view.health.problem), rest="see the log", order=2))
    if account.state is TradingState.HALTED:
        how = "" if view.stop is None else f" {progress(view.stop, view)}"
        bare = tuple(clean(f"{symbol} {numbers.quantity(quantity)}") for symbol, quantity in unprotected(view))
        start = f"■ {name} is HALTED.{how}"
        said.append(Told("halted", f"{start} Without protection: ", bare, ", ", ".", order=1) if bare else Told("halted", start))
    for link in view.health.links:
        if link.state in (LinkState.FATAL, LinkState.LOGIN):
            start = f"✗ {name}: {clean(link.name)} is {_LINKS[link.state]}: "
            said.append(
                Told("reducing", start, _words(link.reason.rstrip(". ") or "no reason given"), end=".", rest="see the log", order=2)
            )
    return said


def _links_down(links: tuple[LinkView, ...]) -> list[Told]:
    """The header says which, and has seldom room for why. A broker and its prices often lack the same program: of one cause they are one
    sentence, and what is to be done about it stands there once."""
    causes: dict[str, tuple[list[str], list[str]]] = {}
    already: set[str] = set()
    for link in links:
        if not link.up:
            cause, *more = (link.reason.rstrip(". ") or "no reason given").split(". ")
            which, then = causes.setdefault(cause, ([], []))
            which.append(f"{clean(link.name)} is {_LINKS.get(link.state, link.state)}")
            then += [sentence for sentence in more if sentence not in already]
            already.update(more)
    return [
        Told("reducing", f"✗ {', '.join(which)}: ", _words(". ".join((cause, *then))), end=".", rest="see the log", order=2)
        for cause, (which, then) in causes.items()
    ]


def _words(text: str) -> tuple[str, ...]:
    return tuple(clean(text).split())


def progress(stop: StopView, view: View) -> str:
    """How far the stop has come. What counts is the broker's own word."""
    if stop.verified:
        spared = sum(not row.state.is_final and row.source is not Source.FLATTEN for row in view.orders)
        works = f"nothing works but {spared} that protect" if spared else "nothing works"
        return f"The broker confirms: {works}{', nothing is held' if stop.flattens else ''}."
    held = len(stop.left) - stop.cancelling
    doing = [f"cancelling {stop.cancelling}"] if stop.cancelling else []
    doing += [f"closing {held} position{'' if held == 1 else 's'}"] if held else []
    what = ", ".join(doing) or "asking the broker what works"
    return f"{what[0].upper()}{what[1:]} …"
