"""The engine's side of the test venue: `engine.brokers.base.Broker` over its JSON lines, with reconnect."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

from engine.brokers.base import AmbiguousError, BrokerEvent
from engine.model.capabilities import Capabilities
from engine.model.inputs import BrokerOrder, BrokerSnapshot, LinkChanged, OrderUpdate
from engine.model.modes import LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Side, Terms

AGAIN_S = 0.02
"""Between two attempts to get the link back."""


class VenueBroker:
    name = "venue"
    capabilities = Capabilities()

    def __init__(self, port: int, settle_s: float = 0.0) -> None:
        self.settle_s = settle_s
        self._port = port
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tell: Callable[[BrokerEvent], None] = lambda event: None
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None

    # ---- the protocol

    async def connect(self, tell: Callable[[BrokerEvent], None]) -> None:
        self._tell = tell
        reader = await self._open()
        self._reader = asyncio.create_task(self._listen(reader))

    async def submit(self, order: Order) -> None:
        answer = await self._ask(
            "submit",
            id=order.id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            type=order.type,
            limit=order.limit,
            stop=order.stop,
        )
        if not answer["ok"]:
            self._tell(OrderUpdate(order.id, OrderEvent.REJECT, reason=answer["why"]))

    async def submit_group(self, orders: Sequence[Order]) -> None:
        raise NotImplementedError("it keeps no groups, and says so")

    async def replace(self, order: Order, terms: Terms) -> None:
        answer = await self._ask("replace", id=order.id, quantity=terms.quantity, limit=terms.limit, stop=terms.stop)
        if not answer["ok"]:
            self._tell(OrderUpdate(order.id, OrderEvent.REFUSE_REPLACE, reason=answer["why"]))

    async def cancel(self, orders: Sequence[Order]) -> None:
        answer = await self._ask("cancel", ids=[order.id for order in orders])
        if answer["unseen"]:
            raise AmbiguousError(f"the venue has not seen {len(answer['unseen'])} of them")

    async def find(self, order_id: str) -> OrderUpdate | None:
        listed = (await self._ask("find", id=order_id))["order"]
        return None if listed is None else _update(listed)

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        told = await self._ask("snapshot", ids=list(order_ids))
        positions = tuple((symbol, Decimal(quantity), Decimal(average)) for symbol, quantity, average in told["positions"])
        return BrokerSnapshot(Decimal(told["cash"]), positions, tuple(_listed(order) for order in told["orders"]))

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()

    # ---- the link

    async def _open(self) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        writer.write(_line({"n": next(self._numbers), "do": "hello", "pid": os.getpid()}))
        if not await reader.readline():
            writer.close()
            raise ConnectionError("the venue lets nobody in")
        self._writer = writer
        return reader

    async def _listen(self, reader: asyncio.StreamReader | None) -> None:
        """Reads until closed, and gets the link back whenever it breaks."""
        while True:
            if reader is None:
                await asyncio.sleep(AGAIN_S)
                with contextlib.suppress(OSError):
                    reader = await self._open()
                if reader is None:
                    continue
                self._tell(LinkChanged(self.name, LinkState.UP))
            with contextlib.suppress(OSError):
                while line := await reader.readline():
                    self._take(json.loads(line))
            reader = None
            self._drop()

    def _take(self, message: dict[str, Any]) -> None:
        if "update" in message:
            self._tell(_update(message["update"]))
        elif (waiting := self._waiting.pop(message["n"], None)) and not waiting.done():
            waiting.set_result(message)

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(AmbiguousError("the link broke"))
        self._waiting.clear()
        self._tell(LinkChanged(self.name, LinkState.DOWN, "the venue closed the link"))

    async def _ask(self, do: str, **more: Any) -> dict[str, Any]:
        if self._writer is None:
            raise AmbiguousError("there is no link")
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._writer.write(_line({"n": number, "do": do, **more}))
        return await answer


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message, default=str).encode() + b"\n"


def _update(listed: dict[str, Any]) -> OrderUpdate:
    return OrderUpdate(
        listed["id"],
        OrderEvent(listed["event"]),
        listed["broker_id"],
        Decimal(listed["filled"]),
        Decimal(listed["cost"]),
        Decimal(listed["fees"]),
        "",
        listed["reason"],
        terms=Terms(Decimal(listed["quantity"]), _price(listed["limit"]), _price(listed["stop"])),
    )


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _listed(order: dict[str, Any]) -> BrokerOrder:
    return BrokerOrder(
        order_id=order["id"],
        broker_id=order["broker_id"],
        symbol=order["symbol"],
        side=Side(order["side"]),
        quantity=Decimal(order["quantity"]),
        type=OrderType(order["type"]),
        limit=_price(order["limit"]),
        stop=_price(order["stop"]),
        event=OrderEvent(order["event"]),
        filled=Decimal(order["filled"]),
        cost=Decimal(order["cost"]),
        fees=Decimal(order["fees"]),
        reason=order["reason"],
    )
