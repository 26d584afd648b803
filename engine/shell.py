"""The live shell around the core: performs its effects on the engine's loop. Durable first, sent after, and no send past the stop.

Everything that happens comes in through `handle`, one input at a time; whatever waits (disk, broker, strategies) waits in a task of
its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from engine.brokers.base import AmbiguousError, Broker, BrokerEvent
from engine.clock import Clock
from engine.core.core import Core
from engine.feeds.base import Feed, FeedError, MarketEvent
from engine.latch import Latch, StopSwitch
from engine.log_lines import line_of
from engine.model.effects import CancelAtBroker, Effect, Persist, Reply, Send
from engine.model.effects import Latch as LatchEffect
from engine.model.inputs import (
    BrokerSnapshot,
    Cancel,
    EmergencyStop,
    Flatten,
    Input,
    LinkChanged,
    NotDurable,
    Note,
    OrderUpdate,
    Tick,
    Unsent,
)
from engine.model.journal import Journal, JournalError
from engine.model.market import Bar, Quote
from engine.model.modes import Level, Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, Source
from engine.model.records import FillBooked, Record, RunStarted
from engine.model.views import View
from engine.strategies.supervisor import StrategyRunner
from engine.view_builder import Health, ViewBuilder

TICK_S = 0.1
HISTORY = 300
"""Bars of each symbol before the first live event, for charts and marks."""
ANSWER_S = 10.0
"""How long a broker may take to answer before the order counts as UNKNOWN."""
ASK_AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""When an UNKNOWN order is asked for by its id; the last one repeats."""
ALARM_S = 60.0
SYNC_S = 60.0
EXIT_S = 3.0
_SECOND = 1_000_000_000

Found = TypeVar("Found")


