"""Keeps the history tables in step with the journal: live, after a crash and from nothing, by the same few lines.

Blocking, for a thread. Raises sqlite3.Error where the tables cannot be written and JournalError where an entry cannot be read, or is
sound and does not go into them; either way the transaction is undone, and the next call begins where the last good one ended.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from engine.model.journal import JournalError
from engine.model.settings import HistorySettings
from storage import schema, tables
from storage.codec import decode
from storage.folds import FOLDS, Entry
from storage.lock import WriterLock

_DAY_NS: Final = 86_400 * 1_000_000_000

BATCH: Final = 200
"""Entries in one transaction: few enough that an order waiting behind it waits milliseconds."""


class Projector:
    """Folds journal entries into the history tables. `projected_to` is the last entry they hold, and is stored with them."""

    __slots__ = ("_connection", "_keep", "projected_to")

    def __init__(self, connection: sqlite3.Connection, keep: HistorySettings | None = None) -> None:
        """Takes over `connection`. Where the tables are missing or of another version, they begin again, empty."""
        self._connection = connection
        self._keep = keep or HistorySettings()
        self.projected_to = 0
        # What is lost of these tables in a power cut is folded again, so their commits need not wait for the disk. The journal's commits,
        # on a connection of their own, sync the log whole, with all that these wrote to it before.
        connection.execute("PRAGMA synchronous = NORMAL")
        exists = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'projected'").fetchone()
        row = connection.execute("SELECT version, projected_to FROM projected").fetchone() if exists else None
        if row is not None and row[0] == tables.VERSION:
            self.projected_to = row[1]
        else:
            self._begin_again()

    def fold(self, limit: int = BATCH) -> int:
        """Folds up to `limit` entries that the tables do not hold yet, in one transaction. Answers how many there were."""
        db = self._connection
        rows = db.execute(
            "SELECT seq, run_id, wall, kind, body FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (self.projected_to, limit)
        ).fetchall()
        if not rows:
            return 0
        with db:
            for seq, run_id, wall, kind, body in rows:
                record = decode(seq, kind, body)
                try:
                    FOLDS[type(record)](db, Entry(seq, run_id, wall), record)
                except sqlite3.Error:
                    raise
                except Exception as error:
                    # Figures beyond what the tables can hold, or our own slip: the journal must not stop for it.
                    raise JournalError(f"entry {seq}, a {kind}, does not go into them ({type(error).__name__}: {error})") from error
            now = rows[-1][2]
            self._thin("equity", "1", now - self._keep.equity_days * _DAY_NS)
            self._thin("audit", "level = 'INFO'", now - self._keep.audit_days * _DAY_NS)
            db.execute("UPDATE projected SET projected_to = ?", (rows[-1][0],))
        self.projected_to = rows[-1][0]
        return len(rows)

    def catch_up(self) -> None:
        """Folds all there is."""
        while self.fold():
            pass

    def rebuild(self) -> None:
        """Makes the tables again from the journal alone."""
        self._begin_again()
        self.catch_up()

    def close(self) -> None:
        self._connection.close()

    def _thin(self, table: str, which: str, before: int) -> None:
        """Forgets the oldest rows of `table` from before the wall time `before`: twice as many at most as a fold brings, so it catches up
        without ever holding anything up."""
        oldest = f"SELECT seq, wall FROM {table} WHERE {which} ORDER BY seq LIMIT {2 * BATCH}"
        self._connection.execute(f"DELETE FROM {table} WHERE seq IN (SELECT seq FROM ({oldest}) WHERE wall < ?)", (before,))

    def _begin_again(self) -> None:
        drops = "".join(f"DROP TABLE IF EXISTS {name};" for name in (*tables.NAMES, "projected"))
        try:
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {drops} {tables.CREATE} INSERT INTO projected VALUES ({tables.VERSION}, 0); COMMIT;"
            )
        except sqlite3.Error:
            self._connection.rollback()
            raise
        self.projected_to = 0


def rebuild(path: Path) -> int:
    """Makes the history tables of the database at `path` again from its journal, and answers the number of the last entry in them.

    Raises JournalError where another program trades on it, or where the database cannot be read or written.
    """
    path = path.resolve()
    lock = WriterLock(path)
    try:
        projector = Projector(schema.open_database(path))
        try:
            projector.rebuild()
        finally:
            projector.close()
        return projector.projected_to
    except sqlite3.Error as error:
        raise JournalError(f"The history of {path} cannot be rebuilt: {error}. Its journal is untouched; try again.") from error
    finally:
        lock.release()
