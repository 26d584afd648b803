"""What each kind of record does to the history tables: one function a kind, each a few statements within the projection's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from engine.model.average_cost import NOTHING, AverageCost
from engine.model.modes import Level, TradingState
from engine.model.orders import OrderState
from engine.model.records import (
    DrawdownTripped,
    EquityMarked,
    FillBooked,
    HighWaterSet,
    LossLimitTripped,
    ModeChanged,
    Noted,
    OrderChanged,
    OrderDenied,
    OrderPlaced,
    PositionAdopted,
    RunEnded,
    RunStarted,
    SessionOpened,
    SignalDecided,
    SignalRaised,
    StrategyErrored,
    TradingStateChanged,
)
from engine.model.signals import SignalState
from storage.codec import to_json


@dataclass(frozen=True, slots=True)
class Entry:
    """Where in the journal a record stands."""

    seq: int
    run_id: str
    wall: int


def _run_started(db: sqlite3.Connection, entry: Entry, record: RunStarted) -> None:
    _insert(db, "runs", entry.seq, record.run_id, record.account, record.feed, _text(record.cash), record.at, None)
    _audit(db, entry, record, Level.INFO, "run", f"Run {record.run_id} began on {record.account}, prices from {record.feed}.")


def _run_ended(db: sqlite3.Connection, entry: Entry, record: RunEnded) -> None:
    db.execute("UPDATE runs SET ended_at = ? WHERE run_id = ?", (record.at, record.run_id))
    _audit(db, entry, record, Level.INFO, "run", f"Run {record.run_id} ended in order.")


def _session_opened(db: sqlite3.Connection, entry: Entry, record: SessionOpened) -> None:
    _insert(db, "sessions", entry.seq, entry.run_id, record.session, str(record.equity), record.at, None, None, None)


def _loss_limit_tripped(db: sqlite3.Connection, entry: Entry, record: LossLimitTripped) -> None:
    # A feed of recorded days may play a session again, so its name alone does not say which one: the latest.
    db.execute(
        "UPDATE sessions SET loss = ?, loss_limit = ?, tripped_at = ? WHERE seq = (SELECT max(seq) FROM sessions WHERE session = ?)",
        (str(record.loss), str(record.limit), record.at, record.session),
    )
    text = f"The daily loss of session {record.session}, {record.loss:f}, reached its limit of {record.limit:f}."
    _audit(db, entry, record, Level.ERROR, "risk", text)


def _order_placed(db: sqlite3.Connection, entry: Entry, record: OrderPlaced) -> None:
    order = (
        *(entry.seq, record.id, record.number, record.symbol, record.side, str(record.quantity), str(record.requested), record.type),
        *(_text(record.limit), _text(record.stop), record.tif, record.source, record.strategy, record.signal_id, record.reduce_only),
        *(str(record.mark), record.verdict.rule, record.verdict.text, OrderState.PENDING_SUBMIT, "", record.reason),
        *("0", "0", "0", record.at, record.at),
    )
    _insert(db, "orders", *order)


def _order_denied(db: sqlite3.Connection, entry: Entry, record: OrderDenied) -> None:
    intent, verdict = record.intent, record.verdict
    text = f"Denied {intent.side} {intent.quantity:f} {intent.symbol}: {verdict.text or verdict.rule}"
    detail = f"rule {verdict.rule}, limit {verdict.limit}, actual {verdict.actual}"
    _audit(db, entry, record, Level.WARNING, intent.strategy or intent.source.lower(), text, detail)


def _order_changed(db: sqlite3.Connection, entry: Entry, record: OrderChanged) -> None:
    db.execute(
        "UPDATE orders SET state = ?, broker_id = iif(? = '', broker_id, ?), reason = iif(? = '', reason, ?), changed_at = ? WHERE id = ?",
        (record.state, record.broker_id, record.broker_id, record.reason, record.reason, record.at, record.order_id),
    )


def _fill_booked(db: sqlite3.Connection, entry: Entry, record: FillBooked) -> None:
    fill = record.fill
    before = _cost(db, fill.symbol)
    after = before.booked(fill)
    _keep(db, fill.symbol, after, fill.at)
    row = (
        *(entry.seq, fill.id, fill.order_id, fill.symbol, fill.side, str(fill.quantity), str(fill.price), str(fill.cost)),
        *(str(fill.fees), str(after.realised - before.realised), fill.rule, fill.at),
    )
    _insert(db, "fills", *row)
    order = db.execute("SELECT filled, cost, fees FROM orders WHERE id = ?", (fill.order_id,)).fetchone()
    if order is not None:
        filled, cost, fees = map(Decimal, order)
        db.execute(
            "UPDATE orders SET filled = ?, cost = ?, fees = ?, changed_at = ? WHERE id = ?",
            (str(filled + fill.quantity), str(cost + fill.cost), str(fees + fill.fees), fill.at, fill.order_id),
        )


def _position_adopted(db: sqlite3.Connection, entry: Entry, record: PositionAdopted) -> None:
    _keep(db, record.symbol, _cost(db, record.symbol).adopted(record.quantity, record.average), record.at)
    text = f"Took over {record.quantity:f} {record.symbol} at {record.average:f}, traded elsewhere: {record.reason}"
    _audit(db, entry, record, Level.WARNING, "broker", text)


def _signal_raised(db: sqlite3.Connection, entry: Entry, record: SignalRaised) -> None:
    signal, verdict = record.signal, record.verdict
    row = (
        *(entry.seq, signal.id, signal.number, signal.strategy, signal.symbol, signal.side, str(signal.quantity), signal.type),
        *(_text(signal.limit), _text(signal.stop), str(signal.price), signal.strength, signal.reason, to_json(signal.votes)),
        *(signal.raised_at, verdict.rule, verdict.text, SignalState.WAITING, "", "", None, "", None),
    )
    _insert(db, "signals", *row)


def _signal_decided(db: sqlite3.Connection, entry: Entry, record: SignalDecided) -> None:
    db.execute(
        "UPDATE signals SET state = ?, decided_by = ?, decided_reason = ?, decided_price = ?, order_id = ?, decided_at = ? WHERE id = ?",
        (record.state, record.by, record.reason, _text(record.price), record.order_id, record.at, record.signal_id),
    )
    why = f": {record.reason}" if record.reason else ""
    _audit(db, entry, record, Level.INFO, record.by, f"Signal {record.signal_id} {record.state}{why}", record.order_id)


def _mode_changed(db: sqlite3.Connection, entry: Entry, record: ModeChanged) -> None:
    _audit(db, entry, record, Level.INFO, record.by, f"Mode {record.mode}")


def _trading_state_changed(db: sqlite3.Connection, entry: Entry, record: TradingStateChanged) -> None:
    level = Level.INFO if record.state is TradingState.ACTIVE else Level.WARNING
    _audit(db, entry, record, level, record.by, f"Trading {record.state}: {record.reason}")


def _drawdown_tripped(db: sqlite3.Connection, entry: Entry, record: DrawdownTripped) -> None:
    text = f"Equity of {record.equity:f} is too far under its highest, {record.high_water:f}: the drawdown limit."
    _audit(db, entry, record, Level.ERROR, "risk", text)


def _high_water_set(db: sqlite3.Connection, entry: Entry, record: HighWaterSet) -> None:
    _audit(db, entry, record, Level.WARNING, "risk", f"The drawdown limit was released: it counts from {record.equity:f} now.")


def _equity_marked(db: sqlite3.Connection, entry: Entry, record: EquityMarked) -> None:
    money = (str(amount) for amount in (record.equity, record.cash, record.realised, record.unrealised))
    _insert(db, "equity", entry.seq, entry.run_id, *money, record.at)


def _strategy_errored(db: sqlite3.Connection, entry: Entry, record: StrategyErrored) -> None:
    text = f"{record.error}{' It is disabled.' if record.disabled else ''}"
    _audit(db, entry, record, Level.ERROR, record.strategy, text, record.detail)


def _noted(db: sqlite3.Connection, entry: Entry, record: Noted) -> None:
    _audit(db, entry, record, record.level, record.source, record.text, record.detail)


Fold: TypeAlias = Callable[[sqlite3.Connection, Entry, Any], None]

FOLDS: Final[dict[type, Fold]] = {
    RunStarted: _run_started,
    RunEnded: _run_ended,
    SessionOpened: _session_opened,
    LossLimitTripped: _loss_limit_tripped,
    DrawdownTripped: _drawdown_tripped,
    HighWaterSet: _high_water_set,
    OrderPlaced: _order_placed,
    OrderDenied: _order_denied,
    OrderChanged: _order_changed,
    FillBooked: _fill_booked,
    PositionAdopted: _position_adopted,
    SignalRaised: _signal_raised,
    SignalDecided: _signal_decided,
    ModeChanged: _mode_changed,
    TradingStateChanged: _trading_state_changed,
    EquityMarked: _equity_marked,
    StrategyErrored: _strategy_errored,
    Noted: _noted,
}
"""Total like the engine's own reading of its records: news of an unknown order or signal, or a second one under a known id, is let pass."""


def _insert(db: sqlite3.Connection, table: str, *values: object) -> None:
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING", values)


def _audit(db: sqlite3.Connection, entry: Entry, record: Any, level: Level, source: str, text: str, detail: str = "") -> None:
    _insert(db, "audit", entry.seq, entry.wall, record.at, type(record).__name__, level, source, text, detail)


def _cost(db: sqlite3.Connection, symbol: str) -> AverageCost:
    row = db.execute("SELECT quantity, basis, realised, fees FROM positions WHERE symbol = ?", (symbol,)).fetchone()
    return AverageCost(*map(Decimal, row)) if row is not None else NOTHING


def _keep(db: sqlite3.Connection, symbol: str, cost: AverageCost, at: int) -> None:
    db.execute(
        "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?)",
        (symbol, str(cost.quantity), str(cost.basis), str(cost.realised), str(cost.fees), at),
    )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