class Shell:
    """Owns the tasks of a running engine. Not thread-safe: everything here happens on its loop."""

    def __init__(
        self,
        core: Core,
        *,
        journal: Journal,
        broker: Broker,
        feed: Feed,
        clock: Clock,
        latch: Latch,
        switch: StopSwitch,
        views: ViewBuilder,
        venue: Callable[[MarketEvent], None] | None,
        publish: Callable[[Record], None],
    ) -> None:
        """`venue` is shown every market event before the core, where the market is one of our own; `publish` gets every record."""
        self.core = core
        self.views = views
        self.health = Health(broker=broker.name, feed=feed.name)
        self.strategies: list[StrategyRunner] = []
        self._journal = journal
        self._broker = broker
        self._feed = feed
        self._clock = clock
        self._latch = latch
        self._switch = switch
        self._venue = venue
        self._publish = publish
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsent: set[str] = set()
        self._asking: set[str] = set()
        self._news = 0
        self._failing = False
        self._started = False
        self._stirred = asyncio.Event()

    # ---- the one way in

    def handle(self, event: Input) -> None:
        """Hands `event` to the core and performs what it asks for. An error in the core stops trading, never the program."""
        try:
            effects = self.core.handle(event, self._clock.mono())
        except Exception as error:  # noqa: BLE001 - whatever it is, money is at stake: stop, keep what is known, say it
            self._core_failed(event, error)
            return
        self._perform(effects)
        self._stirred.set()
        if isinstance(event, EmergencyStop):
            self._switch.handled()

    def _core_failed(self, event: Input, error: Exception) -> None:
        known = [effect for effect in self.core.desk.effects() if isinstance(effect, Persist)]
        self._perform(list(known))
        self.health.problem = f"The engine failed on a {type(event).__name__} ({error}). Trading is stopped; nothing recorded is lost."
        self.views.log(self._clock.wall(), Level.ERROR, "engine", self.health.problem, "".join(traceback.format_exception(error)))
        self._switch.press()
        if not self._failing:
            self._failing = True
            self.handle(EmergencyStop("", f"an error in the engine: {error}"))
            self._failing = False

    # ---- life

    async def start(self, started: RunStarted, mode: Mode) -> None:
        """Compares the account with the broker's own before anything may be sent, then lets the market in.

        `started` is told without cash; an account's first run takes it from the broker. Raises ConnectionError and AmbiguousError in words
        where the broker cannot be reached.
        """
        for instrument in self._feed.instruments():
            bars = self._feed.history(instrument.symbol, HISTORY)
            self.views.prime(instrument.symbol, bars)
            if bars:
                self.core.prime(instrument.symbol, bars[-1].close, bars[0].close)
        await self._broker.connect(self.on_broker)
        snapshot = await self._settled_snapshot()
        if self.core.state.runs == 0:
            started = replace(started, cash=snapshot.cash)
        self._perform(self.core.start(started, mode, self._latch.read(), self._clock.mono()))
        self._started = True
        self.handle(snapshot)
        for problem in self._feed.problems:
            self.handle(Note(Level.WARNING, self._feed.name, problem))
        self._spawn(self._tick())
        self._spawn(self._sync())
        for strategy in self.strategies:
            await strategy.start()
        self._spawn(self._play())

    async def stop(self, on_exit: str) -> None:
        """Ends in order: strategies, orders as configured, what is known on disk, then the links."""
        await asyncio.gather(*(strategy.stop() for strategy in self.strategies))
        if on_exit != "keep":
            self.handle(Cancel("", entries_only=on_exit == "cancel_entries"))
            await self._until(lambda: not any(o.state is OrderState.PENDING_CANCEL for o in self.core.state.book.working()), EXIT_S)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._perform(self.core.end(self._clock.mono()))
        await self._broker.close()

    async def _settled_snapshot(self) -> BrokerSnapshot:
        """A snapshot that can be trusted about orders sent just before the program died: they may take a moment to turn up."""
        deadline = self._clock.mono() + int(self._broker.settle_s * _SECOND)
        while True:
            ours = [order.id for order in self.core.state.book.working()]
            snapshot = await self._ask(self._broker.snapshot(ours))
            if set(ours) <= {listed.order_id for listed in snapshot.orders} or self._clock.mono() >= deadline:
                return snapshot
            await asyncio.sleep(TICK_S)

    def view(self) -> View:
        self.health.strategies = [strategy.row() for strategy in self.strategies]
        return self.views.build(self.health, self._clock.mono())

    # ---- effects

    def _perform(self, effects: list[Effect]) -> None:
        durable: asyncio.Future[None] | None = None
        for effect in effects:
            if isinstance(effect, Persist):
                durable = self._journal.append(effect.records)
                durable.add_done_callback(_look_at)
                for record in effect.records:
                    self._tell(record)
            elif isinstance(effect, Send):
                self._unsent.add(effect.order.id)
                self._spawn(self._send(effect.order, durable))
            elif isinstance(effect, CancelAtBroker):
                orders = [self.core.state.book.orders[i] for i in effect.order_ids if i not in self._unsent]
                if orders:
                    self._spawn(self._cancel(orders))
            elif isinstance(effect, LatchEffect):
                self._set_latch(effect)
            elif isinstance(effect, Reply):
                self.views.answer(effect)

    def _tell(self, record: Record) -> None:
        line = line_of(record, self.core.state)
        if line is not None:
            self.views.log(self._clock.wall(), *line)
        if isinstance(record, FillBooked):
            owner = self.core.state.book.orders[record.fill.order_id].strategy
            for strategy in self.strategies:
                if strategy.name == owner:
                    strategy.on_fill(record.fill)
        self._publish(record)

    async def _send(self, order: Order, durable: asyncio.Future[None] | None) -> None:
        """Write-ahead, then the stop, then the broker: in this order, whatever happens in between."""
        try:
            if durable is not None:
                await asyncio.shield(durable)
        except JournalError as error:
            self._unsent.discard(order.id)
            self.handle(NotDurable((order.id,), str(error)))
            return
        self._unsent.discard(order.id)
        stopped = self._switch.closed and order.source is not Source.FLATTEN
        if stopped or order.state is not OrderState.PENDING_SUBMIT:
            self.handle(Unsent(order.id))
            return
        try:
            await self._ask(self._broker.submit(order))
        except AmbiguousError as error:
            self.handle(OrderUpdate(order.id, OrderEvent.LOSE, reason=str(error)))

    async def _cancel(self, orders: list[Order]) -> None:
        """Asks until the broker took the request; what came of it is told as events."""
        for delay in (0.0, *ASK_AGAIN_S):
            await asyncio.sleep(delay)
            still = [order for order in orders if not order.state.is_final]
            if not still:
                return
            try:
                await self._ask(self._broker.cancel(still))
            except AmbiguousError as error:
                names = ", ".join(f"#{order.number}" for order in still)
                self.handle(Note(Level.WARNING, self._broker.name, f"the cancel of {names} may be lost ({error}): asking again"))
            else:
                return

    def _set_latch(self, effect: LatchEffect) -> None:
        try:
            if effect.halted:
                self._latch.set(effect.reason)
            elif not self._switch.closed:
                self._latch.clear()
        except OSError as error:
            what = "Trading is halted, but a restart would not know it" if effect.halted else "After a restart trading will be halted again"
            self.views.log(self._clock.wall(), Level.ERROR, "stop", f"{self._latch.path} cannot be written ({error.strerror}). {what}.")

    # ---- the broker

    def on_broker(self, event: BrokerEvent) -> None:
        self._news += 1
        self.health.broker_heard = self._clock.mono()
        self.handle(event)
        if self._started and isinstance(event, LinkChanged) and event.up:
            self._spawn(self.reconcile())

    async def reconcile(self) -> None:
        """Compares with the broker. A snapshot that news overtook is out of date, and is asked for again; a failed one proves nothing."""
        for _ in range(5):
            heard = self._news
            try:
                snapshot = await self._ask(self._broker.snapshot([order.id for order in self.core.state.book.working()]))
            except AmbiguousError as error:
                self.handle(Note(Level.WARNING, self._broker.name, f"the account could not be compared with the broker's: {error}"))
                return
            if heard == self._news:
                self.health.broker_heard = self._clock.mono()
                self.handle(snapshot)
                return

    def flatten(self, command_id: str) -> None:
        """Begins to close everything; the answer comes in the view under `command_id`."""
        self._spawn(self._flatten(command_id))

    async def _flatten(self, command_id: str) -> None:
        """Cancels everything, waits until nothing works, and closes what the broker itself says is held."""
        self.handle(Cancel(""))
        await self._until(lambda: not self.core.state.book.open, EXIT_S)
        try:
            snapshot = await self._ask(self._broker.snapshot([]))
        except AmbiguousError as error:
            self.views.answer(
                Reply(command_id, False, f"flatten: the broker did not tell its positions ({error}); nothing was sent, press again")
            )
            return
        self.handle(Flatten(command_id, tuple((symbol, quantity) for symbol, quantity, _ in snapshot.positions)))

    async def _find(self, order: Order) -> None:
        """Asks for an UNKNOWN order by its id until the broker's evidence ends it. It is never sent again."""
        began, never_seen = self._clock.mono(), 0
        for attempt in range(1_000_000):
            await asyncio.sleep(ASK_AGAIN_S[min(attempt, len(ASK_AGAIN_S) - 1)])
            if order.state is not OrderState.UNKNOWN:
                break
            waited = (self._clock.mono() - began) / _SECOND
            try:
                update = await self._ask(self._broker.find(order.id))
            except AmbiguousError as error:
                level = Level.ERROR if waited >= ALARM_S else Level.WARNING
                self.handle(Note(level, self._broker.name, f"#{order.number} {order.symbol} is UNKNOWN for {waited:.0f} s: {error}"))
                continue
            never_seen += update is None
            if update is not None:
                self.handle(update)
            elif never_seen > 1 and waited > self._broker.settle_s:
                self.handle(OrderUpdate(order.id, OrderEvent.REJECT, reason="the broker has never seen it"))
        self._asking.discard(order.id)

    async def _ask(self, question: Coroutine[Any, Any, Found]) -> Found:
        """The broker's answer; AmbiguousError where none came in time or the link broke meanwhile."""
        try:
            return await asyncio.wait_for(question, ANSWER_S)
        except TimeoutError:
            raise AmbiguousError(f"no answer within {ANSWER_S:g} s") from None
        except OSError as error:
            raise AmbiguousError(str(error)) from error

    # ---- tasks

    async def _play(self) -> None:
        """Lets the market in, for as long as it speaks."""
        try:
            await self._feed.run(self._on_market)
        except FeedError as error:
            self.health.feed_problem = str(error)
            self.handle(Note(Level.ERROR, self._feed.name, f"{error} Prices go stale; positions and orders are as they were."))

    def _on_market(self, event: MarketEvent) -> None:
        self.health.feed_heard = self._clock.mono()
        if self._venue is not None:
            self.health.broker_heard = self.health.feed_heard
            self._venue(event)
        self.handle(event)
        if isinstance(event, Bar):
            self.views.on_bar(event)
            for strategy in self.strategies:
                strategy.on_bar(event)
        elif isinstance(event, Quote):
            self.views.on_quote(event)
            for strategy in self.strategies:
                strategy.on_quote(event)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += TICK_S
            await asyncio.sleep(max(due - loop.time(), 0))
            late = max(loop.time() - due, 0.0)
            self.health.lag_ms = late * 1000
            due += late
            self.health.backlog = self._journal.backlog
            self.handle(Tick(self._journal.problem or ""))
            for order in self.core.state.book.working():
                if order.state is OrderState.UNKNOWN and order.id not in self._asking:
                    self._asking.add(order.id)
                    self._spawn(self._find(order))

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            await self.reconcile()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that broke is a problem with a name, never a silence."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.health.problem = f"A part of the engine broke ({error}). Trading is stopped; restart the console."
            self.views.log(self._clock.wall(), Level.ERROR, "engine", self.health.problem, "".join(traceback.format_exception(error)))
            self._switch.press()
            if self.core.state.trading is not TradingState.HALTED:
                self.handle(EmergencyStop("", f"a part of the engine broke: {error}"))

    async def _until(self, condition: Callable[[], bool], within_s: float) -> None:
        """Waits for what inputs bring about, not longer than `within_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not condition():
                    self._stirred.clear()
                    await self._stirred.wait()


def _look_at(future: asyncio.Future[None]) -> None:
    """A failed write is told by the journal's own `problem`; here it must only not count as unseen."""
    if not future.cancelled():
        future.exception()
