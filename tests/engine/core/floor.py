"""A trading floor in miniature: the core, the paper broker and a list for a journal, performed inline like a backtest's shell."""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Iterable
from decimal import Decimal
from typing import Any, TypeVar

from msgspec.structs import replace

from engine.brokers.base import AmbiguousError, BrokerEvent
from engine.brokers.paper import PaperBroker
from engine.core.core import Core
from engine.core.portfolio import Portfolio
from engine.core.state import State
from engine.model.effects import CancelAtBroker, Effect, Latch, Persist, ReplaceAtBroker, Reply, Send
from engine.model.inputs import (
    Approve,
    BrokerSnapshot,
    Cancel,
    EmergencyStop,
    Flatten,
    Input,
    OrderUpdate,
    Proposal,
    Resume,
    SetMode,
    Submit,
    Tick,
    Unsent,
)
from engine.model.market import Bar, Instrument, MarketEvent, MarketStatus, Phase, Quote
from engine.model.modes import Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Intent, Order, OrderState, OrderType, Side, Source
from engine.model.records import OrderPlaced, Record, RunStarted
from engine.model.settings import (
    Approvals,
    AutoApprove,
    CommissionSettings,
    Limits,
    PaperSettings,
    Settings,
    SlippageSettings,
    StopSettings,
)
from tests.engine.core.inbox import Inbox

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
SYMBOLS = ("AAPL", "MSFT")
OPEN_LIMITS = Limits(
    max_position_pct=Decimal(100),
    max_order_pct=Decimal(100),
    max_exposure_pct=Decimal(400),
    max_daily_loss_pct=Decimal(100),
    max_drawdown_pct=Decimal(100),
    circuit_breaker_pct=Decimal(100),
)
"""Limits so wide that a test of something else does not meet them."""
FRICTIONLESS = PaperSettings(
    cash=Decimal(100_000),
    commission=CommissionSettings("fixed", rate=Decimal(0)),
    slippage=SlippageSettings(bps=0),
    latency_ms=0,
    volume_cap_pct=100,
)

Answer = TypeVar("Answer")


def settings(
    *,
    limits: Limits = OPEN_LIMITS,
    approvals: Approvals | None = None,
    auto: AutoApprove | None = None,
    keep_protective: bool = False,
    paper: PaperSettings = FRICTIONLESS,
) -> Settings:
    return Settings(
        symbols=SYMBOLS,
        limits=limits,
        approvals=approvals or Approvals(auto=auto or AutoApprove()),
        stop=StopSettings(keep_protective=keep_protective),
        paper=paper,
    )


