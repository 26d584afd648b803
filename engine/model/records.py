"""What the journal keeps: facts, each with its market time `at`. Folding them in order gives back orders, positions, cash and modes.

A record is a fact that happened, never a command to repeat, so reading a journal sends nothing. The history tables in SQLite are
projections of these and can be rebuilt from them alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from engine.model.modes import Level, Mode, TradingState
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, Intent, OrderState, OrderType, Side, Source, Terms, TimeInForce
from engine.model.signals import Signal, SignalState
from engine.model.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A program run began. `cash` is the account's opening cash where this is its first run, else None."""

    run_id: str
    account: str
    feed: str
    cash: Decimal | None
    at: int


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run ended in order. A run without this one crashed, and the next starts in MANUAL."""

    run_id: str
    at: int


@dataclass(frozen=True, slots=True)
class OrderPlaced:
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


@dataclass(frozen=True, slots=True)
class OrderDenied:
    """The gate said no to an intent; no order came of it."""

    intent: Intent
    verdict: Verdict
    at: int


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order's state after `event`; `reason` is the broker's own wording where it gave one."""

    order_id: str
    event: OrderEvent
    state: OrderState
    broker_id: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class OrderReleased:
    """What this order waited for has happened: from now on it may go to the broker, for as much as there is to do."""

    order_id: str
    quantity: Decimal
    limit: Decimal | None
    stop: Decimal | None
    at: int


@dataclass(frozen=True, slots=True)
class OrderTrailed:
    """A trailing stop followed the market: it stands at `stop` now. `triggered` says that a stop was reached there, and trades."""

    order_id: str
    stop: Decimal
    at: int
    triggered: bool = False


@dataclass(frozen=True, slots=True)
class ReplaceAsked:
    """The write-ahead of a replace: durable before the broker is asked. Until it answers, both terms count.

    `exit_pct` is how far from its entry's average an exit is kept; what somebody asks for by hand stays where they put it.
    """

    order_id: str
    terms: Terms
    mark: Decimal
    verdict: Verdict
    at: int
    exit_pct: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderReplaced:
    """The order works under these terms now. `exit_pct` as in `ReplaceAsked`."""

    order_id: str
    terms: Terms
    at: int
    exit_pct: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FillBooked:
    fill: Fill


@dataclass(frozen=True, slots=True)
class FillCorrected:
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


@dataclass(frozen=True, slots=True)
class SplitBooked:
    """`ratio` shares for each one held. `quantity` is held after it; a fraction that no lot can hold was paid out as `cash`. `ex_date` is
    the day it counts from, empty where the feed did not say."""

    symbol: str
    ratio: Decimal
    quantity: Decimal
    cash: Decimal
    at: int
    ex_date: str = ""


@dataclass(frozen=True, slots=True)
class DividendBooked:
    """`amount` a share on `quantity` (signed) shares: `cash` came in, or went out for a short position. `ex_date` as in SplitBooked."""

    symbol: str
    amount: Decimal
    quantity: Decimal
    cash: Decimal
    at: int
    ex_date: str = ""


@dataclass(frozen=True, slots=True)
class CashMoved:
    """Money came in (or went out, negative) that no trade explains: a deposit, a withdrawal, interest. No profit and no loss."""

    amount: Decimal
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class PositionAdopted:
    """The broker holds what our fills do not explain: the difference was traded elsewhere, and is taken over at the broker's cost."""

    symbol: str
    quantity: Decimal
    average: Decimal
    cash: Decimal
    """Change of cash that comes with it."""
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class PositionAccepted:
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


@dataclass(frozen=True, slots=True)
class SignalRaised:
    signal: Signal
    verdict: Verdict
    at: int


@dataclass(frozen=True, slots=True)
class SignalDecided:
    """`by` is `you`, a mode, or `clock`; `price` the market's at the decision."""

    signal_id: str
    state: SignalState
    by: str
    reason: str
    price: Decimal | None
    order_id: str
    at: int


@dataclass(frozen=True, slots=True)
class ModeChanged:
    mode: Mode
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class TradingStateChanged:
    state: TradingState
    by: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A trading day began: its loss limit counts from this equity, and each strategy's and symbol's from its profit so far, open positions
    counted."""

    session: str
    equity: Decimal
    at: int
    strategies: tuple[tuple[str, Decimal], ...] = ()
    symbols: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class LossLimitTripped:
    """The daily loss reached its limit: no entries until the next session and a person's word."""

    session: str
    loss: Decimal
    limit: Decimal
    at: int


@dataclass(frozen=True, slots=True)
class DrawdownTripped:
    """Equity fell too far under its high-water mark: no entries until a person says so."""

    high_water: Decimal
    equity: Decimal
    at: int


@dataclass(frozen=True, slots=True)
class HighWaterSet:
    """A person released the drawdown limit: from now on it counts from this equity."""

    equity: Decimal
    at: int


@dataclass(frozen=True, slots=True)
class CircuitTripped:
    """Equity fell by `loss` within so many minutes of market time: no entries until a person says so."""

    loss: Decimal
    limit: Decimal
    minutes: int
    at: int


@dataclass(frozen=True, slots=True)
class StrategyLossTripped:
    """One strategy lost its share: it enters no more in this session."""

    strategy: str
    session: str
    loss: Decimal
    limit: Decimal
    at: int


@dataclass(frozen=True, slots=True)
class StrategyTripped:
    """A strategy's own profit fell by `fell` under its highest: ever (`minutes` is 0), or within so many minutes of market time. It enters
    no more until a person says so."""

    strategy: str
    fell: Decimal
    limit: Decimal
    minutes: int
    at: int


@dataclass(frozen=True, slots=True)
class SymbolLossTripped:
    """One symbol lost its share: nothing is entered in it any more in this session."""

    symbol: str
    session: str
    loss: Decimal
    limit: Decimal
    at: int


@dataclass(frozen=True, slots=True)
class HaltChanged:
    """The venue halted a symbol, or lets it trade again; `reason` is its own wording. Holds over a restart, see `engine.core.halts`."""

    symbol: str
    halted: bool
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class SymbolWatched:
    """Somebody wanted a symbol watched beside those that the run began with, or no longer. Holds over a restart."""

    symbol: str
    watched: bool
    at: int


@dataclass(frozen=True, slots=True)
class LimitsChanged:
    """A person changed limits while it ran: each with its value before and after, in words, and why where one was `loosened`."""

    changes: str
    loosened: bool
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class BreakerReset:
    """A person released a breaker, and why."""

    name: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class EquityMarked:
    """A point of the equity curve, and the profit so far, open positions counted, of each strategy that is held to a highest of its own."""

    equity: Decimal
    cash: Decimal
    realised: Decimal
    unrealised: Decimal
    at: int
    strategies: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class StrategyErrored:
    """A strategy raised, hung, died or said nonsense. `detail` holds its traceback, where there is one."""

    strategy: str
    error: str
    detail: str
    disabled: bool
    at: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A line of the audit log."""

    level: Level
    source: str
    text: str
    detail: str
    at: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
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
