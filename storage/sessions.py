"""Sessions of the console as they are kept: their records in the journal, their market data in files beside it. Everything here blocks."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from engine.model.journal import JournalError
from engine.model.records import Record
from storage.codec import decode
from storage.pieces import Piece, PieceWriter, read_pieces, write_whole

_MARKET: Final = ".market"
_BEFORE: Final = ".before"
_NO_END: Final = 1 << 62
"""Behind every entry of a journal."""
_DAY_S: Final = 86_400
_MEGABYTE: Final = 1_000_000


class MarketFiles:
    """The market data of the runs on the database at `path`: a file for each, in a folder beside it."""

    def __init__(self, database: Path) -> None:
        self.folder = database.with_name(f"{database.stem}-market")

    def open(self, run_id: str) -> PieceWriter:
        """The file of a run that begins. Raises OSError."""
        return PieceWriter(self._file(run_id))

    def read(self, run_id: str) -> tuple[list[Piece], list[str]]:
        """What is whole of a run's, and in words what is not. Raises OSError, FileNotFoundError where none is kept."""
        return read_pieces(self._file(run_id))

    def sweep(self, keep_days: int, max_mb: float, now: float | None = None) -> int:
        """Deletes the files that were last written more than `keep_days` days ago, and of the rest the oldest, until all together take no
        more than `max_mb` megabytes. Answers how many there were. Raises OSError."""
        files = (file for suffix in (_MARKET, _BEFORE) for file in self.folder.glob(f"*{suffix}"))
        oldest_first = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in files)
        size, before, deleted = sum(size for _, size, _ in oldest_first), (now or time.time()) - keep_days * _DAY_S, 0
        for written, each, file in oldest_first:
            if written < before or size > max_mb * _MEGABYTE:
                file.unlink(missing_ok=True)
                size -= each
                deleted += 1
        return deleted

    def runs(self) -> frozenset[str]:
        """Those whose market data are kept."""
        return frozenset(file.stem for file in self.folder.glob(f"*{_MARKET}"))

    def write_before(self, run_id: str, state: bytes) -> None:
        """Keeps what was worked out of all that came before a run, so that it need not be again: it may be deleted at any time. Raises
        OSError."""
        write_whole(self.folder / f"{run_id}{_BEFORE}", [(_BEFORE, state)])

    def read_before(self, run_id: str) -> bytes | None:
        """None where none is kept, or not whole. Raises OSError."""
        path = self.folder / f"{run_id}{_BEFORE}"
        if not path.exists():
            return None
        pieces, _ = read_pieces(path)
        return pieces[0][1] if pieces else None

    def _file(self, run_id: str) -> Path:
        return self.folder / f"{run_id}{_MARKET}"


class JournalRun(Struct, frozen=True):
    """A run in the journal. `started` is the wall clock's nanosecond; `first_at` and `last_at` are market times, the same where it did not
    end in order, which `ended` says; `ordered` that anything was ordered in it."""

    run_id: str
    account: str
    feed: str
    started: int
    first_at: int
    last_at: int
    ended: bool
    ordered: bool


def journal_runs(path: Path) -> list[JournalRun]:
    """The runs in the database at `path`, the newest first. Raises JournalError."""
    query = """
        SELECT runs.run_id, account, feed, wall, started_at, ended_at, EXISTS (
            SELECT 1 FROM orders
            WHERE orders.seq > runs.seq AND orders.seq < coalesce((SELECT min(seq) FROM runs AS later WHERE later.seq > runs.seq), ?)
        )
        FROM runs JOIN journal USING (seq) ORDER BY seq DESC
    """
    if not path.exists():
        return []
    try:
        with closing(_reading(path)) as connection:
            rows = connection.execute(query, (_NO_END,)).fetchall()
    except sqlite3.Error as error:
        raise JournalError(f"The sessions in {path} cannot be listed: {error}. Trading is not touched by it; try again.") from error
    return [
        JournalRun(run_id, account, feed, wall, started, ended or started, ended is not None, bool(ordered))
        for run_id, account, feed, wall, started, ended, ordered in rows
    ]


def read_run(path: Path, run_id: str) -> list[tuple[int, Record]]:
    """The run's own records, each with the wall clock's nanosecond of its entry. Raises JournalError, also where there is no such run."""
    with _reading_of(path, run_id) as connection:
        first, last = _bounds(connection, path, run_id)
        own = connection.execute("SELECT seq, kind, body, wall FROM journal WHERE seq BETWEEN ? AND ? ORDER BY seq", (first, last))
        return [(wall, decode(seq, kind, body)) for seq, kind, body, wall in own]


def read_before(path: Path, run_id: str, shape: str) -> Iterator[Record]:
    """The records from before the run, from the newest checkpoint of this `shape` on where there is one. Raises JournalError."""
    with _reading_of(path, run_id) as connection:
        first, _ = _bounds(connection, path, run_id)
        begin = 0
        found = connection.execute("SELECT seq, kind, body FROM journal WHERE kind = 'Checkpoint' AND seq < ? ORDER BY seq DESC", (first,))
        for seq, kind, body in found:
            if getattr(decode(seq, kind, body), "shape", "") == shape:
                begin = seq
                break
        rows = connection.execute("SELECT seq, kind, body FROM journal WHERE seq >= ? AND seq < ? ORDER BY seq", (begin, first))
        for seq, kind, body in rows:
            yield decode(seq, kind, body)


@contextmanager
def _reading_of(path: Path, run_id: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(_reading(path)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise JournalError(f"The session {run_id} cannot be read from {path}: {error}. Nothing was changed; try again.") from error


def _bounds(connection: sqlite3.Connection, path: Path, run_id: str) -> tuple[int, int]:
    """The run's first entry and its last. The entries of a run follow each other, for one process writes at a time; where it began the
    history knows, so that a long journal need not be searched through."""
    (started,) = connection.execute("SELECT min(seq) FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if started is None:  # its beginning has not come to the history yet
        first, last = connection.execute("SELECT min(seq), max(seq) FROM journal WHERE run_id = ?", (run_id,)).fetchone()
        if first is None:
            raise JournalError(f"There is no session {run_id} in {path}. 5 in the history lists those that there are.")
        return first, last
    (after,) = connection.execute("SELECT min(seq) FROM runs WHERE seq > ? AND run_id != ?", (started, run_id)).fetchone()
    backwards = "SELECT seq, run_id FROM journal WHERE seq < ? ORDER BY seq DESC"
    first, last = started, started
    for seq, whose in connection.execute(backwards, (started,)):
        if whose != run_id:
            break
        first = seq
    for seq, whose in connection.execute(backwards, (after or _NO_END,)):
        if whose == run_id:
            last = seq
            break
    return first, last


def _reading(path: Path) -> sqlite3.Connection:
    """A connection that can only read."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10.0)