def at_once(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Runs a coroutine that never waits: the paper broker answers in place."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("the paper broker waited for something")


def wish(
    side: Side,
    quantity: object,
    symbol: str = "AAPL",
    *,
    limit: object = None,
    stop: object = None,
    source: Source = Source.PERSON,
    reduce_only: bool = False,
) -> Intent:
    """An intent whose type follows from its prices."""
    return Intent(
        symbol=symbol,
        side=side,
        quantity=Decimal(str(quantity)),
        type=OrderType.LIMIT if limit is not None else OrderType.STOP if stop is not None else OrderType.MARKET,
        limit=None if limit is None else Decimal(str(limit)),
        stop=None if stop is None else Decimal(str(stop)),
        source=source,
        reduce_only=reduce_only,
    )


class Floor(Inbox):
    """`records` is the journal, `sent` the orders that reached the broker, `replies` the answers to commands, oldest first."""

    def __init__(
        self,
        given: Settings | None = None,
        *,
        mode: Mode = Mode.MANUAL,
        session: str = "2025-06-12",
        prices: dict[str, float] | None = None,
        size_pct: int = 5,
        price_life_s: float | None = None,
    ) -> None:
        super().__init__()
        self.settings = given or settings()
        self.mono = SECOND
        self.at = 1_000 * DAY
        self.records: list[Record] = []
        self.units: list[int] = []
        """How many records there were after each unit of them: those of one are on the disk together or not at all."""
        self.sent: list[Order] = []
        self.replies: list[Reply] = []
        self.latched = ""
        self.held_news: deque[BrokerEvent] | None = None
        """While a deque, the broker's news wait there instead of reaching the core."""
        self._mode = mode
        self._size_pct = size_pct
        self._price_life_s = price_life_s
        self._runs = 0
        self._commands = 0
        self._start_run(mode)
        self.session(session)
        for symbol, price in (prices or {}).items():
            self.quote(symbol, price)

    # ---- life

    def _start_run(self, mode: Mode) -> None:
        self._runs += 1
        self.held_news = None
        first = self._runs == 1
        run_id = f"r{self._runs}"
        instruments = [Instrument(symbol) for symbol in SYMBOLS]
        self.core = Core(self.settings, instruments, run_id=run_id, price_life_s=self._price_life_s, sizes={"sma": Decimal(self._size_pct)})
        self.core.restore(self.records)
        self.broker = PaperBroker(self.settings.paper, self.core.desk.instruments, self.settings.margin)
        if not first:
            self.broker.restore(*self._books())
        self.core.gate.capabilities = self.broker.capabilities
        at_once(self.broker.connect(self._hear))
        cash = at_once(self.broker.snapshot([])).cash if first else None
        self._perform(self.core.start(RunStarted(run_id, "paper", "test", cash, self.at), mode, self.latched, self.mono))
        self.reconcile()

    def _books(self) -> tuple[Portfolio, Iterable[Order], str]:
        """What the journal tells a restarted paper broker: a copy, for a market shares no memory with us."""
        told = restored(self.records)
        return told.portfolio, told.book.orders.values(), told.session

    def restart(self, *, crash: bool = False, mode: Mode | None = None) -> None:
        """Ends the run (or loses it) and begins the next from the journal alone."""
        if not crash:
            self._perform(self.core.end(self.mono))
        self._inbox.clear()
        self.mono += SECOND
        self._start_run(mode or self._mode)

    # ---- inputs

    def _handle_one(self, event: Input) -> None:
        self._perform(self.core.handle(event, self.mono))

    def _hear(self, event: BrokerEvent) -> None:
        if self.held_news is not None:
            self.held_news.append(event)
        else:
            self.handle(event)

    def quote(self, symbol: str, last: float, *, spread: float = 0.0, size: float = 1e9, later_s: float = 0.001) -> None:
        self.at += int(later_s * SECOND)
        half = spread / 2
        self.market(Quote(symbol, self.at, round(last - half, 6), round(last + half, 6), size, size, last))

    def move(self, symbol: str, last: float) -> None:
        """Takes the market to `last` however far that is: the second print confirms the first."""
        self.quote(symbol, last)
        self.quote(symbol, last)

    def bar(self, symbol: str, open: float, high: float, low: float, close: float, *, volume: float = 1e9, later_s: float = 60) -> None:  # noqa: A002
        self.at += int(later_s * SECOND)
        self.market(Bar(symbol, self.at, open, high, low, close, volume))

    def session(self, name: str, *, open: bool = True) -> None:  # noqa: A002
        self.market(MarketStatus(Phase.REGULAR if open else Phase.CLOSED, "open" if open else "closed", name, self.at))

    def market(self, event: MarketEvent) -> None:
        self.broker.on_market(event)
        self.handle(event)

    def tick(self, seconds: float = 0.1) -> None:
        self.mono += int(seconds * SECOND)
        self.handle(Tick())

    def reconcile(self) -> None:
        self.handle(self.snapshot())

    def snapshot(self) -> BrokerSnapshot:
        return at_once(self.broker.snapshot([order.id for order in self.core.state.book.working()]))

    def broker_account(self) -> Portfolio:
        """What the broker has, without asking it: whoever asks has all done at once that is still on its way."""
        return self.broker._portfolio

    # ---- commands

    def command_id(self) -> str:
        self._commands += 1
        return f"c{self._commands}"

    def submit(self, intent: Intent, *, confirmed: bool = True) -> Reply:
        """By somebody who means it, though it may look like a repetition."""
        self.handle(Submit(self.command_id(), intent, confirmed))
        return self.replies[-1]

    def buy(self, quantity: object, symbol: str = "AAPL", **prices: Any) -> Order:
        return self._placed(wish(Side.BUY, quantity, symbol, **prices))

    def sell(self, quantity: object, symbol: str = "AAPL", **prices: Any) -> Order:
        return self._placed(wish(Side.SELL, quantity, symbol, **prices))

    def _placed(self, intent: Intent) -> Order:
        reply = self.submit(intent)
        assert reply.ok, reply.text
        return self.last_order

    def hold(self, quantity: int, price: float, symbol: str = "AAPL") -> None:
        """Owns `quantity` (short if negative) of `symbol`, bought at `price`."""
        self.move(symbol, price)
        self._placed(wish(Side.BUY if quantity > 0 else Side.SELL, abs(quantity), symbol))
        self.quote(symbol, price)
        assert self.position(symbol) == quantity

    def propose(
        self,
        signal_id: str,
        side: Side = Side.BUY,
        quantity: object = None,
        symbol: str = "AAPL",
        *,
        strategy: str = "sma",
        strength: float = 1.0,
        limit: object = None,
    ) -> None:
        intent = wish(side, 1 if quantity is None else quantity, symbol, limit=limit)
        amount = None if quantity is None else intent.quantity
        self.handle(Proposal(signal_id, strategy, symbol, side, amount, intent.type, intent.limit, None, strength))

    def approve(self, signal_id: str) -> Reply:
        self.handle(Approve(self.command_id(), signal_id))
        return self.replies[-1]

    def cancel(self, order: Order | None = None) -> Reply:
        self.handle(Cancel(self.command_id(), order.id if order else ""))
        return self.replies[-1]

    def set_mode(self, mode: Mode) -> Reply:
        self.handle(SetMode(self.command_id(), mode))
        return self.replies[-1]

    def stop(self) -> Reply:
        self.handle(EmergencyStop(self.command_id()))
        return self.replies[-1]

    def flatten(self) -> Reply:
        """Closes what the broker holds at this moment."""
        positions = tuple((symbol, quantity) for symbol, quantity, _ in self.snapshot().positions)
        self.handle(Flatten(self.command_id(), positions))
        return self.replies[-1]

    def resume(self, reason: str = "looked at it") -> Reply:
        self.handle(Resume(self.command_id(), reason))
        return self.replies[-1]

    # ---- what came of it

    @property
    def last_order(self) -> Order:
        return list(self.core.state.book.orders.values())[-1]

    def position(self, symbol: str = "AAPL") -> Decimal:
        return self.core.state.portfolio.position(symbol)

    def open_states(self) -> dict[int, OrderState]:
        """Every open order's state by its number."""
        return {order.number: order.state for order in self.core.state.book.open.values()}

    def mode(self) -> Mode:
        return self.core.state.mode

    def trading(self) -> TradingState:
        return self.core.state.trading

    def of(self, kind: type[Any]) -> list[Any]:
        """The records of one kind, oldest first."""
        return [record for record in self.records if isinstance(record, kind)]

    def _perform(self, effects: list[Effect]) -> None:
        assert all(not isinstance(effect, Persist) for effect in effects[1:]), "what must be durable comes first, as one unit"
        for effect in effects:
            if isinstance(effect, Persist):
                self.records.extend(effect.records)
                self.units.append(len(self.records))
            elif isinstance(effect, Send):
                self._send(effect.order)
            elif isinstance(effect, ReplaceAtBroker):
                try:
                    at_once(self.broker.replace(replace(effect.order), effect.terms))
                except AmbiguousError as error:
                    # As the courier does: over a slow line the broker may have forgotten what ended days ago, and we have not heard yet.
                    self.handle(OrderUpdate(effect.order.id, OrderEvent.LOSE, reason=str(error)))
            elif isinstance(effect, CancelAtBroker):
                orders = [self.core.state.book.orders[order_id] for order_id in effect.order_ids]
                try:
                    at_once(self.broker.cancel(orders))
                except AmbiguousError:
                    # The order is still to be sent, or the broker has yet to hear of it: the core asks again.
                    continue
            elif isinstance(effect, Latch):
                self.latched = effect.reason if effect.halted else ""
            elif isinstance(effect, Reply):
                self.replies.append(effect)

    def _send(self, order: Order) -> None:
        written = {record.id for record in self.records if isinstance(record, OrderPlaced)}
        assert order.id in written, f"{order.id} was sent before it was written"
        if order.state is not OrderState.PENDING_SUBMIT:
            self.handle(Unsent(order.id))
            return
        self.sent.append(order)
        # A broker shares no memory with us.
        at_once(self.broker.submit(replace(order)))


def facts(*values: object) -> tuple[object, ...]:
    """Several things to compare at once."""
    return values


def restored(records: Iterable[Record]) -> State:
    """The state as a restart would find it."""
    state = State()
    for record in records:
        state.apply(record)
    return state


def essence(state: State) -> dict[str, object]:
    """Everything of a state that must survive a restart: all but the marks, which are the market's."""
    book = state.book
    return {
        "cash": state.portfolio.cash,
        "fees": state.portfolio.fees,
        "holdings": {h.symbol: (h.quantity, h.basis, h.realised) for h in state.portfolio.holdings.values()},
        "by strategy": state.attribution.books,
        "orders": book.orders,
        "open": set(book.open),
        "number": book.last_number,
        "signals": state.approvals.cases,
        "waiting": set(state.approvals.waiting),
        "mode": state.mode,
        "trading": (state.trading, state.halt_reason),
        "session": (state.session, state.session_equity, state.strategies_opened, state.symbols_opened),
        "breakers": (state.trips, state.strategy_trips, state.symbol_trips, state.disabled, state.high_water, state.moved),
        "breakers of strategies": (state.strategy_breakers, state.strategy_highs),
        "halts": state.halts,
        "clean": state.clean,
    }
