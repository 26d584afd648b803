"""The process: listens, knows who is connected, loses on the way what a test wants lost, and ends by itself after a while."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable

from tests.servers.tws import say
from tests.servers.tws.contracts import STOCKS
from tests.servers.tws.data import MarketData
from tests.servers.tws.exchange import CENT, PLENTY
from tests.servers.tws.faults import Faults
from tests.servers.tws.gateway import Gateway
from tests.servers.tws.session import Session

LOST = "Connectivity between IB and Trader Workstation has been lost."
CODES = {
    1100: LOST,
    1101: "Connectivity between IB and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IB and Trader Workstation has been restored - data maintained.",
    2103: "Market data farm connection is broken:usfarm",
    2110: "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
    10197: "No market data during competing live session",
}


class Tws:
    def __init__(self, account: str) -> None:
        self.faults = Faults()
        self.gateway = Gateway(account, self._tell)
        self.data = MarketData(self.gateway.exchange)
        self.sessions: list[Session] = []
        self.taken: set[int] = set()
        self.logged_out = False
        self.disconnected = False
        self.clock_skew = 0.0
        self.delay_s = 0.0
        """How long each message is on its way to us."""
        self.storm: Counter[str] = Counter()
        """How many connections more are dropped when they have come so far."""
        self.walks = False
        self.copies = 0
        self.asked: Counter[str] = Counter()
        """How often each kind of request came."""
        self.lost: list[tuple[int, int]] = []
        """(client id, order id) of orders that were lost on their way."""
        self.kill: tuple[int, int] | None = None
        self._late: tuple[int, say.Message] | None = None
        self._listening: asyncio.Server | None = None
        self._port = 0

    def walk(self) -> None:
        """All prices move a little, where they do."""
        for stock in STOCKS if self.walks else ():
            last = self.gateway.exchange.prices[stock.con_id].last + random.choice((-2, -1, 0, 1, 2)) * CENT
            self.gateway.price(stock, max(last, 10 * CENT), PLENTY)
            self.data.moved(stock)

    # ---- links

    async def listen(self, port: int) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, reuse_address=True)
        self._listening, self._port = server, server.sockets[0].getsockname()[1]
        return self._port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, reader, writer)
        self.sessions.append(session)
        try:
            await session.serve()
        finally:
            self.sessions.remove(session)
            self.data.forget(session)
            session.close()

    def is_taken(self, client_id: int) -> bool:
        return client_id in self.taken or any(session.client_id == client_id for session in self.sessions)

    def cut(self) -> None:
        for session in list(self.sessions):
            session.close()

    def go_away(self) -> None:
        """Nobody can connect until `come_back`."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        self.cut()

    async def come_back(self) -> None:
        if self._listening is None:
            await self.listen(self._port)

    def say_to_all(self, code: int, words: str = "", request: int = -1) -> None:
        self.disconnected = code == 1100 or (self.disconnected and code not in (1101, 1102))
        self.data.disconnected = self.disconnected
        self.data.taken_by_another = code == 10197 or self.data.taken_by_another
        if code == 1101:
            self.data.forget()
        for session in self.sessions:
            session.send(say.error(request, code, words or CODES.get(code, "")))

    def drops(self, at: str) -> bool:
        """Whether a connection that is there now is dropped."""
        if not self.storm[at]:
            return False
        self.storm[at] -= 1
        return True

    # ---- news

    def _tell(self, client_id: int, kind: str, message: say.Message) -> None:
        fault = self.faults.strikes(kind)
        what = fault.what if fault is not None else ""
        if what == "late":
            self._late = (client_id, message)
            return
        if what != "drop":
            for _ in range(2 if what == "twice" else 1):
                self._send(client_id, message)
        if self._late is not None:
            late, self._late = self._late, None
            self._send(*late)

    def _send(self, client_id: int, message: say.Message) -> None:
        for session in self.sessions:
            if session.client_id == client_id:
                session.send(message)

    def kill_if_armed(self) -> None:
        """kill -9 to the client whose order or cancel this would be: it dies with the message, which is never read."""
        if self.kill is None:
            return
        pid, nth = self.kill
        self.kill = (pid, nth - 1) if nth > 1 else None
        if nth <= 1:
            os.kill(pid, signal.SIGKILL)


async def every(seconds: float, do: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        do()
