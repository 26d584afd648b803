"""The ticket: one widget that handles every key itself, so that keys typed in a burst keep their order and their field.

An order is never made from stock inputs: under load those lose the order of keys. What the fields mean is said by whoever shows a `Sheet`;
this widget knows no grammar and sends nothing.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from textual import events
from textual.message import Message

from engine.model.effects import Reply
from widgets import numbers
from widgets.cells import Cell, fit_cells, length
from widgets.lines import Lines
from widgets.text import clean, cut, without_hidden, wrap
from widgets.ticket_fields import ButtonField, ChoiceField, Field, TextField
from widgets.verdict import distance_words, gate_words

LABELS = 14
"""Cells of a label."""
FIGURES = 16
"""Cells of an amount of money."""
NOTES = 18
"""Cells of what a field holds, before its note."""
BESIDE = LABELS + 2 + NOTES + 2
BEFORE_FIELDS = 2
AFTER_FIELDS = 7
MEANING = AFTER_FIELDS - 2
"""Lines for what the fields mean."""
CONFIRMING = (("y", "sends it"), ("n", "goes back"), ("Enter", "does nothing"))

Led = Literal["review", "leave"]


class Sheet(Struct, frozen=True):
    """What a ticket shows. `head` is the market's line, `order` the one way in which the order is written out, and
    `changes` what an edit makes of what. How many shares an order `in_money` is, only the gate knows.

    `exits` is what its take-profit and stop-loss would make and lose, and that its stop is reached already.

    `mistake` is what is wrong in words, about the field `wrong` where it is one's, or, `unfinished`, what is still missing. `question` is
    asked while the ticket waits for a yes: then no field takes a key.
    """

    head: tuple[Cell, ...] = ()
    fields: tuple[Field, ...] = ()
    order: str = ""
    changes: str = ""
    exits: str = ""
    in_money: bool = False
    wrong: str = ""
    mistake: str = ""
    unfinished: bool = False
    reply: Reply | None = None
    question: str = ""


class Ticket(Lines, can_focus=True):
    """`most` is how many fields it ever shows at once: its height does not change. `take_key` is called for every key."""

    DEFAULT_CSS = """
    Ticket { height: auto; }
    """

    class Clicked(Message):
        """A click that means `key`."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, most: int, first: str) -> None:
        super().__init__()
        self._most = most
        self._at = first
        self._sheet = Sheet()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return BEFORE_FIELDS + self._most + AFTER_FIELDS

    def show(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self.redraw()

    @property
    def active(self) -> Field:
        """The field that takes the next key."""
        fields = self._sheet.fields
        return next((field for field in fields if field.name == self._at), fields[0])

    # ---- keys and mouse

    def take_key(self, key: str, character: str | None) -> Led | None:
        """Apply one key, at once, to the field that has the keys now. Whoever called shows a new sheet then."""
        field = self.active
        if key == "f5" or (key == "enter" and isinstance(field, ButtonField)):
            return "review"
        if key == "escape":
            return "leave"
        if key in ("tab", "enter", "shift+tab"):
            self._step(-1 if key == "shift+tab" else 1)
        else:
            field.key(key, character)
        return None

    def go_to(self, name: str) -> None:
        """Gives the field of this name the next key, where there is one."""
        if any(field.name == name for field in self._sheet.fields):
            self._at = name

    def take_paste(self, text: str) -> None:
        self.active.paste(without_hidden(next(iter(text.strip().splitlines()), "")))

    def _step(self, step: int) -> None:
        fields = self._sheet.fields
        self._at = fields[(fields.index(self.active) + step) % len(fields)].name

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if self._sheet.question:
            if event.y == self.size.height - 1:
                self.post_message(self.Clicked("y" if 0 <= event.x - len(self._sheet.question) - 2 < len(" y sends it ") else "n"))
            return
        place = event.y - BEFORE_FIELDS
        if 0 <= place < len(self._sheet.fields):
            field = self._sheet.fields[place]
            self._at = field.name
            chosen = field.place(event.x - LABELS - 2) if isinstance(field, ChoiceField) else None
            if isinstance(field, ChoiceField) and chosen is not None and event.x >= LABELS + 2:
                field.choose(chosen)
            self.post_message(self.Clicked("f5" if isinstance(field, ButtonField) else ""))

    # ---- drawing

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        sheet = self._sheet
        if not sheet.fields:
            return []
        fields = [self._field(field, width) for field in sheet.fields]
        lines: list[list[Cell]] = [*self._head(width), *fields, *([[]] * (self._most - len(fields)))]
        lines += [[Cell("─" * width, "line")], *self._meaning(width)]
        plain = [("", line) for line in lines]
        return [*plain, ("reducing", self._asking())] if sheet.question else [*plain, ("", [])]

    def _head(self, width: int) -> list[list[Cell]]:
        """The market's line and a blank one; where it is long, in the place of that the pieces that have no room before."""
        head = self._sheet.head
        fit = next((count for count in range(len(head), 1, -1) if length(head[:count]) <= width), len(head))
        behind = list(head[fit:])
        return [list(head[:fit]), [Cell(behind[0].text.lstrip(), behind[0].role), *behind[1:]] if behind else []]

    def _field(self, field: Field, width: int) -> list[Cell]:
        sheet = self._sheet
        active = field is self.active and not sheet.question
        wrong = field.name == sheet.wrong and not sheet.unfinished
        label = "" if isinstance(field, ButtonField) else field.label
        cells = [Cell(f"{label:<{LABELS}}  ", "error" if wrong else "key" if active else "muted")]
        cells += field.cells(active)
        note = [*field.note, *(Cell("   ") for _ in field.note[:1] if active and field.takes), *(field.takes if active else ())]
        if wrong:
            note = [Cell(f"✗ {clean(sheet.mistake)}" if self._fits_beside(width) else "✗", "error")]
        if note:
            gap = max(LABELS + 2 + NOTES - length(cells), 2) if isinstance(field, TextField) else 2
            cells += [Cell(" " * gap), *note]
        if sheet.question:
            # What stands in the question's way is out of reach, and looks so.
            cells = [Cell(cell.text, "muted") for cell in cells]
        return fit_cells(cells, width)

    def _fits_beside(self, width: int) -> bool:
        """Whether what is wrong can stand beside its field; where not, it stands below."""
        return bool(self._sheet.wrong) and not self._sheet.unfinished and BESIDE + length([Cell(clean(self._sheet.mistake))]) <= width

    def _meaning(self, width: int) -> list[list[Cell]]:
        """The order written out with what it costs and what the gate says, or what is wrong or missing. Five lines; where that is too few,
        it is seen that something is cut."""
        lines = self._written(width)
        if len(lines) > MEANING:
            *lead, last = lines[MEANING - 1]
            lines[MEANING - 1] = [*lead, Cell(cut(f"{last.text} {lines[MEANING][-1].text}", width - length(lead)), last.role)]
        return [*lines, *([[]] * MEANING)][:MEANING]

    @property
    def whole(self) -> str:
        """All of what is cut below the fields; empty where nothing is, and before there is a place to draw it."""
        sheet, width = self._sheet, self.size.width
        if not width or len(self._written(width)) <= MEANING:
            return ""
        return clean(sheet.mistake) or (gate_words(sheet.reply).text if sheet.reply is not None else "")

    def _written(self, width: int) -> list[list[Cell]]:
        sheet = self._sheet
        if sheet.mistake and self._fits_beside(width):
            lines: list[list[Cell]] = []
        elif sheet.mistake:
            text = f"Still missing: {sheet.mistake}" if sheet.unfinished else sheet.mistake
            lines = [[Cell(line, "muted" if sheet.unfinished else "error")] for line in wrap(clean(text), width)]
        else:
            lines = [[Cell(line, "title")] for line in wrap(clean(sheet.order), width)[:2]]
            if sheet.in_money and sheet.reply is not None and sheet.reply.quantity is not None:
                lines[-1].append(Cell(f"   {numbers.quantity(sheet.reply.quantity)} shares", "muted"))
            if sheet.exits:
                lines = _with_exits(lines, clean(sheet.exits), width)
            if sheet.changes:
                lines += [[Cell(line, "accent")] for line in wrap(clean(sheet.changes), width)]
            if sheet.reply is not None:
                lines += _answer(sheet.reply, width, MEANING - len(lines))
        return lines

    def _asking(self) -> list[Cell]:
        cells = [Cell(f" {self._sheet.question} ")]
        for key, does in CONFIRMING:
            cells += [Cell(f" {key} ", "title-focus" if key == "y" else ""), Cell(f"{does} ")]
        return cells


def _with_exits(lines: list[list[Cell]], exits: str, width: int) -> list[list[Cell]]:
    """Behind the order where there is room, else below it."""
    behind = Cell(f"   {exits}", "muted")
    if length([*lines[-1], behind]) <= width:
        return [*lines[:-1], [*lines[-1], behind]]
    return [*lines, [Cell(line, "muted") for line in wrap(exits, width)[:1]]]


def _answer(reply: Reply, width: int, room: int) -> list[list[Cell]]:
    """What it costs and leaves, in two columns, and the gate's word last, where the eye ends."""
    gate = gate_words(reply)
    figures = (
        (("Cost", numbers.money(reply.cost)), ("Position after", numbers.quantity(reply.position_after))),
        (("Power after", numbers.money(reply.buying_power_after)), ("Distance", distance_words(reply.distance))),
    )
    # Money is shown whole: the second column gives way to it.
    left_width = LABELS + 2 + max(FIGURES, *(len(value) + 2 for (_, value), _ in figures))
    known = reply.cost is not None
    rows = [[*_figure(*left, left_width), *_figure(*right, width - left_width)] for left, right in figures] if known else []
    words = wrap(gate.text, max(width - LABELS - 2, 8))
    verdict = [[Cell(f"{'Gate' if not place else '':<{LABELS}}  ", "muted"), Cell(line, gate.role)] for place, line in enumerate(words)]
    if len(rows) + len(verdict) > room:
        # The whole of a no is worth more than what the order would have cost.
        rows = rows[: max(room - len(verdict), 0)]
    return [*rows, *verdict]


def _figure(name: str, value: str, width: int) -> list[Cell]:
    label = f"{name:<{LABELS}}  "
    room = max(width - len(label) - 1, 1)
    return fit_cells([Cell(label, "muted"), Cell(cut(value, room), "" if value == numbers.NONE else "title")], width)
