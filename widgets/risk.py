"""Risk: how much of each limit is used, which breakers hold and what releases them, and where the exposure lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from engine.model.views import BreakerRow, ExposureRow, RiskRow, View
from widgets import numbers
from widgets.cells import Cell, Content, Gauge, length
from widgets.columns import Column
from widgets.row_painter import Sentence
from widgets.table import LiveTable

CLOSE = 0.8
"""Share of a limit from which its bar warns."""

NAME = 15
"""Cells of a name: `circuit breaker` is one whole."""

LIMITS, BREAKERS, EXPOSURE, SYMBOLS, STRATEGIES = range(0, 10, 2)
"""The sections, in this order; each but the first has its heading right before it."""


class Heading(Struct, frozen=True):
    """What the rows below it are."""

    section: int
    name: str


class Exposure(Struct, frozen=True):
    """What is at risk of the account, in one symbol or by one strategy: an amount, its share of equity, and the side.

    `share_of_limit` is what the gauge shows. All of it is rounded as it is drawn: a row is drawn again where it looks different.
    """

    section: int
    name: str
    side: str
    amount: str
    share: str
    share_of_limit: float
    size: float


Row: TypeAlias = RiskRow | BreakerRow | Heading | Exposure
"""A limit, or in its place the breaker that watched it and tripped; a breaker that did not; exposure."""


def _role(row: Row) -> str:
    match row:
        case BreakerRow():
            return "error" if row.tripped else ""
        case RiskRow():
            return "error" if row.tripped else "warning" if numbers.fraction_of(row.used, row.limit) >= CLOSE else ""
        case Heading():
            return "key"
    return ""


def _name(row: Row) -> Content:
    tripped = isinstance(row, RiskRow | BreakerRow) and row.tripped
    return Cell(f"! {row.name}" if tripped else row.name, _role(row))


def _gauge(row: Row) -> Content:
    match row:
        case BreakerRow():
            return Gauge(1.0, "error") if row.tripped else Cell("")
        case RiskRow():
            return Gauge(numbers.fraction_of(row.used, row.limit), _role(row) or "accent")
        case Exposure():
            return Gauge(row.share_of_limit, "accent")
    return Cell("")


def _used(row: Row) -> Content:
    """6% / 10%, or 12.3K / 80.0K: a bar's label is read at a glance, the exact sum is in the header."""
    match row:
        case BreakerRow():
            return Cell("TRIPPED", "error") if row.tripped else Cell("armed", "muted")
        case Heading():
            return Cell("")
        case Exposure():
            return (Cell(row.amount), Cell(f" {row.share:>5}", "muted"))
    if row.unit == "%":
        used, limit = (f"{numbers.quantity(round(float(value), 1))}%" for value in (row.used, row.limit))
    else:
        used, limit = (numbers.volume(value) if value else "0" for value in (row.used, row.limit))
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
        Column[Row]("Limit", _name, 8, grow=NAME, sort=lambda row: row.name),
        Column[Row]("Share", _gauge, 4, flex=1, priority=1, volatile=True),
        Column[Row]("Used", _used, 10, "right", grow=18, sort=_sorts_by_use, volatile=True),
        Column[Row]("Note", _note, 5, grow=16, priority=2),
    )

    def key_of(self, row: Row) -> str:
        match row:
            case Heading():
                return f"heading {row.section}"
            case Exposure():
                return f"exposure {row.section} {row.name}"
            case BreakerRow(tripped=False):
                return f"breaker {row.name}"
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
        """Of a breaker, as far as there is room: until what it holds, and why. Its detail shows the whole of it."""
        if not isinstance(row, BreakerRow):
            return None
        if not row.tripped:
            armed = Cell("armed", "accent")
            whole, short = (Cell(f"  {word} {row.unlocks}", "muted") for word in ("holds until", "until"))
            return Sentence("Share", (([armed, whole], ()), ([armed, short], ()), ([armed], ())))
        until, why, tripped = Cell(f"until {row.unlocks}", "error"), Cell(row.reason, "muted"), [Cell("TRIPPED", "error")]
        both = [until, Cell(": ", "error"), why]
        name = _name(row)
        if isinstance(name, Cell) and length([name]) > NAME:
            # Of which strategy or symbol it is stands at the end of its name: where room is short that is worth more than the word.
            start = [name, Cell("  ")]
            forms = ([*start, *both], tripped), ([*start, why], tripped), ([*start, until], tripped), ([name], tripped), ([name], ())
            return Sentence("Limit", forms)
        return Sentence("Share", ((both, tripped), ([why], tripped), ([until], tripped), ((), tripped)))

    def show(self, view: View) -> None:
        held = {row.name: row for row in view.breakers if row.tripped}
        rows: list[Row] = [held.pop(row.name, row) for row in view.risk]
        # What no limit watches, a strategy's or a symbol's own, comes first: it must not lie below the edge of a low panel.
        rows[:0] = held.values()
        tripped = sum(isinstance(row, RiskRow | BreakerRow) and row.tripped for row in rows)
        self.set_summary(Cell(f"{tripped} tripped", "error") if tripped else Cell("within limits" if rows else ""))
        rows += _under(Heading(BREAKERS, "Breakers"), [row for row in view.breakers if not row.tripped])
        rows += _exposures(view)
        before = {self.key_of(row): row for row in self.all_rows}
        self.show_rows([known if (known := before.get(self.key_of(row))) == row else row for row in rows])


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
            Heading(section, name), [_exposure(section, row.name or "by hand", _sides(row), row.gross, equity, limit) for row in held]
        )


def _side(net: Decimal) -> str:
    return "long" if net > 0 else "short" if net < 0 else "flat"


def _sides(row: ExposureRow) -> str:
    """Both sides where it holds both: then the net is less than all of it."""
    return _side(row.net) if abs(row.net) == row.gross else f"net {numbers.volume(row.net)}"


def _exposure(section: int, name: str, side: str, amount: Decimal, equity: Decimal, limit: Decimal) -> Exposure:
    share = numbers.fraction_of(amount, equity)
    return Exposure(
        section,
        name,
        side,
        numbers.volume(amount) if amount else "0",
        f"{share:.0%}" if share == share else numbers.NONE,
        round(abs(numbers.fraction_of(amount, limit)), 3) if limit else 0.0,
        float(round(float(abs(amount)))),
    )
