"""The frames and fields of the protocol: four bytes of length, then fields that each end in a zero byte. Server version 176."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable, Sequence
from decimal import Decimal

VERSION = 176
"""The newest that ib_insync speaks. Field orders here are those of this version alone."""
UNSET = "1.7976931348623157E308"
"""How TWS writes a double that nobody set, where it does not leave it empty."""


def frame(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


def message(fields: Iterable[object]) -> bytes:
    """One message as it goes over the wire."""
    return frame("".join(f"{text(field)}\0" for field in fields).encode())


def text(field: object) -> str:
    match field:
        case None:
            return ""
        case bool():
            return str(int(field))
        case Decimal():
            return f"{field:f}"
        case _:
            return str(field)


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The next frame's payload. Raises IncompleteReadError at the end."""
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    return await reader.readexactly(length)


class Fields:
    """Takes the fields of one request in their order."""

    def __init__(self, values: Sequence[str]) -> None:
        self._values = values
        self._at = 0

    @classmethod
    def of(cls, payload: bytes) -> Fields:
        return cls(payload.decode().split("\0")[:-1])

    def text(self) -> str:
        value = self._values[self._at]
        self._at += 1
        return value

    def skip(self, count: int) -> None:
        self._at += count

    def after(self, count: int) -> Fields:
        """Itself, `count` fields on."""
        self.skip(count)
        return self

    def number(self) -> int:
        return int(self.text() or 0)

    def flag(self) -> bool:
        return self.text() in ("1", "True", "true")

    def decimal(self) -> Decimal | None:
        """An amount, or None where it was not set."""
        value = self.text()
        return Decimal(value) if value else None
