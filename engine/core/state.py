"""Everything the core remembers, and the one way it changes: by taking over a record.

Deciding makes records; taking them over changes the state, live and after a restart alike. So what a restart finds is by construction
what was there before.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec import Struct

from engine.core.approvals import Approvals
from engine.core.attribution import PERSON, Attribution
from engine.core.order_book import OrderBook
from engine.core.pace import Pace
from engine.core.peak import RollingPeak
from engine.core.portfolio import Portfolio
from engine.model.modes import Mode, TradingState
from engine.model.money import ZERO
from engine.model.orders import Source
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
    Record,
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

DAILY_LOSS = "daily loss"
DRAWDOWN = "drawdown"
CIRCUIT_BREAKER = "circuit breaker"
_DAY = 86_400 * 1_000_000_000


def breaker_of(strategy: str, name: str) -> str:
    """What the breaker `name` of one strategy is called."""
    return f"{name} of {strategy}"


class Trip(Struct, frozen=True):
    """A breaker that holds: why, in which session and at which market time it tripped."""

    reason: str
    session: str
    at: int


class State:
    """Orders, positions, signals, mode and limits as the records tell them. `apply` is total: no record that was written is refused."""

    __slots__ = (
        "_apply",
        "approvals",
        "attribution",
        "book",
        "clean",
        "disabled",
        "halt_reason",
        "halts",
        "high_water",
        "mode",
        "moved",
        "paces",
        "peaks",
        "portfolio",
        "runs",
        "session",
        "session_equity",
        "strategies_opened",
        "strategy_breakers",
        "strategy_highs",
        "strategy_peaks",
        "strategy_trips",
        "symbol_paces",
        "symbol_trips",
        "symbols_opened",
        "traded",
        "trading",
        "trips",
        "venue",
        "watched",
    )

    def __init__(self) -> None:
        self.portfolio = Portfolio()
        self.attribution = Attribution()
        self.book = OrderBook()
        self.approvals = Approvals()
        self.mode = Mode.MANUAL
        self.trading = TradingState.ACTIVE
        self.halt_reason = ""
        self.session = ""
        self.session_equity = ZERO
        self.trips: dict[str, Trip] = {}
        """The breakers that tripped and that no person has released."""
        self.high_water = ZERO
        """The highest equity that was marked since the account began, or since a person released the drawdown limit."""
        self.moved = ZERO
        """All that came in or went out and was neither profit nor loss."""
        self.peaks = RollingPeak(_DAY)
        """Equity as it was marked over the last day, less what was `moved`."""
        self.strategies_opened: dict[str, Decimal] = {}
        """Each strategy's profit, open positions counted, when the session opened."""
        self.strategy_trips: dict[str, Trip] = {}
        """The strategies that lost too much in their session."""
        self.strategy_breakers: dict[str, dict[str, Trip]] = {}
        """Each strategy's own breakers that tripped and that no person has released, by what they are called."""
        self.strategy_highs: dict[str, Decimal] = {}
        """The highest profit that was marked of a strategy, or since a person released its drawdown limit."""
        self.strategy_peaks: dict[str, RollingPeak] = {}
        """Strategies' profits as they were marked over the last day."""
        self.symbols_opened: dict[str, Decimal] = {}
        """Each symbol's profit, open positions counted, when the session opened."""
        self.symbol_trips: dict[str, Trip] = {}
        """The symbols that lost too much in their session."""
        self.halts: dict[str, str] = {}
        """The symbols that the venue has halted, each with its reason."""
        self.watched: dict[str, int] = {}
        """The symbols that are watched beside those a run begins with, and since when."""
        self.disabled: dict[str, str] = {}
        """The strategies that are disabled in this run, and why."""
        self.paces: dict[str, Pace] = {}
        """When each strategy sent an order, and under an empty name when anybody did."""
        self.symbol_paces: dict[str, Pace] = {}
        """When anybody sent an order in each symbol, as far as the last day had one."""
        self.traded: dict[str, dict[str, None]] = {}
        """The orders of each signal that have traded, by their ids, in that order."""
        self.runs = 0
        self.venue = ""
        """Whose books these are: the broker, and the account's number there."""
        self.clean = True
        """Whether the run before this one ended in order."""
        self._apply: dict[type, Callable[[Any], None]] = {
            RunStarted: self._run_started,
            RunEnded: self._run_ended,
            OrderPlaced: self._order_placed,
            OrderChanged: self._of_a_kept_order(self.book.apply_changed),
            OrderReleased: self._of_a_kept_order(self.book.apply_released),
            OrderTrailed: self._of_a_kept_order(self.book.apply_trailed),
            ReplaceAsked: self._of_a_kept_order(self.book.apply_replace_asked),
            OrderReplaced: self._of_a_kept_order(self.book.apply_replaced),
            FillBooked: self._fill_booked,
            FillCorrected: self._fill_corrected,
            SplitBooked: self._split_booked,
            DividendBooked: self._dividend_booked,
            CashMoved: self._cash_moved,
            PositionAdopted: self._position_adopted,
            PositionAccepted: self._position_accepted,
            SignalRaised: self.approvals.apply_raised,
            SignalDecided: self.approvals.apply_decided,
            ModeChanged: self._mode_changed,
            TradingStateChanged: self._trading_changed,
            SessionOpened: self._session_opened,
            LossLimitTripped: self._loss_tripped,
            DrawdownTripped: self._drawdown_tripped,
            HighWaterSet: self._high_water_set,
            CircuitTripped: self._circuit_tripped,
            StrategyLossTripped: self._strategy_loss_tripped,
            StrategyTripped: self._strategy_tripped,
            SymbolLossTripped: self._symbol_loss_tripped,
            HaltChanged: self._halt_changed,
            SymbolWatched: self._symbol_watched,
            BreakerReset: self._breaker_reset,
            EquityMarked: self._equity_marked,
            OrderDenied: _nothing,
            StrategyErrored: self._strategy_errored,
            LimitsChanged: _nothing,
            Noted: _nothing,
            Checkpoint: _nothing,
        }

    def _forget(self, at: int) -> None:
        """Lets go of what was long over at market time `at`, so that the state does not grow for ever; the history keeps it all."""
        self.book.forget(at - _DAY)
        self.portfolio.forget(at - _DAY)
        self.approvals.forget(at - _DAY)
        self.paces = {name: pace for name, pace in self.paces.items() if not pace.forget(at - _DAY)}
        self.symbol_paces = {symbol: pace for symbol, pace in self.symbol_paces.items() if not pace.forget(at - _DAY)}
        orders = self.book.orders
        traded = {signal: {key: None for key in keys if key in orders} for signal, keys in self.traded.items()}
        self.traded = {signal: keys for signal, keys in traded.items() if keys}

    def apply(self, record: Record) -> None:
        self._apply[type(record)](record)

    def day_loss(self, equity: Decimal) -> Decimal:
        """How much this session has lost so far, zero where it has gained."""
        return max(self.session_equity - equity, ZERO) if self.session else ZERO

    def drawdown(self, equity: Decimal) -> Decimal:
        """How far `equity` lies under the high-water mark, zero where it is above."""
        return max(self.high_water - equity, ZERO)

    def strategy_profit(self, strategy: str) -> Decimal:
        """What the strategy made so far, open positions at their marks and fees counted."""
        return self.attribution.exposure(strategy, self.portfolio.holdings).profit

    def strategy_loss(self, strategy: str) -> Decimal:
        """How much the strategy has lost in this session so far, zero where it has gained."""
        return max(self.strategies_opened.get(strategy, ZERO) - self.strategy_profit(strategy), ZERO)

    def has_tripped(self, strategy: str) -> bool:
        """Whether the strategy has lost too much in this session."""
        trip = self.strategy_trips.get(strategy)
        return trip is not None and trip.session == self.session

    def strategy_drawdown(self, strategy: str) -> Decimal:
        """How far the strategy's profit lies under the highest that was marked, zero where it is above."""
        profit = self.strategy_profit(strategy)
        return max(self.strategy_highs.get(strategy, profit) - profit, ZERO)

    def trips_of(self, strategy: str) -> dict[str, Trip]:
        """The strategy's own breakers that hold until a person's word, by what they are called."""
        return self.strategy_breakers.get(strategy, {})

    def symbol_loss(self, symbol: str) -> Decimal:
        """How much everybody together has lost in the symbol in this session so far, zero where they have gained."""
        return max(-self.symbol_profit(symbol), ZERO)

    def symbol_profit(self, symbol: str) -> Decimal:
        """What everybody together has made in the symbol in this session so far, open positions and fees counted."""
        holding = self.portfolio.holdings.get(symbol)
        return holding.profit - self.symbols_opened.get(symbol, ZERO) if holding is not None else ZERO

    def has_symbol_tripped(self, symbol: str) -> bool:
        """Whether the symbol has lost too much in this session."""
        trip = self.symbol_trips.get(symbol)
        return trip is not None and trip.session == self.session

    def sent_in_symbol(self, symbol: str, window: int, now: int) -> int:
        """Orders of everybody in `symbol` in the `window` nanoseconds of market time up to `now`."""
        pace = self.symbol_paces.get(symbol)
        return pace.within(window, now) if pace is not None else 0

    def sent_within(self, window: int, now: int, strategy: str = "") -> int:
        """Orders of `strategy`, or of everybody, in the `window` nanoseconds of market time up to `now`."""
        pace = self.paces.get(strategy)
        return pace.within(window, now) if pace is not None else 0

    def _of_a_kept_order(self, apply: Callable[[Any], None]) -> Callable[[Any], None]:
        """`apply` for orders that are kept: an earlier version may have kept others, and have written of them."""

        def apply_if_kept(record: Any) -> None:
            if record.order_id in self.book.orders:
                apply(record)

        return apply_if_kept

    def _order_placed(self, record: OrderPlaced) -> None:
        self.book.apply_placed(record)
        if record.source in (Source.PERSON, Source.STRATEGY) and not record.parent:
            for name in {"", record.strategy}:
                self.paces.setdefault(name, Pace()).add(record.at)
            self.symbol_paces.setdefault(record.symbol, Pace()).add(record.at)

    def _run_started(self, record: RunStarted) -> None:
        self.disabled.clear()
        if record.cash is not None:
            self.portfolio.deposit(record.cash)
        self.runs += 1
        self.venue = record.venue or self.venue
        self.clean = False

    def _run_ended(self, record: RunEnded) -> None:
        self.clean = True

    def _fill_booked(self, record: FillBooked) -> None:
        self.portfolio.book(record.fill)
        self.book.stale[record.fill.symbol] = None
        order = self.book.orders.get(record.fill.order_id)
        self.attribution.book(record.fill, order.strategy if order is not None else PERSON)
        if order is not None:
            self.book.apply_fill(record)
        if order is not None and order.signal_id:
            self.traded.setdefault(order.signal_id, {})[order.id] = None

    def _fill_corrected(self, record: FillCorrected) -> None:
        self.portfolio.correct(record)
        self.book.stale[record.symbol] = None
        order = self.book.orders.get(record.order_id)
        self.attribution.correct(record, order.strategy if order is not None else PERSON)
        if order is not None:
            self.book.apply_corrected(record)

    def _split_booked(self, record: SplitBooked) -> None:
        self.book.apply_split(record)
        self.approvals.apply_split(record)
        self.portfolio.split(record)
        self.book.stale[record.symbol] = None
        self.attribution.split(record)

    def _dividend_booked(self, record: DividendBooked) -> None:
        self.approvals.apply_dividend(record)
        self.portfolio.receive_dividend(record)
        self.attribution.receive_dividend(record)

    def _cash_moved(self, record: CashMoved) -> None:
        self.portfolio.deposit(record.amount)
        self.moved += record.amount
        self.high_water += record.amount
        self.session_equity += record.amount

    def _position_adopted(self, record: PositionAdopted) -> None:
        self.portfolio.adopt(record.symbol, record.quantity, record.average, record.cash)
        self.book.stale[record.symbol] = None
        self.attribution.adopt(record.symbol, record.quantity, record.average)

    def _position_accepted(self, record: PositionAccepted) -> None:
        self.portfolio.book(record.fill)
        self.book.stale[record.symbol] = None
        self.attribution.book(record.fill, PERSON)

    def _mode_changed(self, record: ModeChanged) -> None:
        self.mode = record.mode

    def _trading_changed(self, record: TradingStateChanged) -> None:
        self.trading = record.state
        self.halt_reason = record.reason
        if record.state is TradingState.ACTIVE:
            # Journals of before a reset had a record of its own.
            self.trips.pop(DAILY_LOSS, None)

    def _session_opened(self, record: SessionOpened) -> None:
        self._forget(record.at)
        self.session = record.session
        self.portfolio.open_session(record.session)
        self.session_equity = record.equity
        self.strategies_opened = dict(record.strategies)
        self.symbols_opened = dict(record.symbols)

    def _equity_marked(self, record: EquityMarked) -> None:
        self.high_water = max(self.high_water, record.equity)
        self.peaks.add(record.at, record.equity - self.moved)
        for strategy, profit in record.strategies:
            self.strategy_highs[strategy] = max(self.strategy_highs.get(strategy, profit), profit)
            self.strategy_peaks.setdefault(strategy, RollingPeak(_DAY)).add(record.at, profit)

    def _drawdown_tripped(self, record: DrawdownTripped) -> None:
        fell = record.high_water - record.equity
        self._trip(DRAWDOWN, f"equity of {record.equity:,.2f} is {fell:,.2f} under its highest", record.at)

    def _high_water_set(self, record: HighWaterSet) -> None:
        self.high_water = record.equity
        self.trips.pop(DRAWDOWN, None)

    def _loss_tripped(self, record: LossLimitTripped) -> None:
        reason = f"the loss of {record.loss:,.2f} in session {record.session} reached the limit of {record.limit:,.2f}"
        self._trip(DAILY_LOSS, reason, record.at)

    def _circuit_tripped(self, record: CircuitTripped) -> None:
        reason = f"{record.loss:,.2f} were lost within {record.minutes} minutes, the limit is {record.limit:,.2f}"
        self._trip(CIRCUIT_BREAKER, reason, record.at)

    def _trip(self, name: str, reason: str, at: int) -> None:
        self.trips[name] = Trip(reason, self.session, at)

    def _strategy_loss_tripped(self, record: StrategyLossTripped) -> None:
        reason = f"its loss of {record.loss:,.2f} reached its limit of {record.limit:,.2f}"
        self.strategy_trips[record.strategy] = Trip(reason, record.session, record.at)

    def _strategy_tripped(self, record: StrategyTripped) -> None:
        if record.minutes:
            name, how = CIRCUIT_BREAKER, f"it lost {record.fell:,.2f} within {record.minutes} minutes"
        else:
            name, how = DRAWDOWN, f"its profit is {record.fell:,.2f} under its highest"
        trip = Trip(f"{how}, the limit is {record.limit:,.2f}", self.session, record.at)
        self.strategy_breakers.setdefault(record.strategy, {})[breaker_of(record.strategy, name)] = trip

    def _symbol_loss_tripped(self, record: SymbolLossTripped) -> None:
        reason = f"its loss of {record.loss:,.2f} reached its limit of {record.limit:,.2f}"
        self.symbol_trips[record.symbol] = Trip(reason, record.session, record.at)

    def _halt_changed(self, record: HaltChanged) -> None:
        if record.halted:
            self.halts[record.symbol] = record.reason
        else:
            self.halts.pop(record.symbol, None)

    def _symbol_watched(self, record: SymbolWatched) -> None:
        if record.watched:
            self.watched.setdefault(record.symbol, record.at)
        else:
            self.watched.pop(record.symbol, None)

    def _breaker_reset(self, record: BreakerReset) -> None:
        self.trips.pop(record.name, None)
        if record.name == CIRCUIT_BREAKER:
            self.peaks.clear()
        for strategy, trips in self.strategy_breakers.items():
            if trips.pop(record.name, None) is None:
                continue
            if record.name == breaker_of(strategy, DRAWDOWN):
                self.strategy_highs.pop(strategy, None)
            else:
                self.strategy_peaks.pop(strategy, None)

    def _strategy_errored(self, record: StrategyErrored) -> None:
        if record.disabled:
            self.disabled[record.strategy] = record.error


def _nothing(record: object) -> None:
    """For the history, or for the next start."""
