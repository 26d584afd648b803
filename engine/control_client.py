"""The other end of the control socket, for a process that must start fast: finds the socket of an engine, and asks it one thing.

A request is a line of JSON, `{"do": "stop" | "flatten" | "status", "reason": "..."}`; so is the answer, see `engine.control.Answer`.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import tempfile
from pathlib import Path
from typing import Any, cast

LONGEST_PATH = 100
"""Bytes. A socket's path may have 107 on Linux and 103 on macOS."""
LONGEST_ANSWER = 1 << 20


class NoAnswerError(Exception):
    """The engine did not answer, in words; `runs` says whether somebody listens there at all."""

    def __init__(self, text: str, *, listens: bool) -> None:
        super().__init__(text)
        self.listens = listens


def control_path(database: Path) -> Path:
    """Where the engine of `database` listens: beside it, or in the user's runtime folder where that path is too long for a socket."""
    database = database.resolve()
    beside = database.with_name(f"{database.name}.sock")
    if len(os.fsencode(beside)) <= LONGEST_PATH:
        return beside
    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    name = hashlib.sha256(os.fsencode(database)).hexdigest()[:16]
    return Path(folder) / f"tradeconsole-{os.geteuid()}-{name}.sock"


def is_trusted(connection: socket.socket) -> bool:
    """Whether the other end belongs to the same user, or to root. Where the system does not tell, the socket's own permissions decide."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return uid in (0, os.geteuid())


def ask(path: Path, do: str, reason: str = "", within_s: float = 3.0) -> dict[str, Any]:
    """The engine's answer. Raises NoAnswerError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(within_s)
        try:
            connection.connect(os.fspath(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoAnswerError("nobody listens there", listens=False) from None
        except OSError as error:
            raise NoAnswerError(f"{path} cannot be reached: {error.strerror or error}", listens=True) from None
        if not is_trusted(connection):
            raise NoAnswerError(f"{path} belongs to another user: it was told nothing", listens=False)
        try:
            connection.sendall(json.dumps({"do": do, "reason": reason}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                line = lines.readline(LONGEST_ANSWER)
            return cast("dict[str, Any]", json.loads(line))
        except TimeoutError:
            raise NoAnswerError(f"it did not answer within {within_s:.1f} s", listens=True) from None
        except (OSError, ValueError) as error:
            raise NoAnswerError(f"it gave no answer that can be read ({error})", listens=True) from None
