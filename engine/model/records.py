"""What the journal keeps: facts, each with its market time `at`. Folding them in order gives back orders, positions, cash and modes.

A record is a fact that happened, never a command to repeat, so reading a journal sends nothing. The history tables in SQLite are
projections of these and can be rebuilt from them alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from engine.model.modes import Level, Mode, TradingState
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, Intent, OrderState, OrderType, Side, Source, Terms, TimeInForce
from engine.model.signals import Signal, SignalState
from engine.model.verdicts import Verdict


class RunStarted(Struct, frozen=True):
    """A program run began. `cash` is the account's opening cash where this is its first run, else None. `venue` is the broker, and behind a
    blank the account's number there where it has told one; empty in journals of earlier versions, and where nobody trades."""

    run_id: str
    account: str
    feed: str
    cash: Decimal | None
    at: int
    venue: str = ""


class RunEnded(Struct, frozen=True):
    """The run ended in order. A run without this one crashed, and the next starts in MANUAL."""

    run_id: str
    at: int


class OrderPlaced(Struct, frozen=True):
    """The write-ahead intent: durable before the first byte goes to the broker. Fields as in `Order`."""

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
    reason: str
    mark: Decimal
    verdict: Verdict
    at: int
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    extended_hours: bool = False
    parent: str = ""
    oco: str = ""
    exit_pct: Decimal | None = None
    succeeds: str = ""


class OrderDenied(Struct, frozen=True):
    """The gate said no to an intent; no order came of it."""

    intent: Intent
    verdict: Verdict
    at: int


class OrderChanged(Struct, frozen=True):
    """An order's state after `event`; `reason` is the broker's own wording where it gave one."""

    order_id: str
    event: OrderEvent
    state: OrderState
    broker_id: str
    reason: str
    at: int


class OrderReleased(Struct, frozen=True):
    """What this order waited for has happened: from now on it may go to the broker, for as much as there is to do."""

    order_id: str
    quantity: Decimal
    limit: Decimal | None
    stop: Decimal | None
    at: int


class OrderTrailed(Struct, frozen=True):
    """A trailing stop followed the market: it stands at `stop` now. `triggered` says that a stop was reached there, and trades."""

    order_id: str
    stop: Decimal
    at: int
    triggered: bool = False


class ReplaceAsked(Struct, frozen=True):
    """The write-ahead of a replace: durable before the broker is asked. Until it answers, both terms count.

    `exit_pct` is how far from its entry's average an exit is kept; what somebody asks for by hand stays where they put it.
    """

    order_id: str
    terms: Terms
    mark: Decimal
    verdict: Verdict
    at: int
    exit_pct: Decimal | None = None


class OrderReplaced(Struct, frozen=True):
    """The order works under these terms now. `exit_pct` as in `ReplaceAsked`, `surplus` as in `OrderUpdate`. `mark` is the price that its
    exposure is reserved at from now on, where nobody here asked for these terms; None leaves it as it is. They are `as_before` where others
    were asked for, and came to nothing."""

    order_id: str
    terms: Terms
    at: int
    exit_pct: Decimal | None = None
    surplus: Decimal = ZERO
    mark: Decimal | None = None
    as_before: bool = False


class FillBooked(Struct, frozen=True):
    fill: Fill


class FillCorrected(Struct, frozen=True):
    """The broker took back or changed what it had told of an order's fills: `quantity`, `cost` and `fees` are differences to what was
    booked. `realised` is the difference to the profit taken, fees counted, had it told the fills right at first; None where they are too
    long ago to say."""

    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    cost: Decimal
    fees: Decimal
    reason: str
    at: int
    realised: Decimal | None = None


class SplitBooked(Struct, frozen=True):
    """`ratio` shares for each one held. `quantity` is held after it; a fraction that no lot can hold was paid out as `cash`. `ex_date` is
    the day it counts from, empty where the feed did not say."""

    symbol: str
    ratio: Decimal
    quantity: Decimal
    cash: Decimal
    at: int
    ex_date: str = ""


class DividendBooked(Struct, frozen=True):
    """`amount` a share on `quantity` (signed) shares: `cash` came in, or went out for a short position. `ex_date` as in SplitBooked."""

    symbol: str
    amount: Decimal
    quantity: Decimal
    cash: Decimal
    at: int
    ex_date: str = ""


class CashMoved(Struct, frozen=True):
    """Money came in (or went out, negative) that no trade explains: a deposit, a withdrawal, interest. No profit and no loss."""

    amount: Decimal
    reason: str
    at: int


class PositionAdopted(Struct, frozen=True):
    """The broker holds what our fills do not explain: the difference was traded elsewhere, and is taken over at the broker's cost."""

    symbol: str
    quantity: Decimal
    average: Decimal
    cash: Decimal
    """Change of cash that comes with it."""
    reason: str
    at: int


class PositionAccepted(Struct, frozen=True):
    """A person accepted the broker's figure: `quantity` (signed) was traded for `money` (positive where it was paid), nobody knows by which
    order. It counts as a fill without fees."""

    symbol: str
    quantity: Decimal
    money: Decimal
    reason: str
    at: int

    @property
    def fill(self) -> Fill:
        side = Side.BUY if self.quantity > 0 else Side.SELL
        shares, cost = abs(self.quantity), self.money * side.sign
        return Fill(f"accepted/{self.symbol}/{self.at}", "", self.symbol, side, shares, cost / shares, cost, ZERO, self.at)


