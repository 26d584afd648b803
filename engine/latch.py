"""The stop's memory: a small file beside the database that says HALTED, and the switch in memory that every send looks at.

The file is made whole once, at the start, so that setting it needs no free space; it is written in place and fsynced. Anybody may
set it from any thread or process; only a person's resume clears it.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

_SIZE = 512
_CLEAR = b"READY"
_SET = b"HALTED "


class Latch:
    """`path` is the file; its folder must exist. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known = b""

    def prepare(self) -> None:
        """Makes the file where there is none yet, to stay. Raises OSError."""
        if self.path.exists():
            return
        self._write(_CLEAR, os.O_CREAT)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def set(self, reason: str) -> None:
        """Durable when it returns. Raises OSError where the disk refuses; trading is halted in memory all the same."""
        self._write(_SET + reason.encode("utf-8", "replace"), os.O_CREAT)

    def clear(self) -> None:
        """Raises OSError."""
        self._write(_CLEAR, 0)

    def read(self) -> str:
        """Why trading is halted, or nothing. A file that cannot be understood counts as set: the safe reading."""
        try:
            raw = self.path.read_bytes().rstrip(b"\0 \n")
        except FileNotFoundError:
            raw = _CLEAR
        except OSError as error:
            return f"the stop's file cannot be read: {error.strerror}"
        self._known = raw
        if raw == _CLEAR:
            return ""
        if raw.startswith(_SET):
            return raw.removeprefix(_SET).decode("utf-8", "replace") or "stopped"
        return "the stop's file cannot be read"

    def news(self) -> str:
        """Why trading was halted by somebody else since this one last read or wrote the file, or nothing."""
        with self._lock:
            known = self._known
            reason = self.read()
            return reason if self._known != known else ""

    def _write(self, content: bytes, flags: int) -> None:
        with self._lock:
            descriptor = os.open(self.path, os.O_WRONLY | flags, 0o600)
            try:
                os.pwrite(descriptor, content[:_SIZE].ljust(_SIZE), 0)
                self._known = content[:_SIZE].rstrip(b"\0 \n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class StopSwitch:
    """Closed from the moment the stop key is pressed until the engine has dealt with every press. Safe to press from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pressed = 0
        self._handled = 0

    def press(self) -> None:
        """Closes the gate now."""
        with self._lock:
            self._pressed += 1

    def handled(self) -> None:
        """The engine is HALTED for all presses so far; from here its own state keeps the gate shut."""
        with self._lock:
            self._handled = self._pressed

    @property
    def closed(self) -> bool:
        return self._pressed != self._handled


def latch_path(database: Path) -> Path:
    """The stop's file beside the database, one for each, by whatever link it is reached."""
    database = database.resolve()
    return database.with_name(f"{database.name}.latch")
