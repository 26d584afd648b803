"""What each kind of record does to the history tables: one function a kind, each a few statements within the projection's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from msgspec import Struct

from engine.model.modes import Level, TradingState
from engine.model.money import ZERO
from engine.model.orders import OrderState
from engine.model.records import (
    BreakerReset,
    CashMoved,
    Checkpoint,
    CircuitTripped,
    DividendBooked,
    DrawdownTripped,
    EquityMarked,
    FillBooked,
    FillCorrected,
    HaltChanged,
    HighWaterSet,
    LimitsChanged,
    LossLimitTripped,
    ModeChanged,
    Noted,
    OrderChanged,
    OrderDenied,
    OrderPlaced,
    OrderReleased,
    OrderReplaced,
    OrderTrailed,
    PositionAccepted,
    PositionAdopted,
    ReplaceAsked,
    RunEnded,
    RunStarted,
    SessionOpened,
    SignalDecided,
    SignalRaised,
    SplitBooked,
    StrategyErrored,
    StrategyLossTripped,
    StrategyTripped,
    SymbolLossTripped,
    SymbolWatched,
    TradingStateChanged,
)
from engine.model.signals import SignalState
from storage.books import NO_TRADES, Booking, Trades, book, cost_of, session_of, trade
from storage.codec import to_json

CHECKPOINTS_APART: Final = 50_000
"""Entries of the journal between two checkpoints that are kept: read in a second, and each takes less room than they do."""


class Entry(Struct, frozen=True):
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
    waits = bool(record.parent or record.succeeds)
    order = (
        *(entry.seq, record.id, record.number, record.symbol, record.side, str(record.quantity), str(record.requested), record.type),
        *(_text(record.limit), _text(record.stop), record.tif, record.source, record.strategy, record.signal_id, record.reduce_only),
        *(str(record.mark), record.verdict.rule, record.verdict.text),
        *(OrderState.HELD if waits else OrderState.PENDING_SUBMIT, "", record.reason),
        *("0", "0", "0", record.at, record.at, _text(record.trail), _text(record.trail_pct), record.extended_hours),
        *(record.parent, record.oco, _text(record.exit_pct), not waits, record.succeeds, "0", False),
    )
    _insert(db, "orders", *order)
    _trace(db, entry, record.id)


def _order_denied(db: sqlite3.Connection, entry: Entry, record: OrderDenied) -> None:
    intent, verdict = record.intent, record.verdict
    text = f"Denied {intent.side} {intent.quantity:f} {intent.symbol}: {verdict.text or verdict.rule}"
    detail = f"rule {verdict.rule}, limit {verdict.limit}, actual {verdict.actual}"
    _audit(db, entry, record, Level.WARNING, intent.strategy or intent.source.lower(), text, detail, intent.symbol)
    if intent.signal_id:
        _trace(db, entry, intent.signal_id)


def _order_changed(db: sqlite3.Connection, entry: Entry, record: OrderChanged) -> None:
    db.execute(
        "UPDATE orders SET state = ?, broker_id = iif(? = '', broker_id, ?), reason = iif(? = '', reason, ?), changed_at = ? WHERE id = ?",
        (record.state, record.broker_id, record.broker_id, record.reason, record.reason, record.at, record.order_id),
    )
    _trace(db, entry, record.order_id)


def _order_released(db: sqlite3.Connection, entry: Entry, record: OrderReleased) -> None:
    db.execute(
        'UPDATE orders SET quantity = ?, "limit" = ?, stop = ?, released = 1, state = ?, changed_at = ? WHERE id = ?',
        (str(record.quantity), _text(record.limit), _text(record.stop), OrderState.PENDING_SUBMIT, record.at, record.order_id),
    )
    _trace(db, entry, record.order_id)


def _order_trailed(db: sqlite3.Connection, entry: Entry, record: OrderTrailed) -> None:
    db.execute("UPDATE orders SET stop = ? WHERE id = ?", (str(record.stop), record.order_id))
    _trace(db, entry, record.order_id)


def _replace_asked(db: sqlite3.Connection, entry: Entry, record: ReplaceAsked) -> None:
    db.execute("UPDATE orders SET exit_pct = ? WHERE id = ?", (_text(record.exit_pct), record.order_id))
    _trace(db, entry, record.order_id)


def _order_replaced(db: sqlite3.Connection, entry: Entry, record: OrderReplaced) -> None:
    terms = record.terms
    db.execute(
        'UPDATE orders SET quantity = ?, "limit" = ?, stop = ?, trail = ?, trail_pct = ?, exit_pct = ?, changed_at = ? WHERE id = ?',
        (
            *(str(terms.quantity), *map(_text, (terms.limit, terms.stop, terms.trail, terms.trail_pct, record.exit_pct))),
            *(record.at, record.order_id),
        ),
    )
    _trace(db, entry, record.order_id)


def _fill_booked(db: sqlite3.Connection, entry: Entry, record: FillBooked) -> None:
    fill = record.fill
    before = cost_of(db, fill.symbol)
    after = before.booked(fill)
    took = Took(fill.quantity, fill.cost, fill.fees, after.realised - before.realised, before.quantity * fill.side.sign < 0)
    strategy, trades = _filled(db, fill.order_id, took, fill.at)
    realised = book(db, fill.symbol, before, after, fill.at, Booking(strategy, 1, fill.quantity, trades))
    row = (
        *(entry.seq, fill.id, fill.order_id, fill.symbol, fill.side, str(fill.quantity), str(fill.price), str(fill.cost)),
        *(str(fill.fees), str(realised), fill.rule, fill.at, False, str(fill.shares)),
    )
    _insert(db, "fills", *row)
    _trace(db, entry, fill.order_id)


def _fill_corrected(db: sqlite3.Connection, entry: Entry, record: FillCorrected) -> None:
    """A row of differences, so that an order's rows still add up to what it filled."""
    before = cost_of(db, record.symbol)
    after = before.corrected(record.side, record.quantity, record.cost, record.fees, record.realised)
    took = Took(record.quantity, record.cost, record.fees, after.realised - before.realised, False)
    strategy, trades = _filled(db, record.order_id, took, record.at)
    realised = book(db, record.symbol, before, after, record.at, Booking(strategy, 0, record.quantity, trades))
    price = record.cost / record.quantity if record.quantity else ZERO
    row = (
        *(entry.seq, f"{record.order_id}/corrected", record.order_id, record.symbol, record.side, str(record.quantity), str(price)),
        *(str(record.cost), str(record.fees), str(realised), "", record.at, True, str(record.quantity)),
    )
    _insert(db, "fills", *row)
    _trace(db, entry, record.order_id)
    _audit(db, entry, record, Level.WARNING, "broker", f"The broker corrected fills of {record.symbol}: {record.reason}", record.order_id)


