"""Starts a TWS of a test's own and gives it commands."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[3]


class TwsProcess:
    """A running server on ports of its own; leaving the `with` block ends it."""

    def __init__(self, account: str = "DU1234567") -> None:
        command = [sys.executable, "-m", "tests.servers.tws", "--port", "0", "--for", "300", "--account", account]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port, control = (int(port) for port in self._process.stdout.readline().split())
        self._socket = socket.create_connection(("127.0.0.1", control), timeout=20)
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> TwsProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lines.close()
        self._socket.close()
        self._process.kill()
        self._process.communicate()

    def do(self, line: str) -> dict[str, Any]:
        """Carries out a command of `control`. Raises ValueError where it makes no sense to the server."""
        self._socket.sendall(line.encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._lines.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def orders(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.do("book")["orders"]
        return rows

    def order(self, ref: str) -> dict[str, Any]:
        """The one order with this reference. Raises ValueError where there is none, or a second."""
        (row,) = (row for row in self.orders() if row["ref"] == ref)
        return row

    @property
    def cash(self) -> Decimal:
        return Decimal(self.do("book")["cash"])

    @property
    def positions(self) -> dict[str, Decimal]:
        return {symbol: Decimal(shares) for symbol, shares in self.do("book")["positions"].items()}

    @property
    def copies(self) -> int:
        """Orders that came a second time under the same reference."""
        copies: int = self.do("book")["copies"]
        return copies
