"""HTTP/1.1 and websockets on one port, by hand, so that each byte of an answer can be withheld, doubled or spoilt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from tests.servers.alpaca.faults import Faults


class Request:
    """One request as it came in; `raw` is its head, for a handshake to be answered from."""

    def __init__(self, raw: bytes, body: bytes) -> None:
        first, *lines = raw.decode("latin-1").split("\r\n")
        self.raw, self.body = raw, body
        self.method, target, _ = first.split(" ", 2)
        self.path = urlsplit(target).path
        self.query: Mapping[str, str] = dict(parse_qsl(urlsplit(target).query))
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}

    @property
    def is_handshake(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next one on this connection, None where it ended."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    head = Request(raw, b"")
    length = int(head.headers.get("content-length", "0"))
    return Request(raw, await reader.readexactly(length)) if length else head


def response(status: int, body: bytes, kind: str = "application/json", more: Mapping[str, str] | None = None) -> bytes:
    head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in (more or {}).items())]
    if status != HTTPStatus.NO_CONTENT:
        head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + (body if status != HTTPStatus.NO_CONTENT else b"")


class Socket:
    """The server's end of one websocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, faults: Faults) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = ServerProtocol()
        self._faults = faults

    def shake(self, request: Request, refuse: int = 0) -> None:
        """Answers the handshake, with the HTTP status `refuse` where it is to fail."""
        self._protocol.receive_data(request.raw)
        (asked,) = self._protocol.events_received()
        no = "connection limit exceeded\n"
        self._protocol.send_response(self._protocol.reject(HTTPStatus(refuse), no) if refuse else self._protocol.accept(asked))  # type: ignore[arg-type]
        self._flush()

    async def read(self) -> bytes | None:
        """The next message, None where the other end is gone. Pings are answered on the way."""
        while True:
            try:
                data = await self._reader.read(65_536)
            except ConnectionError:
                data = b""
            if self._faults.deaf:
                await self._faults.never.wait()
            if not data:
                return None
            self._protocol.receive_data(data)
            self._flush()
            for frame in self._protocol.events_received():
                if isinstance(frame, Frame) and frame.opcode in (Opcode.TEXT, Opcode.BINARY):
                    return bytes(frame.data)
                if isinstance(frame, Frame) and frame.opcode is Opcode.CLOSE:
                    return None

    def send(self, data: bytes) -> None:
        """In a binary frame, as Alpaca does."""
        if not (self._faults.deaf or self._writer.is_closing()):
            self._protocol.send_binary(data)
            self._flush()

    def cut(self) -> None:
        """Breaks the connection without a word."""
        self._writer.transport.abort()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data and not self._writer.is_closing():
                self._writer.write(data)
