"""The database file: how it is opened and checked, and the numbered steps by which its shape changes.

Only the journal is under these steps. The history tables are made from the journal, so their shape changes by making them again.
Everything here blocks; the journal calls it from a thread.
"""

from __future__ import annotations

import glob
import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from engine.model.journal import JournalError

STEPS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE journal (
        seq INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL,
        wall INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    """,
    "CREATE INDEX journal_checkpoints ON journal (seq) WHERE kind = 'Checkpoint';",
)
"""Step n brings the schema from version n to n + 1. A step that was released is never edited; a new one is added behind it."""

BUSY_TIMEOUT_MS: Final = 250
"""How long a write waits for another program's lock: short, because an order waits with it."""

APPLICATION_ID: Final = 0x7472636E
"""Stands in the file's header ("trcn") and says that the database is one of ours: another program's may have tables named as ours are."""

_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def open_database(path: Path) -> sqlite3.Connection:
    """The database at `path`, made where there is none, checked, and brought to the newest schema.

    Raises JournalError where it is damaged (it is kept aside under another name, and until a person has put a backup in its place or
    moved it away there is no new one), another program's, newer than this program, or cannot be opened. The caller holds the writer's
    lock.
    """
    try:
        _refuse_while_aside(path)
        _refuse_a_strangers(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        make_private(path)
        connection = connect(path)
    except (OSError, sqlite3.Error) as error:
        if _is_damage(error):
            raise _kept_aside(path, str(error)) from error
        raise JournalError(f"The database {path} cannot be opened: {error}. Check that it is a file that can be written.") from error
    try:
        damage = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
        if damage != ["ok"]:
            connection.close()
            raise _kept_aside(path, "; ".join(damage))
        _migrate(connection, path)
    except sqlite3.Error as error:
        connection.close()
        if _is_damage(error):
            raise _kept_aside(path, str(error)) from error
        raise JournalError(f"The database {path} cannot be prepared: {error}. Nothing was changed, and nothing is traded on it.") from error
    except BaseException:
        connection.close()
        raise
    return connection


def make_private(path: Path) -> None:
    """Makes the file, empty, where there is none, to be read by its owner alone: SQLite would let everybody read what somebody holds. Its
    logs take the mode of the file. One that is there stays as its owner has it. Raises OSError."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may be used from any thread, one at a time, with the pragmas that everything here counts on."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False)
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


PRAGMAS: Final = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        raise JournalError(
            f"The database {path} has schema {version}; this version of tradeconsole knows schemas up to {len(STEPS)}. "
            f"Nothing was changed. Start the newer version that wrote it, or choose another database."
        )
    if version == len(STEPS):
        return
    if version > 0:
        back_up(connection, path.with_name(f"{path.name}.schema-{version}.backup"))
    connection.executescript(migration(version))


def migration(version: int) -> str:
    """What brings a schema from `version` to the newest, in one transaction."""
    steps = "".join(STEPS[version:])
    marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {len(STEPS)};"
    return f"BEGIN IMMEDIATE; {steps} {marks} COMMIT;"


def _refuse_a_strangers(path: Path) -> None:
    """Before anything is written: the history tables are dropped and made again, and must not be somebody else's."""
    if not path.exists():
        return
    try:
        owner, tables = _whose(path, "ro")
    except sqlite3.OperationalError as error:
        # A transaction that was cut short is to be undone before anybody can read; whoever opens the file next does that.
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        owner, tables = _whose(path, "rw")
    if tables and owner != APPLICATION_ID:
        raise JournalError(f"The database {path} belongs to another program. Nothing was changed. Choose another file for tradeconsole.")


def _whose(path: Path, mode: str) -> tuple[int, int]:
    """The application id, and how many tables and indexes there are."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return owner, tables


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copies the whole database to `target`, which appears only when the copy is complete."""
    unfinished = target.with_name(target.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    make_private(unfinished)
    copy = sqlite3.connect(unfinished)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    os.replace(unfinished, target)


def _is_damage(error: Exception) -> bool:
    # The low byte is the primary code; the rest tells where the damage was met.
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _kept_aside(path: Path, damage: str) -> JournalError:
    """Renames the damaged file, with the log that belongs to it, and says so."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    # The database first: without its log it might look sound, and be short of what the log held.
    _move(path, aside)
    return JournalError(
        f"The database {path} is damaged ({' '.join(damage.split())}). It was kept as {aside}, and nothing is traded on it. {_CHOICE}"
    )


def _refuse_while_aside(path: Path) -> None:
    """An empty history would forget the day's losses and what was traded on paper, so it begins at a person's word and never by itself."""
    if path.exists():
        return
    kept = sorted(part for part in path.parent.glob(f"{glob.escape(path.name)}.damaged-*Z") if part.is_file())
    if kept:
        _move(path, kept[-1])  # where the first move was cut short, a log is left that must not meet a backup
        raise JournalError(f"The database {path} was found damaged and kept as {kept[-1]}; nothing is traded without it. {_CHOICE}")


_CHOICE: Final = (
    "Put a backup in its place; or move the damaged file to another folder: tradeconsole then begins with an empty history, "
    "and takes the broker's positions over from it."
)


def _move(path: Path, aside: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            os.replace(part, aside.with_name(aside.name + suffix))