class SignalRaised(Struct, frozen=True):
    signal: Signal
    verdict: Verdict
    at: int


class SignalDecided(Struct, frozen=True):
    """`by` is `you`, a mode, or `clock`; `price` the market's at the decision."""

    signal_id: str
    state: SignalState
    by: str
    reason: str
    price: Decimal | None
    order_id: str
    at: int


class ModeChanged(Struct, frozen=True):
    mode: Mode
    by: str
    at: int


class TradingStateChanged(Struct, frozen=True):
    state: TradingState
    by: str
    reason: str
    at: int


class SessionOpened(Struct, frozen=True):
    """A trading day began: its loss limit counts from this equity, and each strategy's and symbol's from its profit so far, open positions
    counted."""

    session: str
    equity: Decimal
    at: int
    strategies: tuple[tuple[str, Decimal], ...] = ()
    symbols: tuple[tuple[str, Decimal], ...] = ()


class LossLimitTripped(Struct, frozen=True):
    """The daily loss reached its limit: no entries until the next session and a person's word."""

    session: str
    loss: Decimal
    limit: Decimal
    at: int


class DrawdownTripped(Struct, frozen=True):
    """Equity fell too far under its high-water mark: no entries until a person says so."""

    high_water: Decimal
    equity: Decimal
    at: int


class HighWaterSet(Struct, frozen=True):
    """A person released the drawdown limit: from now on it counts from this equity."""

    equity: Decimal
    at: int


class CircuitTripped(Struct, frozen=True):
    """Equity fell by `loss` within so many minutes of market time: no entries until a person says so."""

    loss: Decimal
    limit: Decimal
    minutes: int
    at: int


class StrategyLossTripped(Struct, frozen=True):
    """One strategy lost its share: it enters no more in this session."""

    strategy: str
    session: str
    loss: Decimal
    limit: Decimal
    at: int


class StrategyTripped(Struct, frozen=True):
    """A strategy's own profit fell by `fell` under its highest: ever (`minutes` is 0), or within so many minutes of market time. It enters
    no more until a person says so."""

    strategy: str
    fell: Decimal
    limit: Decimal
    minutes: int
    at: int


class SymbolLossTripped(Struct, frozen=True):
    """One symbol lost its share: nothing is entered in it any more in this session."""

    symbol: str
    session: str
    loss: Decimal
    limit: Decimal
    at: int


class HaltChanged(Struct, frozen=True):
    """The venue halted a symbol, or lets it trade again; `reason` is its own wording. Holds over a restart, see `engine.core.halts`."""

    symbol: str
    halted: bool
    reason: str
    at: int


class SymbolWatched(Struct, frozen=True):
    """Somebody wanted a symbol watched beside those that the run began with, or no longer. Holds over a restart."""

    symbol: str
    watched: bool
    at: int


class LimitsChanged(Struct, frozen=True):
    """A person changed limits while it ran: each with its value before and after, in words, and why where one was `loosened`."""

    changes: str
    loosened: bool
    reason: str
    at: int


class BreakerReset(Struct, frozen=True):
    """A person released a breaker, and why."""

    name: str
    reason: str
    at: int


class EquityMarked(Struct, frozen=True):
    """A point of the equity curve, and the profit so far, open positions counted, of each strategy that is held to a highest of its own."""

    equity: Decimal
    cash: Decimal
    realised: Decimal
    unrealised: Decimal
    at: int
    strategies: tuple[tuple[str, Decimal], ...] = ()


class StrategyErrored(Struct, frozen=True):
    """A strategy raised, hung, died or said nonsense. `detail` holds its traceback, where there is one."""

    strategy: str
    error: str
    detail: str
    disabled: bool
    at: int


class Noted(Struct, frozen=True):
    """A line of the audit log."""

    level: Level
    source: str
    text: str
    detail: str
    at: int


class Checkpoint(Struct, frozen=True):
    """All that the records before this one made: whoever reads the journal may begin here.

    `state` is for the engine's version whose state has this `shape` alone, see `engine.core.checkpoint`.
    """

    shape: str
    state: str
    at: int


Record: TypeAlias = (
    RunStarted
    | RunEnded
    | OrderPlaced
    | OrderDenied
    | OrderChanged
    | OrderReleased
    | OrderTrailed
    | ReplaceAsked
    | OrderReplaced
    | FillBooked
    | FillCorrected
    | SplitBooked
    | DividendBooked
    | CashMoved
    | PositionAdopted
    | PositionAccepted
    | SignalRaised
    | SignalDecided
    | ModeChanged
    | TradingStateChanged
    | SessionOpened
    | LossLimitTripped
    | DrawdownTripped
    | HighWaterSet
    | CircuitTripped
    | StrategyLossTripped
    | StrategyTripped
    | SymbolLossTripped
    | HaltChanged
    | SymbolWatched
    | LimitsChanged
    | BreakerReset
    | EquityMarked
    | StrategyErrored
    | Noted
    | Checkpoint
)
