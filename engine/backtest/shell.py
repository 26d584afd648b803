"""The synchronous shell: the core and the broker, every effect performed in place, and what came of it kept as flat columns."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from engine.backtest.account import Booked
from engine.backtest.errors import BacktestError
from engine.backtest.profile import RUN_ID, Profile
from engine.backtest.venue import BacktestBroker
from engine.brokers.base import AmbiguousError, BrokerEvent
from engine.brokers.costs import CostModelError
from engine.core.core import Core
from engine.model.effects import CancelAtBroker, Effect, Latch, Persist, ReplaceAtBroker, Send, StopStrategy
from engine.model.inputs import Input, Note, ResetBreaker, SetMode, Tick, Unsent
from engine.model.market import Instrument, MarketEvent, MarketStatus, Split
from engine.model.modes import Level, Mode, TradingState
from engine.model.orders import OrderState
from engine.model.records import (
    DividendBooked,
    FillBooked,
    Noted,
    OrderChanged,
    Record,
    RunStarted,
    SessionOpened,
    SignalRaised,
    SplitBooked,
)
from engine.model.verdicts import Outcome
from engine.strategies.names import strategy_names

_ALWAYS_S = 1e9
"""How long a price is fresh: between two bars there is nothing fresher to wait for."""
_NOTES = 200
"""Different sentences of the core's that are kept."""
_NUMBER = re.compile(r"#\d+")
_MANY = 2_000
"""Orders in the book from which it is worth letting go of the old ones."""
_UNFILLED = frozenset({OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED})
_RESET = "the next session of a backtest"

Answer = TypeVar("Answer")


