"""The client library for prices: a session that knows how to ask for them. With `engine.brokers.ib.library`, from which it is made, the
only module that imports it, in the thread that it lives in.

Prices are heard where the decoder hands them over: the library would make a picture of its own of each, and keep every tick.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from engine.brokers.ib.facts import Contract, Fact, RequestFailed
from engine.brokers.ib.library import Session, stock
from engine.feeds.ib.facts import DataType, FiveSeconds, HaltTick, PriceFact, PriceTick, SizeTick
from engine.feeds.new_york import SECOND

HISTORY_S = 45.0
"""How long TWS may take over past bars: it fetches them itself."""
DELAYED = 3
"""Asks for what is live where the user has it, and for what is delayed elsewhere."""
_HALTED = 49
_FIVE_S = 5
_PAST_BARS = 17
"""The number of the message that tells them."""


class PastBar:
    """One bar of the past as TWS tells it: labelled by its open, or, where it is of a day, by that day."""

    __slots__ = ("opened", "values")

    def __init__(self, opened: datetime | date, values: tuple[float, float, float, float, float]) -> None:
        self.opened = opened
        self.values = values
        """Open, high, low, close, volume."""


class DataSession(Session):
    """One connection. `hear` gets what the broker's does, `price` every word about a price."""

    def __init__(self, hear: Callable[[Fact], None], lost: Callable[[str], None], price: Callable[[PriceFact], None]) -> None:
        super().__init__(hear, lost)
        _listen(self._ib.wrapper, price)
        self._past: dict[int, asyncio.Future[None]] = {}
        """What waits for past bars, by the number it was asked under."""
        handlers = self._ib.client.decoder.handlers
        self._bars_told = handlers[_PAST_BARS]
        handlers[_PAST_BARS] = self._on_past_bars

    def _on_past_bars(self, fields: list[str]) -> None:
        """Where they are not understood their end is not told either, and nothing more is to be waited for."""
        try:
            self._bars_told(fields)
        except Exception as error:
            future = self._past.get(int(fields[1])) if len(fields) > 1 and fields[1].isdecimal() else None
            if future is not None and not future.done():
                future.set_exception(RequestFailed(0, f"its answer was not understood: {error}"))
            raise

    def ask_for_delayed(self) -> None:
        self._ib.client.reqMarketDataType(DELAYED)

    async def follow(self, contract: Contract) -> int:
        """Subscribes to its quotes, and answers under which number they come."""
        await self.turn()
        request = int(self._ib.client.getReqId())
        self._ib.client.reqMktData(request, stock(contract), "", False, False, [])
        return request

    async def unfollow(self, request: int) -> None:
        await self.turn()
        self._ib.client.cancelMktData(request)

    async def follow_bars(self, contract: Contract, *, regular: bool) -> int:
        """The same of its bars of five seconds, of the regular session alone where that is said."""
        await self.turn()
        request = int(self._ib.client.getReqId())
        self._ib.client.reqRealTimeBars(request, stock(contract), _FIVE_S, "TRADES", regular, [])
        return request

    async def unfollow_bars(self, request: int) -> None:
        await self.turn()
        self._ib.client.cancelRealTimeBars(request)

    async def past(self, contract: Contract, end: str, duration: str, size: str, what: str, *, regular: bool) -> Sequence[PastBar]:
        """Bars of `size` over the `duration` before `end` (`yyyymmdd-hh:mm:ss` in UTC, or nothing for now), oldest first.

        Raises RequestFailed, TimeoutError, ConnectionError.
        """
        from ib_insync import RequestError

        await self.turn()
        client, wrapper = self._ib.client, self._ib.wrapper
        request = int(client.getReqId())
        told: list[Any] = []
        future = self._past[request] = wrapper.startReq(request, container=told)
        client.reqHistoricalData(request, stock(contract), end, duration, size, what, regular, 2, False, [])
        try:
            async with asyncio.timeout(HISTORY_S):
                await future
        except RequestError as error:
            raise RequestFailed(error.code, error.message) from None
        except TimeoutError:
            if self.connected:
                client.cancelHistoricalData(request)
            raise TimeoutError(f"TWS did not tell the bars within {HISTORY_S:g} s") from None
        finally:
            del self._past[request]
        return [PastBar(bar.date, (bar.open, bar.high, bar.low, bar.close, bar.volume)) for bar in told]


def _listen(wrapper: Any, price: Callable[[PriceFact], None]) -> None:
    """In place of the library's own methods."""

    def flagged(request: int, kind: int, value: float) -> None:
        if kind == _HALTED:
            price(HaltTick(request, int(value)))

    def bar(request: int, opened: int, *values: float) -> None:
        price(FiveSeconds(request, (opened + _FIVE_S) * SECOND, *values[:5]))

    wrapper.priceSizeTick = lambda request, kind, at, size: price(PriceTick(request, kind, at, size))
    wrapper.tickSize = lambda request, kind, size: price(SizeTick(request, kind, size))
    wrapper.tickString = lambda request, kind, value: None
    wrapper.tickGeneric = flagged
    wrapper.marketDataType = lambda request, kind: price(DataType(request, kind))
    wrapper.realtimeBar = bar
