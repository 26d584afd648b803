"""The ticket on the screen: the fields of a form, the gate's word on what they say, and a yes before anything is sent.

Each key goes to the field that has the focus at that moment, at once. Once the question is asked, what is carried out is the very order it
shows: no key and no market changes it, keys typed before it was asked are dropped, and a held Enter answers nothing.

What the engine refused comes back as it was typed, with the reason. It comes by itself: whoever is typing at that moment means something
else, so it goes away again and their keys go where they would have gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast

from msgspec.structs import replace
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message

from console.accounts.engines import view_of
from console.meanings import ReplaceOrder
from console.screens.dialog import DEAF_SECONDS, TOO_SOON, Dialog, HasKeys
from console.screens.previews import Previews
from console.screens.reading import read_text
from console.ticket.denials import concerned, why
from console.ticket.form import Form, Mistake, Ready
from engine.model import Intent, Outcome, TradingState, View
from engine.model.effects import Reply
from widgets.palette import Palette
from widgets.text import clean
from widgets.ticket import Sheet, Ticket

FRAMES_PER_SECOND = 12


YES = "y"


class TakesKeys(Protocol):
    """The screen behind it."""

    def take_key(self, key: str, character: str | None, time: float) -> None: ...

    def take_paste(self, text: str) -> None: ...


class TicketDialog(Dialog[Ready | None]):
    """Answers what was confirmed, or None. `view` is the View on the screen now, `clock` monotonic seconds. `denial` is why what the form
    says was not sent just now."""

    DEFAULT_CSS = """
    TicketDialog > VerticalScroll { padding: 0 1; max-height: 100%; }
    """

    def __init__(
        self,
        form: Form,
        previews: Previews[Intent | ReplaceOrder],
        view: Callable[[], View],
        clock: Callable[[], float],
        denial: Reply | None = None,
    ) -> None:
        super().__init__(form.title, None, clock)
        self._form = form
        self._denial = denial
        """Said until the form says something else."""
        self._denied = form.read() if denial else None
        self._wrong = concerned(denial.verdict, form.fields()) if denial else ""
        self._unread = denial is not None
        """Whether it came by itself, and took no key yet."""
        self._previews = previews
        self._view = view
        self._ticket = Ticket(form.most, self._wrong or form.first)
        self._asked: Ready | None = None
        """What a yes would carry out, while the question is asked."""
        self._asked_time = 0.0
        """When it was asked, on the clock of the keys."""
        self._quiet_since = 0.0
        """When the last key came, the one that asked included."""
        self._too_soon = False
        """Whether the last answer was not taken for one."""
        self._missed = False
        """Whether it was to be sent while something was missing still: said at its field, until the next key."""
        its = view_of(view(), form.account)
        self._titled = its.name, its.account.state
        """The account and the state that the title tells."""
        self._show()

    def compose(self) -> ComposeResult:
        with self._scroller:
            yield self._ticket
        yield self._hints

    def on_mount(self) -> None:
        self._draw_title()
        self._hint()
        self.set_interval(1 / FRAMES_PER_SECOND, self._frame)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._draw_title()

    def _draw_title(self) -> None:
        """With what must not be mistaken: on a small screen the ticket lies over header and banner."""
        its = view_of(self._view(), self._form.account)
        account, palette = its.account, Palette.of(self.app)
        badges = [(f" {clean(account.badge)} ", palette.style("live" if account.badge == "LIVE" else "paper"))]
        if account.state is not TradingState.ACTIVE:
            role = "halted" if account.state is TradingState.HALTED else "reducing"
            badges.append((f" {account.state} ", palette.style(role)))
        self._titled = its.name, account.state
        whose = f" {clean(its.name)}" if its.name else ""
        self._scroller.border_title = Text.assemble(*badges, f"{whose} {clean(self._form.title)} ")

    # ---- what is shown

    def hints(self) -> Sequence[tuple[str, str]]:
        # What it is there for comes first: it has room always.
        first, *others = self.keys_of("ticket" if self._asked is None else "confirm")
        cut = [(cast(HasKeys, self.app).keys.names["whole_word"], "all of it")] * bool(self._cut)
        return [first, *cut, *others]

    @property
    def _cut(self) -> str:
        return self._ticket.whole

    def _hint(self) -> None:
        if self.is_attached:
            self._hints.show(self.hints())
            self._place_cursor()

    def _place_cursor(self) -> None:
        self._cursor_into(self._ticket, [line for _, line in self._ticket.draw(self._ticket.size.width)])

    def _frame(self) -> None:
        """What is cut is seen to be so, and how all of it is read."""
        before = bool(self._cut)
        self._show()
        if bool(self._cut) != before:
            self._hint()

    def _show(self) -> None:
        """The market as it is now, what the fields say, and what the gate says to that."""
        view = self._view()
        its = view_of(view, self._form.account)
        if (its.name, its.account.state) != self._titled:
            self._draw_title()
        self._form.look(view)
        said = self._form.read()
        read = self._asked or said
        fields, head = self._form.fields(), self._form.head()
        if isinstance(read, Mistake):
            self._previews.of(None, "", view, self._clock())
            missed = self._missed and read.unfinished and bool(read.field)
            told = f"Missing: {read.message}" if missed else read.message
            self._ticket.show(Sheet(head, fields, wrong=read.field, mistake=told, unfinished=read.unfinished and not missed))
            return
        if self._denial is not None and self._asked is None and _means_the_same(read, self._denied):
            self._ticket.show(Sheet(head, fields, read.normal, wrong=self._wrong, mistake=why(self._denial)))
            return
        self._denial = None
        reply = self._previews.of(read.asked, read.normal, view, self._clock())
        question = "" if self._asked is None else f"{TOO_SOON} {self._form.question}" if self._too_soon else self._form.question
        shown = None if reply is None else _uncut(reply)
        # What is asked about stays as it is; what its exits come to goes with the market.
        exits = said.exits if isinstance(said, Ready) and _means_the_same(said, read) else read.exits
        in_money = isinstance(read.asked, Intent) and read.asked.notional is not None
        self._ticket.show(Sheet(head, fields, read.normal, read.changes, exits, in_money, reply=shown, question=question))

    # ---- keys

    def take_key(self, key: str, character: str | None, time: float) -> None:
        """Unlike a question, a ticket takes the keys that were typed behind the one that opened it: they were meant for it."""
        if self._is_in_the_way(time):
            if key != YES:
                self.answer(None)
                cast(TakesKeys, self.app.screen).take_key(key, character, time)
            return
        if key == "f7" and self._cut:
            self.app.push_screen(read_text(self._cut, self._clock))
        elif self._asked is not None:
            self._answer(self._asked, key, time)
        else:
            self._missed = False
            led = "leave" if key == "ctrl+c" else self._ticket.take_key(key, character)
            if led == "leave":
                self.answer(None)
            elif led == "review":
                self._review()
        self._show()
        self._hint()

    def _answer(self, asked: Ready, key: str, time: float) -> None:
        """A yes or a no comes after a pause."""
        self._too_soon = time < self._asked_time or not self.is_after_a_pause(time, self._quiet_since)
        self._quiet_since = self._clock()
        if self._too_soon:
            return
        if key == YES:
            self.answer(asked)
        elif key in ("n", "escape", "ctrl+c"):
            self._asked = None

    def _is_in_the_way(self, time: float) -> bool:
        """Whether it came by itself so shortly before a key of that `time` that nobody can have seen it."""
        self._unread = self._unread and (time < self._pushed or self.typed_at(time) - self._opened < DEAF_SECONDS)
        return self._unread

    def _review(self) -> None:
        """Ask, where the fields mean something; where not, what is wrong stands there already, and what is missing gets the keys."""
        self._form.look(self._view())
        read = self._form.read()
        if isinstance(read, Ready):
            self._asked, self._quiet_since, self._asked_time, self._too_soon = read, self._clock(), Message().time, False
        elif read.unfinished:
            self._missed = True
            self._ticket.go_to(read.field)

    def take_paste(self, text: str) -> None:
        if self._is_in_the_way(Message().time):
            self.answer(None)
            cast(TakesKeys, self.app.screen).take_paste(text)
        elif self._asked is None:
            self._ticket.take_paste(text)
            self._show()

    @on(Ticket.Clicked)
    def _clicked(self, event: Ticket.Clicked) -> None:
        event.stop()
        if event.key:
            self.take_key(event.key, None, self.pressed_at)
        else:
            self._show()


def _means_the_same(read: Ready, denied: Ready | Mistake | None) -> bool:
    return isinstance(denied, Ready) and denied.normal == read.normal


def _uncut(reply: Reply) -> Reply:
    """What a person wrote is never cut down: where the gate would take less of a strategy's order, theirs is refused, and what less of
    it would cost is not its cost."""
    verdict = reply.verdict
    if verdict is None or verdict.outcome is not Outcome.RESIZE:
        return reply
    return replace(reply, verdict=replace(verdict, outcome=Outcome.DENY), cost=None)
