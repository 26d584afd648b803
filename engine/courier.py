"""Between the engine and its broker: orders and cancels out, questions asked and asked again. No order is ever sent twice.

What the broker says, or fails to say, comes back as inputs. A snapshot counts only where it proves something: one that news overtook is
asked for again, and an order sent a moment ago that is not on it may still turn up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine import waits
from engine.books import venue_of
from engine.broker_link import BrokerLink
from engine.brokers.base import AmbiguousError, Broker, BrokerEvent, BusyError, KnowsAssets
from engine.cancels import Cancels
from engine.clock import Clock
from engine.core.core import Core
from engine.core.news import ALIVE
from engine.core.reconcile import nonsense
from engine.latch import StopSwitch
from engine.model.capabilities import Capabilities
from engine.model.inputs import AssetTold, BrokerSnapshot, Input, LinkChanged, NotDurable, Note, OrderUpdate, Unsent
from engine.model.journal import JournalError
from engine.model.modes import Level
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, Source, Terms

_SECOND = 1_000_000_000


class Wait(Struct):
    """For a broker that is busy, since `began`: how often it was, and when that is said loudly next, in monotonic nanoseconds."""

    began: int
    attempts: int = 0
    alarm_at: int = 0

    def __post_init__(self) -> None:
        self.alarm_at = self.began + int(waits.NAKED_S * _SECOND)


class Courier:
    """Lives on the engine's loop. `handle` gets every input that comes of it, `spawn` runs a task of it."""

    def __init__(
        self,
        core: Core,
        broker: Broker,
        clock: Clock,
        switch: StopSwitch,
        *,
        handle: Callable[[Input], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.started = False
        """Whether the first snapshot came."""
        self._core = core
        self._broker = broker
        self._clock = clock
        self._handle = handle
        self._spawn = spawn
        self._link = BrokerLink(core, broker, clock, switch, self._told)
        self._cancels = Cancels(self._link, broker, clock, handle=handle, spawn=spawn)
        self._unsent: set[str] = set()
        self._asking: set[str] = set()

    # ---- the link

    @property
    def capabilities(self) -> Capabilities:
        return self._broker.capabilities

    @property
    def venue(self) -> str:
        """The broker, and the account's number there once it is connected."""
        return venue_of(self._broker)

    @property
    def tells_assets(self) -> bool:
        return isinstance(self._broker, KnowsAssets)

    async def asset(self, symbol: str) -> AssetTold | None:
        """How the broker trades `symbol`, None where it does not tell. Raises AmbiguousError, also of a broker that is busy."""
        if not isinstance(self._broker, KnowsAssets):
            return None
        try:
            return await self._link.ask(self._broker.asset(symbol))
        except BusyError as error:
            raise AmbiguousError(str(error)) from error

    @property
    def heard(self) -> int:
        """Monotonic nanoseconds of the broker's last word, 0 before the first."""
        return self._link.heard

    async def open(self) -> BrokerSnapshot:
        """Opens the link and answers where the account stands there. Raises ConnectionError and AmbiguousError in words."""
        await self._link.open()
        attempt = 0
        while (snapshot := await self._snapshot()) is None:
            await self._link.pause(waits.SNAPSHOT_AGAIN_S, attempt, self._link.came_up)
            attempt += 1
        self.started = True
        return snapshot

    def shut(self) -> None:
        """From now on nothing is sent but cancels."""
        self._link.shut = True
        self._core.gate.ready = False

    async def close(self) -> str:
        """Lets go of the link, in bounded time whatever the adapter does. Why it did not close in order, or nothing."""
        return await self._link.close()

    def _told(self, event: BrokerEvent) -> None:
        if isinstance(event, OrderUpdate) and event.event is OrderEvent.REFUSE_CANCEL:
            self._cancels.refused(event.order_id)
        self._handle(event)
        if isinstance(event, LinkChanged) and event.up and self.started:
            self._spawn(self._reconcile_again())

    # ---- orders

    def together(self, order: Order, others: Sequence[Order]) -> list[Order]:
        """Of `others`, `order` and those that go to the broker with it as one group."""
        keeps = bool(order.oco) and self.capabilities.oco
        return [other for other in others if other is order or (keeps and other.oco == order.oco)]

    def send(self, orders: Sequence[Order], durable: asyncio.Future[None] | None, sending: Callable[[Order], None]) -> None:
        """Sends `orders`, one or those of a group, once `durable` says that the journal holds them, and calls `sending` with each just
        before."""
        self._unsent.update(order.id for order in orders)
        self._spawn(self._send(orders, durable, sending))

    @property
    def waits_to_send(self) -> int:
        """Orders that are not durable yet and wait to be sent."""
        return len(self._unsent)

    async def _send(self, orders: Sequence[Order], durable: asyncio.Future[None] | None, sending: Callable[[Order], None]) -> None:
        """Write-ahead, then the stop, then the broker: in this order, whatever happens in between."""
        try:
            if durable is not None:
                await asyncio.shield(durable)
        except JournalError as error:
            # What closes a position must not wait for a disk: it is made from the broker's own positions, so a start that knows nothing
            # of it finds it there, as an order placed elsewhere, and closes nothing twice.
            if lost := [order.id for order in orders if order.source is not Source.FLATTEN]:
                self._unsent.difference_update(lost)
                self._handle(NotDurable(tuple(lost), str(error)))
            orders = [order for order in orders if order.source is Source.FLATTEN]
        wait = Wait(self._clock.mono())
        while orders := self._those_that_go(orders):
            self._unsent.difference_update(order.id for order in orders)
            if not wait.attempts:
                for order in orders:
                    sending(order)
            try:
                if len(orders) > 1:
                    await self._link.ask(self._broker.submit_group(orders))
                else:
                    await self._link.ask(self._broker.submit(orders[0]))
            except BusyError as busy:
                if not all(order.reduce_only for order in orders):
                    for order in orders:
                        self._link.tell(OrderUpdate(order.id, OrderEvent.REJECT, reason=f"{busy}: it was not taken, and is not sent again"))
                    return
                # Nothing of them is there: until they go out again they are as unsent as before.
                self._unsent.update(order.id for order in orders)
                await self._wait_for_room(orders, wait, busy, lambda order: order.state is OrderState.PENDING_SUBMIT)
            except AmbiguousError as error:
                self._link.unsettle()
                for order in orders:
                    self._link.tell(OrderUpdate(order.id, OrderEvent.LOSE, reason=str(error)))
                return
            else:
                if wait.attempts:
                    self._handle(Note(Level.INFO, self._broker.name, f"{_names(orders)}: no longer refused for too many requests"))
                return

    def _those_that_go(self, orders: Sequence[Order]) -> list[Order]:
        """Without those that stay here after all. One of a group that does may have the others of it cancelled."""
        going = list(orders)
        while stay := {order.id for order in going if not self._may_go(order)}:
            self._unsent -= stay
            going = [order for order in going if order.id not in stay]
            for order_id in sorted(stay):
                self._handle(Unsent(order_id))
        return going

    def _may_go(self, order: Order) -> bool:
        return not self._ends(order) and self._core.gate.ready and order.state is OrderState.PENDING_SUBMIT

    def _ends(self, order: Order) -> bool:
        """Whether the stop, or the end of the program, keeps `order` from the broker for good."""
        return self._link.shut or (self._link.stopped and order.source is not Source.FLATTEN)

    async def _wait_for_room(self, orders: Sequence[Order], wait: Wait, busy: BusyError, is_wanted: Callable[[Order], bool]) -> None:
        """Until a busy broker may be asked again for `orders`, which only reduce, or one of them is not wanted any more. A position that is
        without its exits for that is said again and again."""
        named, first = _names(orders), not wait.attempts
        pause = busy.after_s if busy.after_s is not None else waits.BUSY_AGAIN_S[min(wait.attempts, len(waits.BUSY_AGAIN_S) - 1)]
        pause = max(min(pause, waits.LONGEST_PAUSE_S), waits.LOOK_S)
        wait.attempts += 1
        if first:
            text = f"{busy}: {named} not taken; asked again in {pause:g} s, and until the broker takes it"
            self._handle(Note(Level.WARNING, self._broker.name, text))
        due = self._clock.mono() + int(pause * _SECOND)
        while not any(self._ends(order) or not is_wanted(order) for order in orders):
            now = self._clock.mono()
            if now >= wait.alarm_at:
                wait.alarm_at = now + int(waits.ALARM_S * _SECOND)
                self._handle(Note(Level.ERROR, self._broker.name, _alarm(orders, (now - wait.began) // _SECOND, busy)))
            if now >= due and self._core.gate.ready:
                return
            await asyncio.sleep(waits.LOOK_S)

    def replace(self, order: Order, terms: Terms, durable: asyncio.Future[None] | None) -> None:
        """Asks the broker to let `order` work under `terms`, once `durable` says that the journal holds the wish."""
        self._spawn(self._replace(order, terms, durable))

    async def _replace(self, order: Order, terms: Terms, durable: asyncio.Future[None] | None) -> None:
        """As with an order: where it cannot be written, or trading stopped meanwhile, nothing is asked and the old terms stand."""
        try:
            if durable is not None:
                await asyncio.shield(durable)
        except JournalError as error:
            why = f"not asked for, the journal could not be written: {error}"
            self._handle(OrderUpdate(order.id, OrderEvent.REFUSE_REPLACE, reason=why))
            return
        if (
            self._link.stopped
            or self._link.shut
            or not self._core.gate.ready
            or order.state is not OrderState.PENDING_REPLACE
            or order.asked != terms
        ):
            self._handle(OrderUpdate(order.id, OrderEvent.REFUSE_REPLACE, reason="not asked for: nothing is sent any more"))
            return
        try:
            await self._link.ask(self._broker.replace(order, terms))
        except BusyError as busy:
            self._link.tell(OrderUpdate(order.id, OrderEvent.REFUSE_REPLACE, reason=f"{busy}: it works on under its old terms"))
        except AmbiguousError as error:
            self._link.unsettle()
            self._link.tell(OrderUpdate(order.id, OrderEvent.LOSE, reason=str(error)))

    def cancel(self, order_ids: Iterable[str], durable: asyncio.Future[None] | None = None) -> None:
        """Has them cancelled at the broker, each by one request at a time, once `durable` says that the journal holds what takes their
        place. One that was not sent yet never will be."""
        if durable is not None:
            self._spawn(self._cancel_once_written(tuple(order_ids), durable))
            return
        self._cancels.ask([self._core.state.book.orders[order_id] for order_id in order_ids if order_id not in self._unsent])

    async def _cancel_once_written(self, order_ids: tuple[str, ...], durable: asyncio.Future[None]) -> None:
        """Where it cannot be written nothing is asked, and they work on. The stop cancels them meanwhile as any other."""
        try:
            await asyncio.shield(durable)
        except JournalError as error:
            why = f"not asked for, the journal could not be written: {error}"
            for order_id in order_ids:
                self._handle(OrderUpdate(order_id, OrderEvent.REFUSE_CANCEL, reason=why))
        else:
            self.cancel(order_ids)

    def find_unknown(self) -> None:
        """Begins to ask for every UNKNOWN order that nobody asks for yet."""
        for order in self._core.state.book.working():
            if order.state is OrderState.UNKNOWN and order.id not in self._asking:
                self._asking.add(order.id)
                self._spawn(self._find(order))

    async def _find(self, order: Order) -> None:
        """Asks for an UNKNOWN order by its id until the broker's evidence ends it."""
        began, attempt, never_seen, came_up = self._clock.mono(), 0, 0, self._link.came_up
        try:
            while order.state is OrderState.UNKNOWN:
                await self._link.pause(waits.ASK_AGAIN_S, attempt, came_up)
                came_up = self._link.came_up
                attempt += 1
                waited = (self._clock.mono() - began) / _SECOND
                try:
                    update = await self._link.ask(self._broker.find(order.id))
                except AmbiguousError as error:
                    level = Level.ERROR if waited >= waits.ALARM_S else Level.WARNING
                    self._handle(Note(level, self._broker.name, f"#{order.number} {order.symbol} is UNKNOWN for {waited:.0f} s: {error}"))
                    continue
                never_seen += update is None
                if update is not None and self._may_still_be_replaced(order, update):
                    continue
                if update is not None:
                    self._link.tell(update)
                elif never_seen > 1 and self._link.settled and order.state is OrderState.UNKNOWN:
                    self._link.tell(OrderUpdate(order.id, OrderEvent.REJECT, reason="the broker has never seen it"))
        finally:
            self._asking.discard(order.id)

    def _may_still_be_replaced(self, order: Order, update: OrderUpdate) -> bool:
        """Whether a replace that was lost on its way may yet turn up, so that the old terms prove nothing."""
        if order.asked is None or update.event not in ALIVE or self._link.settled:
            return False
        return update.terms is None or update.terms.less(update.surplus) != order.asked

    # ---- comparing

    async def reconcile(self) -> bool:
        """Compares with the broker, and answers whether that was done. A failed query proves nothing; while nothing may be sent before one
        succeeds, it is asked again."""
        attempt = 0
        while True:
            came_up = self._link.came_up
            try:
                snapshot = await self._snapshot()
            except AmbiguousError as error:
                if not attempt:
                    self._handle(Note(Level.WARNING, self._broker.name, f"the account could not be compared with the broker's: {error}"))
                again: tuple[float, ...] = waits.ASK_AGAIN_S
            else:
                if snapshot is not None:
                    self._handle(snapshot)
                    return True
                again = waits.SNAPSHOT_AGAIN_S
            attempt += 1
            if self._core.gate.link_down or (self._core.gate.ready and attempt >= waits.TRIES):
                return False
            await self._link.pause(again, attempt - 1, came_up)

    async def _reconcile_again(self) -> None:
        await self.reconcile()

    async def positions(self) -> tuple[tuple[str, Decimal], ...]:
        """(symbol, signed quantity) as the broker tells them now, no news since. Raises AmbiguousError."""
        for _ in range(waits.TRIES):
            heard = self._link.news
            snapshot = await self._account([])
            if heard == self._link.news:
                return tuple((symbol, quantity) for symbol, quantity, _ in snapshot.positions)
        raise AmbiguousError("they change faster than they can be read")

    async def _snapshot(self) -> BrokerSnapshot | None:
        """Where the account stands at the broker, or None where the answer proves nothing. Raises AmbiguousError."""
        heard = self._link.news
        ours = {order.id for order in self._core.state.book.working() if order.released} - self._unsent
        snapshot = await self._account(sorted(ours))
        missing = ours - {listed.order_id for listed in snapshot.orders}
        if heard != self._link.news:
            return None
        if missing and not self._link.settled:
            if not all(map(self._is_awaited, missing)):
                return None
            # These alone are in doubt, and hold up nothing but themselves.
            snapshot = replace(snapshot, awaited=frozenset(missing))
        self._link.answers()
        return snapshot

    def _is_awaited(self, order_id: str) -> bool:
        """Whether its own answer is waited for, or asked for again and again, whatever the account looks like without it."""
        order = self._core.state.book.orders[order_id]
        lost = order.state is OrderState.UNKNOWN or (order.state is OrderState.PENDING_CANCEL and not order.broker_id)
        return self.started and (lost or order_id in self._core.desk.in_flight)

    async def _account(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        """As the broker tells it. Raises AmbiguousError, also for what cannot be reckoned with."""
        snapshot = await self._link.ask(self._broker.snapshot(order_ids))
        if wrong := nonsense(snapshot):
            raise AmbiguousError(f"its answer makes no sense: {wrong}")
        return snapshot


def _names(orders: Sequence[Order]) -> str:
    return ", ".join(f"#{order.number} {order.symbol}" for order in orders)


def _alarm(orders: Sequence[Order], seconds: int, busy: BusyError) -> str:
    """That a busy broker takes none of `orders`, and what is the matter then."""
    first = orders[0]
    what = f"{first.symbol} has no exits at the broker" if first.family else f"{_names(orders)} is not at the broker"
    return f"{what} for {seconds:.0f} s: {busy}. {_names(orders)}: sent again until taken; close the position yourself if that is too long."
