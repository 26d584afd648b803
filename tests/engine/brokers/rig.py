"""What the contract of brokers is tested with: a broker, its market, and whatever can happen to its link.

A rig for one more broker is a subclass and an entry in `test_contract.RIGS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from engine.brokers.base import Broker, BrokerEvent, Heard
from engine.brokers.paper import PaperBroker
from engine.model.inputs import BrokerOrder, BrokerSnapshot, LinkChanged, Note, OrderUpdate
from engine.model.market import Instrument, MarketStatus, Phase, Quote
from engine.model.modes import LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Side, Source, TimeInForce
from tests.engine.core.floor import FRICTIONLESS

D = Decimal
SOON_S = 20.0
"""For how long something is waited for that must come."""
_runs = count(1)


class Rig:
    """Subclasses set `name`, connect `broker` to `hear` and say how the market is moved. `lacks` tells in words what the broker has not: a
    key of it is named by the test that is skipped. Its account begins with `cash` and nothing held; AAPL and MSFT trade, at 100."""

    name = ""
    cash = D(100_000)
    unknown_symbol = ("ZZZZ", "")
    """One that is not traded there, and the broker's own words about it."""
    lacks: Mapping[str, str] = {}
    fees_in_average = D(0)
    """What a share's average cost has in it of the fees, ten shares bought."""
    broker: Broker

    def __init__(self) -> None:
        self.news: list[OrderUpdate] = []
        self.links: list[LinkChanged] = []
        self.notes: list[str] = []
        self._run = f"c{next(_runs)}"
        self._numbers = count(1)
        self._heard = asyncio.Event()

    def need(self, what: str) -> None:
        """Skips the test where the broker has no `what`."""
        if what in self.lacks:
            pytest.skip(f"{self.name} lacks {what}: {self.lacks[what]}")

    def hear(self, event: BrokerEvent | Heard) -> None:
        if isinstance(event, OrderUpdate):
            self.news.append(event)
        elif isinstance(event, LinkChanged):
            self.links.append(event)
        elif isinstance(event, Note):
            self.notes.append(event.text)
        self._heard.set()

    # ---- what a subclass does

    async def trade(self, price: object, size: object = 1_000_000, symbol: str = "AAPL") -> None:
        """The market trades `size` shares at `price`: what rests at it or better fills, in the order of arrival."""
        raise NotImplementedError

    async def reconnect(self) -> None:
        """The link breaks, and is there again after a while; the broker is told nothing of it."""
        raise NotImplementedError

    async def place_elsewhere(self, symbol: str, side: Side, quantity: object, limit: object) -> None:
        """Somebody else places an order on the account."""
        raise NotImplementedError

    # ---- what tests do with it

    def order(
        self,
        side: Side = Side.BUY,
        quantity: object = 10,
        *,
        symbol: str = "AAPL",
        limit: object = None,
        stop: object = None,
        tif: TimeInForce = TimeInForce.DAY,
        oco: str = "",
        reduce_only: bool = False,
    ) -> Order:
        """An order of its own id, whose type follows from its prices."""
        number = next(self._numbers)
        kind = {(False, False): OrderType.MARKET, (True, False): OrderType.LIMIT, (False, True): OrderType.STOP}.get(
            (limit is not None, stop is not None), OrderType.STOP_LIMIT
        )
        shares = D(str(quantity))
        return Order(
            f"{self._run}-{number}",
            number,
            symbol,
            side,
            shares,
            kind,
            None if limit is None else D(str(limit)),
            None if stop is None else D(str(stop)),
            tif,
            Source.PERSON,
            0,
            D(100),
            shares,
            oco=oco,
            reduce_only=reduce_only,
        )

    def exits(self, quantity: object = 10, *, profit: object = 110, loss: object = 90) -> tuple[Order, Order]:
        """What leaves a long position: a limit that takes the profit and a stop that ends the loss."""
        oco = f"{self._run}/exits-{next(self._numbers)}"
        return (
            self.order(Side.SELL, quantity, limit=profit, tif=TimeInForce.GTC, oco=oco, reduce_only=True),
            self.order(Side.SELL, quantity, stop=loss, tif=TimeInForce.GTC, oco=oco, reduce_only=True),
        )

    async def bought(self, quantity: object = 10) -> Order:
        """A position of AAPL, bought at 100."""
        order = self.order(Side.BUY, quantity)
        await self.broker.submit(order)
        await self.trade(100)
        await self.told(order, OrderEvent.FILL_ALL)
        return order

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits for what the broker's events bring about."""
        async with asyncio.timeout(SOON_S):
            while not condition():
                self._heard.clear()
                await self._heard.wait()

    async def told(self, order: Order, event: OrderEvent) -> OrderUpdate:
        """The first news of `order` that says `event`."""
        await self.until(lambda: self.news_of(order, event))
        return self.news_of(order, event)[0]

    def news_of(self, order: Order, *events: OrderEvent) -> list[OrderUpdate]:
        return [update for update in self.news if update.order_id == order.id and (not events or update.event in events)]

    async def works(self, order: Order) -> OrderUpdate:
        """Once the broker has told that `order` is at work there, or is about to be."""
        alive = (OrderEvent.ACCEPT, OrderEvent.HOLD, OrderEvent.WORK)
        await self.until(lambda: self.news_of(order, *alive))
        return self.news_of(order, *alive)[-1]

    async def listed(self, order: Order) -> BrokerOrder:
        """How the broker's own list has it."""
        return next(each for each in (await self.broker.snapshot([order.id])).orders if each.order_id == order.id)

    async def snapshot(self, orders: tuple[Order, ...] = ()) -> BrokerSnapshot:
        return await self.broker.snapshot([order.id for order in orders])


class PaperRig(Rig):
    name = "paper"
    lacks: Mapping[str, str] = {
        "a link": "it is a part of the engine's own process, and no wire leads to it",
        "other clients": "nobody but the engine can reach it",
    }
    unknown_symbol = ("ZZZZ", "asset ZZZZ is not tradable")

    def __init__(self) -> None:
        super().__init__()
        self._paper = PaperBroker(FRICTIONLESS, {symbol: Instrument(symbol) for symbol in ("AAPL", "MSFT")})
        self._at = 1_000_000
        self.broker = self._paper

    async def trade(self, price: object, size: object = 1_000_000, symbol: str = "AAPL") -> None:
        self._at += 1_000_000
        cents = float(str(price))
        self._paper.on_market(Quote(symbol, self._at, cents, cents, float(str(size)), float(str(size)), cents))


@asynccontextmanager
async def paper_rig(**given: Any) -> AsyncIterator[PaperRig]:
    rig = PaperRig()
    await rig.broker.connect(rig.hear)
    rig._paper.on_market(MarketStatus(Phase.REGULAR, "open", "2026-01-05", rig._at))
    await rig.trade(100)
    await rig.trade(100, symbol="MSFT")
    yield rig
    await rig.broker.close()


def is_up(rig: Rig) -> bool:
    return bool(rig.links) and rig.links[-1].state is LinkState.UP