def _split_booked(db: sqlite3.Connection, entry: Entry, record: SplitBooked) -> None:
    before = cost_of(db, record.symbol)
    book(db, record.symbol, before, before.split(record.quantity, record.cash), record.at, Booking())
    _insert(db, "adjustments", entry.seq, record.symbol, str(record.ratio), "0", "0", record.at)
    text = f"{record.symbol} was split, {record.ratio:f} for one: {record.quantity:f} are held, {record.cash:f} was paid for a fraction."
    _audit(db, entry, record, Level.INFO, "market", text)


def _dividend_booked(db: sqlite3.Connection, entry: Entry, record: DividendBooked) -> None:
    before = cost_of(db, record.symbol)
    book(db, record.symbol, before, before.paid(record.cash), record.at, Booking())
    text = f"Dividend of {record.amount:f} a share on {record.quantity:f} {record.symbol}: {record.cash:f}."
    _audit(db, entry, record, Level.INFO, "market", text)


def _cash_moved(db: sqlite3.Connection, entry: Entry, record: CashMoved) -> None:
    _insert(db, "flows", entry.seq, session_of(db), str(record.amount), record.reason, record.at)
    _audit(db, entry, record, Level.INFO, "broker", f"Cash changed by {record.amount:f} without a trade: {record.reason}")


def _position_adopted(db: sqlite3.Connection, entry: Entry, record: PositionAdopted) -> None:
    before = cost_of(db, record.symbol)
    book(db, record.symbol, before, before.adopted(record.quantity, record.average), record.at, Booking())
    _insert(db, "adjustments", entry.seq, record.symbol, "1", str(record.quantity), str(record.average), record.at)
    text = f"Took over {record.quantity:f} {record.symbol} at {record.average:f}, traded elsewhere: {record.reason}"
    _audit(db, entry, record, Level.WARNING, "broker", text)


def _position_accepted(db: sqlite3.Connection, entry: Entry, record: PositionAccepted) -> None:
    before = cost_of(db, record.symbol)
    book(db, record.symbol, before, before.booked(record.fill), record.at, Booking())
    _insert(db, "adjustments", entry.seq, record.symbol, "1", str(record.quantity), str(record.fill.price), record.at)
    text = f"The broker's figure for {record.symbol} was accepted, {record.quantity:+f} for {record.money:f}: {record.reason}"
    _audit(db, entry, record, Level.WARNING, "you", text)


