"""What the log says about a record: one sentence a trader understands, or nothing where the panels say it already."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from engine.core.corporate import ratio_text
from engine.core.state import State
from engine.model.modes import Level, TradingState
from engine.model.money import cents
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderState, Terms
from engine.model.records import (
    BreakerReset,
    CashMoved,
    DividendBooked,
    FillBooked,
    FillCorrected,
    HaltChanged,
    LimitsChanged,
    ModeChanged,
    Noted,
    OrderChanged,
    OrderDenied,
    OrderPlaced,
    OrderReleased,
    OrderReplaced,
    PositionAccepted,
    PositionAdopted,
    Record,
    ReplaceAsked,
    RunStarted,
    SignalDecided,
    SignalRaised,
    SplitBooked,
    StrategyErrored,
    SymbolWatched,
    TradingStateChanged,
)
from engine.model.signals import SignalState
from engine.model.verdicts import Outcome

Line = tuple[Level, str, str, str]
"""(level, source, text, detail)"""

_QUIET = frozenset({OrderEvent.ACCEPT, OrderEvent.WORK, OrderEvent.HOLD, OrderEvent.FILL_PART, OrderEvent.FILL_ALL})


def line_of(record: Record, state: State) -> Line | None:
    """The line for `record`, which `state` has taken over already."""
    write = _WRITERS.get(type(record))
    return None if write is None else write(record, state)


def _run_started(r: RunStarted, state: State) -> Line:
    return Level.INFO, "start", f"{r.account} account, prices from {r.feed}, run {state.runs}", ""


def _placed(r: OrderPlaced, state: State) -> Line:
    percent = (("trail {}%", r.trail_pct), (f"{r.type.lower()} {{}}% away", r.exit_pct))
    named = (("stop {}", r.stop), ("trail {}", r.trail), *percent, ("@ {}", r.limit))
    price = "".join(f" {name.format(f'{amount:f}')}" for name, amount in named if amount is not None) or " at the market"
    hours = " ext" if r.extended_hours else ""
    cut = f", cut from {r.requested:f} by {r.verdict.rule}" if r.verdict.outcome is Outcome.RESIZE else ""
    first = state.book.orders.get(r.parent or r.succeeds)
    waits = f", waits for #{first.number}" if first is not None else ""
    who = f" ({r.strategy})" if r.strategy else ""
    return Level.INFO, "order", f"#{r.number} {r.side} {r.quantity:f} {r.symbol}{price} {r.tif}{hours}{cut}{waits}{who}", ""


def _denied(r: OrderDenied, state: State) -> Line:
    return Level.WARNING, "gate", f"denied {r.intent.side} {r.intent.quantity:f} {r.intent.symbol}: {r.verdict.text}", ""


def _changed(r: OrderChanged, state: State) -> Line | None:
    order = state.book.orders[r.order_id]
    if r.event in _QUIET:
        return None
    level = Level.ERROR if r.state in (OrderState.REJECTED, OrderState.UNKNOWN) else Level.INFO
    words = r.state.words
    return level, "order", f"#{order.number} {order.symbol} {words}{f': {r.reason}' if r.reason else ''}", ""


def _filled(r: FillBooked, state: State) -> Line:
    order, fill = state.book.orders[r.fill.order_id], r.fill
    part = "" if order.remaining <= 0 else f", {order.remaining:f} left"
    rule = f" [{fill.rule}]" if fill.rule else ""
    what = f"{fill.side} {fill.quantity:f} {fill.symbol} @ {_price(round(fill.price, 6).normalize())}"
    return Level.INFO, "fill", f"#{order.number} filled {what} fees {fill.fees:f}{part}{rule}", ""


def _released(r: OrderReleased, state: State) -> Line:
    order = state.book.orders[r.order_id]
    return Level.INFO, "order", f"#{order.number} {order.side} {r.quantity:f} {order.symbol} waits no longer", ""


def _replace_asked(r: ReplaceAsked, state: State) -> Line:
    order = state.book.orders[r.order_id]
    return Level.INFO, "order", f"#{order.number} {order.symbol} is to be replaced: {_terms(r.terms)}", ""


def _replaced(r: OrderReplaced, state: State) -> Line:
    order = state.book.orders[r.order_id]
    if r.as_before:
        text = f"#{order.number} {order.symbol}: the replace came to nothing, it works on its old terms: {_terms(r.terms)}"
        return Level.WARNING, "order", text, ""
    return Level.INFO, "order", f"#{order.number} {order.symbol} works on new terms: {_terms(r.terms)}{_distance(r)}", ""


def _distance(r: OrderReplaced) -> str:
    """Of an exit that is held, and has no price before its entry fills."""
    if r.exit_pct is None or r.terms.limit is not None or r.terms.stop is not None:
        return ""
    return f", {r.exit_pct.normalize():f}% away from its entry"


def _terms(terms: Terms) -> str:
    named = (("limit", terms.limit), ("stop", terms.stop), ("trail", terms.trail), ("trail %", terms.trail_pct))
    return ", ".join([f"{terms.quantity:f}", *(f"{name} {amount:f}" for name, amount in named if amount is not None)])


def _corrected(r: FillCorrected, state: State) -> Line:
    order = state.book.orders[r.order_id]
    if not r.quantity and not r.cost and r.fees > 0:
        # Some brokers tell what a fill costs a moment after it.
        return Level.INFO, "fill", f"#{order.number}: fees {r.fees:f}", ""
    what = f"{r.quantity:+f} {r.symbol}, cost {r.cost:+f}, fees {r.fees:+f}"
    return (
        Level.WARNING,
        "fill",
        f"#{order.number}: the broker corrected what it had filled by {what}{f': {r.reason}' if r.reason else ''}",
        "",
    )


def _split(r: SplitBooked, state: State) -> Line | None:
    if not r.quantity and not r.cash:
        return None
    paid = f", {r.cash:+f} for a fraction" if r.cash else ""
    return Level.WARNING, "market", f"{r.symbol} split {ratio_text(r.ratio)}: {r.quantity:f} held now{paid}", ""


def _dividend(r: DividendBooked, state: State) -> Line | None:
    if not r.cash:
        return None
    return Level.INFO, "market", f"dividend of {r.amount:f} a share on {r.quantity:f} {r.symbol}: {r.cash:+f}", ""


def _cash_moved(r: CashMoved, state: State) -> Line:
    return Level.WARNING, "cash", f"cash changed by {r.amount:+f} without a trade: {r.reason}", ""


def _adopted(r: PositionAdopted, state: State) -> Line:
    return Level.WARNING, "reconcile", f"{r.quantity:f} {r.symbol} taken over from the broker: {r.reason}", ""


def _accepted(r: PositionAccepted, state: State) -> Line:
    what = f"{r.quantity:+f} {r.symbol} for {r.money:+,.2f}"
    return Level.WARNING, "reconcile", f"the broker's figure accepted by you, {what} booked: {r.reason}", ""


def _price(value: Decimal) -> str:
    """In the decimals it has, and cents at least: 187.50."""
    return f"{value:.2f}" if value == cents(value) else f"{value:f}"


def _raised(r: SignalRaised, state: State) -> Line:
    s = r.signal
    return (
        Level.INFO,
        s.strategy,
        f"signal {s.number}: {s.side} {s.quantity:f} {s.symbol} at {_price(s.price)}, confidence {s.strength:.0%}",
        "",
    )


def _decided(r: SignalDecided, state: State) -> Line:
    signal = state.approvals.cases[r.signal_id].signal
    level = Level.WARNING if r.state in (SignalState.DENIED, SignalState.EXPIRED) else Level.INFO
    what = "waits only as a shadow" if r.state is SignalState.SHADOW else r.state.lower()
    return level, signal.strategy, f"signal {signal.number} {signal.symbol} {what} by {r.by}{f': {r.reason}' if r.reason else ''}", ""


def _halt_changed(r: HaltChanged, state: State) -> Line:
    why = f": {r.reason}" if r.reason else ""
    if r.halted:
        return Level.WARNING, "market", f"{r.symbol} is halted{why}", ""
    return Level.INFO, "market", f"{r.symbol} trades again{why}", ""


def _symbol_watched(r: SymbolWatched, state: State) -> Line:
    return Level.INFO, "watch", f"{r.symbol} is {'watched' if r.watched else 'watched no longer'}", ""


def _limits_changed(r: LimitsChanged, state: State) -> Line:
    why = f": {r.reason}" if r.reason else ""
    return Level.WARNING if r.loosened else Level.INFO, "risk", f"limits changed by you, {r.changes}{why}", ""


def _breaker_reset(r: BreakerReset, state: State) -> Line:
    return Level.WARNING, "risk", f"the {r.name} was reset by you: {r.reason}", ""


def _mode(r: ModeChanged, state: State) -> Line:
    return Level.WARNING, "mode", f"{r.mode}, set by {r.by}", ""


def _trading(r: TradingStateChanged, state: State) -> Line | None:
    if r.state is TradingState.REDUCING:
        return None  # the loss limit that caused it says so in its own words
    level = Level.INFO if r.state is TradingState.ACTIVE else Level.ERROR
    return level, "trading", f"{r.state}, set by {r.by}: {r.reason}", ""


def _strategy_errored(r: StrategyErrored, state: State) -> Line:
    return Level.ERROR, r.strategy, f"{r.error}{' It is disabled.' if r.disabled else ''}", r.detail


def _noted(r: Noted, state: State) -> Line:
    return r.level, r.source, r.text, r.detail


_WRITERS: dict[type, Callable[[Any, State], Line | None]] = {
    RunStarted: _run_started,
    OrderPlaced: _placed,
    OrderDenied: _denied,
    OrderChanged: _changed,
    FillBooked: _filled,
    OrderReleased: _released,
    ReplaceAsked: _replace_asked,
    OrderReplaced: _replaced,
    FillCorrected: _corrected,
    SplitBooked: _split,
    DividendBooked: _dividend,
    CashMoved: _cash_moved,
    PositionAdopted: _adopted,
    PositionAccepted: _accepted,
    SignalRaised: _raised,
    SignalDecided: _decided,
    ModeChanged: _mode,
    HaltChanged: _halt_changed,
    SymbolWatched: _symbol_watched,
    LimitsChanged: _limits_changed,
    BreakerReset: _breaker_reset,
    TradingStateChanged: _trading,
    StrategyErrored: _strategy_errored,
    Noted: _noted,
}
