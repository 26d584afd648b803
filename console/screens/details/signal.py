"""A signal: who voted what and why, what the gate says, what was decided by whom, what came of it, and the symbol's signals before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from console.actions.stage import Stage
from console.screens.details.detail import Detail
from console.screens.details.dossier import EVERY_S, Dossier
from console.screens.details.story import tell, terms_of, terms_text, vote_text, written
from console.screens.details.writing import Head, Section, Value, facts, moment, price, profit, table
from console.screens.dialog import Line, paragraph
from console.screens.standing import Standing
from engine.model import Side, View
from engine.model.orders import Bracket, Exit
from engine.model.signals import SignalState
from widgets import numbers
from widgets.cells import Cell

if TYPE_CHECKING:
    from storage.history import History
    from storage.rows import OrderRow, SignalRow, Step

BEFORE = 30
"""Earlier signals of the symbol that are listed."""


def signal_title(row: Any) -> tuple[str, str]:
    """Which signal it is, and whose."""
    return f"Signal #{row.number} {row.side} {numbers.quantity(row.quantity)} {row.symbol}", f"by {row.strategy}"


class SignalDossier(Dossier):
    """`row` is the View's row or the history's: `fresh` is the View's, where it still has it."""

    PANEL = "signals"

    def __init__(self, stage: Stage, row: Any) -> None:
        super().__init__(stage, *signal_title(row))
        self._row = row
        self._now: Any = None
        self._kept = Standing(stage.archive, self._ask, EVERY_S)
        self._before = Standing(stage.archive, self._ask_before, EVERY_S)
        self.questions = [self._kept, self._before]

    async def _ask(self, history: History) -> tuple[SignalRow | None, OrderRow | None, tuple[Step, ...]]:
        kept = await history.signal(self._row.id)
        order = await history.order(kept.order_id) if kept is not None and kept.order_id else None
        return kept, order, await history.trail(self._row.id)

    async def _ask_before(self, history: History) -> tuple[SignalRow, ...]:
        return await history.signals(symbol=self._row.symbol, limit=BEFORE)

    # ---- what is known

    @property
    def row(self) -> Any:
        return self._row

    def look(self, view: View) -> None:
        self._now = next((row for row in view.signals if row.id == self._row.id), None)
        kept = self._kept.answer[0] if self._kept.answer is not None else None
        self._row = self._now or kept or self._row
        state = self._row.state
        if state is SignalState.WAITING and self._now is not None:
            left = numbers.countdown(self._now.expires_in_s)
            self.summarise(Cell(f"waits for you, {left} left", "accent"))
        else:
            self.summarise(Cell(state.value.lower(), "muted"))

    def _priced(self, value: Any) -> str:
        tick = getattr(self._row, "tick", None)
        return price(value, tick or next((row.tick for row in self.stage.view.watch if row.symbol == self._row.symbol), None))

    # ---- its parts

    def left(self) -> Sequence[Section]:
        return [Section("Proposed", self._proposed), Section("Votes", self._votes), Section("Decided", self._decided)]

    def right(self) -> Sequence[Section]:
        return [Section("Its trail", self._trail), Section(f"Signals in {self._row.symbol}, newest first", self._others)]

    def _proposed(self, width: int) -> list[Line]:
        row = self._row
        terms = terms_text(row.type, terms_of(row), self._priced)
        pairs: list[tuple[str, Value]] = [
            ("signal", f"#{row.number} {row.side} {numbers.quantity(row.quantity)} {row.symbol} {terms} {row.tif}"),
            ("by", row.strategy),
            ("reason", row.reason or numbers.NONE),
            ("confidence", numbers.NONE if row.strength is None else f"{row.strength:.0%}"),
            ("raised", moment(row.raised_at)),
            ("price then", self._priced(row.price)),
            ("price now", self._price_now()),
        ]
        if row.bracket is not None:
            pairs.append(("exits", _exits(row.bracket, self._priced)))
        if self._now is not None and self._now.state is SignalState.WAITING:
            pairs += [
                ("left", Cell(numbers.countdown(self._now.expires_in_s), "key")),
                ("gate now", Cell(self._now.verdict, "" if self._now.passes else "error")),
            ]
        elif self._kept.answer is not None and (kept := self._kept.answer[0]) is not None:
            pairs.append(("gate then", kept.verdict or "passes every rule"))
        return facts(pairs, width)

    def _price_now(self) -> Value:
        """With how far it moved, and whether that is for the signal."""
        now = self._now.price_now if self._now is not None else self._watched()
        if now is None:
            return numbers.NONE
        moved = now / float(self._row.price) - 1 if self._row.price else None
        if moved is None:
            return self._priced(now)
        better = moved * self._row.side.sign
        return [Cell(f"{self._priced(now)}  "), Cell(numbers.change(moved), numbers.change_direction(moved)), Cell(_meant(better), "muted")]

    def _watched(self) -> float | None:
        return next((row.last for row in self.stage.view.watch if row.symbol == self._row.symbol), None)

    def _votes(self, width: int) -> list[Line]:
        lines: list[Line] = []
        for vote in self._row.votes:
            role = "flat" if vote.side is None else vote.side.value.lower()
            mark = numbers.UP if vote.side is Side.BUY else numbers.DOWN if vote.side is Side.SELL else numbers.FLAT
            lines += paragraph(vote_text(vote), width, "", Cell(f"{mark} ", role))
        return lines or [[Cell(f"{self._row.strategy} alone", "muted")]]

    def _decided(self, width: int) -> list[Line]:
        row = self._row
        if row.state is SignalState.WAITING:
            names = self.stage.keys.names
            text = f"Not yet: {names['approve']} approves it, {names['reject']} rejects it; if nobody does, it expires, and that is a no."
            return paragraph(text, width)
        kept, order, _ = self._kept.answer or (None, None, ())
        pairs: list[tuple[str, Value]] = [
            ("outcome", _OUTCOMES.get(row.state, row.state.value.lower())),
            ("by", row.decided_by or numbers.NONE),
        ]
        if row.decided_reason:
            pairs.append(("why", row.decided_reason))
        if kept is not None and kept.decided_at is not None:
            pairs += [("when", moment(kept.decided_at)), ("price", self._priced(kept.decided_price))]
        if order is not None:
            average = f" at {self._priced(order.average)}" if order.average is not None else ""
            filled = f"{numbers.quantity(order.filled)} of {numbers.quantity(order.quantity)} filled{average}"
            pairs.append(("order", f"#{order.number} {order.state.words}, {filled}"))
        shadow = getattr(self._now, "shadow", None)
        if shadow is not None:
            pairs.append(("shadow P&L", [profit(shadow), Cell("  had it been sent, before costs", "muted")]))
        return facts(pairs, width)

    def _trail(self, width: int) -> list[Line]:
        if self._kept.answer is None or not self._kept.answer[2]:
            return self._missing(width)
        return written(tell(self._kept.answer[2], self._priced), width)

    def _others(self, width: int) -> list[Line]:
        if self._before.answer is None:
            return self._missing(width)
        rows = [
            [
                Cell(numbers.market_time(row.raised_at, "%m-%d %H:%M:%S"), "muted"),
                Cell(f"#{row.number}", "key" if row.id == self._row.id else "muted"),
                Cell(row.side.value, row.side.value.lower()),
                Cell(numbers.quantity(row.quantity)),
                Cell(self._priced(row.price)),
                Cell(row.strategy, "muted"),
                Cell(_outcome(row)),
            ]
            for row in self._before.answer
        ]
        return table(_OTHERS, rows, width) if rows else [[Cell("None is in the history yet.", "muted")]]

    def _missing(self, width: int) -> list[Line]:
        if self.problem:
            return paragraph(self.problem, width, "warning")
        text = "Reading the history …" if self._kept.waiting else "The history does not have it yet."
        return [[Cell(text, "muted")]]


