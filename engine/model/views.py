"""What the screen draws: an immutable View, built by the engine when the screen asked, handed over by one reference assignment.

Money and quantities are Decimal, market prices float, times integer nanoseconds UTC (market time) unless a field's name says
otherwise. A row that did not change is the same object as in the View before, so that the screen redraws what `is not` the same.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

from engine.model.effects import Reply
from engine.model.market import Bar
from engine.model.metrics import MetricsView
from engine.model.modes import Level, LinkState, Mode, TradingState
from engine.model.money import ZERO
from engine.model.orders import Bracket, OrderState, OrderType, Side, Source, Terms, TimeInForce
from engine.model.settings import Limits
from engine.model.signals import SignalState, Vote


class AccountView(Struct, frozen=True):
    """`badge` is PAPER or LIVE. `day_start` is the session's opening equity. `reason` says why trading is HALTED or REDUCING.

    `exposure` is gross, `net` counts short positions as negative. `maintenance` is the equity that positions must be covered with, zero
    in a cash account; `margin_excess` what equity has beyond it. While a `margin_call` stands entries are denied.
    """

    badge: str
    mode: Mode
    state: TradingState
    reason: str
    equity: Decimal
    day_start: Decimal
    cash: Decimal
    buying_power: Decimal
    exposure: Decimal
    exposure_limit: Decimal
    daily_loss: Decimal
    daily_loss_limit: Decimal
    net: Decimal = ZERO
    maintenance: Decimal = ZERO
    margin_excess: Decimal = ZERO
    margin_call: bool = False

    @property
    def day_pnl(self) -> Decimal:
        return self.equity - self.day_start


class LinkView(Struct, frozen=True):
    """A feed, or with `is_broker` the broker. `age_ms` is how long ago it was last heard, or None before it was."""

    name: str
    state: LinkState
    age_ms: float | None
    reason: str = ""
    is_broker: bool = False

    @property
    def up(self) -> bool:
        return self.state is LinkState.UP


class HealthView(Struct, frozen=True):
    """`engine_lag_ms` is how late the engine's loop runs its timers; `journal_backlog` counts records not yet durable. `links` are the
    broker's and the feed's, in the order to show them. `failed` says that the engine has ended with its `problem`; without it the engine
    goes on, and a start is tried again by itself."""

    ready: bool
    engine_lag_ms: float
    journal_backlog: int
    links: tuple[LinkView, ...]
    market_open: bool
    market_text: str
    market_time: int
    problem: str = ""
    failed: bool = False


class WatchRow(Struct, frozen=True):
    """`change` is a fraction of the previous close (0.0084 is +0.84%), None where none is known. `stale_s` is None while fresh."""

    symbol: str
    last: float | None
    change: float | None
    bid: float | None
    ask: float | None
    volume: float
    stale_s: int | None
    tick: Decimal
    previous: float | None = None
    """The close of the last session before the one under way, from which `change` counts."""


class PositionRow(Struct, frozen=True):
    """`day` is what the symbol made in this session, fees and open positions counted. `account` is the account's name among several."""

    symbol: str
    quantity: Decimal
    average: Decimal
    last: float | None
    value: Decimal
    unrealised: Decimal
    unrealised_fraction: float | None
    realised: Decimal
    stale_s: int | None
    tick: Decimal
    day: Decimal = ZERO
    account: str = ""


class ExposureRow(Struct, frozen=True):
    """What is held and was made of one symbol, or by one strategy. `name` is empty for what no strategy ordered.

    `net` is the market value with short positions negative, `gross` with all positive; `realised` is less all `fees`.
    """

    name: str
    net: Decimal
    gross: Decimal
    realised: Decimal
    unrealised: Decimal
    fees: Decimal

    @property
    def profit(self) -> Decimal:
        return self.realised + self.unrealised


class OrderRow(Struct, frozen=True):
    """The later fields are as in `Order`: `parent` is the entry that a held exit waits for, `asked` the terms of a replace under way."""

    id: str
    number: int
    symbol: str
    side: Side
    quantity: Decimal
    requested: Decimal
    filled: Decimal
    average: Decimal | None
    type: OrderType
    limit: Decimal | None
    stop: Decimal | None
    tif: TimeInForce
    state: OrderState
    source: Source
    strategy: str
    reason: str
    created_at: int
    changed_at: int
    tick: Decimal
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    extended_hours: bool = False
    parent: str = ""
    oco: str = ""
    exit_pct: Decimal | None = None
    released: bool = True
    asked: Terms | None = None


