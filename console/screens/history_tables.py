"""The tabs of the history: which rows each asks for and how it shows them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from console.day_filter import Narrowed
from console.pager import PAGE
from console.screens.details.story import order_terms
from console.screens.details.writing import moment, price, profit
from engine.model import Level, View
from engine.model.signals import SignalState
from widgets import numbers
from widgets.cells import UNLIMITED, Cell, Forms, pieces
from widgets.columns import Column
from widgets.table import LiveTable

if TYPE_CHECKING:
    from storage.history import History
    from storage.rows import AuditRow, FillRow, OrderRow, RunRow, SessionRow, SignalRow


class HistoryTable(LiveTable[Any], inherit_bindings=False):
    """One tab. `ask` is called on the archive's thread."""

    NAME: ClassVar[str]
    BY_SYMBOL: ClassVar[bool] = True
    """Whether its rows are about a symbol, and can be asked for by it."""

    def ask(self, history: History, narrowed: Narrowed, before: int | None) -> Awaitable[Sequence[Any]]:
        """A page of rows."""
        raise NotImplementedError

    def key_of(self, row: Any) -> str:
        return str(row.seq)

    def show(self, view: View) -> None:
        """The history is no part of the View."""

    def line(self, row: Any) -> str:
        """The row as text, column by column."""
        return "\t".join("".join(piece.text for piece in pieces(column.cell(row), UNLIMITED)) for column in self.COLUMNS)


def _time(at: int) -> Cell:
    return Cell(numbers.market_time(at, "%Y-%m-%d %H:%M:%S"), "muted")


def _side(row: Any) -> Cell:
    return Cell(row.side.value, row.side.value.lower())


def _quantity(value: Decimal) -> Cell:
    return Cell(numbers.quantity(value))


def _terms(row: Any) -> Cell:
    return Cell(order_terms(row, lambda value: price(value, None)))


def _state(row: OrderRow) -> Cell:
    return Cell(row.state.words, "" if row.state.is_final else "accent")


def _taken(row: OrderRow) -> Cell:
    return profit(row.realised) if row.closes else Cell(numbers.NONE, "muted")


def _order_from(row: OrderRow) -> Forms:
    """Who sent it, and, where there is room for all of it, why."""
    who = row.strategy or row.source.value.lower()
    return Forms(Cell(" · ".join(filter(None, (who, row.reason))), "muted"), Cell(who, "muted"))


class OrdersTab(HistoryTable, inherit_bindings=False):
    NAME = "Orders"
    EMPTY = "No orders. One stands here as soon as it is on disk, before it is sent: {buy} buys, {order_line} opens the order line."
    COLUMNS = (
        Column[Any]("Placed (ET)", lambda row: _time(row.created_at), 19, priority=4),
        Column[Any]("#", lambda row: Cell(f"#{row.number}", "muted"), 4, "right", grow=8, priority=6),
        Column[Any]("Side", _side, 4),
        Column[Any]("Qty", lambda row: _quantity(row.quantity), 4, "right", grow=12),
        Column[Any]("Symbol", lambda row: Cell(row.symbol), 6, grow=12),
        Column[Any]("Terms", _terms, 13, grow=48, priority=2),
        Column[Any]("TIF", lambda row: Cell(row.tif.value, "muted"), 3, priority=7),
        Column[Any]("State", lambda row: Cell(row.state.words, "" if row.state.is_final else "accent"), 8, grow=15),
        Column[Any]("Filled", lambda row: _quantity(row.filled), 6, "right", grow=12, priority=3),
        Column[Any]("Average", lambda row: Cell(price(row.average, None)), 8, "right", grow=14, priority=1),
        Column[Any]("Realised", _taken, 9, "right", grow=16, priority=5),
        Column[Any]("From", _order_from, 8, flex=1, grow=60, priority=8),
    )

    def ask(self, history: History, narrowed: Narrowed, before: int | None) -> Awaitable[Sequence[OrderRow]]:
        return history.orders(before=before, limit=PAGE, symbol=narrowed.symbol, since=narrowed.since, until=narrowed.until)


class FillsTab(HistoryTable, inherit_bindings=False):
    NAME = "Fills"
    EMPTY = "No fills. Each execution of an order stands here, with what it took and cost."
    COLUMNS = (
        Column[Any]("Time (ET)", lambda row: _time(row.at), 19, priority=2),
        Column[Any]("Side", _side, 4),
        Column[Any]("Qty", lambda row: _quantity(row.quantity), 4, "right", grow=12),
        Column[Any]("Symbol", lambda row: Cell(row.symbol), 6, grow=12),
        Column[Any]("Price", lambda row: Cell(price(row.price, None)), 8, "right", grow=14),
        Column[Any]("Value", lambda row: Cell(numbers.money(row.cost), "muted"), 9, "right", grow=18, priority=4),
        Column[Any]("Realised", lambda row: profit(row.realised), 9, "right", grow=16, priority=1),
        Column[Any]("Fees", lambda row: Cell(numbers.money(row.fees), "muted"), 5, "right", grow=12, priority=3),
        Column[Any]("Order", lambda row: Cell(row.order_id, "muted"), 6, grow=24, priority=6),
        Column[Any]("Rule", lambda row: Cell("correction" if row.corrects else row.rule, "muted"), 8, grow=24, priority=5),
    )

    def ask(self, history: History, narrowed: Narrowed, before: int | None) -> Awaitable[Sequence[FillRow]]:
        return history.fills(before=before, limit=PAGE, symbol=narrowed.symbol, since=narrowed.since, until=narrowed.until)


