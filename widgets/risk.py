"""Risk: how much of each limit is used, which breakers hold and what releases them, and where the exposure lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias, Unpack

from msgspec import Struct

from engine.model.views import BreakerRow, ExposureRow, RiskRow, View
from widgets import numbers
from widgets.cells import Cell, Content, Gauge, length
from widgets.columns import Column
from widgets.row_painter import BETWEEN, Sentence
from widgets.row_table import TableOptions
from widgets.table import LiveTable
from widgets.text import clean, width_of, wrap

CLOSE = 0.8
"""Share of a limit from which its bar warns."""

NAME, LONGEST = 15, 24
"""Cells of a name: `circuit breaker` is one whole; a strategy's may be so long."""

BESIDE, UNDER = 2, 2
"""Blanks between a name and a sentence beside it, and before one that stands under it."""

LIMITS, BREAKERS, EXPOSURE, SYMBOLS, STRATEGIES = range(0, 10, 2)
"""The sections, in this order; each but the first has its heading right before it."""

BY_HAND = "by hand"
"""How the exposure is called that no strategy ordered."""


class Heading(Struct, frozen=True):
    """What the rows below it are."""

    section: int
    name: str


class Exposure(Struct, frozen=True):
    """What is at risk of the account, in one symbol or by one strategy: an amount, its share of equity, and the side.

    `part` is what the gauge shows: the amount's share of the limit, or of equity where there is no limit. All of it is rounded as it is
    drawn: a row is drawn again where it looks different.
    """

    section: int
    name: str
    side: str
    amount: str
    share: str
    part: float
    size: float


class Why(Struct, frozen=True):
    """A line under a breaker that tripped: what releases it, and why it did, as far as that has no room beside its name."""

    breaker: BreakerRow
    name: str
    line: int
    text: str


Row: TypeAlias = RiskRow | BreakerRow | Why | Heading | Exposure
"""A limit, or in its place the breaker that watched it and tripped, and why; a breaker that did not; exposure."""


def _role(row: Row) -> str:
    match row:
        case BreakerRow():
            return "error" if row.tripped else ""
        case RiskRow():
            return "error" if row.tripped else "warning" if numbers.fraction_of(row.used, row.limit) >= CLOSE else ""
        case Heading():
            return "key"
    return ""


def _name(row: Row) -> Cell:
    tripped = isinstance(row, RiskRow | BreakerRow) and row.tripped
    return Cell(f"! {row.name}" if tripped else row.name, _role(row))


def _gauge(row: Row) -> Content:
    match row:
        case BreakerRow():
            return Gauge(1.0, "error") if row.tripped else Cell("")
        case RiskRow():
            return Gauge(numbers.fraction_of(row.used, row.limit), _role(row) or "accent")
        case Exposure():
            return Gauge(row.part, "accent")
    return Cell("")


def used_of(row: RiskRow) -> tuple[str, str]:
    """How much of a limit is used, and the limit: 6% and 10%, or 12.3K and 80.0K."""
    if row.unit == "%":
        used, limit = (f"{numbers.quantity(round(float(value), 1))}%" for value in (row.used, row.limit))
    else:
        used, limit = (numbers.volume(value) if value else "0" for value in (row.used, row.limit))
    return used, limit


def _used(row: Row) -> Content:
    """6% / 10%, or 12.3K / 80.0K: a bar's label is read at a glance, the exact sum is in the header."""
    match row:
        case BreakerRow():
            return Cell("TRIPPED", "error") if row.tripped else Cell("armed", "muted")
        case Heading() | Why():
            return Cell("")
        case Exposure():
            return (Cell(row.amount), Cell(f" {row.share:>5}", "muted"))
    used, limit = used_of(row)
    return (Cell(f"{used} ", _role(row)), Cell(f"/ {limit}", "muted"))


def _note(row: Row) -> Content:
    match row:
        case RiskRow(tripped=True):
            return (Cell("TRIPPED ", "error"), Cell(row.note, "muted"))
        case RiskRow():
            return Cell(row.note, "muted")
        case Exposure():
            return Cell(row.side, "muted")
    return Cell("")


def _sorts_by_use(row: Row) -> float | None:
    match row:
        case RiskRow():
            return numbers.fraction_of(row.used, row.limit)
        case Exposure():
            return row.size
    return None


