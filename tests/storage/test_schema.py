"""The database file: checked, migrated after a backup, and refused with words where it is not to be trusted."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from engine.model.journal import JournalError
from engine.model.orders import OrderState
from engine.model.records import OrderPlaced
from storage import schema
from storage.history import open_history
from storage.journal import open_journal
from tests.storage.conftest import note, stored


async def filled(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    await journal.append([note(number) for number in range(2_000)])
    await journal.close()


def version(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def modes_beside(database: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in database.parent.iterdir()}


async def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path / "new" / "deeper" / "paper.db", run_id="r")
    await journal.close()


async def test_nobody_else_on_the_machine_reads_what_somebody_holds(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its logs and a backup neither; a mode that its owner gave it stays."""
    before = os.umask(0o022)
    try:
        journal = await open_journal(database, run_id="r")
        await journal.append([note(1)])
        modes = modes_beside(database)
        await journal.close()
        assert modes == dict.fromkeys(modes, 0o600)
        assert {database.name, f"{database.name}-wal"} <= set(modes)
        os.chmod(database, 0o640)
        monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, "CREATE TABLE later (a);"))
        await (await open_journal(database, run_id="r")).close()
        modes = modes_beside(database)
        assert (modes["paper.db"], modes["paper.db.schema-2.backup"]) == (0o640, 0o600)
    finally:
        os.umask(before)


async def test_a_migration_keeps_a_backup_and_everything_in_the_journal(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(database)
    before = stored(database)
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, "CREATE TABLE later (a);", "ALTER TABLE later ADD COLUMN b;"))
    journal = await open_journal(database, run_id="r")
    await journal.close()
    assert version(database) == len(schema.STEPS)
    backup = database.with_name("paper.db.schema-2.backup")
    assert version(backup) == 2
    assert stored(database) == stored(backup) == before


async def test_a_journal_of_the_first_schema_is_read_on_and_backed_up(database: Path) -> None:
    """As it was before the journal had checkpoints, with orders and history tables of that time."""
    old = [
        ("OrderPlaced", _FIRST_ORDER),
        ("OrderChanged", '{"order_id":"r-1","event":"ACCEPT","state":"ACCEPTED","broker_id":"B1","reason":"","at":2}'),
        ("SessionOpened", '{"session":"2018-01-02","equity":"100000.00","at":3}'),
    ]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(schema.STEPS[0])
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.executescript("CREATE TABLE projected (version, projected_to); INSERT INTO projected VALUES (1, 3);")
        connection.execute("CREATE TABLE orders (seq, id)")
        connection.executemany("INSERT INTO journal VALUES (?, 'r', 7, ?, ?)", [(seq, *entry) for seq, entry in enumerate(old, 1)])
    journal = await open_journal(database, run_id="r-2")
    placed, *_ = [record async for record in journal.read()]
    assert isinstance(placed, OrderPlaced)
    assert (placed.limit, placed.trail, placed.parent, placed.extended_hours) == (Decimal("187.40"), None, "", False)
    await journal.append([note(4)])
    await journal.close()
    assert version(database) == len(schema.STEPS)
    assert stored(database.with_name("paper.db.schema-1.backup")) == stored(database)[:3]
    async with await open_history(database) as history:
        [order] = await history.orders()
        assert (order.state, order.broker_id, order.trail) == (OrderState.ACCEPTED, "B1", None)


_FIRST_ORDER = (
    '{"id":"r-1","number":1,"symbol":"AAPL","side":"BUY","quantity":"8","requested":"8.50","type":"LIMIT","limit":"187.40","stop":null,'
    '"tif":"DAY","source":"PERSON","strategy":"","signal_id":"","reduce_only":false,"reason":"","mark":"187.49",'
    '"verdict":{"outcome":"PASS","rule":"all","limit":"","actual":"","text":"","quantity":null},"at":1}'
)


def test_a_file_whose_first_transaction_was_cut_short_is_opened(database: Path, tmp_path: Path) -> None:
    """The journal of that transaction lies beside the file, and nobody can only read it until somebody has undone it."""
    with closing(sqlite3.connect(tmp_path / "dying.db", isolation_level=None)) as dying:
        for sql in (f"PRAGMA application_id = {schema.APPLICATION_ID}", "PRAGMA cache_size = 1", "CREATE TABLE junk (a)", "BEGIN"):
            dying.execute(sql)
        dying.executemany("INSERT INTO junk VALUES (?)", [("x" * 3_000,) for _ in range(50)])
        for suffix in ("", "-journal"):
            database.with_name(database.name + suffix).write_bytes((tmp_path / f"dying.db{suffix}").read_bytes())
    with closing(schema.open_database(database)) as connection:
        assert connection.execute("SELECT count(*) FROM junk").fetchone() == (0,)


