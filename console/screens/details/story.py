"""The records of an order's or a signal's trail in words: what happened, one line a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from console.screens.details.writing import price
from console.screens.dialog import Line, paragraph
from engine.model import OrderType, Outcome, Side, Source, Verdict, Vote
from engine.model.order_states import OrderEvent
from engine.model.orders import Terms
from engine.model.records import (
    FillBooked,
    FillCorrected,
    OrderChanged,
    OrderDenied,
    OrderPlaced,
    OrderReleased,
    OrderReplaced,
    OrderTrailed,
    Record,
    ReplaceAsked,
    SignalDecided,
    SignalRaised,
)
from engine.model.signals import SignalState
from widgets import numbers
from widgets.cells import Cell
from widgets.text import clean

if TYPE_CHECKING:
    from storage.rows import Step

NEWEST = 300
"""Steps that are told one by one; an order that trails for weeks has many."""

Priced = Callable[[Decimal | None], str]


class Told(Struct, frozen=True):
    """One step: when (market time), in one word what, and the sentence."""

    at: int
    word: str
    text: str
    role: str = ""


_TYPES = {
    OrderType.MARKET: "at the market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop limit",
    OrderType.TRAILING_STOP: "trailing stop",
}


def terms_text(kind: OrderType, terms: Terms, priced: Priced) -> str:
    """`stop limit 184.00 limit 183.50`, `trailing stop 2% at 181.30`, `at the market`."""
    parts = [_TYPES[kind]]
    if terms.trail_pct is not None:
        parts.append(f"{terms.trail_pct.normalize():f}%")
    if terms.trail is not None:
        parts.append(f"by {priced(terms.trail)}")
    if terms.stop is not None:
        parts.append(f"at {priced(terms.stop)}" if kind is OrderType.TRAILING_STOP else priced(terms.stop))
    if terms.limit is not None:
        parts.append(f"limit {priced(terms.limit)}" if kind is OrderType.STOP_LIMIT else priced(terms.limit))
    return " ".join(parts)


def order_terms(row: Any, priced: Priced) -> str:
    """The same of an order as it stands; `limit 4% away` of an exit in per cent that still waits for its entry's price."""
    terms = terms_text(row.type, terms_of(row), priced)
    return terms if row.exit_pct is None or row.released else f"{terms} {row.exit_pct.normalize():f}% away"


def terms_of(row: Any) -> Terms:
    """The terms of an order, or of a signal, in whatever row."""
    return Terms(row.quantity, row.limit, row.stop, row.trail, row.trail_pct)


def vote_text(vote: Vote) -> str:
    """`sma_cross BUY 72%, fast 402.3, slow 401.9`"""
    side = vote.side.value if vote.side is not None else "no opinion"
    strength = f" {vote.strength:.0%}" if vote.side is not None else ""
    return ", ".join([f"{vote.strategy} {side}{strength}", *(f"{name} {value:,.6g}" for name, value in vote.indicators)])


def verdict_text(verdict: Verdict) -> str:
    """The gate's answer with its rule, the limit and the actual value."""
    if verdict.outcome is Outcome.PASS:
        return "passes every rule"
    figures = ", ".join(f"{name} {value}" for name, value in (("limit", verdict.limit), ("actual", verdict.actual)) if value)
    said = "denied" if verdict.outcome is Outcome.DENY else "cut down"
    return f"{said} by {verdict.rule}{f' ({figures})' if figures else ''}: {verdict.text or 'no more is known'}"


_CHANGES = {
    OrderEvent.HOLD: ("held", "the broker holds it until it can work", ""),
    OrderEvent.WORK: ("works", "it works at the broker", ""),
    OrderEvent.FILL_ALL: ("filled", "filled whole", "accent"),
    OrderEvent.REQUEST_CANCEL: ("cancel", "the cancel is on disk and asked of the broker", ""),
    OrderEvent.REFUSE_CANCEL: ("cancel", "the broker refused the cancel", "warning"),
    OrderEvent.CANCEL: ("cancelled", "it works no more", "muted"),
    OrderEvent.REFUSE_REPLACE: ("replace", "the broker refused the new terms; the old ones hold", "warning"),
    OrderEvent.SUPERSEDE: ("replaced", "somebody replaced it at the broker by another order", "warning"),
    OrderEvent.EXPIRE: ("expired", "its time is over, it works no more", "muted"),
    OrderEvent.REJECT: ("rejected", "it was not taken", "error"),
    OrderEvent.LOSE: ("unknown", "no word from the broker: it counts in full until there is evidence", "error"),
    OrderEvent.LIST: ("listed", "the broker lists it as open: it works", "warning"),
}
"""Those that are not here are told by the record that comes with them: FILL_PART by its fill, a replace by its terms."""