class Risk(LiveTable[Row]):
    DIGIT = "5"
    TITLE = "Risk"
    HEADER = False
    EMPTY = "No limits are known yet. They appear once the engine is up."
    COLUMNS = (
        Column[Row]("Limit", _name, 8, grow=LONGEST, sort=lambda row: row.name),
        Column[Row]("Share", _gauge, 4, flex=1, priority=1, volatile=True),
        Column[Row]("Used", _used, 10, "right", grow=18, sort=_sorts_by_use, volatile=True),
        Column[Row]("Note", _note, 5, grow=16, priority=2),
    )

    def __init__(self, **options: Unpack[TableOptions]) -> None:
        super().__init__(**options)
        self._view: View | None = None
        self._told_below: frozenset[str] = frozenset()
        """Names of the breakers that tripped and are told of in lines of their own."""

    def key_of(self, row: Row) -> str:
        match row:
            case Heading():
                return f"heading {row.section}"
            case Exposure():
                return f"exposure {row.section} {row.name}"
            case BreakerRow(tripped=False):
                return f"breaker {row.name}"
            case Why():
                return f"why {row.line} {row.name}"
        return row.name

    def section_of(self, row: Row) -> int:
        match row:
            case Heading():
                return row.section - 1
            case Exposure():
                return row.section
            case BreakerRow(tripped=False):
                return BREAKERS
        return LIMITS

    def sentence(self, row: Row) -> Sentence | None:
        """Of a breaker until what it holds, as far as there is room, and of one that tripped why, beside its name or under it."""
        match row:
            case Why():
                return Sentence("Limit", (([Cell(" " * UNDER), Cell(row.text, "muted")], ()),))
            case BreakerRow(tripped=True):
                return self._tripped(row)
            case BreakerRow():
                armed = Cell("armed", "accent")
                whole, short = (Cell(f"  {word} {row.unlocks}", "muted") for word in ("holds until", "until"))
                forms = ([armed, whole], [armed, short], [armed])
                name = _name(row)
                if length([name]) <= NAME:
                    return Sentence("Share", tuple((form, ()) for form in forms))
                # Of which strategy or symbol it is stands at the end of its name.
                return Sentence("Limit", (*(([name, Cell(" " * BESIDE), *form], ()) for form in forms), ([name], ())))
        return None

    def _tripped(self, row: BreakerRow) -> Sentence:
        name, tripped = _name(row), [Cell("TRIPPED", "error")]
        if row.name in self._told_below:
            return Sentence("Limit", (([name], tripped), ([name], ())))
        why = [Cell(f"until {row.unlocks}: ", "error"), Cell(row.reason, "muted")]
        if length([name]) <= NAME:
            return Sentence("Share", ((why, tripped),))
        return Sentence("Limit", (([name, Cell(" " * BESIDE), *why], tripped),))

    def on_resize(self) -> None:
        super().on_resize()
        if self._view is not None:
            self.show(self._view)

    def show(self, view: View) -> None:
        self._view = view
        width = self.inner_width - 2
        held = {row.name: self._told(row, width) for row in view.breakers if row.tripped}
        below = frozenset(name for name, rows in held.items() if len(rows) > 1)
        if below != self._told_below:
            # The same row is another line now.
            self._told_below = below
            self._painter.forget()
        limits = [held.pop(row.name, [row]) for row in view.risk]
        # What no limit watches, a strategy's or a symbol's own, comes first: it must not lie below the edge of a low panel.
        rows = [row for told in (*held.values(), *limits) for row in told]
        tripped = sum(isinstance(row, RiskRow | BreakerRow) and row.tripped for row in rows)
        self.set_summary(Cell(f"{tripped} tripped", "error") if tripped else Cell("within limits" if rows else ""))
        rows += _under(Heading(BREAKERS, "Breakers"), [row for row in view.breakers if not row.tripped])
        rows += _exposures(view)
        before = {self.key_of(row): row for row in self.all_rows}
        self.show_rows([known if (known := before.get(self.key_of(row))) == row else row for row in rows])

    def _told(self, row: BreakerRow, width: int) -> list[Row]:
        """A breaker that tripped, in `width` cells of text: with lines under it, where what there is to say has no room beside its name."""
        said = clean(f"until {row.unlocks}: {row.reason}")
        beside = max(length([_name(row)]), NAME) + BESIDE
        if width <= UNDER or beside + width_of(said) + BETWEEN + len("TRIPPED") <= width:
            return [row]
        if length([_name(row)]) + BETWEEN + len("TRIPPED") > width:
            said = f"TRIPPED {said}"
        return [row, *(Why(row, row.name, line, text) for line, text in enumerate(wrap(said, width - UNDER)))]


def _under(heading: Heading, rows: Sequence[Row]) -> list[Row]:
    return [heading, *rows] if rows else []


def _exposures(view: View) -> Iterable[Row]:
    """Gross and net of the account, each symbol, each strategy. What no strategy ordered is a person's."""
    account = view.account
    if not view.exposure_by_symbol:
        return
    equity, limit = account.equity, account.exposure_limit
    whole = [
        _exposure(EXPOSURE, "gross", "", account.exposure, equity, limit),
        _exposure(EXPOSURE, "net", _side(account.net), account.net, equity, limit),
    ]
    yield from _under(Heading(EXPOSURE, "Exposure"), whole)
    for section, name, rows in (
        (SYMBOLS, "By symbol", view.exposure_by_symbol),
        (STRATEGIES, "By strategy", view.exposure_by_strategy),
    ):
        held = [row for row in rows if row.gross]
        yield from _under(
            Heading(section, name), [_exposure(section, row.name or BY_HAND, _sides(row), row.gross, equity, limit) for row in held]
        )


def strategy_of(row: Exposure, view: View) -> ExposureRow | None:
    """What `row` shows of a strategy, as the engine told it."""
    return next((each for each in view.exposure_by_strategy if (each.name or BY_HAND) == row.name), None)


def _side(net: Decimal) -> str:
    return "long" if net > 0 else "short" if net < 0 else "flat"


def _sides(row: ExposureRow) -> str:
    """Both sides where it holds both: then the net is less than all of it."""
    return _side(row.net) if abs(row.net) == row.gross else f"net {numbers.volume(row.net)}"


def share_of_equity(amount: Decimal, view: View) -> str:
    return _share(numbers.fraction_of(amount, view.account.equity))


def _share(share: float) -> str:
    return f"{share:.0%}" if share == share else numbers.NONE


def _exposure(section: int, name: str, side: str, amount: Decimal, equity: Decimal, limit: Decimal) -> Exposure:
    share = numbers.fraction_of(amount, equity)
    return Exposure(
        section,
        name,
        side,
        numbers.volume(amount) if amount else "0",
        _share(share),
        round(abs(numbers.fraction_of(amount, limit or equity)), 3) if limit or equity else 0.0,
        float(round(float(abs(amount)))),
    )
