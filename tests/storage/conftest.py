"""What the storage tests share: a database of their own, and a second pair of eyes on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.model.modes import Level
from engine.model.records import Noted
from storage import tables


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "paper.db"


@pytest.fixture
def other(database: Path) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Opens another program's connections to the database, which see what is committed and nothing else."""
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(sqlite3.connect(database, isolation_level=None))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def note(number: int, text: str = "") -> Noted:
    """A record that tells which one it is by its time."""
    return Noted(Level.INFO, "test", text, "", number)


def stored(database: Path) -> list[tuple[int, str]]:
    """What the journal's table holds: (seq, body) in order."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT seq, body FROM journal ORDER BY seq").fetchall()


def history(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every history table."""
    with closing(sqlite3.connect(database)) as connection:
        names = (*tables.NAMES, "projected")
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}