def _signal_raised(db: sqlite3.Connection, entry: Entry, record: SignalRaised) -> None:
    signal, verdict = record.signal, record.verdict
    row = (
        *(entry.seq, signal.id, signal.number, signal.strategy, signal.symbol, signal.side, str(signal.quantity), signal.type),
        *(_text(signal.limit), _text(signal.stop), str(signal.price), signal.strength, signal.reason, to_json(signal.votes)),
        *(signal.raised_at, verdict.rule, verdict.text, SignalState.WAITING, "", "", None, "", None),
        *(signal.tif, _text(signal.trail), _text(signal.trail_pct), to_json(signal.bracket) if signal.bracket else None),
    )
    _insert(db, "signals", *row)
    _trace(db, entry, signal.id)


def _signal_decided(db: sqlite3.Connection, entry: Entry, record: SignalDecided) -> None:
    db.execute(
        "UPDATE signals SET state = ?, decided_by = ?, decided_reason = ?, decided_price = ?, order_id = ?, decided_at = ? WHERE id = ?",
        (record.state, record.by, record.reason, _text(record.price), record.order_id, record.at, record.signal_id),
    )
    why = f": {record.reason}" if record.reason else ""
    signal = db.execute("SELECT symbol FROM signals WHERE id = ?", (record.signal_id,)).fetchone()
    text = f"Signal {record.signal_id} {record.state}{why}"
    _audit(db, entry, record, Level.INFO, record.by, text, record.order_id, signal[0] if signal is not None else "")
    _trace(db, entry, record.signal_id)


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


def _circuit_tripped(db: sqlite3.Connection, entry: Entry, record: CircuitTripped) -> None:
    text = f"A loss of {record.loss:f} within {record.minutes} minutes reached the circuit breaker's limit of {record.limit:f}."
    _audit(db, entry, record, Level.ERROR, "risk", text)


def _strategy_loss_tripped(db: sqlite3.Connection, entry: Entry, record: StrategyLossTripped) -> None:
    text = f"{record.strategy} lost {record.loss:f} in session {record.session}, its limit is {record.limit:f}: it enters no more in it."
    _audit(db, entry, record, Level.ERROR, "risk", text)


def _strategy_tripped(db: sqlite3.Connection, entry: Entry, record: StrategyTripped) -> None:
    since = f"within {record.minutes} minutes" if record.minutes else "under its highest profit"
    text = f"{record.strategy} fell by {record.fell:f} {since}, its limit is {record.limit:f}: it enters no more until a person's word."
    _audit(db, entry, record, Level.ERROR, "risk", text)


def _symbol_loss_tripped(db: sqlite3.Connection, entry: Entry, record: SymbolLossTripped) -> None:
    text = f"{record.symbol} lost {record.loss:f} in session {record.session}, its limit is {record.limit:f}: it is entered no more in it."
    _audit(db, entry, record, Level.ERROR, "risk", text)


def _halt_changed(db: sqlite3.Connection, entry: Entry, record: HaltChanged) -> None:
    what = "was halted" if record.halted else "trades again"
    _audit(db, entry, record, Level.WARNING if record.halted else Level.INFO, "market", f"{record.symbol} {what}: {record.reason}")


def _symbol_watched(db: sqlite3.Connection, entry: Entry, record: SymbolWatched) -> None:
    _audit(db, entry, record, Level.INFO, "you", f"{record.symbol} is {'watched' if record.watched else 'watched no longer'}.")


def _limits_changed(db: sqlite3.Connection, entry: Entry, record: LimitsChanged) -> None:
    why = f": {record.reason}" if record.reason else ""
    _audit(db, entry, record, Level.WARNING if record.loosened else Level.INFO, "you", f"Changed limits, {record.changes}{why}")


def _breaker_reset(db: sqlite3.Connection, entry: Entry, record: BreakerReset) -> None:
    _audit(db, entry, record, Level.WARNING, "you", f"Released the {record.name}: {record.reason}")


def _equity_marked(db: sqlite3.Connection, entry: Entry, record: EquityMarked) -> None:
    money = (str(amount) for amount in (record.equity, record.cash, record.realised, record.unrealised))
    _insert(db, "equity", entry.seq, entry.run_id, *money, record.at, entry.wall)
    session, equity = session_of(db), record.equity
    day = db.execute("SELECT open, high, low FROM equity_days WHERE session = ?", (session,)).fetchone()
    opened, high, low = map(Decimal, day) if day is not None else (equity, equity, equity)
    row = (session, str(opened), str(max(high, equity)), str(min(low, equity)), str(equity), record.at)
    db.execute("INSERT OR REPLACE INTO equity_days VALUES (?, ?, ?, ?, ?, ?)", row)


def _strategy_errored(db: sqlite3.Connection, entry: Entry, record: StrategyErrored) -> None:
    text = f"{record.error}{' It is disabled.' if record.disabled else ''}"
    _audit(db, entry, record, Level.ERROR, record.strategy, text, record.detail)


