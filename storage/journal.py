"""The journal on SQLite: append-only, one writer, a group of records with each commit, and nothing acknowledged before its commit."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import aiosqlite
from msgspec import Struct

from engine.model.journal import JournalError
from engine.model.records import Noted, Record
from engine.model.settings import HistorySettings
from storage import schema
from storage.codec import decode, encode
from storage.connection import WriterConnection, in_words
from storage.lock import WriterLock
from storage.projections import Projector

INSERT: Final = "INSERT INTO journal (seq, run_id, wall, kind, body) VALUES (?, ?, ?, ?, ?)"

MAX_COMMIT: Final = 1_000
"""Records in one commit; a unit of more than these is a commit of its own."""

FIRST_RETRY_S: Final = 0.05
LAST_RETRY_S: Final = 0.5
"""With the busy timeout and HANGS_S this keeps the answer to any append, good or bad, within a second."""

HANGS_S: Final = 0.75
"""A disk that has not answered for so long counts as one that failed, until it does."""

QUIET_S: Final = 0.05
"""Without an append for this long, the writer turns to the history tables."""

LOOK_S: Final = 1.0
"""How often the writer looks whether the files are still there while nobody appends."""

OVERDUE_S: Final = 0.5
"""After this long it is the history tables' turn between two commits, however many appends are waiting."""

HISTORY_RETRY_S: Final = 1.0

GIVE_UP_S: Final = 2.0
"""How long closing goes on trying to write what is queued, and to bring the history tables up to date."""

_Row: TypeAlias = tuple[int, str, int, str, str]
_T = TypeVar("_T")


class _Unit(Struct, frozen=True):
    """What one append queued, committed together or not at all. `last` is the number of its last entry, or of the one before it."""

    rows: list[_Row]
    last: int
    done: asyncio.Future[None]


async def open_journal(
    path: Path, *, run_id: str, wall_ns: Callable[[], int] = time.time_ns, keep: HistorySettings | None = None
) -> SqliteJournal:
    """Opens the database at `path` for writing, made where there is none. What its history tables lack is folded while the run goes on.

    `run_id` marks this run's entries; `wall_ns` is the wall clock in nanoseconds UTC; `keep` says how long the history tables keep
    details. Raises JournalError in words where another process writes to it, where it is damaged (it is kept aside, and refused from then
    on until a person acts), another program's, or where a newer version wrote it.
    """

    def prepare() -> tuple[Path, WriterLock, Projector, tuple[int, int]]:
        # By whatever link it is reached: the lock, the log and the damaged file's new name lie beside the file itself.
        path = given.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(path)
        try:
            database = schema.open_database(path)
            try:
                projector = Projector(database, keep)
                last = database.execute(
                    "SELECT coalesce(max(seq), 0), "
                    "coalesce((SELECT wall FROM journal WHERE kind != ? ORDER BY seq DESC LIMIT 1), 0) FROM journal",
                    (Noted.__name__,),
                ).fetchone()
            except BaseException:
                database.close()
                raise
        except BaseException:
            lock.release()
            raise
        return path, lock, projector, last

    given = path
    history_thread = ThreadPoolExecutor(1, thread_name_prefix="history")
    try:
        path, lock, projector, last = await asyncio.get_running_loop().run_in_executor(history_thread, prepare)
        try:
            connection = await aiosqlite.connect(path, timeout=schema.BUSY_TIMEOUT_MS / 1000, factory=WriterConnection)
            try:
                for pragma in schema.PRAGMAS:
                    await connection.execute_fetchall(pragma)
            except BaseException:
                await connection.close()
                raise
        except BaseException:
            projector.close()
            lock.release()
            raise
    except BaseException as error:
        history_thread.shutdown(wait=False)
        if isinstance(error, OSError | sqlite3.Error):
            raise JournalError(f"The database {path} cannot be opened: {error}. Nothing is traded on it.") from error
        raise
    return SqliteJournal(path, run_id, wall_ns, connection, projector, history_thread, lock, last)