def told(record: Record, priced: Priced) -> list[Told]:
    """`record` as steps of a trail; none where another record tells of the same."""
    match record:
        case SignalRaised(signal=signal, verdict=verdict, at=at):
            said = f"{signal.strategy} proposed {signal.side} {numbers.quantity(signal.quantity)} {signal.symbol} "
            said += f"{terms_text(signal.type, terms_of(signal), priced)}, "
            said += f"the market at {priced(signal.price)}, confidence {signal.strength:.0%}"
            steps = [Told(at, "signal", f"{said}{f': {signal.reason}' if signal.reason else ''}", "key")]
            steps += [Told(at, "vote", vote_text(vote)) for vote in signal.votes]
            return [*steps, Told(at, "gate", verdict_text(verdict), _judged(verdict))]
        case SignalDecided(state=state, by=by, reason=reason, price=then, at=at):
            market = f", the market at {priced(then)}" if then is not None else ""
            word, role = _DECIDED.get(state, (state.value.lower(), ""))
            return [Told(at, word, f"{word} by {by}{market}{f': {reason}' if reason else ''}", role)]
        case OrderDenied(verdict=verdict, at=at):
            return [Told(at, "gate", verdict_text(verdict), "error")]
        case OrderPlaced():
            return _placed(record, priced)
        case OrderChanged(event=event, broker_id=broker_id, reason=reason, at=at):
            why = f": {reason}" if reason else ""
            known = f"acknowledged by the broker under its id {broker_id}" if broker_id else "acknowledged by the broker"
            if event is OrderEvent.ACCEPT:
                return [Told(at, "accepted", f"sent, and {known}{why}")]
            if event not in _CHANGES:
                return []
            word, text, role = _CHANGES[event]
            if event in (OrderEvent.WORK, OrderEvent.HOLD) and broker_id:
                return [Told(at, word, f"sent, and {known}: {text}{why}", role)]
            return [Told(at, word, f"{text}{why}", role)]
        case OrderReleased(quantity=quantity, at=at):
            return [Told(at, "released", f"what it waited for has happened: it goes to the broker for {numbers.quantity(quantity)}")]
        case OrderTrailed(stop=stop, triggered=triggered, at=at):
            return [Told(at, "trailed", f"stands at {priced(stop)}{', reached: it trades' if triggered else ''}", "muted")]
        case ReplaceAsked(terms=terms, verdict=verdict, at=at):
            asked = f"new terms on disk and asked of the broker: {_terms(terms, priced)}"
            return [Told(at, "replace", asked), Told(at, "gate", verdict_text(verdict), _judged(verdict))]
        case OrderReplaced(terms=terms, at=at, as_before=True):
            said = f"the new terms came to nothing, it works under its old ones: {_terms(terms, priced)}"
            return [Told(at, "replace", said, "warning")]
        case OrderReplaced(terms=terms, at=at, exit_pct=exit_pct):
            priced_yet = terms.limit is not None or terms.stop is not None
            away = "" if exit_pct is None or priced_yet else f", {exit_pct.normalize():f}% away from its entry"
            return [Told(at, "replaced", f"works under its new terms: {_terms(terms, priced)}{away}")]
        case FillBooked(fill=fill):
            rule = f", by the rule {fill.rule}" if fill.rule else ""
            said = (
                f"{fill.side} {numbers.quantity(fill.quantity)} at {price(fill.price, None)}, commission {numbers.money(fill.fees)}{rule}"
            )
            return [Told(fill.at, "fill", said, fill.side.value.lower())]
        case FillCorrected(quantity=quantity, cost=cost, fees=fees, reason=reason, at=at):
            said = f"the broker changed its word on fills by {numbers.signed(quantity, 0) if quantity else 'no'} shares, "
            said += f"{numbers.signed(cost)} of value, {numbers.signed(fees)} of commission: {reason}"
            return [Told(at, "corrected", said, "warning")]
        case _:
            return []