async def test_a_migration_that_fails_changes_nothing(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(database)
    before = stored(database)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", (*schema.STEPS, "DELETE FROM journal;", "CREATE TABLE journal (again);"))
        with pytest.raises(JournalError, match="cannot be prepared: table journal already exists"):
            await (await open_journal(database, run_id="r")).close()
    assert version(database) == 2
    assert stored(database) == before
    journal = await open_journal(database, run_id="r")
    await journal.close()


async def test_a_new_database_needs_no_backup(database: Path) -> None:
    await filled(database)
    assert not [name for name in os.listdir(database.parent) if "backup" in name]


async def test_a_newer_schema_is_refused(database: Path) -> None:
    await filled(database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError, match=r"has schema 99; this version of tradeconsole knows schemas up to 2\. Nothing was changed"):
        await (await open_journal(database, run_id="r")).close()
    assert version(database) == 99


def replaced(content: bytes) -> bytes:
    return b"no database at all" * 100


def overwritten(content: bytes) -> bytes:
    """One page of the tables, behind the schema's own."""
    return content[:8192] + b"\xff" * 4096 + content[12288:]


def repeated(content: bytes) -> bytes:
    """One page of rows stands where its neighbour belongs: each page is sound, only the check of the whole can tell."""
    pages = [content[at : at + 4096] for at in range(0, len(content), 4096)]
    rows = [number for number, page in enumerate(pages[:-1]) if page[0] == pages[number + 1][0] == 0x0D]
    pages[rows[5]] = pages[rows[5] + 1]
    return b"".join(pages)


@pytest.mark.parametrize("spoiled", [replaced, overwritten, repeated])
def test_a_damaged_database_is_kept_aside_and_nothing_is_traded(database: Path, spoiled: Callable[[bytes], bytes]) -> None:
    asyncio.run(filled(database))
    damaged = spoiled(database.read_bytes())
    database.write_bytes(damaged)
    with pytest.raises(JournalError, match=r"paper\.db is damaged .* kept as .*, and nothing is traded on it"):
        asyncio.run(open_journal(database, run_id="r"))
    assert not database.exists()
    [aside] = [path for path in database.parent.iterdir() if ".damaged-" in path.name]
    assert aside.read_bytes() == damaged


def test_after_damage_nothing_begins_anew_before_a_person_acts(database: Path) -> None:
    asyncio.run(filled(database))
    sound = database.read_bytes()
    database.write_bytes(replaced(b""))
    with pytest.raises(JournalError, match="is damaged"):
        asyncio.run(open_journal(database, run_id="r"))
    with pytest.raises(JournalError, match=r"was found damaged and kept as .* Put a backup in its place; or move the damaged file"):
        asyncio.run(open_journal(database, run_id="r"))
    assert not database.exists()
    database.write_bytes(sound)
    asyncio.run(filled(database))
    assert len(stored(database)) == 4_000


def test_a_person_who_moves_the_damaged_file_away_begins_with_an_empty_history(database: Path) -> None:
    database.write_bytes(replaced(b""))
    with pytest.raises(JournalError, match="is damaged"):
        asyncio.run(open_journal(database, run_id="r"))
    for aside in database.parent.glob("*.damaged-*"):
        aside.unlink()
    asyncio.run(filled(database))
    assert len(stored(database)) == 2_000


def test_a_power_cut_while_a_damaged_file_is_moved_leaves_no_log_for_the_backup(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(filled(database))
    sound = database.read_bytes()
    database.write_bytes(replaced(b""))
    log = database.with_name("paper.db-wal")
    log.write_bytes(b"a log")
    move = os.replace

    def cut(source: Path, target: Path) -> None:
        if source.name.endswith("-wal"):
            raise KeyboardInterrupt
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", cut)
        with pytest.raises(KeyboardInterrupt):
            schema.open_database(database)
    assert not database.exists()
    with pytest.raises(JournalError, match="was found damaged"):
        schema.open_database(database)
    assert not log.exists()
    database.write_bytes(sound)
    schema.open_database(database).close()


@pytest.mark.parametrize("number", [0, 1, 99])
def test_another_programs_database_is_left_as_it_is(database: Path, number: int) -> None:
    with closing(sqlite3.connect(database)) as theirs, theirs:
        theirs.execute("CREATE TABLE orders (id, note)")
        theirs.execute("INSERT INTO orders VALUES (1, 'theirs')")
        theirs.execute(f"PRAGMA user_version = {number}")
    before = database.read_bytes()
    with pytest.raises(JournalError, match=r"belongs to another program\. Nothing was changed"):
        asyncio.run(open_journal(database, run_id="r"))
    assert database.read_bytes() == before


async def test_a_locked_database_is_not_taken_for_a_damaged_one(database: Path) -> None:
    await filled(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError, match="cannot be opened: database is locked"):
            await (await open_journal(database, run_id="r")).close()
    assert len(stored(database)) == 2_000


def test_a_folder_in_its_place_is_said_in_words(database: Path) -> None:
    database.mkdir()
    with pytest.raises(JournalError, match="cannot be opened"):
        asyncio.run(open_journal(database, run_id="r"))
