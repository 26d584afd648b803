"""Cancels on their way to the broker: each order by one request at a time, asked again until one is taken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from engine import waits
from engine.broker_link import BrokerLink
from engine.brokers.base import AmbiguousError, Broker, BusyError
from engine.clock import Clock
from engine.model.inputs import Input, Note
from engine.model.modes import Level
from engine.model.orders import Order

_SECOND = 1_000_000_000


class Cancels:
    """Lives on the engine's loop. What comes of a cancel is told as events; here it is only asked for."""

    def __init__(
        self,
        link: BrokerLink,
        broker: Broker,
        clock: Clock,
        *,
        handle: Callable[[Input], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._link = link
        self._broker = broker
        self._clock = clock
        self._handle = handle
        self._spawn = spawn
        self._asked: set[str] = set()
        self._hurried: set[str] = set()
        """Those of them that the stop asked for."""

    def ask(self, orders: Sequence[Order]) -> None:
        """Has those of `orders` cancelled that nobody asks for yet. Where one request cancels all, the stop asks once more for each."""
        hurries = self._link.stopped and self._broker.capabilities.cancels_all
        asked = self._hurried if hurries else self._asked
        orders = [order for order in orders if order.id not in asked]
        if orders:
            self._asked.update(order.id for order in orders)
            self._hurried.update(order.id for order in orders if hurries)
            self._spawn(self._ask_in_batches(orders))

    def refused(self, order_id: str) -> None:
        """That request is answered, though the broker may not have said that it is done with it: the next one is another."""
        self._asked.discard(order_id)
        self._hurried.discard(order_id)

    async def _ask_in_batches(self, orders: Sequence[Order]) -> None:
        """A batch follows the answer to the one before; a broker that does not answer is told of all of them all the same."""
        size = self._broker.capabilities.cancels_at_once
        for first in range(0, len(orders), size):
            answered = asyncio.Event()
            self._spawn(self._ask_until_taken(orders[first : first + size], answered))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(waits.NEXT_CANCELS_S):
                    await answered.wait()

    async def _ask_until_taken(self, orders: Sequence[Order], answered: asyncio.Event) -> None:
        """`answered` is set by the first answer, or its lack."""
        attempt = 0
        try:
            while still := [order for order in orders if not order.state.is_final]:
                came_up, busy_s = self._link.came_up, None
                try:
                    await self._link.ask(self._broker.cancel(still), waits.CANCEL_ANSWER_S)
                except BusyError as busy:
                    busy_s, why = busy.after_s, f"is not taken ({busy}): asking again{_when(busy.after_s)}"
                except AmbiguousError as error:
                    why = f"may be lost ({error}): asking again"
                else:
                    return
                if not attempt:
                    names = ", ".join(f"#{order.number}" for order in still)
                    self._handle(Note(Level.WARNING, self._broker.name, f"the cancel of {names} {why}"))
                answered.set()
                if busy_s is None:
                    await self._link.pause(waits.CANCEL_AGAIN_S, attempt, came_up)
                else:
                    await self._leave_alone(busy_s, waits.CANCEL_AGAIN_S[min(attempt, len(waits.CANCEL_AGAIN_S) - 1)])
                attempt += 1
        finally:
            answered.set()
            self._asked.difference_update(order.id for order in orders)
            self._hurried.difference_update(order.id for order in orders)

    async def _leave_alone(self, busy_s: float, at_most_s: float) -> None:
        """A broker that is busy for `busy_s`. The stop, and the end of the program, wait for it no longer than `at_most_s`."""
        began = self._clock.mono()
        while (now := (self._clock.mono() - began) / _SECOND) < max(min(busy_s, waits.LONGEST_PAUSE_S), waits.LOOK_S):
            if (self._link.stopped or self._link.shut) and now >= at_most_s:
                return
            await asyncio.sleep(waits.LOOK_S)


def _when(busy_s: float | None) -> str:
    return "" if busy_s is None else f" in {min(busy_s, waits.LONGEST_PAUSE_S):.0f} s"
