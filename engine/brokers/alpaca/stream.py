"""The stream of trade updates, by the library's own client: connected, lost and connected again, each of it told.

The library's own loop tries again for ever and tells nobody, wrong keys included. Here each attempt is a fresh client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from engine.brokers.alpaca.timings import Timings
from engine.brokers.alpaca.words import Raw
from engine.model.modes import LinkState

Stream: TypeAlias = Any
"""The library's TradingStream: what of it is used here has no annotations."""
Handler: TypeAlias = Callable[[Raw], Awaitable[None]]
_LIVED_S = 30.0
"""A stream that was up for so long begins its pauses anew."""
REFUSED_KEY = "Alpaca refuses the key on its stream: check ALPACA_API_KEY and ALPACA_SECRET_KEY, then start again"
_CROWDED = {
    406: "another connection has the stream; one that broke is held for about 90 s",
    429: "too many connections to the stream; one that broke is held for about 90 s",
}


class KeyRefusedError(Exception):
    """Where the key is a wrong one, another try makes no sense."""


class TradeUpdates:
    """`hear` gets each update as it came, `tell` how the stream stands: UP, DOWN and why, or FATAL. `beat` is called whenever the other end
    has shown that it lives. `is_key_wrong` makes sure of it: a good key may be refused for a moment, too."""

    def __init__(
        self,
        make: Callable[[Handler], Stream],
        hear: Callable[[Raw], None],
        tell: Callable[[LinkState, str], None],
        is_key_wrong: Callable[[], Awaitable[bool]],
        timings: Timings,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._make = make
        self._hear = hear
        self._tell = tell
        self._is_key_wrong = is_key_wrong
        self._timings = timings
        self._beat = beat
        self._stream: Stream | None = None
        self._again = ""
        self.heard = 0.0
        """Monotonic seconds of its last update."""

    async def run(self) -> None:
        """Until cancelled, or until the key is found to be wrong."""
        attempt = 0
        while True:
            began = time.monotonic()
            try:
                await self._listen()
                reason = "it ended"
            except KeyRefusedError:
                self._tell(LinkState.DOWN, "the stream of trade updates refuses the key: it is asked about again")
                if await self._is_key_wrong():
                    self._tell(LinkState.FATAL, REFUSED_KEY)
                    return
                reason = "it refused the key, which is good"
            except Exception as error:  # noqa: BLE001 - a library's, whatever it is: it is said, and tried again
                reason = self._again or _words(error)
            finally:
                await self._close()
            self._again = ""
            if time.monotonic() - began >= _LIVED_S:
                attempt = 0
            pause = self._pause(attempt)
            attempt += 1
            self._tell(LinkState.DOWN, f"the stream of trade updates broke ({reason}); it is tried again")
            await asyncio.sleep(pause)

    async def again(self, reason: str) -> None:
        """Drops the connection, for it is open and says nothing: another one follows."""
        self._again = reason
        if self._stream is not None and self._stream._ws is not None:
            self._stream._ws.transport.abort()

    def _pause(self, attempt: int) -> float:
        first, longest = self._timings.backoff_s
        return float(min(longest, first * 2 ** min(attempt, 16)) * random.uniform(0.5, 1.0))

    async def _listen(self) -> None:
        stream = self._stream = self._make(self._update)
        async with asyncio.timeout(self._timings.stream_s):
            await stream._connect()
            try:
                await stream._auth()
            except json.JSONDecodeError:
                raise
            except ValueError:
                raise KeyRefusedError from None
            await stream._subscribe_trade_updates()
            # What fills before the server listens is told to nobody: up means that it does.
            while json.loads(await stream._ws.recv()).get("stream") != "listening":
                pass
        self._tell(LinkState.UP, "")
        beating = asyncio.ensure_future(self._beats(stream))
        try:
            # The library's own loop looks up every five seconds, and can miss there that it is to end.
            while True:
                await stream._dispatch(json.loads(await stream._ws.recv()))
        finally:
            beating.cancel()

    async def _beats(self, stream: Stream) -> None:
        """Nothing may be told for hours where nothing trades. Who ends a line that does not answer is the library, by pings of its own."""
        with contextlib.suppress(Exception):  # a line that broke, which the listener says
            while True:
                await (await stream._ws.ping())
                self._beat()
                await asyncio.sleep(self._timings.beat_s)

    async def _update(self, raw: Raw) -> None:
        self.heard = time.monotonic()
        data = raw.get("data")
        if isinstance(data, dict):
            self._hear(data)

    async def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None and stream._ws is not None:
            stream._ws.transport.abort()
            with contextlib.suppress(Exception):
                await stream.close()


def streams(key: str, secret: str, *, paper: bool, url: str, timings: Timings) -> Callable[[Handler], Stream]:
    """What makes a fresh client for each attempt."""

    def make(handler: Handler) -> Stream:
        from alpaca.trading.stream import TradingStream

        # They replace the library's own, of which only the pings would go on.
        parameters: dict[str, Any] = {
            "ping_interval": timings.ping_s,
            "ping_timeout": timings.ping_s,
            "close_timeout": 1,
            "max_queue": 1024,
        }
        made: Stream = TradingStream
        stream: Stream = made(key, secret, paper=paper, raw_data=True, url_override=url or None, websocket_params=parameters)
        stream.subscribe_trade_updates(handler)
        return stream

    return make


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _CROWDED.get(status, f"refused with {status}")
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    code = getattr(getattr(error, "rcvd", None), "code", None)
    if code is not None:
        return f"closed by Alpaca with {code}"
    return (
        "the line broke" if isinstance(error, OSError) or "closed" in type(error).__name__.lower() else f"{type(error).__name__}: {error}"
    )