def _noted(db: sqlite3.Connection, entry: Entry, record: Noted) -> None:
    _audit(db, entry, record, record.level, record.source, record.text, record.detail)


def _checkpoint(db: sqlite3.Connection, entry: Entry, record: Checkpoint) -> None:
    """The engine's start reads the newest. Of the others those stay that are far enough apart for a replay to begin from: more would only
    fill the disk."""
    before = "SELECT coalesce(max(seq), 0) FROM journal WHERE kind = 'Checkpoint' AND seq < ?"
    (newest,) = db.execute(before, (entry.seq,)).fetchone()
    (older,) = db.execute(before, (newest,)).fetchone()
    if newest - older < CHECKPOINTS_APART:
        db.execute("DELETE FROM journal WHERE kind = 'Checkpoint' AND seq = ?", (newest,))


Fold: TypeAlias = Callable[[sqlite3.Connection, Entry, Any], None]

FOLDS: Final[dict[type, Fold]] = {
    RunStarted: _run_started,
    RunEnded: _run_ended,
    SessionOpened: _session_opened,
    LossLimitTripped: _loss_limit_tripped,
    DrawdownTripped: _drawdown_tripped,
    HighWaterSet: _high_water_set,
    CircuitTripped: _circuit_tripped,
    StrategyLossTripped: _strategy_loss_tripped,
    StrategyTripped: _strategy_tripped,
    SymbolLossTripped: _symbol_loss_tripped,
    HaltChanged: _halt_changed,
    SymbolWatched: _symbol_watched,
    LimitsChanged: _limits_changed,
    BreakerReset: _breaker_reset,
    OrderPlaced: _order_placed,
    OrderDenied: _order_denied,
    OrderChanged: _order_changed,
    OrderReleased: _order_released,
    OrderTrailed: _order_trailed,
    ReplaceAsked: _replace_asked,
    OrderReplaced: _order_replaced,
    FillBooked: _fill_booked,
    FillCorrected: _fill_corrected,
    SplitBooked: _split_booked,
    DividendBooked: _dividend_booked,
    CashMoved: _cash_moved,
    PositionAdopted: _position_adopted,
    PositionAccepted: _position_accepted,
    SignalRaised: _signal_raised,
    SignalDecided: _signal_decided,
    ModeChanged: _mode_changed,
    TradingStateChanged: _trading_state_changed,
    EquityMarked: _equity_marked,
    StrategyErrored: _strategy_errored,
    Noted: _noted,
    Checkpoint: _checkpoint,
}
"""Total like the engine's own reading of its records: news of an unknown order or signal, or a second one under a known id, is let pass."""


def _insert(db: sqlite3.Connection, table: str, *values: object) -> None:
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING", values)


def _audit(
    db: sqlite3.Connection, entry: Entry, record: Any, level: Level, source: str, text: str, detail: str = "", symbol: str = ""
) -> None:
    about = symbol or getattr(record, "symbol", "")
    _insert(db, "audit", entry.seq, entry.wall, record.at, type(record).__name__, level, source, text, detail, about)


def _trace(db: sqlite3.Connection, entry: Entry, told_of: str) -> None:
    """Notes that this entry tells of the order or signal `told_of`."""
    _insert(db, "traces", told_of, entry.seq)


class Took(Struct, frozen=True):
    """What a fill, or a correction of one, adds to its order; one that `closes` took from a position."""

    quantity: Decimal
    cost: Decimal
    fees: Decimal
    realised: Decimal
    closes: bool


def _filled(db: sqlite3.Connection, order_id: str, took: Took, at: int) -> tuple[str, Trades]:
    """Adds what filled to the order. Answers whose strategy's it was, and what that changes of the trades: a fill that belongs to no order
    of ours is one of its own."""
    order = db.execute("SELECT filled, cost, fees, realised, closes, strategy FROM orders WHERE id = ?", (order_id,)).fetchone()
    if order is None:
        return "", trade(took.realised) if took.closes else NO_TRADES
    *amounts, closed, strategy = order
    before = trade(Decimal(amounts[-1])) if closed else NO_TRADES
    sums = [Decimal(had) + more for had, more in zip(amounts, (took.quantity, took.cost, took.fees, took.realised), strict=True)]
    closes = bool(closed) or took.closes
    db.execute(
        "UPDATE orders SET filled = ?, cost = ?, fees = ?, realised = ?, closes = ?, changed_at = ? WHERE id = ?",
        (*map(str, sums), closes, at, order_id),
    )
    return str(strategy), (trade(sums[-1]) if closes else NO_TRADES) - before


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
