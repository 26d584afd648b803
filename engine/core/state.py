"""Everything the core remembers, and the one way it changes: by taking over a record.

Deciding makes records; taking them over changes the state, live and after a restart alike. So what a restart finds is by construction
what was there before.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from engine.core.approvals import Approvals
from engine.core.attribution import Attribution
from engine.core.order_book import OrderBook
from engine.core.portfolio import Portfolio
from engine.model.modes import Mode, TradingState
from engine.model.money import ZERO
from engine.model.records import (
    CashMoved,
    DividendBooked,
    DrawdownTripped,
    EquityMarked,
    FillBooked,
    FillCorrected,
    HighWaterSet,
    LossLimitTripped,
    ModeChanged,
    Noted,
    OrderChanged,
    OrderDenied,
    OrderPlaced,
    OrderReleased,
    OrderReplaced,
    OrderTrailed,
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
    TradingStateChanged,
)


class State:
    """Orders, positions, signals, mode and limits as the records tell them. `apply` is total: no record that was written is refused."""

    __slots__ = (
        "_apply",
        "approvals",
        "attribution",
        "book",
        "clean",
        "drawdown_tripped",
        "halt_reason",
        "high_water",
        "loss_session",
        "mode",
        "portfolio",
        "runs",
        "session",
        "session_equity",
        "trading",
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
        self.loss_session = ""
        """The session in which the daily loss limit tripped and which a person has not yet released; empty where none did."""
        self.high_water = ZERO
        """The highest equity that was marked since the account began, or since a person released the drawdown limit."""
        self.drawdown_tripped = False
        self.runs = 0
        self.clean = True
        """Whether the run before this one ended in order."""
        self._apply: dict[type, Callable[[Any], None]] = {
            RunStarted: self._run_started,
            RunEnded: self._run_ended,
            OrderPlaced: self.book.apply_placed,
            OrderChanged: self.book.apply_changed,
            OrderReleased: self.book.apply_released,
            OrderTrailed: self.book.apply_trailed,
            ReplaceAsked: self.book.apply_replace_asked,
            OrderReplaced: self.book.apply_replaced,
            FillBooked: self._fill_booked,
            FillCorrected: self._fill_corrected,
            SplitBooked: self._split_booked,
            DividendBooked: self._dividend_booked,
            CashMoved: self._cash_moved,
            PositionAdopted: self._position_adopted,
            SignalRaised: self.approvals.apply_raised,
            SignalDecided: self.approvals.apply_decided,
            ModeChanged: self._mode_changed,
            TradingStateChanged: self._trading_changed,
            SessionOpened: self._session_opened,
            LossLimitTripped: self._loss_tripped,
            DrawdownTripped: self._drawdown_tripped,
            HighWaterSet: self._high_water_set,
            EquityMarked: self._equity_marked,
            OrderDenied: _nothing,
            StrategyErrored: _nothing,
            Noted: _nothing,
        }

    def apply(self, record: Record) -> None:
        self._apply[type(record)](record)

    def day_loss(self, equity: Decimal) -> Decimal:
        """How much this session has lost so far, zero where it has gained."""
        return max(self.session_equity - equity, ZERO) if self.session else ZERO

    def drawdown(self, equity: Decimal) -> Decimal:
        """How far `equity` lies under the high-water mark, zero where it is above."""
        return max(self.high_water - equity, ZERO)

    def _run_started(self, record: RunStarted) -> None:
        if record.cash is not None:
            self.portfolio.deposit(record.cash)
        self.runs += 1
        self.clean = False

    def _run_ended(self, record: RunEnded) -> None:
        self.clean = True

    def _fill_booked(self, record: FillBooked) -> None:
        self.book.apply_fill(record)
        self.portfolio.book(record.fill)
        self.attribution.book(record.fill, self.book.orders[record.fill.order_id].strategy)

    def _fill_corrected(self, record: FillCorrected) -> None:
        self.book.apply_corrected(record)
        self.portfolio.correct(record)
        self.attribution.correct(record, self.book.orders[record.order_id].strategy)

    def _split_booked(self, record: SplitBooked) -> None:
        self.portfolio.split(record)
        self.attribution.split(record)

    def _dividend_booked(self, record: DividendBooked) -> None:
        self.portfolio.receive_dividend(record)
        self.attribution.receive_dividend(record)

    def _cash_moved(self, record: CashMoved) -> None:
        self.portfolio.deposit(record.amount)
        self.high_water += record.amount
        self.session_equity += record.amount

    def _position_adopted(self, record: PositionAdopted) -> None:
        self.portfolio.adopt(record.symbol, record.quantity, record.average, record.cash)
        self.attribution.adopt(record.symbol, record.quantity, record.average)

    def _mode_changed(self, record: ModeChanged) -> None:
        self.mode = record.mode

    def _trading_changed(self, record: TradingStateChanged) -> None:
        self.trading = record.state
        self.halt_reason = record.reason
        if record.state is TradingState.ACTIVE:
            self.loss_session = ""

    def _session_opened(self, record: SessionOpened) -> None:
        self.session = record.session
        self.session_equity = record.equity

    def _equity_marked(self, record: EquityMarked) -> None:
        self.high_water = max(self.high_water, record.equity)

    def _drawdown_tripped(self, record: DrawdownTripped) -> None:
        self.drawdown_tripped = True

    def _high_water_set(self, record: HighWaterSet) -> None:
        self.high_water = record.equity
        self.drawdown_tripped = False

    def _loss_tripped(self, record: LossLimitTripped) -> None:
        self.loss_session = record.session


def _nothing(record: object) -> None:
    """History only."""
