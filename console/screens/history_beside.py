"""What stands beside the history's list of the row under the cursor: an order's life, a signal's trail, a session's equity and results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from console.actions.stage import Stage
from console.performance import Account, curve, figures, results, together
from console.performance import ask_session as account_of
from console.screens.beside import Beside
from console.screens.details.dossier import Dossier
from console.screens.details.order import OrderDossier
from console.screens.details.rows import traceback_lines
from console.screens.details.signal import SignalDossier
from console.screens.details.writing import Section, Value, facts, moment, price, profit
from console.screens.dialog import Line, paragraph
from console.screens.history_tables import FillsTab, HistoryTable, OrdersTab, RunsTab, SessionsTab, SignalsTab
from console.screens.performance import points_of, results_lines, traded
from console.screens.standing import Standing
from engine.model import Level, View
from widgets import numbers
from widgets.cells import Cell

if TYPE_CHECKING:
    from storage.history import History
    from storage.rows import AuditRow, FillRow, OrderRow, RunRow, SessionRow

EVERY_S = 5.0
SECOND = 1_000_000_000
EMPTY = "All about the row under the cursor stands here."


class HistoryBeside:
    """Fills `beside` with what is known of the row under a table's cursor, and keeps it up to date."""

    def __init__(self, stage: Stage, beside: Beside) -> None:
        self._stage = stage
        self._beside = beside
        self._of: tuple[str, str] | None = None
        self._dossier: Dossier | None = None

    def look(self, table: HistoryTable) -> None:
        """To be called with each frame while there is room for it."""
        row = table.cursor_row
        of = (table.NAME, "" if row is None else table.key_of(row))
        if of != self._of:
            self.close()
            self._of = of
            self._dossier = None if row is None else dossier_of(self._stage, table, row)
            if self._dossier is None:
                self._beside.say(table.NAME, EMPTY)
        dossier = self._dossier
        if dossier is not None and dossier.news():
            self._beside.tell(dossier.title, dossier.more, dossier.lines)
            self._beside.document.set_summary(*dossier.summary)
            if isinstance(dossier, SessionDossier):
                dossier.draw(self._beside)

    def close(self) -> None:
        """Nobody reads it: nothing is asked for it any more."""
        if self._dossier is not None:
            self._dossier.close()
        self._of = self._dossier = None


def dossier_of(stage: Stage, table: HistoryTable, row: Any) -> Dossier:
    """All that is known of a `row` of `table`."""
    if isinstance(table, OrdersTab):
        return OrderDossier(stage, row)
    if isinstance(table, SignalsTab):
        return SignalDossier(stage, row)
    if isinstance(table, FillsTab):
        return FillDossier(stage, row)
    if isinstance(table, SessionsTab):
        return SessionDossier(stage, row)
    return RunDossier(stage, row) if isinstance(table, RunsTab) else LineDossier(stage, row)


class RunDossier(Dossier):
    """A start of the engine, and how it ended."""

    def __init__(self, stage: Stage, run: RunRow) -> None:
        super().__init__(stage, f"Run {run.run_id}")
        self._run = run

    @property
    def row(self) -> Any:
        return self._run

    def lines(self, width: int) -> list[Line]:
        run = self._run
        ended: Value = Cell("it runs, or it crashed", "warning") if run.ended_at is None else moment(run.ended_at)
        pairs: list[tuple[str, Value]] = [
            ("began", moment(run.started_at)),
            ("ended", ended),
            (
                "lasted",
                numbers.NONE if run.ended_at is None else f"{numbers.age((run.ended_at - run.started_at) // SECOND)} of market time",
            ),
            ("account", run.account),
            ("prices from", run.feed),
            ("opening cash", numbers.money(run.cash)),
        ]
        text = f"In the list {self.stage.keys.names['replay_run']} plays it back: every panel as it was, at the speed of then."
        return [*facts(pairs, width), [], *paragraph(text, width, "muted")]


class LineDossier(Dossier):
    """A line of the audit, whole."""

    def __init__(self, stage: Stage, line: AuditRow) -> None:
        super().__init__(stage, "Line of the audit")
        self._line = line

    @property
    def row(self) -> Any:
        return self._line

    def lines(self, width: int) -> list[Line]:
        line = self._line
        role = {Level.INFO: "", Level.WARNING: "warning", Level.ERROR: "error"}[line.level]
        pairs: list[tuple[str, Value]] = [
            ("at", moment(line.at)),
            ("on your clock", numbers.wall_time(line.wall, "%Y-%m-%d %H:%M:%S")),
            ("by", line.source),
            ("symbol", line.symbol or numbers.NONE),
            ("level", line.level.name.lower()),
        ]
        told = [drawn for text in line.text.split("\n") for drawn in paragraph(text, width, role)]
        return [*facts(pairs, width), [], *told, *([[]] * bool(line.detail)), *traceback_lines(line.detail, width)]


