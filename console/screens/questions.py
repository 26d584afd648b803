"""The questions a person is asked before something weighty: a word to type, a reason, a mode, whether to quit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

from console.screens.details.story import order_terms
from console.screens.dialog import TOO_SOON, Dialog, Field, Line, paragraph
from console.screens.long_text import LongText
from engine.model import Mode, Side, TradingState, View
from engine.model.views import PositionRow
from widgets import numbers
from widgets.cells import Cell, length
from widgets.text import clean, width_of

Clock = Callable[[], float]
ChoiceT = TypeVar("ChoiceT")


class Typed(Struct, frozen=True):
    """What was typed: the reason is empty where none was asked for."""

    reason: str = ""


class TypedWord(Dialog[Typed | None]):
    """Asks for a word in capitals, and with `reason` for a reason too. Answers None unless the word is typed exactly."""

    PLACE = "word"
    CONFIRMING: ClassVar[frozenset[str]] = frozenset({"enter"})
    DECIDES = True

    def __init__(self, title: str, text: str, word: str, clock: Clock, *, reason: bool = False) -> None:
        super().__init__(title, None, clock, grave=True)
        self._text = LongText(text)
        self._word = word
        self._fields = [Field(f"Type {word} to go on; Esc leaves everything as it is")]
        if reason:
            self._fields.append(Field("Why? It goes to the audit log"))
        self._active = 0
        self._drawn: list[range] = []
        """The lines of each field."""
        self._complaint = ""

    def body(self, width: int) -> list[Line]:
        fields = [field.lines(width, place == self._active) for place, field in enumerate(self._fields)]
        said = f"{TOO_SOON} Enter once more." if self.too_soon else self._complaint
        complaint = paragraph(said, width, "error") if said else []
        # As much room is kept for a complaint while there is none, so that the text does not move when there is one.
        taken = 1 + sum(len(drawn) + 1 for drawn in fields) + max(len(complaint), 1)
        lines = [*self._text.lines(width, self.room - taken), []]
        self._drawn.clear()
        for drawn in fields:
            self._drawn.append(range(len(lines), len(lines) + len(drawn)))
            lines += [*drawn, []]
        return [*lines, *complaint] if complaint else lines[:-1]

    def key(self, key: str, character: str | None) -> None:
        self._complaint = ""
        if key == "enter":
            self._enter()
        elif key in ("tab", "shift+tab", "up", "down"):
            self._active = (self._active + (1 if key in ("tab", "down") else -1)) % len(self._fields)
        elif not self._text.turn(key):
            self._fields[self._active].editor.key(key, character)
        self.draw()

    def _enter(self) -> None:
        if self._fields[0].text != self._word:
            self._active = 0
            self._complaint = f"That is not the word {self._word}. Nothing was done."
        elif len(self._fields) > 1 and not self._fields[1].text:
            # The first Enter leads from the word to the reason; only one on an empty reason is a mistake.
            self._complaint = "A reason is needed." if self._active == 1 else ""
            self._active = 1
        else:
            self.answer(Typed(self._fields[1].text if len(self._fields) > 1 else ""))

    def clicked(self, line: int, x: int, *, twice: bool) -> None:
        """What is typed goes to the field that was clicked."""
        self._active = next((place for place, lines in enumerate(self._drawn) if line in lines), self._active)
        self.draw()


class Reason(Dialog[Typed | None]):
    """Asks why a signal is rejected: the reason may stay empty. Enter rejects, Esc does nothing."""

    PLACE = "word"
    CONFIRMING: ClassVar[frozenset[str]] = frozenset({"enter"})
    DECIDES = True

    def __init__(self, title: str, text: str, clock: Clock) -> None:
        super().__init__(title, None, clock)
        self._text = LongText(text)
        self._field = Field("Why? May stay empty. Enter rejects, Esc lets it wait")

    def hints(self) -> Sequence[tuple[str, str]]:
        return ("Enter", "reject"), ("Esc", "let it wait")

    def body(self, width: int) -> list[Line]:
        field = self._field.lines(width, True)
        late = [[], *paragraph(f"{TOO_SOON} Enter once more.", width, "error")] if self.too_soon else []
        return [*self._text.lines(width, self.room - 3 - len(field)), [], *field, *late]

    def key(self, key: str, character: str | None) -> None:
        if key == "enter":
            self.answer(Typed(self._field.text))
        else:
            if not self._text.turn(key):
                self._field.editor.key(key, character)
            self.draw()


class Choice(Struct, Generic[ChoiceT], frozen=True):
    """One answer among several: `key` is its letter."""

    value: ChoiceT
    key: str
    name: str
    means: str


class Choose(Dialog[ChoiceT | None], Generic[ChoiceT]):
    """A choice among several. Enter takes the one that is marked, which at first is the one that changes nothing. A click marks, a double
    click takes: the question is the same."""

    PLACE = "choice"
    CHOOSES = True
    DECIDES = True

    def __init__(self, title: str, text: str, choices: Sequence[Choice[ChoiceT]], first: int, clock: Clock) -> None:
        super().__init__(title, None, clock)
        self._text = LongText(text)
        self._choices = choices
        self._marked = first
        self._drawn: list[range] = []
        """The lines of each choice."""
        self._how = "↑ ↓ or the letter to choose, Enter to take it, Esc changes nothing"

    def on_mount(self) -> None:
        super().on_mount()
        # A row for each choice, where the screen has so many columns: rows of one line are compared at a glance.
        widest = max(length(self._lead(choice, False)) + width_of(choice.means) for choice in self._choices)
        self.widen_to(widest)

    def _lead(self, choice: Choice[ChoiceT], marked: bool) -> Line:
        widest = max(len(each.name) for each in self._choices)
        name = Cell(f" {choice.name:<{widest}} ", "title-focus" if marked else "title")
        return [Cell("▸ " if marked else "  ", "key"), Cell(choice.key, "key"), Cell(" "), name, Cell("  ")]

    def body(self, width: int) -> list[Line]:
        choices = list[list[Line]]()
        for place, choice in enumerate(self._choices):
            marked = place == self._marked
            choices.append(paragraph(choice.means, width, "" if marked else "muted", *self._lead(choice, marked)))
        how = paragraph(f"{TOO_SOON} {self._how}" if self.too_soon else self._how, width, "warning" if self.too_soon else "muted")
        lines = [*self._text.lines(width, self.room - 2 - sum(map(len, choices)) - len(how)), []]
        self._drawn.clear()
        for drawn in choices:
            self._drawn.append(range(len(lines), len(lines) + len(drawn)))
            lines += drawn
        return [*lines, [], *how]

    def key(self, key: str, character: str | None) -> None:
        if key in ("down", "tab", "j"):
            self._marked = (self._marked + 1) % len(self._choices)
        elif key in ("up", "shift+tab", "k"):
            self._marked = (self._marked - 1) % len(self._choices)
        elif key == "enter":
            self.answer(self._choices[self._marked].value)
        elif not self._text.turn(key):
            # A letter only marks: two keys, so that one slip changes no mode and quits nothing.
            self._marked = next((place for place, choice in enumerate(self._choices) if choice.key == key), self._marked)
        self.draw()

    def clicked(self, line: int, x: int, *, twice: bool) -> None:
        place = next((place for place, lines in enumerate(self._drawn) if line in lines), None)
        if place is None:
            return
        # The second click of two takes what the first one marked, and nothing that has come there since.
        taken = twice and place == self._marked
        self._marked = place
        self.draw()
        if taken:
            self.answer(self._choices[place].value)


MODES = (
    Choice(Mode.MANUAL, "m", "MANUAL", "every signal waits for your yes"),
    Choice(Mode.SEMI_AUTO, "s", "SEMI_AUTO", "what the auto-approve rules cover goes, the rest waits"),
    Choice(Mode.FULL_AUTO, "f", "FULL_AUTO", "every signal goes, within the limits; asks for the word"),
    Choice(Mode.RESEARCH, "r", "RESEARCH", "no entries go, every signal keeps a shadow P&L"),
)
RESUME = Choice("RESUME", "u", "RESUME", "lift what holds; asks for the word and a reason")


def choose_mode(view: View, clock: Clock) -> Choose[str]:
    """The mode dialog. Its answer is a mode's name, a breaker's to reset, or RESUME where nothing says which holds."""
    choices: list[Choice[str]] = [Choice(str(mode.value), mode.key, mode.name, mode.means) for mode in MODES]
    first = next((place for place, choice in enumerate(choices) if choice.value == view.account.mode), 0)
    text = f"Now {view.account.mode}."
    reducing = view.account.state is TradingState.REDUCING
    if reducing:
        text += f" REDUCING: {clean(view.account.reason)}"
    tripped = [row for row in view.breakers if row.tripped]
    for row in tripped:
        if row.releasable:
            key = str(len(choices) - len(MODES) + 1)
            choices.append(Choice(row.name, key, f"RESET {row.name}", "asks for the word and a reason"))
        else:
            text += f"\nNot to be reset now: {clean(row.name)} holds until {row.unlocks}."
    if reducing and not tripped:
        choices.append(RESUME)
    return Choose(f"Execution mode of {clean(view.name)}" if view.name else "Execution mode", text, choices, first, clock)


ON_EXIT = {
    "cancel_entries": "Quitting cancels working entries and keeps protective orders.",
    "keep": "Quitting leaves every working order at the broker.",
    "cancel_all": "Quitting cancels every working order.",
}


def ask_quit(view: View, on_exit: str, clock: Clock, runs: str = "") -> Choose[bool]:
    """Says what is still working and what quitting will do to it; `runs` names the backtest that would be cancelled."""
    # What is at stake comes first: not all of it may be seen at once.
    accounts = sorted(view.accounts or (view,), key=lambda each: each.account.badge != "LIVE")
    lines = [line for each in accounts for line in _left_open(each, 6 // len(accounts) or 1)]
    if runs:
        lines.append(f"Backtest: {clean(runs)}; quitting cancels it, and nothing of it is kept.")
    if any(not row.state.is_final for each in accounts for row in each.orders):
        lines.append(ON_EXIT[on_exit])
    choices = [Choice(False, "n", "Stay", "nothing changes"), Choice(True, "y", "Quit", "end in order")]
    return Choose("Quit?", "\n".join(lines), choices, 0, clock)


def _left_open(view: View, most: int) -> list[str]:
    """What works, is held and waits in an account; of its orders so many are named."""
    working = [row for row in view.orders if not row.state.is_final]
    waiting = sum(row.expires_in_s is not None for row in view.signals)
    live = " LIVE" if view.account.badge == "LIVE" else ""
    whose = f"{clean(view.name)}{live}: " if view.name else ""
    lines = [f"{whose}{len(working) or 'No'} order{'' if len(working) == 1 else 's'} working."]
    for row in working[:most]:
        left = numbers.quantity(row.quantity - row.filled)
        lines.append(f"   #{row.number} {row.side} {left} {clean(row.symbol)} {order_terms(row, partial(numbers.price, tick=row.tick))}")
    if len(working) > most:
        lines.append(f"   and {len(working) - most} more")
    held = ", ".join(f"{numbers.quantity(row.quantity)} {clean(row.symbol)}" for row in view.positions[:8])
    more = ", and more" if len(view.positions) > 8 else ""
    text = f"Held: {held}{more}. Positions stay." if held else "No positions."
    lines.append(f"{whose}{text[0].lower()}{text[1:]}" if whose else text)
    if waiting:
        lines.append(f"{whose}{waiting} signal{'' if waiting == 1 else 's'} waiting will be void.")
    return lines


def leaves_nothing_open(view: View) -> bool:
    """Whether quitting ends nothing: no order works, and no signal waits."""
    return all(
        all(row.state.is_final for row in each.orders) and all(row.expires_in_s is None for row in each.signals)
        for each in view.accounts or (view,)
    )


def ask_send(normal: str, clock: Clock) -> Choose[bool]:
    """Says what the order line understood."""
    choices = [Choice(False, "n", "Stay", "nothing is sent"), Choice(True, "y", "Send", "as it stands here")]
    return Choose("Send?", normal, choices, 0, clock)


LISTED = 10
MOST_NAMED = 3
"""Of many things a question names so many and counts the rest: all of it is to be read at once."""


def listed(lines: Sequence[str]) -> str:
    """One line each, the first of them."""
    more = len(lines) - LISTED
    return "\n".join([*lines[:LISTED], *([f"and {more} more"] if more > 0 else [])])


def ask_close(rows: Sequence[PositionRow], view: View, clock: Clock) -> Choose[bool]:
    """Says what is closed, what it has made, and which orders at work are cancelled for it."""
    lines = []
    for row in rows:
        side = Side.SELL if row.quantity > 0 else Side.BUY
        its = next((each for each in view.accounts if each.name == row.account), view)
        against = [order for order in its.orders if order.symbol == row.symbol and order.side is side and not order.state.is_final]
        worth, made = numbers.money(abs(row.value)), numbers.signed(row.unrealised)
        whose = f" on {clean(row.account)}" if row.account else ""
        text = f"{side} {numbers.quantity(abs(row.quantity))} {clean(row.symbol)}{whose}, worth {worth}, made {made}"
        if against:
            named = ", ".join(f"#{order.number}" for order in against[:MOST_NAMED])
            more = f" and {len(against) - MOST_NAMED} more" if len(against) > MOST_NAMED else ""
            text += f"\n   {named}{more}, at work to close it, {'is' if len(against) == 1 else 'are'} cancelled first"
        lines.append(text)
    count = "the position" if len(rows) == 1 else f"{len(rows)} positions"
    choices = [Choice(False, "n", "Stay", "nothing is closed"), Choice(True, "y", "Close", "at the market, never more than is held")]
    return Choose(f"Close {count}?", listed(lines), choices, 0, clock)
