"""A feed of IB's prices, by the real client library, over a TWS on the loopback whose market begins at BEGIN and may be moved on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from engine.brokers.ib.config import IbConfig
from engine.feeds.base import FeedError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.ib.feed import PATIENCE_S, IbFeed
from engine.feeds.ib.history import IbHistory
from engine.feeds.ib.line import Line
from engine.feeds.new_york import SECOND
from engine.model.market import Bar, MarketEvent, Quote
from tests.engine.feeds.fake_history import at
from tests.servers.tws.driver import TwsProcess

BEGIN_TEXT = "2024-06-18T16:00:30"
BEGIN = at(BEGIN_TEXT)
E = TypeVar("E", bound=MarketEvent)


@contextmanager
def history_of(tws: TwsProcess, now: Callable[[], int], **more: Any) -> Iterator[IbHistory]:
    history = IbHistory(Calendar(), Line(IbConfig(port=tws.port), wall=now), now=now, **more)
    try:
        yield history
    finally:
        history.close()


class Desk:
    def __init__(self, tws: TwsProcess, folder: Path, symbols: tuple[str, ...] = ("AAPL",), timeframe: str = "1m") -> None:
        self.tws = tws
        self.skip = 0
        self._began = time.monotonic_ns()
        tws.do(f"clock {BEGIN_TEXT}")
        tws.do("bars off")
        tws.do("pacing 0 0 600 1000")
        self.line = Line(IbConfig(port=tws.port), wall=self.wall)
        history = IbHistory(Calendar(), self.line, patience_s=PATIENCE_S, now=self.wall)
        cached = CachedHistory(history, BarCache(folder), Calendar(), now=self.wall)
        self.feed = IbFeed(cached, symbols, timeframe, line=self.line, wall=self.wall, mono=self.mono)
        self.told: list[MarketEvent] = []
        self.complaints: list[str] = []
        self.feed.complain = self.complaints.append
        self.running: asyncio.Task[None] | None = None

    def wall(self) -> int:
        return BEGIN + time.monotonic_ns() - self._began + self.skip

    def mono(self) -> float:
        return (time.monotonic_ns() - self._began + self.skip) / SECOND

    async def forward(self, seconds: float) -> None:
        """Moves both clocks on."""
        await self.do(f"ahead {seconds}")
        self.skip += round(seconds * SECOND)

    async def do(self, line: str) -> dict[str, Any]:
        return await asyncio.to_thread(self.tws.do, line)

    async def followed(self) -> dict[str, list[str]]:
        return await self.do("data")

    async def asked(self, what: str) -> int:
        count: int = (await self.do("data"))["asked"].get(what, 0)
        return count

    async def prepare(self) -> None:
        await self.feed.prepare(lambda text: None)

    def start(self) -> None:
        self.running = asyncio.create_task(self.feed.run(self.told.append))

    @asynccontextmanager
    async def listening(self, symbol: str = "AAPL") -> AsyncIterator[None]:
        """It runs, and has heard a quote of `symbol`."""
        await self.prepare()
        self.start()
        try:
            await self.until(lambda: [quote for quote in self.of(Quote) if quote.symbol == symbol])
            yield
        finally:
            await self.end()

    async def end(self) -> None:
        if self.running is not None:
            self.running.cancel()
            with suppress(asyncio.CancelledError, FeedError):
                await self.running
        await asyncio.to_thread(self.line.close)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                if self.running is not None and self.running.done():
                    self.running.result()
                await asyncio.sleep(0.005)

    async def until_followed(self, **symbols: list[str]) -> None:
        """TWS has these subscriptions, ticks and bars."""
        async with asyncio.timeout(20):
            while not symbols.items() <= (await self.followed()).items():  # noqa: ASYNC110 - the server is another process
                await asyncio.sleep(0.02)

    async def lost(self) -> FeedError:
        """What the run ends with."""
        assert self.running is not None
        async with asyncio.timeout(20):
            try:
                await asyncio.shield(self.running)
            except FeedError as error:
                return error
        raise AssertionError("it ended without a word")

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.told if isinstance(event, kind)]

    def bars(self, since: int = BEGIN) -> list[tuple[int, float]]:
        """Those told that closed after `since`: their closes, in time and price."""
        return [(bar.at, bar.close) for bar in self.of(Bar) if bar.at > since]
