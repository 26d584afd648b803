"""The numbers of orders, none of which is ever given to a second one: not after a reconnect, and not by the next run.

TWS proposes where to begin, and counts an order that was lost on its way for nothing. So the newest number is remembered over all
connections, and a file beside the database says how far they may have gone; a block at a time, so that not every order writes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

BLOCK = 1_000
_DIGITS = 20


class Numbers:
    """Lives in the client library's thread. Without a `path` they are remembered for this run alone. `failed` is told in words, once, what
    could not be read or written: orders go out all the same, above what TWS itself knows of."""

    def __init__(self, path: Path | None, failed: Callable[[str], None]) -> None:
        self.newest = 0
        """No order after it has a number that is not above this one."""
        self._path = path
        self._failed = failed
        self._has_failed = False
        self._kept = self.newest = self._read()

    def use(self, number: int) -> int:
        """`number`, which an order gets now: no other will, whatever becomes of this program next."""
        self.newest = max(self.newest, number)
        if number > self._kept and self._path is not None:
            try:
                self._write(number + BLOCK)
            except OSError as error:
                self._say(f"{self._path} cannot be written ({error.strerror})")
            else:
                self._kept = number + BLOCK
        return number

    def _read(self) -> int:
        if self._path is None:
            return 0
        try:
            text = self._path.read_bytes()[:_DIGITS].strip()
        except FileNotFoundError:
            return 0
        except OSError as error:
            self._say(f"{self._path} cannot be read ({error.strerror})")
            return 0
        if not text.isdigit():
            self._say(f"{self._path} holds no number")
            return 0
        return int(text)

    def _write(self, number: int) -> None:
        """In place: it needs no free space but the first time."""
        assert self._path is not None
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, b"%*d\n" % (_DIGITS, number), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _say(self, what: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._failed(f"{what}: the number of an order that was lost just before a restart may be given to another")


def numbers_path(database: Path) -> Path:
    """Beside the database, one for each, by whatever link it is reached."""
    database = database.resolve()
    return database.with_name(f"{database.name}.ib-numbers")
