"""Starts a venue and speaks to it over a link of the test's own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[2]


class VenueProcess:
    """A running venue; leaving the `with` block ends it."""

    def __init__(self, fill: str = "now", seed: int = 1) -> None:
        command = [sys.executable, "-m", "tests.servers.venue", "--fill", fill, "--seed", str(seed)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self._lines = self._socket.makefile("rb")
        self._numbers = count(1)

    def __enter__(self) -> VenueProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lines.close()
        self._socket.close()
        self._process.kill()
        self._process.communicate()

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        self._socket.sendall(json.dumps({"n": next(self._numbers), "do": do, **more}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._lines.readline())
        return answer

    def fault(self, on: str, what: str, nth: int = 1) -> None:
        self.ask("arm", on=on, what=what, nth=nth)

    def kill(self, nth: int, when: str) -> None:
        self.ask("arm", nth=nth, when=when)

    def orders(self) -> dict[str, dict[str, Any]]:
        return {order["id"]: order for order in self.ask("book")["orders"]}
