"""The contract's rig for Interactive Brokers: the real client library, through our adapter, against a TWS on the loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from engine.brokers.ib import link
from engine.brokers.ib.broker import IbBroker
from engine.brokers.ib.config import IbConfig
from engine.model.orders import Side
from tests.engine.brokers.rig import Rig
from tests.servers.tws.driver import TwsProcess

_runs = count(1)
SOON = (0.02, 0.05, 0.1)


def at_noon() -> int:
    """What the hour says of a TWS that is gone is nothing then, whenever a test is run. Wednesday in New York."""
    return 1_718_812_800 * 1_000_000_000


class IbRig(Rig):
    name = "ib"
    cash = Decimal(1_000_000)
    fees_in_average = Decimal("0.1")
    unknown_symbol = ("ZZZZ", "IB knows no stock ZZZZ in USD: look up how it spells it, and whether it is listed")

    def __init__(self, tws: TwsProcess) -> None:
        super().__init__()
        self._run = f"261128-{next(_runs):08x}"
        self.tws = tws
        self.broker = IbBroker(IbConfig(port=tws.port, client_id=7), at_noon)

    async def do(self, line: str) -> dict[str, Any]:
        return await asyncio.to_thread(self.tws.do, line)

    async def trade(self, price: object, size: object = 1_000_000, symbol: str = "AAPL") -> None:
        await self.do(f"price {symbol} {price} {size}")

    async def reconnect(self) -> None:
        await self.do("away")
        await self.do("back")

    async def place_elsewhere(self, symbol: str, side: Side, quantity: object, limit: object) -> None:
        await self.do(f"place 99 {side} {quantity} {symbol} LMT {limit}")


@asynccontextmanager
async def ib_rig(**given: Any) -> AsyncIterator[IbRig]:
    with pytest.MonkeyPatch.context() as patch, TwsProcess() as tws:
        patch.setattr(link, "AGAIN_S", SOON)
        rig = IbRig(tws)
        for line in ("spread 0", "price AAPL 100", "price MSFT 100"):
            await rig.do(line)
        await rig.broker.connect(rig.hear)
        try:
            yield rig
        finally:
            await rig.broker.close()