class SignalRow(Struct, frozen=True):
    """`expires_in_s` counts down while WAITING, else None. `verdict` is the gate's sentence now, `passes` whether it would let it through;
    `rule` is the one that denies or cuts it, empty for none.

    `shadow` is what a signal that was not sent would have made by now, before costs.
    """

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
    price_now: float | None
    strength: float
    reason: str
    votes: tuple[Vote, ...]
    state: SignalState
    expires_in_s: int | None
    passes: bool
    verdict: str
    decided_by: str
    decided_reason: str
    shadow: Decimal | None
    raised_at: int
    tick: Decimal
    tif: TimeInForce = TimeInForce.DAY
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    bracket: Bracket | None = None
    rule: str = ""


class RiskRow(Struct, frozen=True):
    """One limit as a bar of used / limit. `unit` is `%` or `$`; `tripped` says that it denies entries now."""

    name: str
    used: Decimal
    limit: Decimal
    unit: str
    tripped: bool
    note: str = ""


class BreakerRow(Struct, frozen=True):
    """One breaker: whether it holds, why, and until what it does or would; `at` is the market time it tripped, 0 where it did not.
    `releasable` says that a person's word releases it now."""

    name: str
    tripped: bool
    reason: str
    unlocks: str
    at: int
    releasable: bool = False


class LogLine(Struct, frozen=True):
    """`number` grows by one a line for ever; `wall` is when, in nanoseconds UTC by the wall clock. `at` is the market's time where that is
    another one, 0 before it is known, and else None. `account` is the account's name among several."""

    number: int
    wall: int
    level: Level
    source: str
    text: str
    detail: str = ""
    account: str = ""
    at: int | None = None

    @property
    def time(self) -> int:
        """When, by the clock that orders, fills and the screen's own have; by the wall's before that one goes."""
        return self.at or self.wall


class ChartMark(Struct, frozen=True):
    """What is marked on the chart at a price. `kind` is `fill`; `limit`, `stop` or `target` (the exit of a bracket that takes the profit)
    for what works; `average` for the position's average price, which is of no time (`at` is 0); or `alert`, which has no quantity."""

    at: int
    side: Side
    price: float
    quantity: Decimal
    kind: str


class ChartView(Struct, frozen=True):
    """`bars` are in `timeframe`, oldest first, and the last of them is still `forming` or not. `sessions` are the closes of those bars
    that are the first of a session, oldest first; bars of a day have none.

    `offered` are the time frames there could be, the shortest first; `refused` are others, each with the reason why not.
    """

    symbol: str
    bars: tuple[Bar, ...]
    marks: tuple[ChartMark, ...]
    timeframe: str
    tick: Decimal
    offered: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    sessions: tuple[int, ...] = ()
    forming: bool = False


class StrategyRow(Struct, frozen=True):
    """`state` is starting, warming, running, restarting, disabled or stopped. `timeframe` is that of the bars it asked for, empty for the
    feed's own."""

    name: str
    state: str
    detail: str
    signals: int
    errors: int
    answer_ms: float | None
    timeframe: str = ""


class StopView(Struct, frozen=True):
    """How far the stop has come while trading is halted. `verified`: the broker itself says that nothing works and, where the stop
    `flattens`, that nothing is held. Until then `left` names each thing that is not at rest, in words: first the orders, `cancelling` of
    them, then what is held. `late` says that it takes longer than it should."""

    flattens: bool
    verified: bool
    left: tuple[str, ...]
    cancelling: int = 0
    late: bool = False


class View(Struct, frozen=True):
    """All a screen needs. `log` is the newest lines, oldest first; `replies` the newest answers to commands."""

    revision: int
    account: AccountView
    health: HealthView
    watch: tuple[WatchRow, ...]
    positions: tuple[PositionRow, ...]
    orders: tuple[OrderRow, ...]
    signals: tuple[SignalRow, ...]
    risk: tuple[RiskRow, ...]
    strategies: tuple[StrategyRow, ...]
    log: tuple[LogLine, ...]
    chart: ChartView | None
    replies: tuple[Reply, ...]
    metrics: MetricsView = field(default_factory=MetricsView)
    breakers: tuple[BreakerRow, ...] = ()
    stop: StopView | None = None
    exposure_by_symbol: tuple[ExposureRow, ...] = ()
    exposure_by_strategy: tuple[ExposureRow, ...] = ()
    fraction: Decimal | None = None
    """The smallest part of a share that the broker trades, None where it trades whole lots alone."""
    limits: Limits = field(default_factory=Limits)
    mismatches: tuple[str, ...] = ()
    """What the broker holds otherwise than our books, in words: each shuts its symbol to entries until both agree."""
    name: str = ""
    """The account's, where the console has several."""
    accounts: tuple[View, ...] = ()
    """All of a console's accounts as they are now, this one too; none where it has one alone."""
    preferred: dict[str, str] = field(default_factory=dict)
    """Of symbols the account that their orders go to where nobody says another."""