class SignalDetail(Detail):
    """The page of a SignalDossier."""

    def __init__(self, stage: Stage, row: Any) -> None:
        super().__init__(stage, SignalDossier(stage, row))


_OTHERS = (
    *(Head("Time (ET)"), Head("#", priority=3), Head("Side"), Head("Qty", right=True), Head("Price", right=True, priority=1)),
    *(Head("By", priority=2), Head("Outcome")),
)
_OUTCOMES = {SignalState.SENT: "approved, and sent as an order", SignalState.SHADOW: "not sent, kept as a shadow"}


def _outcome(row: SignalRow) -> str:
    if row.state is SignalState.WAITING:
        return "waits"
    by = f" by {row.decided_by}" if row.decided_by else ""
    why = f": {row.decided_reason}" if row.decided_reason else ""
    return f"{'not sent' if row.state is SignalState.SHADOW else row.state.value.lower()}{by}{why}"


def _meant(better: float) -> str:
    """What the move since means for whoever follows the signal now: it entered better, or worse."""
    if not better:
        return ""
    return "  it went its way" if better > 0 else "  it went against it"


def _exits(bracket: Bracket, priced: Any) -> str:
    def of(leave: Exit) -> str:
        if leave.price is not None:
            return str(priced(leave.price))
        if leave.pct is not None:
            return f"{leave.pct.normalize():f}%"
        return f"trailing {priced(leave.trail)}" if leave.trail is not None else f"trailing {leave.trail_pct or 0:f}%"

    named = (("take profit", bracket.take_profit), ("stop loss", bracket.stop_loss))
    return ", ".join(f"{name} {of(leave)}" for name, leave in named if leave is not None)
