"""The stop's memory: a small file beside the database that says HALTED, and the switch in memory that every send looks at.

The file is made whole once, at the start, so that setting it needs no free space; it is written in place and fsynced. Anybody may
set it from any thread or process; only a person's resume clears it.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

LATCH_S = 1.0
"""How long a stop waits for its file to be on the disk, which takes milliseconds. A disk that takes longer does not hold it up."""
_SIZE = 512
"""Bytes that are written and read: what somebody has put behind them means nothing."""
_CLEAR = b"READY"
_SET = b"HALTED "


class Latch:
    """`path` is the file; its folder must exist. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: tuple[bytes, ...] = ()
        """What the file may hold by our own doing, or was found to hold."""

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
        """Leaves it as it is where somebody else has set it since this one last read or wrote it: theirs is `news`. Raises OSError."""
        self._write(_CLEAR, 0)

    def read(self) -> str:
        """Why trading is halted, or nothing. A file that cannot be understood counts as set: the safe reading."""
        try:
            raw = self._content()
        except OSError as error:
            return f"the stop's file cannot be read: {error.strerror}"
        self._known = (raw,)
        return _reason(raw)

    def news(self) -> str:
        """Why somebody else has halted trading since this one last read or wrote the file, or nothing. Waits for no write under way, nor
        does a file that cannot be read now count: it is looked at again and again."""
        known = self._known
        try:
            raw = self._content()
        except OSError:
            return ""
        if raw in known:
            return ""
        self._known = (raw,)
        return _reason(raw)

    def _content(self) -> bytes:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return _CLEAR
        try:
            return os.read(descriptor, _SIZE).rstrip(b"\0 \n")
        finally:
            os.close(descriptor)

    def _write(self, content: bytes, flags: int) -> None:
        """What somebody else has set since is left as it is: it halts, and is news."""
        with self._lock:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK | flags, 0o600)
            now = content[:_SIZE].rstrip(b"\0 \n")
            try:
                _have_alone(descriptor)
                if self._known and (found := self._content()) not in self._known and _reason(found):
                    return
                self._known = (*self._known, now)
                os.pwrite(descriptor, content[:_SIZE].ljust(_SIZE), 0)
                self._known = (now,)
                fcntl.flock(descriptor, fcntl.LOCK_UN)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class StopSwitch:
    """Closed from the moment the stop key is pressed until the engine has dealt with every press. Safe to press from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pressed = 0
        self._handled = 0

    def press(self) -> int:
        """Closes the gate now. The number of this press."""
        with self._lock:
            self._pressed += 1
            return self._pressed

    def handled(self, press: int) -> None:
        """The engine is HALTED for this press and those before; from here its own state keeps the gate shut."""
        with self._lock:
            self._handled = max(self._handled, press)

    @property
    def closed(self) -> bool:
        return self._pressed != self._handled


class LatchKeeper:
    """Writes the latch in the order it was told to, on a thread of its own: a disk that hangs holds up neither the engine's loop nor the
    screen, and the cancels least of all.

    `failed` is told in words what could not be written, on that thread. Thread-safe.
    """

    def __init__(self, latch: Latch, switch: StopSwitch, failed: Callable[[str], None]) -> None:
        self._latch = latch
        self._switch = switch
        self._failed = failed
        self._guard = threading.Lock()
        self._waiting: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._writes = False
        self._is_set = False
        """Whether the last word that was written was a stop's."""

    def set(self, reason: str, within_s: float = 0) -> bool:
        """Whether it is on the disk when this returns, after `within_s` at most; if not, it is on its way."""
        return self._later(lambda: self._set(reason)).wait(within_s)

    def clear(self) -> None:
        """Unless a stop is pressed that the engine has not dealt with: its word is the later one."""
        if not self._switch.closed:
            self._later(self._clear)

    def finish(self, within_s: float) -> bool:
        """Whether all that was asked for has been tried, after `within_s` at most."""
        return self._later(lambda: None).wait(within_s)

    def then(self, on_disk: Callable[[], None]) -> None:
        """Calls `on_disk` on its thread, once all that was asked for so far has been tried, where the stop is on the disk then."""
        self._later(lambda: on_disk() if self._is_set else None)

    def _set(self, reason: str) -> None:
        self._is_set = False
        try:
            self._latch.set(reason)
            self._is_set = True
        except OSError as error:
            self._tell(error, "Trading is halted, but a restart would not know it")

    def _clear(self) -> None:
        self._is_set = False
        try:
            self._latch.clear()
            if self._switch.closed:  # pressed while we cleared
                self._latch.set("stop key")
        except OSError as error:
            self._tell(error, "After a restart trading will be halted again")

    def _tell(self, error: OSError, what: str) -> None:
        self._failed(f"{self._latch.path} cannot be written ({error.strerror}). {what}.")

    def _later(self, work: Callable[[], None]) -> threading.Event:
        done = threading.Event()
        with self._guard:
            self._waiting.append((work, done))
            if not self._writes:
                self._writes = True
                threading.Thread(target=self._write_all, name="latch", daemon=True).start()
        return done

    def _write_all(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._writes = False
                    return
                work, done = self._waiting.popleft()
            try:
                work()
            finally:
                done.set()


def latch_path(database: Path) -> Path:
    """The stop's file beside the database, one for each, by whatever link it is reached."""
    database = database.resolve()
    return database.with_name(f"{database.name}.latch")


def _have_alone(descriptor: int) -> None:
    """Until it is closed, so that nobody sets the file between another's look at it and its clearing. Whoever holds it for longer than
    that takes is frozen, and must not hold up a stop."""
    for _ in range(20):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.005)
        else:
            return


def _reason(raw: bytes) -> str:
    if raw == _CLEAR:
        return ""
    if raw.startswith(_SET):
        return raw.removeprefix(_SET).decode("utf-8", "replace") or "stopped"
    return "the stop's file cannot be read"
