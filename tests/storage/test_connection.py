"""Database files that are deleted, moved or replaced while they are in use: said within seconds, and nothing more is acknowledged."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.model.journal import JournalError
from storage import journal as journal_module
from storage.journal import open_journal
from tests.storage.conftest import note, stored


def delete_folder(database: Path) -> None:
    shutil.rmtree(database.parent)


def delete_database(database: Path) -> None:
    database.unlink()


def delete_log(database: Path) -> None:
    database.with_name(f"{database.name}-wal").unlink()


def move_folder_away(database: Path) -> None:
    database.parent.rename(database.parent.with_name("elsewhere"))


def put_a_copy_in_its_place(database: Path) -> None:
    copy = database.with_name("copy")
    shutil.copy(database, copy)
    os.replace(copy, database)


GONE = [
    (delete_folder, "paper.db was deleted or moved away"),
    (delete_database, "paper.db was deleted or moved away"),
    (delete_log, "paper.db-wal was deleted or moved away"),
    (move_folder_away, "paper.db was deleted or moved away"),
    (put_a_copy_in_its_place, "another file was put in place of paper.db"),
]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A database in a folder of its own."""
    return tmp_path / "folder" / "paper.db"


@pytest.mark.parametrize(("fault", "words"), GONE, ids=lambda part: getattr(part, "__name__", ""))
async def test_nothing_is_acknowledged_that_went_into_files_nobody_will_find(away: Path, fault: Callable[[Path], None], words: str) -> None:
    journal = await open_journal(away, run_id="r")
    await journal.append([note(1)])
    fault(away)
    with pytest.raises(JournalError, match=words):
        await journal.append([note(2)])
    assert journal.problem is not None
    assert (words in journal.problem, journal.backlog) == (True, 1)
    with pytest.raises(JournalError, match="1 records unwritten"):
        await journal.close()


@pytest.mark.parametrize(("fault", "words"), GONE, ids=lambda part: getattr(part, "__name__", ""))
async def test_it_is_said_within_seconds_though_nobody_writes(away: Path, fault: Callable[[Path], None], words: str) -> None:
    journal = await open_journal(away, run_id="r")
    await journal.append([note(1)])
    await journal.caught_up()
    assert journal_module.LOOK_S <= 2
    fault(away)
    await until(lambda: words in (journal.problem or ""))
    await journal.close()


async def test_a_folder_that_comes_back_is_written_to_again_and_nothing_is_lost(away: Path) -> None:
    journal = await open_journal(away, run_id="r")
    await journal.append([note(1)])
    move_folder_away(away)
    with pytest.raises(JournalError):
        await journal.append([note(2)])
    away.parent.with_name("elsewhere").rename(away.parent)
    await until(lambda: journal.problem is None)
    await journal.append([note(3)])
    await journal.close()
    assert [seq for seq, _ in stored(away)] == [1, 2, 3]
