"""What the history answers with: one frozen row a table, and the steps of an order's trail. Money and quantities are Decimal, times
integer nanoseconds UTC.

`seq` is the row's place in the journal's order; hand the last one of a page to the next question as `before`.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from engine.model.modes import Level
from engine.model.money import ZERO
from engine.model.orders import Bracket, OrderState, OrderType, Side, Source, TimeInForce
from engine.model.records import Record
from engine.model.signals import SignalState, Vote


class RunRow(Struct, frozen=True):
    """`ended_at` is None while the run goes on, and for ever where it crashed."""

    seq: int
    run_id: str
    account: str
    feed: str
    cash: Decimal | None
    started_at: int
    ended_at: int | None


class SessionRow(Struct, frozen=True):
    """A trading day and the equity it opened with; `loss` and what follows where its loss limit tripped."""

    seq: int
    run_id: str
    session: str
    equity: Decimal
    at: int
    loss: Decimal | None
    loss_limit: Decimal | None
    tripped_at: int | None


class OrderRow(Struct, frozen=True):
    """An order as it stood last; the fields as in `engine.model.orders.Order`. `rule` and `verdict` are the gate's answer that let it
    pass. `realised` is the profit its fills took, less their fees; one that `closes` took from a position, and counts as a trade."""

    seq: int
    id: str
    number: int
    symbol: str
    side: Side
    quantity: Decimal
    requested: Decimal
    type: OrderType
    limit: Decimal | None
    stop: Decimal | None
    tif: TimeInForce
    source: Source
    strategy: str
    signal_id: str
    reduce_only: bool
    mark: Decimal
    rule: str
    verdict: str
    state: OrderState
    broker_id: str
    reason: str
    filled: Decimal
    cost: Decimal
    fees: Decimal
    created_at: int
    changed_at: int
    trail: Decimal | None
    trail_pct: Decimal | None
    extended_hours: bool
    parent: str
    oco: str
    exit_pct: Decimal | None
    released: bool
    succeeds: str
    realised: Decimal
    closes: bool

    @property
    def average(self) -> Decimal | None:
        """The average fill price, or None where nothing filled."""
        return self.cost / self.filled if self.filled else None


class FillRow(Struct, frozen=True):
    """`realised` is the profit this fill took, less its fees: a fill that only opens realises its fees. A row that `corrects` is what the
    broker changed of earlier ones: its figures are differences. `shares` is what it moved the position by, without its sign: another number
    than `quantity` where a split came between."""

    seq: int
    id: str
    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    cost: Decimal
    fees: Decimal
    realised: Decimal
    rule: str
    at: int
    corrects: bool
    shares: Decimal


class PositionRow(Struct, frozen=True):
    """`quantity` is signed; `realised` is all profit taken in the symbol, less `fees`."""

    symbol: str
    quantity: Decimal
    basis: Decimal
    realised: Decimal
    fees: Decimal
    changed_at: int

    @property
    def average(self) -> Decimal:
        """The average cost without fees, zero where nothing is held."""
        return self.basis / self.quantity if self.quantity else ZERO


class TotalRow(Struct, frozen=True):
    """What trading a symbol brought for all time. `strategy` is whose orders' fills took the profit, empty for a person's, and for what no
    order brought: dividends, and what was taken over. `volume` is in shares; `realised` is the account's profit taken less `fees`. A trade
    is an order that closed something, fees counted: `wins` of them `gained` so much, `losses` of them `lost` so much, both positive."""

    symbol: str
    strategy: str
    fills: int
    volume: Decimal
    realised: Decimal
    fees: Decimal
    wins: int
    losses: int
    gained: Decimal
    lost: Decimal


class DailyRow(Struct, frozen=True):
    """The same for one session; `session` is empty for what happened before the first."""

    session: str
    symbol: str
    strategy: str
    fills: int
    volume: Decimal
    realised: Decimal
    fees: Decimal
    wins: int
    losses: int
    gained: Decimal
    lost: Decimal


class SignalRow(Struct, frozen=True):
    """A signal with its votes, the gate's answer when it was raised, and what was decided."""

    seq: int
    id: str
    number: int
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType
    limit: Decimal | None
    stop: Decimal | None
    price: Decimal
    strength: float | None
    reason: str
    votes: tuple[Vote, ...]
    raised_at: int
    rule: str
    verdict: str
    state: SignalState
    decided_by: str
    decided_reason: str
    decided_price: Decimal | None
    order_id: str
    decided_at: int | None
    tif: TimeInForce
    trail: Decimal | None
    trail_pct: Decimal | None
    bracket: Bracket | None


class EquityRow(Struct, frozen=True):
    seq: int
    run_id: str
    equity: Decimal
    cash: Decimal
    realised: Decimal
    unrealised: Decimal
    at: int


class EquityDayRow(Struct, frozen=True):
    """A session's equity: its first point, highest, lowest and last. `at` is the last one's time."""

    session: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    at: int


class AuditRow(Struct, frozen=True):
    """A line of the audit. `kind` is the record's, `source` who did it, `wall` the wall clock's time of it, `symbol` what it is
    about, where it is about one."""

    seq: int
    wall: int
    at: int
    kind: str
    level: Level
    source: str
    text: str
    detail: str
    symbol: str


class AdjustmentRow(Struct, frozen=True):
    """A change of a position that no fill made: a split, `ratio` shares for each one held; or `quantity` (signed) shares taken over at
    `price`, and the ratio is one."""

    seq: int
    symbol: str
    ratio: Decimal
    quantity: Decimal
    price: Decimal
    at: int


class FlowRow(Struct, frozen=True):
    """Money that came in (or went out, negative) without a trade: a deposit, a withdrawal, interest. `session` is the one it fell in."""

    seq: int
    session: str
    amount: Decimal
    reason: str
    at: int


class Step(Struct, frozen=True):
    """One entry of the journal that tells of an order or of the signal behind it, as it was recorded."""

    seq: int
    wall: int
    record: Record
