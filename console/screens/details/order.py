"""An order's whole life: its terms, where it came from, each step with its time, what hangs together with it, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from console.actions.stage import Stage
from console.screens.details.detail import Detail
from console.screens.details.dossier import EVERY_S, Dossier
from console.screens.details.story import Told, order_terms, tell, terms_of, terms_text, written
from console.screens.details.writing import Head, Section, Value, facts, moment, price, profit, table
from console.screens.dialog import Line, paragraph
from console.screens.standing import Standing
from engine.model import Source, View
from engine.model.money import WIDE, ZERO
from engine.model.orders import Terms
from engine.model.records import OrderPlaced, OrderReplaced, SignalRaised
from widgets import numbers
from widgets.cells import Cell

if TYPE_CHECKING:
    from storage.history import History
    from storage.rows import OrderRow, Step

FROM = {Source.PERSON: "you", Source.FLATTEN: "a flatten", Source.EXTERNAL: "elsewhere: it was found at the broker"}


def order_title(row: Any) -> tuple[str, str]:
    """Which order it is, and its terms."""
    terms = order_terms(row, lambda value: price(value, None))
    return f"Order #{row.number} {row.side} {numbers.quantity(row.quantity)} {row.symbol}", f"{terms} {row.tif}"


class OrderDossier(Dossier):
    """`row` is the View's row or the history's. What is newest is shown: the View knows of a step half a second before the history."""

    PANEL = "orders"

    def __init__(self, stage: Stage, row: Any) -> None:
        super().__init__(stage, *order_title(row))
        self._row = row
        self._steps: list[Step] = []
        self._trail: list[Told] = []
        self._told_with: Decimal | None = None
        self._kept = Standing(stage.archive, self._ask_kept, EVERY_S)
        self._new = Standing(stage.archive, self._ask_trail, EVERY_S)
        self.questions = [self._kept, self._new]

    async def _ask_kept(self, history: History) -> tuple[OrderRow, tuple[OrderRow, ...]] | None:
        order = await history.order(self._row.id)
        return None if order is None else (order, await history.family(order))

    async def _ask_trail(self, history: History) -> tuple[Step, ...]:
        """What was told since the last time. The signal's steps are older than the order's, so nothing comes in between later."""
        return await history.trail(self._row.id, after=self._steps[-1].seq if self._steps else 0)

    # ---- what is known

    @property
    def row(self) -> Any:
        return self._row

    @property
    def kept(self) -> OrderRow | None:
        """The order as the history has it."""
        return self._kept.answer[0] if self._kept.answer is not None else None

    def look(self, view: View) -> None:
        of_the_view = next((row for row in view.orders if row.id == self._row.id), None)
        self._row = of_the_view or self.kept or self._row
        new = [step for step in self._new.answer or () if not self._steps or step.seq > self._steps[-1].seq]
        tick = self._tick(view)
        if new or tick != self._told_with:
            self._steps += new
            self._told_with = tick
            self._trail = tell(self._steps, lambda value: price(value, tick))
        state = self._row.state
        self.summarise(Cell(state.words, "muted" if state.is_final else "accent"))

    def _tick(self, view: View) -> Decimal | None:
        tick: Decimal | None = getattr(self._row, "tick", None)
        return tick or next((row.tick for row in view.watch if row.symbol == self._row.symbol), None)

    def _priced(self, value: Decimal | None) -> str:
        return price(value, self._told_with)

    # ---- its parts

    def left(self) -> Sequence[Section]:
        parts = [Section("Terms", self._terms), Section("What came of it", self._result)]
        if family := self._family():
            parts.append(Section("Hangs together with", lambda width: table(_LEGS, family, width)))
        return parts

    def right(self) -> Sequence[Section]:
        return [Section("Its life", self._life)]

    def _terms(self, width: int) -> list[Line]:
        row, asked = self._row, getattr(self._row, "asked", None)
        now = terms_of(row)
        pairs: list[tuple[str, Value]] = [
            ("order", f"#{row.number} {row.side} {numbers.quantity(row.quantity)} {row.symbol}"),
            ("price", order_terms(row, self._priced)),
            ("time in force", f"{row.tif}{', extended hours too' if row.extended_hours else ''}"),
        ]
        first = self._first_terms()
        if first is not None and first != now:
            pairs.append(("first asked", f"{numbers.quantity(first.quantity)} {terms_text(row.type, first, self._priced)}"))
        # Of one that stands alone, what a person made of it since is no cut.
        by_now = row.quantity if first is None or row.parent or row.oco else first.quantity
        if row.requested > by_now:
            pairs.append(("requested", Cell(f"{numbers.quantity(row.requested)}: the gate or its group cut it down", "warning")))
        if asked is not None:
            pairs.append(
                ("replace asked", Cell(f"{numbers.quantity(asked.quantity)} {terms_text(row.type, asked, self._priced)}", "warning"))
            )
        if row.exit_pct is not None:
            pairs.append(("distance", f"{row.exit_pct.normalize():f}% from its entry's average"))
        pairs.append(("from", self._origin()))
        if row.reason:
            pairs.append(("reason", row.reason))
        return facts(pairs, width)

    def _first_terms(self) -> Terms | None:
        """What it was placed with, where it was replaced since."""
        if not any(isinstance(step.record, OrderReplaced) for step in self._steps):
            return None
        placed = next((step.record for step in self._steps if isinstance(step.record, OrderPlaced)), None)
        return terms_of(placed) if placed is not None else None

    def _origin(self) -> str:
        row, raised = self._row, self._raised()
        if row.parent:
            entry = next((f"#{other.number}" for other in self._relatives() if other.id == row.parent), "an entry")
            return f"an exit of {entry}"
        if row.source is Source.STRATEGY:
            return f"strategy {row.strategy}" + (f", its signal #{raised.signal.number}" if raised is not None else "")
        return FROM[row.source]

    def _raised(self) -> SignalRaised | None:
        return next((step.record for step in self._steps if isinstance(step.record, SignalRaised)), None)

    def _result(self, width: int) -> list[Line]:
        row, kept = self._row, self.kept
        pairs: list[tuple[str, Value]] = [
            ("state", f"{row.state.words}{', never sent' if row.state.is_final and not row.released else ''}"),
            ("filled", f"{numbers.quantity(row.filled)} of {numbers.quantity(row.quantity)}"),
            ("average", price(row.average, self._told_with)),
        ]
        if kept is not None:
            pairs += [
                ("value", numbers.money(kept.cost)),
                ("commission", numbers.money(kept.fees)),
                ("profit taken", profit(kept.realised) if kept.closes else "none: it only opened" if row.filled else numbers.NONE),
                ("broker's id", kept.broker_id or numbers.NONE),
                ("our id", kept.id),
            ]
        pairs += [("slippage", self._slippage()), ("placed", moment(row.created_at)), ("last change", moment(row.changed_at))]
        return facts(pairs, width)

    def _slippage(self) -> Value:
        """What the fills cost beyond the signal's price, in money and in basis points of it; of an order without a signal, beyond the
        market's when it was placed."""
        row, raised = self._row, self._raised()
        placed = next((step.record for step in self._steps if isinstance(step.record, OrderPlaced)), None)
        then, what = placed.mark if placed is not None else ZERO, "the market then"
        if raised is not None:
            then, what = raised.signal.price, "the signal's price"
        if not row.filled or row.average is None or not then:
            return numbers.NONE
        each = (row.average - then) * row.side.sign
        role = "down" if each > 0 else "up" if each < 0 else ""
        worse = "worse" if each > 0 else "better" if each < 0 else "the same"
        cost = numbers.money(abs(WIDE.multiply(each, row.filled)))
        share = f"{float(each / then) * 10_000:+.1f} bps"
        return Cell(f"{cost} {worse} than {what}, {price(then, self._told_with)} ({share})", role)

    def _relatives(self) -> Sequence[Any]:
        """The orders that hang together with this one, as the View has them where it does."""
        row, view = self._row, self.stage.view
        found: dict[str, Any] = {other.id: other for other in (self._kept.answer[1] if self._kept.answer else ())}
        families = {name for name in (row.id, row.parent, row.oco) if name}
        for other in view.orders:
            if other.id != row.id and (other.id in found or other.id == row.parent or {other.parent, other.oco} & families):
                found[other.id] = other
        return sorted(found.values(), key=lambda other: other.number)

    def _family(self) -> list[list[Cell]]:
        return [
            [
                Cell(f"#{other.number}", "muted"),
                Cell(_kin(other, self._row)),
                Cell(other.side.value, "muted" if other.state.is_final else other.side.value.lower()),
                Cell(numbers.quantity(other.quantity)),
                Cell(order_terms(other, self._priced)),
                Cell(other.state.words, "muted" if other.state.is_final else ""),
            ]
            for other in self._relatives()
        ]

    def _life(self, width: int) -> list[Line]:
        row = self._row
        trail = list(self._trail)
        if not self._steps:
            trail.append(Told(row.created_at, "placed", " ".join(order_title(row))))
        lines = written(trail, width)
        if self._behind():
            done = f", {numbers.quantity(row.filled)} filled" if row.filled else ""
            text = f"{row.state.words}{done}"
            lines += written([replace(Told(row.changed_at, "now", text), role="accent")], width)[1:]
        if self.problem:
            lines += [[], *paragraph(self.problem, width, "warning")]
        elif not self._steps and self._new.waiting:
            lines.append([Cell("Reading the history …", "muted")])
        return lines

    def _behind(self) -> bool:
        """Whether the View knows more than the history yet."""
        kept, row = self.kept, self._row
        return kept is None or (kept.state, kept.filled) != (row.state, row.filled)


class OrderDetail(Detail):
    """The page of a OrderDossier."""

    def __init__(self, stage: Stage, row: Any) -> None:
        super().__init__(stage, OrderDossier(stage, row))


def _kin(other: Any, row: Any) -> str:
    """What `other` is to `row`."""
    if other.id == row.parent:
        return "entry"
    if other.parent == row.id:
        return "exit"
    return "group" if other.oco or other.parent else "follows"


_LEGS = (Head("#"), Head("", priority=2), Head("Side"), Head("Qty", right=True), Head("Price"), Head("State", priority=1))
