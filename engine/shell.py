"""The live shell around the core: performs its effects on the engine's loop. Durable first, sent after, and no send past the stop.

Everything that happens comes in through `handle`, one input at a time; whatever waits (disk, broker, strategies) waits in a task of
its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from engine.assets import Assets
from engine.books import refuse_another
from engine.brokers.base import AmbiguousError, Broker
from engine.clock import Clock
from engine.combined import Seat
from engine.comparison import Comparison
from engine.core.closes import Closes
from engine.core.core import Core
from engine.courier import Courier
from engine.feed_runner import FeedRunner
from engine.feeds.base import Feed, Lags
from engine.latch import Latch, LatchKeeper, StopSwitch
from engine.log_file import LogFile
from engine.missed_acts import missed_acts
from engine.model.effects import CancelAtBroker, Effect, Persist, ReplaceAtBroker, Reply, Send, StopStrategy
from engine.model.effects import Latch as LatchEffect
from engine.model.inputs import (
    AcceptPosition,
    BrokerSnapshot,
    Cancel,
    EmergencyStop,
    Input,
    Note,
    OrderUpdate,
    Proposal,
    Resume,
    Tick,
    Unsent,
)
from engine.model.journal import Journal, JournalError
from engine.model.market import Bar, Listing, MarketEvent
from engine.model.modes import Level, Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState
from engine.model.recording import MarketLog
from engine.model.records import FillBooked, PositionAccepted, PositionAdopted, Record, RunStarted
from engine.model.views import View
from engine.previous_close import past_closes
from engine.recorder import Recorder
from engine.reports import Reports
from engine.secrets import Redactor
from engine.standstill import Standstill
from engine.strategies.supervisor import StrategyRunner
from engine.view_builder import Health, ViewBuilder
from engine.watching import Watching

TICK_S = 0.1
HISTORY = 300
"""Bars of each symbol before the first live event, for charts and marks."""
EXIT_S = 3.0
"""How long the end waits for cancels. With what strategies, tasks and links may take, all of it is less than a shutdown waits."""
TASKS_S = 0.5
AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""When a broker that does not answer at the start is asked again; the last one repeats."""
_ALONE: AbstractContextManager[None] = contextlib.nullcontext()
"""The turn of an account that shares no limits."""


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
        keeper: LatchKeeper,
        switch: StopSwitch,
        views: ViewBuilder,
        venue: Callable[[MarketEvent], None] | None,
        publish: Callable[[Record | MarketEvent], None],
        redactor: Redactor,
        log_file: LogFile | None = None,
        market_log: MarketLog | None = None,
        seat: Seat | None = None,
    ) -> None:
        """`venue` is shown every market event before the core, where the market is one of our own; `publish` gets every record and
        every market event. `seat` is the account's among others, where they keep limits together."""
        self.core = core
        self.views = views
        self.health = Health(broker=broker.name, feed=feed.name)
        self.strategies: list[StrategyRunner] = []
        self._courier = Courier(core, broker, clock, switch, handle=self.handle, spawn=self._spawn)
        self._journal = journal
        self._feed = feed
        self._clock = clock
        self._by_the_wall = isinstance(feed, Lags)
        self._latch = latch
        self._keeper = keeper
        self._switch = switch
        self._venue = venue
        self._comparison = Comparison(core, self._courier, answer=views.answer, handle=self.handle)
        self._assets = Assets(core, self._courier, handle=self.handle, mono=lambda: clock.mono() / 1e9)
        self._standstill = Standstill(
            core, self._courier, clock, handle=self.handle, answer=views.answer, until=self._until, spawn=self._spawn
        )
        self._watching = Watching(feed, core, views, handle=self.handle, history=HISTORY, prime=self._prime)
        self._tasks: set[asyncio.Task[None]] = set()
        self._failing = False
        self._stirred = asyncio.Event()
        self._redactor = redactor
        self._reports = Reports(
            core.state,
            clock=clock,
            journal=journal,
            courier=self._courier,
            strategies=self.strategies,
            views=views,
            log_file=log_file,
            handle=self.handle,
            publish=publish,
        )
        self._market = FeedRunner(
            feed,
            clock,
            health=self.health,
            metrics=self._reports.metrics,
            strategies=self.strategies,
            chart=views.chart,
            venue=venue,
            handle=self.handle,
            publish=publish,
            failed=self._break,
            sent=lambda: self._until(lambda: not self._courier.waits_to_send, EXIT_S),
            market_log=market_log,
        )
        self._seat = seat
        if seat is not None:
            seat.take(core)
        self._recorder = Recorder(core, feed, clock, self.health, market_log) if market_log is not None else None

    # ---- the one way in

    def handle(self, event: Input) -> None:
        """Hands `event` to the core and performs what it asks for. An error in the core stops trading, never the program."""
        mono = self._clock.mono()
        try:
            event = self._redactor.clean_input(event)
            with self._seat.turn(self.core, event) if self._seat is not None else _ALONE:
                effects = self.core.handle(event, mono)
        except Exception as error:  # noqa: BLE001 - whatever it is, money is at stake: stop, keep what is known, say it
            self._core_failed(event, error)
            return
        if isinstance(event, Proposal):
            self._perform(effects, event.heard or mono, by_itself=True)
        else:
            self._perform(effects, mono)
        self._stirred.set()
        if isinstance(event, EmergencyStop):
            self._standstill.look()
        elif isinstance(event, Resume):
            self._standstill.watch()

    def _core_failed(self, event: Input, error: Exception) -> None:
        meant = self.core.desk.effects()
        self._perform([effect for effect in meant if isinstance(effect, Persist)])
        for effect in meant:
            if isinstance(effect, Send):
                self.handle(Unsent(effect.order.id))
            elif isinstance(effect, ReplaceAtBroker):
                self.handle(OrderUpdate(effect.order.id, OrderEvent.REFUSE_REPLACE, reason="not asked for: the engine failed"))
        self._break(f"The engine failed on a {type(event).__name__} ({error}). Trading is stopped; nothing recorded is lost.", error)

    def _break(self, problem: str, error: BaseException) -> None:
        """Something that must not fail has failed: stop trading, say it, go on living."""
        press = self._switch.press()
        reason = self._redactor.clean(f"an error in the engine: {error}")
        if problem != self.health.problem:
            self.health.problem = problem
            self.views.log(self._clock.wall(), Level.ERROR, "engine", problem, "".join(traceback.format_exception(error)))
            self._set_latch(LatchEffect(True, reason))
        if not self._failing:
            self._failing = True
            self.stop_trading(EmergencyStop("", reason), press)
            self._failing = False

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would print across the screen. Only work of ours that broke off half done stops trading."""
        error = context.get("exception")
        if error is not None and "handle" in context:
            self._break(f"A part of the engine broke ({error}). Trading is stopped; restart the console.", error)
        else:
            detail = "".join(traceback.format_exception(error)) if error is not None else ""
            self.views.log(self._clock.wall(), Level.ERROR, "engine", f"{context['message']}: {error}", detail)

    # ---- life

    async def start(self, account: str, mode: Mode, waits: Callable[[str, Level], None]) -> None:
        """Compares the account with the broker's own before anything may be sent, then lets the market in. Raises BrokerError where the
        books are another account's.

        An account's first run takes its cash from the broker. One that does not answer is asked again, and `waits` is told so in words.
        """
        refuse_another(self.core.state.venue, self._courier.venue)
        if self._recorder is not None:
            self._recorder.begin(account)
        histories = {instrument.symbol: self._feed.history(instrument.symbol, HISTORY) for instrument in self._feed.instruments()}
        desk = self.core.desk
        desk.now = max(desk.now, *(bars[-1].at for bars in histories.values() if bars), 0)
        acts, unsure = missed_acts(self._feed, self.core.state)
        if self._venue is not None:
            for act in acts:
                self._venue(act)
        asyncio.get_running_loop().set_exception_handler(self._unhandled)
        self.core.gate.capabilities = self._courier.capabilities
        if self._venue is None:
            waits(f"starting: {self.health.broker} is loaded and asked where the account stands", Level.INFO)
        snapshot = await self._reach_broker(waits)
        refuse_another(self.core.state.venue, self._courier.venue)
        cash = None if self.core.state.runs else snapshot.cash
        started = RunStarted(desk.run_id, account, self._feed.name, cash, desk.now, self._courier.venue)
        self._perform(self.core.start(started, mode, self._latch.read(), self._clock.mono()))
        # Before the first price in the new shares, and before the comparison with a broker that holds them already.
        for act in acts:
            self.handle(act)
        for symbol, bars in histories.items():
            self.views.chart.kept.prime(symbol, bars)
            closes = past_closes(self._feed, self.core.prices, symbol, bars)
            self._prime(symbol, bars, closes)
            if bars:
                self.core.prime(symbol, bars[-1].close, closes, bars[-1].at)
        self.handle(snapshot)
        for text in unsure:
            self.handle(Note(Level.WARNING, self._feed.name, text))
        for problem in self._feed.problems:
            self.handle(Note(Level.WARNING, self._feed.name, problem))
        self._spawn(self._tick())
        self._spawn(self._comparison.run())
        self._spawn(self._assets.run())
        self._spawn(self._reports.run())
        for strategy in self.strategies:
            await strategy.start()
        self._spawn(self._market.run())

    async def _reach_broker(self, waits: Callable[[str, Level], None]) -> BrokerSnapshot:
        attempt = 0
        while True:
            try:
                return await self._courier.open()
            except (ConnectionError, AmbiguousError) as error:
                pause = AGAIN_S[min(attempt, len(AGAIN_S) - 1)]
                reason = str(error).rstrip(".")
                waits(f"starting: {self.health.broker} does not answer ({reason}); it is tried again in {pause:g} s", Level.WARNING)
            if problem := await self._courier.close():
                waits(f"starting: {problem}", Level.WARNING)
            await asyncio.sleep(pause)
            attempt += 1

    @property
    def connected(self) -> bool:
        """Whether the broker has told where the account stands. Until then nothing of this run is on the disk."""
        return self._courier.started

    async def disconnect(self) -> None:
        """Lets go of the broker where the start came to nothing."""
        await self._courier.close()

    async def stop(self, on_exit: str) -> None:
        """Ends in order: strategies, orders as configured, what is known on disk, then the links."""
        if self._recorder is not None:
            # Since the last tick a strategy may have loaded, and said of which bars it is told.
            self._recorder.look([strategy.row() for strategy in self.strategies], self._reports.say)
        for error in await asyncio.gather(*(strategy.stop() for strategy in self.strategies), return_exceptions=True):
            if error is not None:
                self.handle(Note(Level.ERROR, "exit", f"a strategy did not end in order ({error}): the rest does"))
        self._courier.shut()
        if on_exit != "keep":
            self.handle(Cancel("", entries_only=on_exit == "cancel_entries"))
        await self._until(lambda: not (self._courier.waits_to_send or self._pending_cancel()), EXIT_S)
        if left := self._pending_cancel():
            names = ", ".join(f"#{order.number} {order.symbol}" for order in left)
            self.handle(Note(Level.ERROR, "exit", f"the broker did not confirm the cancel of {names}: it may still work there"))
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            # Not longer: an adapter that does not let itself be cancelled must not keep the journal from its last word.
            await asyncio.wait(self._tasks, timeout=TASKS_S)
        if self._recorder is not None:
            self._recorder.end()
        if problem := await self._courier.close():
            self.handle(Note(Level.WARNING, "exit", problem))
        self._perform(self.core.end(self._clock.mono()))

    def _pending_cancel(self) -> list[Order]:
        return [order for order in self.core.state.book.working() if order.state is OrderState.PENDING_CANCEL]

    def view(self) -> View:
        self.health.strategies = [strategy.row() for strategy in self.strategies]
        self.health.backlog = self._journal.backlog
        self.health.stop = self._standstill.view()
        if self._venue is None:
            self.health.broker_heard = self._courier.heard
        return self.views.build(self.health, self._reports.view(), self._clock.mono(), self._clock.wall() if self._by_the_wall else 0)

    # ---- effects

    def _perform(self, effects: list[Effect], came: int = 0, *, by_itself: bool = False) -> None:
        """`came` is when the input behind `effects` was heard, and `by_itself` says that no person stands behind it."""
        durable: asyncio.Future[None] | None = None
        sends = [effect.order for effect in effects if isinstance(effect, Send)]
        for effect in effects:
            if isinstance(effect, Persist):
                durable = self._append(effect.records)
                for record in effect.records:
                    self._reports.record(record)
                    if isinstance(record, FillBooked):
                        self._tell_strategy(record)
                    if isinstance(record, FillBooked | PositionAdopted | PositionAccepted):
                        self._need(record.fill.symbol if isinstance(record, FillBooked) else record.symbol)
            elif isinstance(effect, Send):
                together = self._courier.together(effect.order, sends)
                if effect.order is together[0]:
                    self._courier.send(together, durable, partial(self._sending, came, by_itself))
            elif isinstance(effect, ReplaceAtBroker):
                self._courier.replace(effect.order, effect.terms, durable)
            elif isinstance(effect, CancelAtBroker):
                self._courier.cancel(effect.order_ids, durable if effect.makes_room else None)
            elif isinstance(effect, LatchEffect):
                self._set_latch(effect)
            elif isinstance(effect, StopStrategy):
                self._stop_strategy(effect)
            elif isinstance(effect, Reply):
                self.views.answer(effect)

    def _sending(self, came: int, by_itself: bool, order: Order) -> None:
        self._reports.metrics.sent(order, came, self._clock.mono(), by_itself=by_itself)

    def _append(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """A journal that takes nothing more must hold up neither a cancel nor the stop: it fails like one that cannot write."""
        if self._recorder is not None:
            self._recorder.recorded(records)
        try:
            durable = self._journal.append(records)
        except JournalError as error:
            durable = asyncio.get_running_loop().create_future()
            durable.set_exception(error)
        durable.add_done_callback(_look_at)
        return durable

    def _prime(self, symbol: str, bars: Sequence[Bar], closes: Closes) -> None:
        if self._recorder is not None:
            self._recorder.prime(symbol, bars, closes)

    def _need(self, symbol: str) -> None:
        """A fill after the cancel, or what the broker had, may be of a symbol that nobody watches."""
        if symbol not in self.core.desk.instruments and self.core.state.portfolio.position(symbol):
            self._spawn(self._watching.watch("", symbol))

    def _tell_strategy(self, booked: FillBooked) -> None:
        owner = self.core.state.book.orders[booked.fill.order_id].strategy
        for strategy in self.strategies:
            if strategy.name == owner:
                strategy.on_fill(booked.fill)

    def _stop_strategy(self, effect: StopStrategy) -> None:
        for strategy in self.strategies:
            if strategy.name == effect.strategy:
                self._spawn(strategy.disable(effect.reason))

    def _set_latch(self, effect: LatchEffect) -> None:
        if effect.halted:
            self._keeper.set(effect.reason)
        else:
            self._keeper.clear()

    def _look_at_latch(self) -> None:
        """Somebody else may set it at any time: `tradeconsole kill` does, and needs no answer of ours to be obeyed."""
        if reason := self._latch.news():
            self.stop_trading(EmergencyStop("", reason, by="latch"), self._switch.press())

    # ---- what a person may ask for besides

    def stop_trading(self, command: EmergencyStop, press: int) -> None:
        """Carries out this press of the switch, which opens only for presses that the core is HALTED for: one that came meanwhile keeps
        it shut, even where a resume stands between them."""
        self.handle(command)
        if self.core.state.trading is TradingState.HALTED:
            self._switch.handled(press)

    def flatten(self, command_id: str, reason: str, press: int) -> None:
        """Stops trading and begins to close everything; the answer comes in the view under `command_id`."""
        self.stop_trading(EmergencyStop("", reason, flatten=True), press)
        self._standstill.flatten(command_id)

    def sync(self, command_id: str) -> None:
        """Begins to compare with the broker now; the answer comes in the view under `command_id`."""
        self._spawn(self._comparison.now(command_id))

    def accept_position(self, command: AcceptPosition) -> None:
        """Begins to compare with the broker, for its figure to be accepted; the answer comes in the view."""
        self._spawn(self._comparison.accept(command))

    def watch(self, command_id: str, symbol: str) -> None:
        """Begins to follow `symbol`; the answer comes in the view under `command_id`."""
        self._spawn(self._watching.watch(command_id, symbol))

    def unwatch(self, command_id: str, symbol: str) -> None:
        self._watching.unwatch(command_id, symbol, [(strategy.name, strategy.symbols) for strategy in self.strategies])

    @property
    def offers(self) -> tuple[Listing, ...] | None:
        return self._watching.offers

    def look_up(self) -> None:
        """Begins to find out what the feed offers."""
        self._spawn(self._watching.look_up())

    # ---- tasks

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += TICK_S
            await asyncio.sleep(max(due - loop.time(), 0))
            late = max(loop.time() - due, 0.0)
            self.health.lag_ms = late * 1000
            self._reports.metrics.lag(late * 1000)
            due += late
            try:
                self._look_after()
            except Exception as error:  # noqa: BLE001 - the stop asks again with every tick, and the latch is looked at: it must go on
                self._break(f"A part of the engine broke ({error}). Trading is stopped; restart the console.", error)

    def _look_after(self) -> None:
        self.handle(Tick(self._journal.problem or ""))
        self._look_at_latch()
        self._standstill.watch()
        self._courier.find_unknown()
        self._reports.watch()
        if self._recorder is not None:
            self._recorder.look([strategy.row() for strategy in self.strategies], self._reports.say)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that broke is a problem with a name, never a silence."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._break(f"A part of the engine broke ({error}). Trading is stopped; restart the console.", error)

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