_DECIDED = {
    SignalState.SENT: ("approved", "accent"),
    SignalState.REJECTED: ("rejected", "warning"),
    SignalState.EXPIRED: ("expired", "warning"),
    SignalState.DENIED: ("denied", "error"),
    SignalState.SHADOW: ("not sent", "muted"),
}


def _judged(verdict: Verdict) -> str:
    return {Outcome.PASS: "", Outcome.RESIZE: "warning", Outcome.DENY: "error"}[verdict.outcome]


def _terms(terms: Terms, priced: Priced) -> str:
    named = (("limit", terms.limit), ("stop", terms.stop), ("trail", terms.trail))
    parts = [numbers.quantity(terms.quantity), *(f"{name} {priced(value)}" for name, value in named if value is not None)]
    if terms.trail_pct is not None:
        parts.append(f"trail {terms.trail_pct.normalize():f}%")
    return ", ".join(parts)


def _placed(record: OrderPlaced, priced: Priced) -> list[Told]:
    at, steps = record.at, []
    if record.source is Source.PERSON and not record.parent:
        steps.append(Told(at, "approved", "your own order, approved by its confirmation", "accent"))
    elif record.parent:
        steps.append(Told(at, "approved", "comes with its entry, and by that one's approval", "accent"))
    elif record.source is Source.FLATTEN:
        steps.append(Told(at, "approved", "closes a position in a flatten", "accent"))
    elif record.source is Source.EXTERNAL:
        steps.append(Told(at, "found", f"{record.reason}, and found at the broker", "warning"))
    steps.append(Told(at, "gate", verdict_text(record.verdict), _judged(record.verdict)))
    side = "buys" if record.side is Side.BUY else "sells"
    what = f"{side} {numbers.quantity(record.quantity)} {record.symbol} "
    what += terms_text(record.type, terms_of(record), priced)
    waits = (
        ", held here until its entry fills"
        if record.parent
        else ", held here until the one it follows has ended"
        if record.succeeds
        else ""
    )
    steps.append(Told(at, "intent", f"on disk before anything goes to the broker: {what}{waits}"))
    return steps


def tell(steps: Sequence[Step], priced: Priced) -> list[Told]:
    """The whole trail, oldest first. A stop that trailed many times in a row is told by the first and the last of it, and a decision before
    the order that it led to: both are on disk together."""
    trail: list[Told] = []
    steps = list(steps)
    for place in range(1, len(steps)):
        if isinstance(steps[place].record, SignalDecided) and isinstance(steps[place - 1].record, OrderPlaced):
            steps[place - 1], steps[place] = steps[place], steps[place - 1]
    run = 0
    for place, step in enumerate(steps):
        trails = isinstance(step.record, OrderTrailed) and not step.record.triggered
        run = run + 1 if trails else 0
        goes_on = place + 1 < len(steps) and isinstance(steps[place + 1].record, OrderTrailed)
        if run > 1 and goes_on:
            continue
        for said in told(step.record, priced):
            if trails and run > 2:
                said = Told(said.at, said.word, f"{said.text}, after {run - 1} steps", said.role)
            trail.append(said)
    return trail


def written(trail: Sequence[Told], width: int) -> list[Line]:
    """The steps with their times; the day is written where it changes."""
    lines: list[Line] = []
    day = ""
    if len(trail) > NEWEST:
        lines.append([Cell(f"{len(trail) - NEWEST:,} older steps are in the journal.", "muted")])
    for said in trail[-NEWEST:]:
        today = numbers.market_time(said.at, "%Y-%m-%d")
        if today != day:
            lines.append([Cell(today, "muted")])
            day = today
        lead = (Cell(f"{numbers.market_time(said.at)} ", "muted"), Cell(f"{clean(said.word):<9} ", said.role or "title"))
        lines += paragraph(said.text, width, said.role if said.role in ("error", "warning", "muted") else "", *lead)
    return lines