class SqliteJournal:
    """Implements `engine.model.journal.Journal`. Made by `open_journal`; lives on the loop that made it, and must be closed on it.

    Entries get their numbers here, in the order of the appends, before they are written. So a write whose outcome is unknown can be
    looked up, and its retry writes nothing twice.
    """

    def __init__(
        self,
        path: Path,
        run_id: str,
        wall_ns: Callable[[], int],
        connection: aiosqlite.Connection,
        projector: Projector,
        history_thread: ThreadPoolExecutor,
        lock: WriterLock,
        last: tuple[int, int],
    ) -> None:
        """`last` is the newest entry's number, and the wall clock's nanosecond of the newest that is no note."""
        self._path = path
        self._run_id = run_id
        self._wall_ns = wall_ns
        self._connection = connection
        self._projector = projector
        self._history_thread = history_thread
        self._lock = lock
        self._loop = asyncio.get_running_loop()
        self._last, self._written_at = last
        self._durable = self._last
        self._commits = 0
        self._queue: deque[_Unit] = deque()
        self._wake = asyncio.Event()
        self._folded = asyncio.Event()
        self._problem: str | None = None
        self._history_problem: str | None = None
        self._retry_s = FIRST_RETRY_S
        self._lag_since = 0.0
        self._fold_from = 0.0
        self._look_at = 0.0
        self._give_up_at: float | None = None
        self._closed = False
        self._stopped: asyncio.Future[Any] | None = None
        self._writer = asyncio.create_task(self._write(), name="journal writer")
        self._writer.add_done_callback(self._writer_ended)

    # ---- the Journal protocol

    def append(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """Queues `records` as one unit; see the protocol. Raises JournalError where the journal is closed."""
        if self._closed:
            raise JournalError(self._problem or f"The journal {self._path} is closed: nothing more can be written to it.")
        wall = self._wall_ns()
        bodies = [encode(record) for record in records]
        rows = [(seq, self._run_id, wall, kind, body) for seq, (kind, body) in enumerate(bodies, self._last + 1)]
        self._last += len(rows)
        if not all(isinstance(record, Noted) for record in records):
            self._written_at = wall
        unit = _Unit(rows, self._last, self._loop.create_future())
        self._queue.append(unit)
        self._wake.set()
        return unit.done

    async def read(self, shape: str = "") -> AsyncIterator[Record]:
        """All durable records, oldest first; where the newest checkpoint is of this `shape`, it and what came after it. Raises
        JournalError naming the entry that cannot be read."""
        seq = 0
        begin = "SELECT seq, kind, body FROM journal WHERE kind = 'Checkpoint' ORDER BY seq DESC LIMIT 1"
        for last, kind, body in await self._fetch(begin, (), seq):
            if getattr(decode(last, kind, body), "shape", "") == shape:
                seq = last - 1
        while True:
            rows = await self._fetch("SELECT seq, kind, body FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (seq, MAX_COMMIT), seq)
            if not rows:
                return
            for seq, kind, body in rows:
                yield decode(seq, kind, body)

    async def _fetch(self, sql: str, parameters: tuple[int, ...], behind: int) -> list[Any]:
        try:
            return list(await self._connection.execute_fetchall(sql, parameters))
        except sqlite3.Error as error:
            raise JournalError(f"The journal {self._path} cannot be read behind entry {behind}: {error}.") from error

    @property
    def backlog(self) -> int:
        """Records that are queued and not yet durable."""
        return self._last - self._durable

    @property
    def written_at(self) -> int:
        return self._written_at

    @property
    def problem(self) -> str | None:
        """Why the journal cannot be written now, in words; None while it can."""
        return self._problem

    async def close(self) -> None:
        """Writes what is queued, brings the history tables up to date, closes, and lets go of the lock. Tables that are far behind are
        left as they are after a few seconds: the next run goes on with them.

        Raises JournalError where the queue could not be written within a few seconds, and says what is lost.
        """
        if self._give_up_at is not None:
            return
        self._closed = True
        self._give_up_at = self._loop.time() + GIVE_UP_S
        self._wake.set()
        hangs = False
        try:
            await asyncio.wait([self._writer], timeout=GIVE_UP_S + HANGS_S)
            problem = self._problem
            # The history may take its time, but a write that does not come back now never will.
            if hangs := bool(self._queue) and not self._writer.done():
                self._writer.cancel()
            await asyncio.wait([self._writer])
            if self._ended_well:
                await self._connection.close()
            elif self._stopped is not None:
                await asyncio.wait([self._stopped], timeout=HANGS_S)
        finally:
            self._projector.close()
            self._history_thread.shutdown(wait=False)
            # What hangs may still be written while this process lives: until then nobody else may number entries.
            if not hangs:
                self._lock.release()
        if self.backlog:
            raise JournalError(
                f"The journal {self._path} was closed with {self.backlog} records unwritten. {problem or self._problem} "
                f"They are lost here; at the next start the broker's own orders and positions are taken over."
            )

    # ---- what the shell asks besides

    @property
    def history_problem(self) -> str | None:
        """Why the history tables stand still, in words, or None. Trading goes on: the journal has all they lack."""
        return self._history_problem

    @property
    def commits(self) -> int:
        """Commits of the journal in this run."""
        return self._commits

    async def caught_up(self) -> None:
        """Waits until all that was appended before this call is durable and in the history tables."""
        upto = self._last
        while self._projector.projected_to < upto:
            if self._writer.done():
                raise JournalError(f"The history of {self._path} was closed before it was complete; it will be at the next start.")
            self._folded.clear()
            await self._folded.wait()

    # ---- the writer

    async def _write(self) -> None:
        while not self._finished():
            quiet = False
            if self._queue:
                await self._write_group()
            else:
                quiet = self._closed or await self._rest()
                if quiet and not self._closed and self._loop.time() >= self._look_at:
                    await self._look()
            now = self._loop.time()
            if self._lag and now >= self._fold_from and (quiet or now >= self._lag_since + OVERDUE_S):
                await self._fold()

    def _finished(self) -> bool:
        if self._give_up_at is None:
            return False
        if self._queue:
            return self._problem is not None and self._is_late()
        return not self._lag or self._history_problem is not None or self._is_late()

    def _is_late(self) -> bool:
        return self._give_up_at is not None and self._loop.time() >= self._give_up_at

    async def _write_group(self) -> None:
        """Commits the oldest units, as many as fit. Where that fails, everybody who waits is told, and all stays queued in its order."""
        try:
            if self._problem is not None:
                self._acknowledge(await self._patiently(self._written()))
            units = self._oldest()
            rows = [row for unit in units for row in unit.rows]
            if rows:
                await self._patiently(self._connection.executemany(INSERT, rows))
                self._commits += 1
        except sqlite3.Error as error:
            self._refuse(in_words(self._path, error))
            await asyncio.sleep(self._retry_s)
            self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)
        else:
            if units:
                self._acknowledge(units[-1].last)
            self._problem = None
            self._retry_s = FIRST_RETRY_S

    async def _look(self) -> None:
        """Writes nothing, which shows whether something could be written."""
        self._look_at = self._loop.time() + LOOK_S
        try:
            await self._patiently(self._connection.executemany(INSERT, ()))
        except sqlite3.Error as error:
            self._refuse(in_words(self._path, error))
        else:
            self._problem = None

    async def _patiently(self, work: Coroutine[Any, Any, _T]) -> _T:
        """What comes of `work` on the disk. For as long as that does not answer, everybody who waits is told so."""
        self._patience = self._loop.call_later(HANGS_S, self._hangs)
        try:
            return await work
        finally:
            self._patience.cancel()

    def _hangs(self) -> None:
        self._refuse(
            f"The journal {self._path} cannot be written: its disk does not answer. Check it, or the network it is behind. "
            f"Nothing is sent meanwhile, nothing is lost, and it goes on when the disk does."
        )
        self._patience = self._loop.call_later(HANGS_S, self._hangs)

    def _oldest(self) -> list[_Unit]:
        units: list[_Unit] = []
        count = 0
        for unit in self._queue:
            count += len(unit.rows)
            if units and count > MAX_COMMIT:
                break
            units.append(unit)
        return units

    async def _written(self) -> int:
        """The last entry that is in the file: a commit that answered an error may have happened all the same."""
        ((last,),) = await self._connection.execute_fetchall(
            "SELECT coalesce(max(seq), ?) FROM journal WHERE seq > ? AND run_id = ?", (self._durable, self._durable, self._run_id)
        )
        return int(last)

    def _acknowledge(self, upto: int) -> None:
        if not self._lag:
            self._lag_since = self._loop.time()
        self._durable = upto
        while self._queue and self._queue[0].last <= upto:
            done = self._queue.popleft().done
            if not done.done():
                done.set_result(None)

    def _refuse(self, problem: str) -> None:
        self._problem = problem
        for unit in self._queue:
            if not unit.done.done():
                unit.done.set_exception(JournalError(problem))
                unit.done.exception()  # who does not look at the future learns it from `problem`

    @property
    def _ended_well(self) -> bool:
        return self._writer.done() and not self._writer.cancelled() and self._writer.exception() is None

    @property
    def _lag(self) -> int:
        return self._durable - self._projector.projected_to

    async def _rest(self) -> bool:
        """Waits for an append; True where none came, so that there is time for the history tables and for a look at the files."""
        self._wake.clear()
        try:
            async with asyncio.timeout(QUIET_S if self._lag else LOOK_S):
                await self._wake.wait()
        except TimeoutError:
            return True
        return False

    async def _fold(self) -> None:
        """Brings the history tables one step further; the journal does without them, so a failure here only waits and tries again."""
        try:
            await self._loop.run_in_executor(self._history_thread, self._projector.fold)
            while self._lag and not self._queue and not self._is_late():
                await self._loop.run_in_executor(self._history_thread, self._projector.fold)
        except (sqlite3.Error, JournalError) as error:
            self._history_problem = f"The history tables of {self._path} stand still: {error}. The journal itself is complete."
            self._fold_from = self._loop.time() + HISTORY_RETRY_S
        else:
            self._history_problem = None
            self._folded.set()

    def _writer_ended(self, writer: asyncio.Task[None]) -> None:
        """Where the writer ended otherwise than by `close`: nobody is left waiting, and SQLite's thread does not hold the program."""
        self._folded.set()
        if self._ended_well:
            return
        error = None if writer.cancelled() else writer.exception()
        self._closed = True
        self._refuse(f"The journal's writer ended: {error or 'it was cancelled'}. Nothing more is written or sent; start again.")
        self._stopped = self._connection.stop()
        self._history_thread.shutdown(wait=False)
