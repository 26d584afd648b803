"""The database file: checked, migrated after a backup, and refused with words where it is not to be trusted."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.model.journal import JournalError
from storage import schema
from storage.journal import open_journal
from tests.storage.conftest import note, stored


async def filled(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    await journal.append([note(number) for number in range(2_000)])
    await journal.close()


def version(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


async def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path / "new" / "deeper" / "paper.db", run_id="r")
    await journal.close()


async def test_a_migration_keeps_a_backup_and_everything_in_the_journal(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(database)
    before = stored(database)
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, "CREATE TABLE later (a);", "ALTER TABLE later ADD COLUMN b;"))
    journal = await open_journal(database, run_id="r")
    await journal.close()
    assert version(database) == len(schema.STEPS)
    backup = database.with_name("paper.db.schema-1.backup")
    assert version(backup) == 1
    assert stored(database) == stored(backup) == before


async def test_a_migration_that_fails_changes_nothing(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(database)
    before = stored(database)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", (*schema.STEPS, "DELETE FROM journal;", "CREATE TABLE journal (again);"))
        with pytest.raises(JournalError, match="cannot be prepared: table journal already exists"):
            await (await open_journal(database, run_id="r")).close()
    assert version(database) == 1
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
    with pytest.raises(JournalError, match=r"has schema 99; this version of tradeconsole knows schemas up to 1\. Nothing was changed"):
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