def _outcome(row: SignalRow) -> Sequence[Cell]:
    waits = row.state is SignalState.WAITING
    word = "not sent" if row.state is SignalState.SHADOW else row.state.value.lower()
    by = f" by {row.decided_by}" if row.decided_by else ""
    why = f": {row.decided_reason}" if row.decided_reason else ""
    return (Cell(word, "accent" if waits else "error" if row.state is SignalState.DENIED else ""), Cell(f"{by}{why}", "muted"))


class SignalsTab(HistoryTable, inherit_bindings=False):
    NAME = "Signals"
    EMPTY = "No signals. What strategies propose stands here, with who decided and why: start with --strategy sma_cross to have one."
    COLUMNS = (
        Column[Any]("Raised (ET)", lambda row: _time(row.raised_at), 19, priority=3),
        Column[Any]("#", lambda row: Cell(f"#{row.number}", "muted"), 4, "right", grow=8, priority=6),
        Column[Any]("Side", _side, 4),
        Column[Any]("Qty", lambda row: _quantity(row.quantity), 4, "right", grow=12),
        Column[Any]("Symbol", lambda row: Cell(row.symbol), 6, grow=12),
        Column[Any]("Price", lambda row: Cell(price(row.price, None)), 8, "right", grow=14, priority=2),
        Column[Any]("Conf", lambda row: Cell(numbers.NONE if row.strength is None else f"{row.strength:.0%}"), 4, "right", priority=5),
        Column[Any]("By", lambda row: Cell(row.strategy, "muted"), 8, grow=16, priority=4),
        Column[Any]("Outcome", _outcome, 26, flex=1),
    )

    def ask(self, history: History, narrowed: Narrowed, before: int | None) -> Awaitable[Sequence[SignalRow]]:
        return history.signals(before=before, limit=PAGE, symbol=narrowed.symbol, since=narrowed.since, until=narrowed.until)


def _tripped(row: SessionRow) -> Cell:
    if row.tripped_at is None:
        return Cell(numbers.NONE, "muted")
    return Cell(f"lost {numbers.money(row.loss)} of {numbers.money(row.loss_limit)} at {numbers.market_time(row.tripped_at)}", "error")


class SessionsTab(HistoryTable, inherit_bindings=False):
    NAME = "Sessions"
    BY_SYMBOL = False
    EMPTY = "No sessions. A trading day stands here once it opened, with the equity its loss limit counts from."
    COLUMNS = (
        Column[Any]("Session", lambda row: Cell(row.session), 10, grow=14),
        Column[Any]("Opened (ET)", lambda row: _time(row.at), 19, priority=2),
        Column[Any]("Opening equity", lambda row: Cell(numbers.money(row.equity)), 14, "right", grow=20),
        Column[Any]("Run", lambda row: Cell(row.run_id, "muted"), 8, grow=20, priority=3),
        Column[Any]("Loss limit", _tripped, 10, grow=48, priority=1),
    )

    def ask(self, history: History, narrowed: Narrowed, before: int | None) -> Awaitable[Sequence[SessionRow]]:
        return history.sessions(before=before, limit=PAGE, since=narrowed.since, until=narrowed.until)


def _ended(row: RunRow) -> Cell:
    return Cell(moment(row.ended_at), "muted") if row.ended_at is not None else Cell("runs or crashed", "warning")


class RunsTab(HistoryTable, inherit_bindings=False):
    NAME = "Runs"
    BY_SYMBOL = False
    EMPTY = "No runs. Each start of the engine stands here, and how it ended."
    COLUMNS = (
        Column[Any]("Began (ET)", lambda row: _time(row.started_at), 19),
        Column[Any]("Run", lambda row: Cell(row.run_id), 8, grow=24),
        Column[Any]("Account", lambda row: Cell(row.account), 7, grow=12, priority=1),
        Column[Any]("Prices from", lambda row: Cell(row.feed), 11, grow=40, priority=2),
        Column[Any]("Opening cash", lambda row: Cell(numbers.money(row.cash)), 12, "right", grow=20, priority=3),
        Column[Any]("Ended", _ended, 15, flex=1),
    )

    def ask(self, history: History, narrowed: Narrowed, before: int | None) -> Awaitable[Sequence[RunRow]]:
        return history.runs(before=before, limit=PAGE, since=narrowed.since, until=narrowed.until)


_LEVELS = {Level.INFO: ("", ""), Level.WARNING: ("! ", "warning"), Level.ERROR: ("✗ ", "error")}


def _said(row: AuditRow) -> Cell:
    mark, role = _LEVELS[row.level]
    return Cell(f"{mark}{row.text}", role)


class AuditTab(HistoryTable, inherit_bindings=False):
    NAME = "Audit"
    EMPTY = "No lines. Whatever was decided, denied or changed stands here, with who did it."
    COLUMNS = (
        Column[Any]("Time (ET)", lambda row: _time(row.at), 19),
        Column[Any]("By", lambda row: Cell(row.source, "muted"), 6, grow=14, priority=1),
        Column[Any]("Symbol", lambda row: Cell(row.symbol), 6, grow=12, priority=2),
        Column[Any]("What", _said, 20, flex=1),
    )

    def ask(self, history: History, narrowed: Narrowed, before: int | None) -> Awaitable[Sequence[AuditRow]]:
        return history.audit(before=before, limit=PAGE, symbol=narrowed.symbol, since=narrowed.since, until=narrowed.until)


TABS: tuple[type[HistoryTable], ...] = (OrdersTab, FillsTab, SignalsTab, SessionsTab, RunsTab, AuditTab)
