"""The journal while writes fail: said at once and in words, nothing sent, nothing lost, nothing doubled, and over by itself."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import random
import re
import resource
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.model.journal import JournalError
from engine.model.records import Noted
from storage import schema
from storage.journal import SqliteJournal, open_journal
from storage.projections import Projector
from tests.dying import failing_steps
from tests.storage.conftest import history, note, stored

Fault = Callable[[SqliteJournal, Path], AbstractAsyncContextManager[None]]
BIG = "x" * 50_000
"""More than any page that is still free in the file."""


@asynccontextmanager
async def disk_full(journal: SqliteJournal, database: Path) -> AsyncIterator[None]:
    ((pages,),) = await journal._connection.execute_fetchall("PRAGMA page_count")
    await journal._connection.execute_fetchall(f"PRAGMA max_page_count = {pages}")
    yield
    await journal._connection.execute_fetchall("PRAGMA max_page_count = 1000000")


@asynccontextmanager
async def disk_failing(journal: SqliteJournal, database: Path) -> AsyncIterator[None]:
    """The kernel refuses to make any file longer than the log is now, so the write itself fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (database.with_name(database.name + "-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@asynccontextmanager
async def locked(journal: SqliteJournal, database: Path) -> AsyncIterator[None]:
    """Another program is in the middle of a transaction."""
    hold = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE'); print(flush=True); sys.stdin.read()"
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", hold, str(database), stdin=PIPE, stdout=PIPE)
    assert other.stdout is not None
    await other.stdout.readline()
    yield
    await other.communicate(b"")


@asynccontextmanager
async def read_only(journal: SqliteJournal, database: Path) -> AsyncIterator[None]:
    await journal._connection.execute_fetchall("PRAGMA query_only = ON")
    yield
    await journal._connection.execute_fetchall("PRAGMA query_only = OFF")


FAULTS = [
    pytest.param(disk_full, "full.*Free some space", id="disk full"),
    pytest.param(disk_failing, "Check its disk|Free some space", id="disk failing"),
    pytest.param(locked, "locked.*close that program", id="locked"),
    pytest.param(read_only, "readonly.*writable", id="read-only"),
]


@pytest.fixture
def order() -> Callable[[Path], list[int]]:
    """The times of the notes in the file, which number them."""
    return lambda database: [json.loads(body)["at"] for _, body in stored(database)]


@pytest.mark.parametrize(("fault", "words"), FAULTS)
async def test_a_failed_write_is_told_within_a_second_and_made_up_for(
    database: Path, fault: Fault, words: str, order: Callable[[Path], list[int]]
) -> None:
    journal = await open_journal(database, run_id="r")
    await journal.append([note(1, BIG)])
    await journal.caught_up()
    async with fault(journal, database):
        began = time.monotonic()
        failed = [journal.append([note(2, BIG)]), journal.append([note(3, BIG), note(4)])]
        for done in failed:
            with pytest.raises(JournalError, match=words):
                await done
        assert time.monotonic() - began < 1
        assert re.search(words, str(journal.problem))
        assert journal.backlog == 3
        began = time.monotonic()
        with pytest.raises(JournalError, match=words):  # an append during the trouble is answered as fast
            await journal.append([note(5)])
        assert time.monotonic() - began < 1
    await journal.append([note(6)])
    assert journal.problem is None
    assert journal.backlog == 0
    await journal.caught_up()
    await journal.close()
    assert order(database) == [1, 2, 3, 4, 5, 6]
    assert [row[2] for row in history(database)["audit"]] == [1, 2, 3, 4, 5, 6]


class Fickle:
    """Stands before the journal's connection and reports a failure of the next write: before it happened, or after."""

    def __init__(self, connection: Any, happened: Iterator[bool]) -> None:
        self._connection = connection
        self._happened = happened

    async def executemany(self, sql: str, rows: list[Any]) -> None:
        happened = next(self._happened, None)
        if happened is not False:
            await self._connection.executemany(sql, rows)
        if happened is not None:
            raise sqlite3.OperationalError("disk I/O error")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("outcomes", [[True], [False, True], [True, False, True, True, False]], ids=str)
async def test_a_commit_whose_outcome_is_unknown_is_not_made_twice(
    database: Path, outcomes: list[bool], order: Callable[[Path], list[int]]
) -> None:
    journal = await open_journal(database, run_id="r")
    await journal.append([note(0)])
    journal._connection = Fickle(journal._connection, iter(outcomes))  # type: ignore[assignment]
    count = len(outcomes) + 1
    pending = []
    for number in range(1, count + 1):
        pending.append(journal.append([note(number), note(-number)]))
        await asyncio.wait(pending)
    await pending[-1]
    await journal.close()
    assert order(database) == [0, *(n for number in range(1, count + 1) for n in (number, -number))]


async def test_another_programs_entries_are_never_overwritten(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    await journal.append([note(1)])
    with sqlite3.connect(database) as other:
        other.execute("INSERT INTO journal VALUES (2, 'stranger', 0, 'Noted', 'theirs')")
    other.close()
    with pytest.raises(JournalError, match="Another program has written into it"):
        await journal.append([note(2)])
    with pytest.raises(JournalError, match="1 records unwritten"):
        await journal.close()
    assert stored(database)[1] == (2, "theirs")


async def test_closing_during_the_trouble_says_what_is_lost(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.journal.GIVE_UP_S", 0.1)
    journal = await open_journal(database, run_id="r")
    await journal._connection.execute_fetchall("PRAGMA query_only = ON")
    journal.append([note(1), note(2)])
    with pytest.raises(JournalError, match=r"2 records unwritten.*readonly"):
        await journal.close()
    journal = await open_journal(database, run_id="r")  # the lock is free again
    await journal.close()


async def test_trouble_that_nobody_waits_for_makes_no_noise(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    noise: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    async with read_only(journal, database):
        journal.append([note(1)])
        while journal.problem is None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await journal.append([])
    gc.collect()
    assert noise == []
    await journal.close()


async def test_trouble_with_the_history_is_not_tried_again_at_every_turn(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.journal.OVERDUE_S", 0)
    journal = await open_journal(database, run_id="r")
    tries: list[int] = []

    def fail(projector: Projector) -> int:
        tries.append(projector.projected_to)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Projector, "fold", fail)
    for number in range(50):
        await journal.append([note(number)])
    await journal.close()
    assert len(tries) == 1


async def test_trouble_with_the_history_holds_up_no_append(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.journal.HISTORY_RETRY_S", 0.01)
    journal = await open_journal(database, run_id="r")
    with sqlite3.connect(database) as other:
        other.execute("ALTER TABLE audit RENAME TO elsewhere")
    await journal.append([note(1)])
    while "history tables" not in str(journal.history_problem):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await journal.append([note(2)])
    assert journal.problem is None
    with other:
        other.execute("ALTER TABLE elsewhere RENAME TO audit")
    other.close()
    await journal.caught_up()
    assert journal.history_problem is None
    await journal.close()
    assert [row[2] for row in history(database)["audit"]] == [1, 2]


async def test_an_entry_that_does_not_go_into_the_history_holds_up_no_append(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    beyond = 2**63  # more than a column holds
    await journal.append([note(1), note(beyond)])
    while "entry 2, a Noted, does not go into them (OverflowError" not in str(journal.history_problem):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await journal.append([note(3)])
    assert journal.problem is None
    await journal.close()
    journal = await open_journal(database, run_id="later")
    assert [record.at async for record in journal.read() if isinstance(record, Noted)] == [1, beyond, 3]
    await journal.close()


class Hanging:
    """Stands before the journal's connection; from `hangs` to `answers` no write comes back, and none fails."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._connection = journal._connection
        self.answers = asyncio.Event()
        journal._connection = self  # type: ignore[assignment]

    async def executemany(self, sql: str, rows: list[Any]) -> None:
        await self.answers.wait()
        await self._connection.executemany(sql, rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def test_a_disk_that_does_not_answer_is_told_within_a_second_and_waited_for(
    database: Path, order: Callable[[Path], list[int]]
) -> None:
    journal = await open_journal(database, run_id="r")
    disk = Hanging(journal)
    began = time.monotonic()
    with pytest.raises(JournalError, match="its disk does not answer"):
        await journal.append([note(1)])
    assert time.monotonic() - began < 1
    assert "does not answer" in str(journal.problem)
    with pytest.raises(JournalError, match="its disk does not answer"):
        await journal.append([note(2)])
    disk.answers.set()
    await journal.append([note(3)])
    assert journal.problem is None
    await journal.close()
    assert order(database) == [1, 2, 3]


async def test_closing_on_a_disk_that_does_not_answer_gives_up_and_keeps_the_lock(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.journal.GIVE_UP_S", 0.01)
    monkeypatch.setattr("storage.journal.HANGS_S", 0.01)
    journal = await open_journal(database, run_id="r")
    Hanging(journal)
    journal.append([note(1)])
    with pytest.raises(JournalError, match=r"1 records unwritten.*its disk does not answer"):
        await journal.close()
    with pytest.raises(JournalError, match="already trades on"):  # what hangs may yet be written
        await open_journal(database, run_id="r")
    journal._lock.release()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT], ids=errno.errorcode.get)
async def test_no_step_that_fails_loses_or_doubles_an_entry(
    database: Path, error: int, order: Callable[[Path], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write, cut and removal of SQLite's fails once in its turn; nobody is told that an entry is safe which is not."""
    monkeypatch.setattr("storage.journal.FIRST_RETRY_S", 0.0)
    monkeypatch.setattr("storage.journal.OVERDUE_S", 0.0)
    chance = random.Random(error)
    journal = await open_journal(database, run_id="r")
    told: list[int] = []
    with failing_steps(lambda: error * (chance.random() < 0.1)):
        for number in range(200):
            done = journal.append([note(number, "x" * chance.choice((0, 5_000)))])
            await asyncio.wait([done])
            if done.exception() is None:
                told.append(number)
                assert set(told) <= set(order(database))
    assert 0 < len(told) < 200
    await journal.append([note(200)])
    assert journal.problem is None
    await journal.caught_up()
    await journal.close()
    assert order(database) == list(range(201))
    assert [row[2] for row in history(database)["audit"]] == list(range(201))
    schema.open_database(database).close()
