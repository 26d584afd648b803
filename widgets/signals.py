"""Signals: the approval queue on top, and below it what became of those that were decided."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.orders import Side
from engine.model.signals import SignalState
from engine.model.views import SignalRow, View
from widgets import numbers
from widgets.cells import Cell, Content, Forms
from widgets.columns import Column, drawn_by
from widgets.row_painter import Sentence
from widgets.table import LiveTable, Subset

HURRY_S = 10
"""Seconds before its end from which a countdown is drawn as a warning."""


def waits(row: SignalRow) -> bool:
    return row.state is SignalState.WAITING


def _quiet(row: SignalRow, role: str = "") -> str:
    """What is decided stands back behind what waits."""
    return role if waits(row) else "muted"


def _time(row: SignalRow, today: str = numbers.NONE) -> Content:
    if not waits(row):
        said = numbers.moment(row.raised_at, today, "%H:%M")
        return Forms(Cell(said, "muted"), Cell(said.split()[0], "muted"))
    hurry = row.expires_in_s is not None and row.expires_in_s < HURRY_S
    return Cell(numbers.countdown(row.expires_in_s), "warning" if hurry else "key")


def _votes(row: SignalRow) -> Content:
    """Each strategy by its short name and which way it voted: `sma ▲ rsi ▲ atr ·`."""
    cells: list[Cell] = []
    for vote in row.votes:
        mark = numbers.UP if vote.side is Side.BUY else numbers.DOWN if vote.side is Side.SELL else numbers.FLAT
        role = "flat" if vote.side is None else vote.side.value.lower()
        cells += [Cell(f"{' ' if cells else ''}{vote.strategy.split('_')[0][:6]} ", "muted"), Cell(mark, role)]
    return cells or Cell(row.strategy, "muted")


def _outcome(row: SignalRow) -> tuple[str, str, str]:
    """What became of it, who decided and why."""
    what = {SignalState.SENT: "sent", SignalState.SHADOW: "not sent"}.get(row.state, row.state.value.lower())
    by = f" by {row.decided_by}" if row.decided_by else ""
    why = row.decided_reason or (row.verdict if row.state is SignalState.DENIED else "")
    return what, by, f": {why}" if why else ""


def _gate(row: SignalRow) -> Content:
    """The gate's sentence, or the rule that says no, or that it does: a rule's long name takes no other column's room."""
    if row.passes and not row.rule:
        return Cell(row.verdict)
    role, word = ("", "passes") if row.passes else ("error", "denied")
    return Forms(Cell(row.verdict, role), Cell(row.rule or word, role), Cell(word, role))


class Signals(LiveTable[SignalRow]):
    DIGIT = "4"
    TITLE = "Signals"
    EMPTY = "No signals yet. A strategy's proposals wait here for your {approve} or {reject}."
    ALONE = "No strategy runs. `tradeconsole --strategy sma_cross` starts one: its proposals wait here for your {approve} or {reject}."
    """Where there is nobody who could propose."""
    MARKABLE = "signals that wait"
    NEWEST_FIRST = True
    SUBSETS = (Subset[SignalRow]("all"), Subset("waiting", waits), Subset[SignalRow]("decided", lambda row: not waits(row)))
    COLUMNS = (
        Column[SignalRow]("Left", _time, 5, "right", grow=11, sort=lambda row: row.raised_at, volatile=True),
        Column[SignalRow](
            "Side", lambda row: Cell(row.side.value, _quiet(row, row.side.value.lower())), 4, sort=lambda row: row.side.value
        ),
        Column[SignalRow](
            "Qty", lambda row: Cell(numbers.quantity(row.quantity), _quiet(row)), 4, "right", grow=12, sort=lambda row: row.quantity
        ),
        Column[SignalRow]("Symbol", lambda row: Cell(row.symbol, _quiet(row)), 6, grow=12, sort=lambda row: row.symbol),
        Column[SignalRow]("Then", lambda row: Cell(numbers.price(row.price, row.tick)), 7, "right", grow=14, sort=lambda row: row.price),
        Column[SignalRow](
            "Now",
            lambda row: Cell(numbers.price(row.price_now, row.tick)),
            7,
            "right",
            grow=14,
            priority=3,
            sort=lambda row: row.price_now,
            volatile=True,
        ),
        Column[SignalRow]("Conf", lambda row: Cell(f"{row.strength:.0%}"), 4, "right", priority=2, sort=lambda row: row.strength),
        Column[SignalRow]("Votes", _votes, 17, grow=36, priority=4, sort=lambda row: row.strategy),
        Column[SignalRow](
            "Gate",
            _gate,
            12,
            grow=60,
            flex=1,
            priority=1,
            sort=lambda row: row.verdict,
        ),
    )

    def key_of(self, row: SignalRow) -> str:
        return row.id

    def lets_go(self, before: SignalRow, after: SignalRow) -> bool:
        """At the top, too: there a decided one has the cursor only because nothing waits, and what waits next comes under it."""
        return not waits(after) and (waits(before) or self._cursor == 0)

    def sentence(self, row: SignalRow) -> Sentence | None:
        """A decided one needs no columns any more: what became of it, and what it would have made."""
        if waits(row):
            return None
        shadow = (
            [] if row.shadow is None else [Cell("shadow ", "muted"), Cell(numbers.profit(row.shadow), numbers.profit_direction(row.shadow))]
        )
        what, by, why = _outcome(row)
        role = "error" if row.state is SignalState.DENIED else "muted"
        forms = (f"{what}{by}{why}", f"{what}{by}", what)
        with_shadow = tuple(([Cell(form, role)], shadow) for form in forms)
        return Sentence("Then", (*with_shadow, ([Cell(what, role)], ())))

    def on_blur(self) -> None:
        """Nobody reads on in what is decided: what waits is in sight again."""
        row = self.cursor_row
        if row is not None and not waits(row) and waits(self.rows[0]):
            self.to_the_top()

    def can_mark(self, row: SignalRow) -> bool:
        return waits(row)

    def section_of(self, row: SignalRow) -> int:
        """What waits comes first, whatever it is sorted by."""
        return 0 if waits(row) else 1

    def columns_on(self, today: str) -> Sequence[Column[SignalRow]]:
        return drawn_by(self.COLUMNS, "Left", lambda row: _time(row, today))

    def show(self, view: View) -> None:
        self.show_day(view.health.market_time)
        self.say_when_empty(self.EMPTY if view.strategies or not view.health.ready else self.ALONE)
        self.show_rows(view.signals)

    def rows_changed(self) -> None:
        count = sum(map(waits, self.all_rows))
        wait = f"{count} wait{'s' if count == 1 else ''} for you"
        self.set_summary(Cell(wait if count else "none waits", "accent" if count else ""))
        self.show_subsets({"all": self.total, "waiting": count, "decided": self.total - count})
