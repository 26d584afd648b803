"""The two streams of the loopback Alpaca: trade updates as JSON in binary frames, market data in msgpack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgpack  # type: ignore[import-untyped]

from tests.servers.alpaca.faults import Faults
from tests.servers.alpaca.orders import Order, shown
from tests.servers.alpaca.wire import Socket

KEY, SECRET = "loopback-key", "loopback-secret-0123456789"


class TradeStream:
    """Everybody who listens to trade updates."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._listeners: list[Socket] = []
        self._late: bytes | None = None
        self.sockets: list[Socket] = []

    async def serve(self, socket: Socket) -> None:
        self.sockets.append(socket)
        try:
            while (data := await socket.read()) is not None:
                if not self._faults.deaf:
                    self._take(socket, json.loads(data))
        finally:
            self.sockets.remove(socket)
            if socket in self._listeners:
                self._listeners.remove(socket)
            socket.cut()

    def _take(self, socket: Socket, message: Mapping[str, Any]) -> None:
        given = message.get("data", {})
        match message.get("action"):
            case "authenticate" | "auth":
                good = (given.get("key_id"), given.get("secret_key")) == (KEY, SECRET) and not self._faults.unauthorized
                if self._faults.refuse_logins:
                    self._faults.refuse_logins -= 1
                    good = False
                status = {"status": "authorized" if good else "unauthorized", "action": "authenticate"}
                socket.send(_json({"stream": "authorization", "data": status}))
            case "listen":
                socket.send(_json({"stream": "listening", "data": {"streams": ["trade_updates"]}}))
                self._listeners.append(socket)

    @property
    def listens(self) -> bool:
        return bool(self._listeners)

    def tell(self, event: str, order: Order, more: Mapping[str, Any]) -> None:
        """News of one order to all who listen, unless a fault has it otherwise."""
        what = self._faults.strikes("update")
        told = shown(order, nested=False)
        if what == "strange":
            event = told["status"] = "pondering"
        data = _json({"stream": "trade_updates", "data": {"event": event, "order": told, "timestamp": order.updated_at, **more}})
        if what == "late" and self._late is None:
            self._late = data
            return
        if what != "drop" and not self._faults.mute:
            for _ in range(2 if what == "twice" else 1):
                self._send(data)
        if self._late is not None:
            self._send(self._late)
            self._late = None

    def cut(self) -> None:
        for socket in list(self.sockets):
            socket.cut()

    def _send(self, data: bytes) -> None:
        for socket in self._listeners:
            socket.send(data)


class DataStream:
    """Prices to all who subscribed to their symbol: quotes and trades, with whatever their sender says of them."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.sockets: list[Socket] = []
        self._wanted: dict[Socket, dict[str, set[str]]] = {}

    async def serve(self, socket: Socket) -> None:
        self.sockets.append(socket)
        self._wanted[socket] = {}
        self._send(socket, {"T": "success", "msg": "connected"})
        try:
            while (data := await socket.read()) is not None:
                if not self._faults.deaf:
                    self._take(socket, msgpack.unpackb(data))
        finally:
            self.sockets.remove(socket)
            del self._wanted[socket]
            socket.cut()

    def _take(self, socket: Socket, message: Mapping[str, Any]) -> None:
        wanted = self._wanted[socket]
        match message.get("action"):
            case "auth":
                good = (message.get("key"), message.get("secret")) == (KEY, SECRET) and not self._faults.unauthorized
                no = {"T": "error", "code": 402, "msg": "auth failed"}
                limit = {"T": "error", "code": 406, "msg": "connection limit exceeded"}
                one_too_many = self._faults.one_data_stream and len(self.sockets) > 1
                self._send(socket, limit if one_too_many else {"T": "success", "msg": "authenticated"} if good else no)
            case "subscribe" | "unsubscribe" as action:
                for channel in ("trades", "quotes", "bars", "statuses"):
                    for symbol in message.get(channel, ()):
                        change = wanted.setdefault(channel, set())
                        change.add(symbol) if action == "subscribe" else change.discard(symbol)
                self._send(socket, {"T": "subscription", **{name: sorted(symbols) for name, symbols in wanted.items()}})

    def tell(self, channel: str, message: Mapping[str, Any]) -> None:
        for socket, wanted in self._wanted.items():
            symbols = wanted.get(channel, set())
            if not self._faults.mute and (message["S"] in symbols or "*" in symbols):
                self._send(socket, message)

    def cut(self) -> None:
        for socket in list(self.sockets):
            socket.cut()

    @staticmethod
    def _send(socket: Socket, message: Mapping[str, Any]) -> None:
        socket.send(msgpack.packb([message]))


def _json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode()
