"""Alpaca for the contract: the real client library through our adapter, against the loopback server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial

from msgspec.structs import replace

from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.alpaca.timings import Timings
from engine.model.orders import Side
from tests.engine.brokers.rig import Rig, is_up
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

PATIENT = Timings(
    connect_s=20.0,
    answer_s=20.0,
    cancel_s=20.0,
    together_s=20.0,
    stream_s=20.0,
    ping_s=20.0,
    poll_s=0.3,
    poll_down_s=0.1,
    grace_s=0.1,
    backoff_s=(0.02, 0.1),
    clock_s=0.5,
    requests_a_minute=1_000_000,
    settle_s=1.0,
)
"""For a server that answers, on a machine that may stand still for a moment: asks often, and takes no late answer for a lost one."""

IMPATIENT = replace(PATIENT, connect_s=2.0, answer_s=2.0, cancel_s=1.0, together_s=0.5, ping_s=0.4)
"""Where a request or a stream hangs for good, and the test has to wait until that is noticed."""


def patience(fault: str) -> Timings:
    """No more of it than an armed `fault` takes."""
    return IMPATIENT if "hang" in fault else PATIENT


class AlpacaRig(Rig):
    name = "alpaca"
    lacks: Mapping[str, str] = {}
    unknown_symbol = ("ZZZZ", 'asset "ZZZZ" not found')

    def __init__(self, server: AlpacaServer) -> None:
        super().__init__()
        self.server = server
        self.broker = AlpacaBroker(KEY, SECRET, url=server.url, timings=PATIENT)

    async def trade(self, price: object, size: object = None, symbol: str = "AAPL") -> None:
        await asyncio.to_thread(self.server.trade, symbol, price, size)

    async def reconnect(self) -> None:
        await asyncio.to_thread(self.server.cut)

    async def place_elsewhere(self, symbol: str, side: Side, quantity: object, limit: object) -> None:
        wish = {"symbol": symbol, "qty": str(quantity), "side": side.lower(), "type": "limit", "time_in_force": "day"}
        await asyncio.to_thread(self.server.do, partial(self.server.book.submit, {**wish, "limit_price": str(Decimal(str(limit)))}))


@asynccontextmanager
async def alpaca_rig() -> AsyncIterator[AlpacaRig]:
    with AlpacaServer() as server:
        rig = AlpacaRig(server)
        await rig.broker.connect(rig.hear)
        await rig.until(lambda: is_up(rig))
        yield rig
        await rig.broker.close()
