"""The writer's connection to the database: a group of rows is one transaction, and nothing goes into files that are not there any more.

SQLite would not notice: it writes on into files that were deleted, which nobody will ever find again, and calls that durable.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

TOGETHER: Final = 100
"""Rows in one statement: of five columns, within the 999 parameters that every SQLite takes."""


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


class WriterConnection(sqlite3.Connection):
    """Makes each executemany a transaction of its own, so that a group commit is one hop to SQLite's thread and back, and looks whether
    the files are still there first: nothing is acknowledged that went into one that was deleted.

    Rows go in by statements of many: Python hands the interpreter's lock over at each statement that SQLite executes, and where a loop
    computes without a pause it gets it back only after sys.getswitchinterval(), which for each row made seconds of a commit of a thousand.
    """

    def __init__(self, database: str, *args: Any, **options: Any) -> None:
        super().__init__(database, *args, **options)
        self._presence = Presence(Path(database))

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """`sql` ends with the placeholders of one row: "INSERT ... VALUES (?, ?)"."""
        self._presence.check()
        rows, placeholders = list(parameters), sql[sql.rindex("(") :]
        with self:
            cursor = super().executemany(sql, ())
            for start in range(0, len(rows), TOGETHER):
                part = rows[start : start + TOGETHER]
                cursor.execute(sql + f", {placeholders}" * (len(part) - 1), [value for row in part for value in row])
            return cursor


_WHAT_TO_DO: Final = {
    sqlite3.SQLITE_FULL: "Free some space on its disk.",
    sqlite3.SQLITE_BUSY: "Another program holds it locked: close that program.",
    sqlite3.SQLITE_LOCKED: "Another program holds it locked: close that program.",
    sqlite3.SQLITE_READONLY: "Make the file and its folder writable again.",
    sqlite3.SQLITE_IOERR: "Check its disk.",
    sqlite3.SQLITE_CONSTRAINT: "Another program has written into it: stop both and start again.",
}


def in_words(path: Path, error: sqlite3.Error) -> str:
    """Why the journal at `path` cannot be written, and what to do about it."""
    if isinstance(error, GoneError):
        return (
            f"The journal {path} cannot be written: {error}. Put it back as it was, or stop, restore the database from a backup and start "
            f"again. Nothing is sent meanwhile; what was written before is where the files are."
        )
    advice = _WHAT_TO_DO.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "Stop, and look at the file.")
    return f"The journal {path} cannot be written: {error}. {advice} Nothing is sent meanwhile, nothing is lost, and it is tried again."
