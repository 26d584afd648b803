"""Whether the database's files are still where they were opened. SQLite would not notice: it writes on into files that nobody will ever
find again, and calls that durable."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


class GoneError(sqlite3.OperationalError):
    """The files are not there any more: what is committed now is lost with the next start."""


class Presence:
    """Of a database that is open, and of its log, which is there for as long as somebody has it open."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file is not there."""
        self._known = {path: _identity(path)}
        self._log = path.with_name(f"{path.name}-wal")

    def check(self) -> None:
        """Raises GoneError. Files that were only moved away and come back are the same again."""
        for path, known in self._known.items():
            try:
                found = _identity(path)
            except FileNotFoundError:
                raise GoneError(f"{path.name} was deleted or moved away while it was in use") from None
            except OSError as error:
                raise GoneError(f"{path.name} cannot be looked at ({error.strerror})") from error
            if found != known:
                raise GoneError(f"another file was put in place of {path.name} while it was in use")
        if self._log not in self._known and self._log.exists():
            self._known[self._log] = _identity(self._log)


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
