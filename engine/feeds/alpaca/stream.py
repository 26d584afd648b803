"""Alpaca's stream of quotes, trades, minute bars and halts, by the library's own client.

Each connection is a fresh client: the library's loop tries again for ever and tells nobody, wrong keys included. It is connected once there
is something to subscribe to, for without that it would spin.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeAlias

from engine.feeds.alpaca.rest import REFUSED_KEY, Access
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.names import shown

Raw: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Raw], Awaitable[None]]
CONNECT_S = 10.0
PING_S = 10.0
HELD_S = 90.0
"""For how long Alpaca holds a connection that broke, and refuses another."""
_CHANNELS = ("quotes", "trades", "bars", "statuses")


class CrowdedError(FeedLostError):
    """The plan takes no quotes of so many symbols."""


class PriceStream:
    """One connection, for as long as it lasts. `hear` is given every message of a symbol, as it came."""

    def __init__(self, access: Access, hear: Callable[[Raw], None]) -> None:
        """Imports the library: not on the engine's loop."""
        from alpaca.data.enums import DataFeed
        from alpaca.data.live.stock import StockDataStream

        # They replace the library's own, of which only the pings would go on.
        parameters = {"ping_interval": PING_S, "ping_timeout": PING_S, "close_timeout": 1, "max_queue": 1024}
        url = f"ws{access.url.removeprefix('http')}/v2/{access.tape}" if access.url else None
        feed = DataFeed(access.tape)
        made: Any = StockDataStream
        self._stream: Any = made(access.key, access.secret, raw_data=True, feed=feed, websocket_params=parameters, url_override=url)
        self._hear = hear
        self.symbols: frozenset[str] = frozenset()
        self.most: int | None = None
        """How many symbols are quoted; the others have bars and halts alone, of which a plan takes any number."""

    async def open(self, symbols: Collection[str]) -> None:
        """Raises FeedError where another try makes no sense, FeedLostError where one does."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._stream._connect()
                await self._authenticate()
                await self.subscribe(symbols)
        except FeedError:
            raise
        except Exception as error:
            raise FeedLostError(f"Alpaca's stream of prices does not come up: {_words(error)}.", _again(error)) from error

    async def _authenticate(self) -> None:
        try:
            await self._stream._auth()
        except ValueError as error:
            said = str(error)
            if "connection limit" in said:
                raise FeedLostError(
                    f"Alpaca's stream of prices is taken: {shown(said)}; one that broke is held for 90 s.", HELD_S
                ) from None
            if "auth" in said:
                raise FeedError(REFUSED_KEY.format(words=shown(said))) from None
            raise

    async def subscribe(self, symbols: Collection[str]) -> None:
        """To these, and to no others."""
        wanted = frozenset(symbols)
        if gone := self.symbols - wanted:
            for channel in _CHANNELS:
                handlers = self._stream._handlers[channel]
                there = sorted(gone & handlers.keys())
                await self._stream._send_unsubscribe_msg(channel, there)
                for symbol in there:
                    del handlers[symbol]
        if new := [symbol for symbol in symbols if symbol not in self.symbols]:
            stream = self._stream
            room = len(new) if self.most is None else max(0, self.most - len(stream._handlers["quotes"]))
            for subscribe in (stream.subscribe_quotes, stream.subscribe_trades):
                subscribe(self._on_message, *new[:room])
            for subscribe in (stream.subscribe_bars, stream.subscribe_trading_statuses):
                subscribe(self._on_message, *new)
            await stream._send_subscribe_msg()
        self.symbols = wanted

    async def listen(self, within_s: float) -> None:
        """Takes what comes next, or nothing within that time. Raises FeedError and FeedLostError."""
        import msgpack  # type: ignore[import-untyped]

        try:
            data = await asyncio.wait_for(self._stream._ws.recv(), within_s)
        except TimeoutError:
            return
        except Exception as error:
            raise FeedLostError(f"Alpaca's stream of prices broke: {_words(error)}.", _again(error)) from error
        try:
            messages = msgpack.unpackb(data)
        except Exception as error:
            raise FeedLostError("Alpaca's stream of prices sent what cannot be read.") from error
        for message in messages if isinstance(messages, list) else ():
            if not isinstance(message, dict):
                continue
            if message.get("T") == "error":
                self._refused(message)
            else:
                await self._stream._dispatch(message)

    async def close(self) -> None:
        """At once, whatever the other end does."""
        if self._stream._ws is not None:
            self._stream._ws.transport.abort()
            with contextlib.suppress(Exception):
                await self._stream.close()

    async def _on_message(self, raw: Raw) -> None:
        self._hear(raw)

    @staticmethod
    def _refused(message: Raw) -> None:
        said, code = shown(str(message.get("msg"))), message.get("code")
        if code in (402, 404):
            raise FeedError(REFUSED_KEY.format(words=said))
        if code == 405:
            raise CrowdedError(f"Alpaca's stream says: {said} ({code}).")
        if code == 409:
            raise FeedError(f"Alpaca's stream says: {said} ({code}). Your plan has not this feed.tape.")
        raise FeedLostError(f"Alpaca's stream says: {said} ({code}).", HELD_S if code == 406 else None)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return f"refused with {status}" + ("; too many connections, and one that broke is held for 90 s" if status == 429 else "")
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    code = getattr(getattr(error, "rcvd", None), "code", None)
    if code is not None:
        return f"closed with {code}"
    return "the line broke" if isinstance(error, OSError) or "closed" in type(error).__name__.lower() else shown(str(error))


def _again(error: Exception) -> float | None:
    return HELD_S if getattr(error, "status_code", None) == 429 else None