def at_once(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Runs a coroutine that never waits: this broker answers in place."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise RuntimeError("the backtest's broker waited for something")


class FreeCore(Core):
    """A core without limits and without margin: nobody is to be told what the account is worth after each fill, for nothing looks at it
    but the gate, which asks the books."""

    def _supervise(self) -> None:
        """There is nothing to look after."""

    def _mark_equity(self) -> None:
        """The curve is worked out after the run, from what moved the account."""

    def _on_market_status(self, status: MarketStatus) -> None:
        """A session that opens is of interest to limits, and has the state forget what is long over: that is for when there is much."""
        if not self.state.session or len(self.state.book.orders) > _MANY:
            super()._on_market_status(status)
        else:
            self._take_status(status)


class Shell:
    """Time is the market's: both hands of the core's clock follow it.

    `on_booked` is told all that moved the account, and whose it was (a strategy's name, or nobody's). The counters are of signals and
    orders: `denied` and `cut` by the rule that refused them or made them smaller, `ended` by how an order ended that did not fill.
    """

    def __init__(self, profile: Profile, symbols: tuple[str, ...], on_booked: Callable[[Booked, str], None]) -> None:
        """Raises BacktestError where a cost model cannot be used."""
        settings = profile.settings(symbols)
        sizes = dict(zip(strategy_names(settings), (strategy.size_pct for strategy in profile.strategies), strict=True))
        core = FreeCore if profile.is_free else Core
        self.core = core(settings, map(Instrument, symbols), run_id=RUN_ID, price_life_s=_ALWAYS_S, sizes=sizes)
        try:
            self.broker = BacktestBroker(settings.paper, self.core.desk.instruments, settings.margin, profile.fill, profile.latency)
        except CostModelError as error:
            raise BacktestError(str(error)) from error
        self.signals = 0
        self.denied: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.notes: dict[str, int] = {}
        """What the core had to say, each sentence once, and how often."""
        self.now = 0
        self.listen: Callable[[MarketEvent | tuple[Record, ...]], None] | None = None
        """Is told, where somebody writes it down, what the core hears of the market and what it records."""
        self._on_booked = on_booked
        self._inbox: deque[Input] = deque()
        self._busy = False
        self._told: dict[type, Callable[[Any], None]] = {
            FillBooked: self._fill_booked,
            SplitBooked: lambda record: on_booked(record, ""),
            DividendBooked: lambda record: on_booked(record, ""),
            SignalRaised: self._signal_raised,
            OrderChanged: self._order_changed,
            SessionOpened: self._session_opened,
            Noted: self._noted,
        }
        self._new_session = False

    def start(self, source: str, at: int) -> None:
        """Begins the run at the market time `at`."""
        self.now = at
        self.core.gate.capabilities = self.broker.capabilities
        at_once(self.broker.connect(self.hear))
        snapshot = at_once(self.broker.snapshot([]))
        self._perform(self.core.start(RunStarted(RUN_ID, "backtest", source, snapshot.cash, at), Mode.FULL_AUTO, "", at))
        self.handle(snapshot)

    # ---- the one way in

    def handle(self, event: Input) -> None:
        inbox = self._inbox
        inbox.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while inbox:
                self._perform(self.core.handle(inbox.popleft(), self.now))
        finally:
            self._busy = False

    def hear(self, event: BrokerEvent) -> None:
        if isinstance(event, Note):
            raise BacktestError(event.text)
        self.handle(event)

    def market(self, event: MarketEvent) -> None:
        """The broker hears of it first, as a market would, but of a split: the exits of a position would be released in old shares."""
        self.now = max(self.now, event.at)
        if self.listen is not None:
            self.listen(event)
        if isinstance(event, Split):
            self.handle(event)
            self.broker.on_market(event)
            return
        self.broker.on_market(event)
        self.handle(event)
        if isinstance(event, MarketStatus) and self._new_session:
            self._new_session = False
            self._release()

    def look(self) -> None:
        """Breakers and margin look at the account as it is now."""
        self.handle(Tick())

    def _release(self) -> None:
        """A new session: what tripped is released, as nobody is there to do it."""
        state = self.core.state
        for name in [*state.trips, *(name for trips in state.strategy_breakers.values() for name in trips)]:
            self.handle(ResetBreaker("", name, _RESET))
        if state.mode is not Mode.FULL_AUTO and state.trading is TradingState.ACTIVE:
            self.handle(SetMode("", Mode.FULL_AUTO, "backtest"))

    # ---- effects

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Persist):
                if self.listen is not None:
                    self.listen(effect.records)
                told = self._told
                for record in effect.records:
                    tell = told.get(type(record))
                    if tell is not None:
                        tell(record)
            elif isinstance(effect, Send):
                if effect.order.state is OrderState.PENDING_SUBMIT:
                    at_once(self.broker.submit(effect.order))
                else:
                    self.handle(Unsent(effect.order.id))
            elif isinstance(effect, CancelAtBroker):
                # One that the broker has yet to hear of, the core asks for again.
                with suppress(AmbiguousError):
                    at_once(self.broker.cancel([self.core.state.book.orders[order_id] for order_id in effect.order_ids]))
            elif isinstance(effect, ReplaceAtBroker):
                at_once(self.broker.replace(effect.order, effect.terms))
            elif isinstance(effect, StopStrategy):
                raise BacktestError(f"{effect.strategy} was disabled: {effect.reason}")
            elif isinstance(effect, Latch) and effect.halted:
                raise BacktestError(f"Trading was stopped: {effect.reason}.")

    def _fill_booked(self, record: FillBooked) -> None:
        order = self.core.state.book.orders.get(record.fill.order_id)
        self._on_booked(record.fill, order.strategy if order is not None else "")

    def _signal_raised(self, record: SignalRaised) -> None:
        self.signals += 1
        verdict = record.verdict
        if verdict.outcome is not Outcome.PASS:
            (self.denied if verdict.outcome is Outcome.DENY else self.cut)[verdict.rule] += 1

    def _order_changed(self, record: OrderChanged) -> None:
        if record.state in _UNFILLED:
            # Counted are the ways to end: with the number of another order in it, each would be one of its own.
            reason = _NUMBER.sub("another order", record.reason)
            self.ended[f"{record.state.words}: {reason}" if reason else record.state.words] += 1

    def _session_opened(self, record: SessionOpened) -> None:
        self._new_session = True

    def _noted(self, record: Noted) -> None:
        if record.level is not Level.INFO and (record.text in self.notes or len(self.notes) < _NOTES):
            self.notes[record.text] = self.notes.get(record.text, 0) + 1