class FillDossier(Dossier):
    """A fill, and the order that it is of."""

    def __init__(self, stage: Stage, fill: FillRow) -> None:
        super().__init__(stage, f"Fill {fill.side} {numbers.quantity(fill.quantity)} {fill.symbol}", f"@ {price(fill.price, None)}")
        self._fill = fill
        self._asked = Standing(stage.archive, self._ask)
        self._order: OrderDossier | None = None
        self.questions = [self._asked]

    async def _ask(self, history: History) -> tuple[OrderRow, ...]:
        """One order or none: None is what was not answered yet."""
        order = await history.order(self._fill.order_id)
        return () if order is None else (order,)

    @property
    def row(self) -> Any:
        return self._fill

    def look(self, view: View) -> None:
        if self._order is None and self._asked.answer:
            self._order = OrderDossier(self.stage, self._asked.answer[0])
            self.questions += self._order.questions
        if self._order is not None:
            self._order.look(view)
            self.summarise(*self._order.summary)

    def left(self) -> Sequence[Section]:
        parts = [Section("Fill", self._facts)]
        if self._order is not None:
            return [*parts, *self._order.left()]
        text = self.problem or ("Reading the history …" if self._asked.waiting else "The history has no order of it.")
        return [*parts, Section("Its order", lambda width: paragraph(text, width, "muted"))]

    def right(self) -> Sequence[Section]:
        return self._order.right() if self._order is not None else []

    def _facts(self, width: int) -> list[Line]:
        fill = self._fill
        pairs: list[tuple[str, Value]] = [
            ("at", moment(fill.at)),
            ("price", price(fill.price, None)),
            ("value", numbers.money(fill.cost)),
            ("realised", [profit(fill.realised), Cell("  less its fees", "muted")]),
            ("fees", numbers.money(fill.fees)),
            ("rule", "a correction of the broker's" if fill.corrects else fill.rule or numbers.NONE),
        ]
        return facts(pairs, width)


class SessionDossier(Dossier):
    """A trading day: its equity, its figures, and what each symbol and strategy brought."""

    def __init__(self, stage: Stage, session: SessionRow) -> None:
        super().__init__(stage, f"Session {session.session}")
        self._session = session
        self._asked = Standing(stage.archive, self._ask, EVERY_S)
        self.questions = [self._asked]

    async def _ask(self, history: History) -> Account:
        return await account_of(history, self._session.session, self._session.equity)

    @property
    def row(self) -> Any:
        return self._session

    def draw(self, beside: Beside) -> None:
        """Its equity over the text."""
        account = self._asked.answer
        empty = self.problem or ("Reading the history …" if account is None else "Of this session no more than one point is kept.")
        marks = () if account is None else curve(account, None)
        beside.curve.display = True
        beside.curve.show_points(points_of(marks), empty, "%H:%M")
        made = None if account is None else figures(account, None).profit
        beside.curve.set_summary(*([] if made is None else [profit(made)]))

    def left(self) -> Sequence[Section]:
        account = self._asked.answer
        if account is None:
            text = self.problem or "Reading the history …"
            return [Section("Figures", lambda width: paragraph(text, width, "muted"))]
        return [Section("Figures", lambda width: self._figures(account, width))]

    def right(self) -> Sequence[Section]:
        account = self._asked.answer
        if account is None:
            return []
        by_symbol, by_strategy = results(account.earned, "symbol", {}), results(account.earned, "strategy", {})
        return [
            Section("By symbol, best first", lambda width: results_lines(by_symbol, "Symbol", width, past=True)),
            Section("By strategy, best first", lambda width: results_lines(by_strategy, "Strategy", width, past=True)),
        ]

    def _figures(self, account: Account, width: int) -> list[Line]:
        row, now, whole = self._session, figures(account, None), together(account.earned)
        pairs: list[tuple[str, Value]] = [
            ("opened", moment(row.at)),
            ("opening equity", numbers.money(row.equity)),
            ("last equity", numbers.money(now.equity)),
            ("profit", profit(now.profit)),
            ("return", Cell(numbers.change(now.total), numbers.change_direction(now.total))),
            ("max drawdown", f"{now.drawdown:.2%}  {numbers.money(now.fell)}" if now.fell else "none"),
            *traded(whole),
        ]
        if row.tripped_at is not None:
            tripped = f"lost {numbers.money(row.loss)} of {numbers.money(row.loss_limit)} at {numbers.market_time(row.tripped_at)}"
            pairs.append(("loss limit", Cell(tripped, "error")))
        return facts(pairs, width)
