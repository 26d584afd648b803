"""The engine's side of Interactive Brokers: the client lives in a thread of its own, and plain values cross between the two loops."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from engine.brokers.base import AmbiguousError, BrokerEvent, Heard, Paid
from engine.brokers.ib.config import IbConfig
from engine.brokers.ib.thread import live
from engine.model.capabilities import Capabilities
from engine.model.orders import Order, Terms

if TYPE_CHECKING:
    from engine.brokers.ib.client import Client
    from engine.model.inputs import BrokerSnapshot, OrderUpdate

Answer = TypeVar("Answer")
NAME = "ib"
JOIN_S = 0.5


class IbBroker:
    """Whatever TWS does, the engine's loop waits for nothing but answers. Closed, it can be connected again."""

    name = NAME
    capabilities = Capabilities(extended_hours=True, oco=True, cash=True, cancels_at_once=10_000, cancels_all=True)
    settle_s = 5.0
    """TWS reads on what it was sent before the link broke."""

    def __init__(self, config: IbConfig, wall: Callable[[], int] = time.time_ns) -> None:
        self._config = config
        self._wall = wall
        self._tell: Callable[[BrokerEvent | Heard], None] = _nobody
        self._paid: Mapping[str, Sequence[Paid]] = {}
        self._client: Client | None = None
        self._there: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def account(self) -> str:
        return self._client.account if self._client is not None else ""

    # ---- the protocol

    def remind(self, paid: Mapping[str, Sequence[Paid]]) -> None:
        self._paid = paid

    async def connect(self, tell: Callable[[BrokerEvent | Heard], None]) -> None:
        here = asyncio.get_running_loop()
        self._tell = tell

        def heard(event: BrokerEvent | Heard) -> None:
            """In the client's thread."""
            if not here.is_closed():
                here.call_soon_threadsafe(lambda: self._tell(event))

        async def open_() -> None:
            from engine.brokers.ib.client import Client

            client = self._client = Client(self._config, heard, self._paid, self._wall)
            await client.open()

        if self._thread is None:
            there = self._there = asyncio.new_event_loop()
            self._thread = threading.Thread(target=live, args=(there,), name=NAME, daemon=True)
            self._thread.start()
        await self._do(open_())

    async def submit(self, order: Order) -> None:
        await self._ask(lambda client: client.submit(order))

    async def submit_group(self, orders: Sequence[Order]) -> None:
        await self._ask(lambda client: client.submit_group(orders))

    async def replace(self, order: Order, terms: Terms) -> None:
        await self._ask(lambda client: client.replace(order, terms))

    async def cancel(self, orders: Sequence[Order]) -> None:
        await self._ask(lambda client: client.cancel(orders))

    async def find(self, order_id: str) -> OrderUpdate | None:
        return await self._ask(lambda client: client.find(order_id))

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        return await self._ask(lambda client: client.snapshot(order_ids))

    async def close(self) -> None:
        self._tell = _nobody
        there, thread, client = self._there, self._thread, self._client
        self._there = self._thread = self._client = None
        if there is None or thread is None:
            return
        try:
            if client is not None:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(client.close(), there))
        finally:
            there.call_soon_threadsafe(there.stop)
            await asyncio.to_thread(thread.join, JOIN_S)

    # ---- between the loops

    async def _ask(self, question: Callable[[Client], Coroutine[Any, Any, Answer]]) -> Answer:
        """Raises AmbiguousError where there is no answer."""
        if self._client is None:
            raise AmbiguousError("there is no link to TWS")
        return await self._do(question(self._client))

    async def _do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        if self._there is None:
            work.close()
            raise AmbiguousError("there is no link to TWS")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._there))


def _nobody(event: BrokerEvent | Heard) -> None:
    """Before connect and after close there is nobody to tell."""
