"""An Alpaca on the loopback, in a thread of its own: REST and both streams on one port, and bad manners on command.

`do` runs something on the server's own loop and hands back what it answers, so a test reads and moves the book as if it were one thread.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, TypeVar

import msgpack  # type: ignore[import-untyped]

from tests.servers.alpaca.book import Book
from tests.servers.alpaca.faults import REPLIES, Faults
from tests.servers.alpaca.orders import Order
from tests.servers.alpaca.rest import Rest
from tests.servers.alpaca.streams import KEY, SECRET, DataStream, TradeStream
from tests.servers.alpaca.wire import Request, Socket, read_request, response

Answered = TypeVar("Answered")


class AlpacaServer:
    """Leaving the `with` block ends it, whatever still hangs on it. AAPL, MSFT and IBM trade, at 100."""

    def __init__(self, port: int = 0, *, delay_s: float = 0.0) -> None:
        """Each answer takes `delay_s`, as one over a network does."""
        self.port = port
        self.faults = Faults()
        self.trades = TradeStream(self.faults)
        self.prices = DataStream(self.faults)
        self.book = Book(self.trades.tell)
        self.book.prices.update(AAPL=Decimal(100), MSFT=Decimal(100), IBM=Decimal(100))
        self.requests: list[str] = []
        """Method and path of everything that was asked, oldest first."""
        self.shakes: list[float] = []
        """When each handshake of a stream came, monotonic seconds."""
        self.most_streams = 0
        """How many streams there were at once at most."""
        self._streams = 0
        self._rest = Rest(self.book, lambda: self.faults.skew_s)
        self._delay_s = delay_s
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._refused: OSError | None = None
        """Why it cannot listen."""
        self._thread = threading.Thread(target=self._run, name="loopback alpaca", daemon=True)

    def __enter__(self) -> AlpacaServer:
        self._thread.start()
        self._listening.wait(20)
        if self._refused is not None:
            raise self._refused
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # ---- for a test's thread

    def do(self, work: Callable[[], Answered]) -> Answered:
        """What `work` answers, done on the server's loop."""

        async def run() -> Answered:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)

    def trade(self, symbol: str, price: object, size: object = None) -> None:
        self.do(lambda: self.book.trade(symbol, Decimal(str(price)), None if size is None else Decimal(str(size))))

    def order(self, client_id: str) -> Order:
        """The one that came under `client_id`."""
        return self.do(lambda: self.book.by_client[client_id])

    def cut(self) -> None:
        """Breaks the trade stream without a word."""
        self.do(self.trades.cut)

    def quote(self, symbol: str, bid: float, ask: float, size: float = 1_000_000) -> None:
        """A quote on the data stream."""
        at = datetime.now(UTC)
        told = {"T": "q", "S": symbol, "bx": "V", "bp": bid, "bs": size, "ax": "V", "ap": ask, "as": size, "c": ["R"], "z": "C"}
        self.do(lambda: self.prices.tell("quotes", {**told, "t": _nanoseconds(at)}))

    # ---- the loop

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 22))
        except OSError as error:
            self._refused = error
            self._loop.close()
            self._listening.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_request(reader)) is not None:
                if self.faults.deaf and not request.path.startswith("/control"):
                    await self.faults.never.wait()
                if request.is_handshake:
                    await self._stream(request, Socket(reader, writer, self.faults))
                    return
                if not await self._answer(request, writer):
                    return
        except (ConnectionError, asyncio.CancelledError):
            pass  # it hung up, or the server ends
        finally:
            writer.transport.abort()

    async def _stream(self, request: Request, socket: Socket) -> None:
        self.shakes.append(time.monotonic())
        self._streams += 1
        self.most_streams = max(self.most_streams, self._streams)
        try:
            socket.shake(request, self.faults.refuse_streams)
            if not self.faults.refuse_streams:
                await (self.trades if request.path == "/stream" else self.prices).serve(socket)
            else:
                await socket.read()
        finally:
            self._streams -= 1

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection is to be read on."""
        if request.path.startswith("/control"):
            writer.write(self._control(request))
            return True
        asked = f"{request.method} {request.path}"
        self.requests.append(asked)
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        crowded = self.faults.too_many()
        given = (request.headers.get("apca-api-key-id"), request.headers.get("apca-api-secret-key"))
        what = "401" if given != (KEY, SECRET) or self.faults.unauthorized else "429" if crowded else self.faults.strikes(asked)
        if what == "late":
            await self.faults.let_late.wait()
            what, self.faults.late = "", self.faults.late + 1
        kind, _, rest = what.partition("_") if what.startswith("after_") else ("", "", what)
        status, told = (0, None) if what and not kind else self._rest.answer(request.method, request.path, request.query, request.body)
        if rest == "drop":
            return False
        if rest == "hang":
            await self.faults.never.wait()
        if rest in REPLIES:
            status, text = REPLIES[rest]
            more = {"Retry-After": self.faults.retry_after} if status == 429 and self.faults.retry_after else {}
            writer.write(response(status, text.encode(), "text/html" if text.startswith("<") else "application/json", more))
        else:
            writer.write(response(status, b"" if told is None else json.dumps(told).encode()))
        return True

    # ---- by hand

    def _control(self, request: Request) -> bytes:
        """`POST /control/NAME` with arguments as JSON: see `python -m tests.servers.alpaca`."""
        name = request.path.removeprefix("/control").strip("/")
        given = json.loads(request.body) if request.body else dict(request.query)
        try:
            self._carry_out(name, given)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            return response(400, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        return response(200, json.dumps({"faults": [str(fault) for fault in self.faults.armed], "requests": self.requests[-20:]}).encode())

    def _carry_out(self, name: str, given: Mapping[str, Any]) -> None:
        match name:
            case "trade":
                size = given.get("size")
                self.book.trade(given["symbol"], Decimal(str(given["price"])), None if size is None else Decimal(str(size)))
            case "arm":
                self.faults.arm(given["on"], given["what"], int(given.get("nth", 1)), int(given.get("times", 1)))
            case "set":
                self.faults.set(**given)
            case "cut":
                self.trades.cut()
                self.prices.cut()
            case "market":
                self.book.open = False
                if given.get("open", True):
                    self.book.open_market()
            case "asset":
                may = dict(given)
                self.book.assets[may.pop("symbol")] = may
            case "" | "state":
                pass
            case _:
                raise ValueError(f"there is no {name}: trade, arm, set, cut, market, asset or state")


def _nanoseconds(moment: datetime) -> msgpack.Timestamp:
    return msgpack.Timestamp.from_datetime(moment)
