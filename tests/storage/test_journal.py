"""The journal while all is well: durable before acknowledged, in order, in groups, for one writer."""

from __future__ import annotations

import asyncio
import errno
import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.model.journal import Journal, JournalError
from engine.model.modes import Level
from engine.model.records import Checkpoint, Noted, Record, RunEnded
from storage.journal import MAX_COMMIT, SqliteJournal, open_journal
from tests.storage.conftest import note, stored

Other = Callable[[], sqlite3.Connection]


async def records(journal: Journal) -> list[Record]:
    return [record async for record in journal.read()]


async def test_what_is_acknowledged_is_committed(database: Path, other: Other) -> None:
    journal = await open_journal(database, run_id="r")
    eyes = other()
    for number in range(20):
        done = journal.append([note(number)])
        seen: list[int] = []

        def look(_: object, seen: list[int] = seen) -> None:
            seen.append(eyes.execute("SELECT count(*) FROM journal").fetchone()[0])

        done.add_done_callback(look)
        await done
        await asyncio.sleep(0)
        assert seen == [number + 1]
    await journal.close()


async def test_nothing_is_acknowledged_before_the_loop_turns(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    done = journal.append([note(1)])
    assert not done.done()
    assert journal.backlog == 1
    await done
    assert journal.backlog == 0
    await journal.close()


async def test_a_group_of_many_records_is_a_handful_of_statements_in_one_transaction(database: Path) -> None:
    """Each statement is a wait for the interpreter's lock where the engine computes without a pause."""
    journal = await open_journal(database, run_id="r")
    statements: list[str] = []
    await journal._connection.set_trace_callback(lambda sql: statements.append(sql.split(maxsplit=1)[0]))
    await journal.append([note(number) for number in range(250)])
    assert statements == ["BEGIN", *["INSERT"] * 3, "COMMIT"]
    await journal.close()
    assert [seq for seq, _ in stored(database)] == list(range(1, 251))


async def test_commits_are_synced_to_the_disk(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    pragmas = [await journal._connection.execute_fetchall(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert [row[0] for rows in pragmas for row in rows] == ["wal", 2, 1]
    await journal.close()


async def test_appends_that_come_together_share_a_commit(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    statements: list[str] = []
    await journal._connection.set_trace_callback(statements.append)
    await asyncio.gather(*(journal.append([note(number)]) for number in range(MAX_COMMIT)))
    await journal._connection.set_trace_callback(lambda _: None)
    assert statements.count("COMMIT") == journal.commits == 1
    await asyncio.gather(*(journal.append([note(number)]) for number in range(2 * MAX_COMMIT + 1)))
    assert journal.commits == 1 + 3
    await journal.close()


async def test_appends_during_a_commit_wait_for_the_next(database: Path) -> None:
    journal = await open_journal(database, run_id="r")

    async def one_by_one(worker: int) -> None:
        for number in range(20):
            await journal.append([note(1000 * worker + number)])

    await asyncio.gather(*(one_by_one(worker) for worker in range(50)))
    assert journal.commits < 100
    assert len(await records(journal)) == 1000
    await journal.close()


async def test_a_unit_is_never_split(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    big = journal.append([note(number) for number in range(MAX_COMMIT - 1)])
    pair = journal.append([note(1), note(2)])
    bigger = journal.append([note(number) for number in range(3 * MAX_COMMIT)])
    await asyncio.gather(big, pair, bigger)
    assert journal.commits == 3
    await journal.close()


async def test_an_empty_append_waits_for_all_before_it(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    await journal.append([])
    first, second = journal.append([note(1)]), journal.append([])
    assert not second.done()
    await second
    assert first.done()
    assert journal.commits == 1
    await journal.close()


async def test_records_come_back_in_order_after_a_restart(database: Path) -> None:
    journal = await open_journal(database, run_id="r-1", wall_ns=lambda: 7)
    for number in range(5):
        journal.append([note(number), note(number + 100)])
    await journal.close()
    journal = await open_journal(database, run_id="r-2", wall_ns=lambda: 8)
    await journal.append([note(5)])
    assert await records(journal) == [note(n) for n in (0, 100, 1, 101, 2, 102, 3, 103, 4, 104, 5)]
    await journal.close()
    assert [seq for seq, _ in stored(database)] == list(range(1, 12))


async def test_each_entry_tells_its_run_and_its_wall_clock(database: Path, other: Other) -> None:
    journal = await open_journal(database, run_id="r-1", wall_ns=lambda: 7)
    await journal.append([note(1)])
    await journal.close()
    assert other().execute("SELECT run_id, wall, kind FROM journal").fetchall() == [("r-1", 7, "Noted")]


async def test_a_long_journal_is_read_to_its_end(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    count = 2 * MAX_COMMIT + 1
    await journal.append([note(number) for number in range(count)])
    assert await records(journal) == [note(number) for number in range(count)]
    await journal.close()


async def test_an_entry_of_a_newer_version_is_named(database: Path, other: Other) -> None:
    journal = await open_journal(database, run_id="r")
    await journal.append([note(1)])
    await journal.close()
    other().execute("INSERT INTO journal VALUES (2, 'r', 0, 'Weather', '{}')")
    journal = await open_journal(database, run_id="r")
    with pytest.raises(JournalError, match="Entry 2 of the journal is a 'Weather'"):
        await records(journal)
    await journal.close()


async def test_closing_writes_what_is_queued(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    done = [journal.append([note(number)]) for number in range(3 * MAX_COMMIT)]
    await journal.close()
    assert all(future.done() and future.exception() is None for future in done)
    assert [json.loads(body)["at"] for _, body in stored(database)] == list(range(3 * MAX_COMMIT))
    await journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.append([note(1)])


async def test_a_caller_that_stops_waiting_loses_nothing(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    journal.append([note(1)]).cancel()
    await journal.append([note(2)])
    assert await records(journal) == [note(1), note(2)]
    await journal.close()


async def test_only_one_may_write(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    with pytest.raises(JournalError, match=r"Another tradeconsole \(process \d+\) already trades on .*paper\.db"):
        await (await open_journal(database, run_id="r")).close()
    await journal.append([note(1)])
    await journal.close()
    journal = await open_journal(database, run_id="r")
    await journal.close()


async def test_a_writer_that_is_cancelled_says_so_and_holds_nothing_up(database: Path) -> None:
    before = set(threading.enumerate())
    journal = await open_journal(database, run_id="r")
    started = set(threading.enumerate()) - before
    done = journal.append([note(1)])
    [writer] = [task for task in asyncio.all_tasks() if task.get_name() == "journal writer"]
    writer.cancel()
    with pytest.raises(JournalError, match="writer ended"):
        await done
    assert "writer ended" in str(journal.problem)
    with pytest.raises(JournalError, match="writer ended"):
        journal.append([note(2)])
    with pytest.raises(JournalError, match="1 records unwritten"):
        await journal.close()
    assert started
    while any(thread.is_alive() for thread in started):  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def test_it_works_on_another_thread_with_a_loop_of_its_own(database: Path) -> None:
    read: list[Record] = []

    async def engine() -> None:
        journal: SqliteJournal = await open_journal(database, run_id="r")
        await journal.append([note(1)])
        read.extend(await records(journal))
        await journal.close()

    thread = threading.Thread(target=lambda: asyncio.run(engine()))
    thread.start()
    thread.join()
    assert read == [note(1)]


async def test_one_database_has_one_writer_by_whatever_link_it_is_reached(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    link = database.with_name("elsewhere.db")
    link.symlink_to(database)
    with pytest.raises(JournalError, match="already trades on"):
        await open_journal(link, run_id="s")
    await journal.close()


async def test_a_full_disk_keeps_nobody_from_the_lock(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, content: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    journal = await open_journal(database, run_id="r")
    with pytest.raises(JournalError, match="Another tradeconsole already trades on"):
        await open_journal(database, run_id="s")
    await journal.close()


async def test_a_reading_begins_at_the_newest_checkpoint_of_the_readers_shape(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    journal.append([note(1), Checkpoint("old", "{}", 2), note(3), Checkpoint("new", "{}", 4)])
    await journal.append([note(5)])
    await journal.caught_up()
    assert [record.at async for record in journal.read("new") if isinstance(record, Noted | Checkpoint)] == [4, 5]
    # What another version kept is of no use, and all that made it is still there; an older checkpoint is not, it would fill the disk.
    for shape in ("old", "another", ""):
        assert [record.at async for record in journal.read(shape) if isinstance(record, Noted | Checkpoint)] == [1, 3, 4, 5]
    await journal.close()
    assert [seq for seq, _ in stored(database)] == [1, 3, 4, 5]


async def test_the_time_of_the_newest_record_is_that_of_facts_and_not_of_notes(tmp_path: Path) -> None:
    clock = iter(range(1_000, 9_000, 1_000))
    journal = await open_journal(tmp_path / "a.db", run_id="r1", wall_ns=lambda: next(clock))
    assert journal.written_at == 0
    await journal.append([RunEnded("r0", 5)])
    await journal.append([Noted(Level.INFO, "start", "the key is refused", "", 7)])
    assert journal.written_at == 1_000
    await journal.close()
    journal = await open_journal(tmp_path / "a.db", run_id="r2", wall_ns=lambda: next(clock))
    assert journal.written_at == 1_000
    await journal.append([Noted(Level.INFO, "start", "the key is refused", "", 7), RunEnded("r1", 8)])
    assert journal.written_at == 3_000
    await journal.close()
