"""One writer for each database: a lock that the operating system drops with the process, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from engine.model.journal import JournalError


class WriterLock:
    """Held from its making to `release`. Raises JournalError where another process, or another part of this one, holds it.

    The lock file beside the database stays when the lock is released: removing it could pull it from under the next holder.
    """

    def __init__(self, database: Path) -> None:
        path = _lock_path(database)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(f"The lock file {path} cannot be opened: {error.strerror}. Check that its folder can be written.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            number = _number(self._file)
            os.close(self._file)
            who, end = (f" (process {number})", f"`kill {number}` ends it in order") if number else ("", "End it first")
            raise JournalError(
                f"Another tradeconsole{who} already trades on {database}, perhaps without a screen. {end}, `tradeconsole kill` stops its "
                "trading; or choose another database."
            ) from error
        # Only the refusal's words need it, so a full disk may do without.
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)


def holder(database: Path) -> int | None:
    """The number of the process that holds the lock of `database`, 0 where it did not say; None where nobody does."""
    try:
        file = os.open(_lock_path(database), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _number(file)
    else:
        return None
    finally:
        os.close(file)


def _lock_path(database: Path) -> Path:
    return database.with_name(database.name + ".lock")


def _number(file: int) -> int:
    """Who holds the lock, by what it wrote into the file, or 0."""
    said = os.pread(file, 20, 0).decode("ascii", "replace").strip()
    return int(said) if said.isdigit() else 0
