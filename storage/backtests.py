"""Backtests that are kept, in a database of their own: no order ever waits until one is written, and deleting it loses no trade.

What a backtest is lies in the columns that a list shows and in three packages: what is told of it, its curve and its trades. Whoever keeps
it knows what is in them. Everything here blocks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from storage.schema import back_up, make_private

STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE backtests (
            number INTEGER PRIMARY KEY AUTOINCREMENT, made_at INTEGER NOT NULL, took_s REAL NOT NULL, strategies TEXT NOT NULL,
            symbols TEXT NOT NULL, source TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, bars INTEGER NOT NULL,
            trades INTEGER NOT NULL, final_value TEXT NOT NULL, total_return REAL, drawdown REAL, sharpe REAL, data TEXT NOT NULL,
            code TEXT NOT NULL, profile TEXT NOT NULL, outcome TEXT NOT NULL
        ) STRICT;
        """,
        """
        CREATE TABLE contents (
            number INTEGER PRIMARY KEY REFERENCES backtests (number) ON DELETE CASCADE, told TEXT NOT NULL, curve BLOB NOT NULL,
            trips BLOB NOT NULL
        ) STRICT;
        """,
    ),
)
"""Step n, a few statements, brings the schema from version n to n + 1. One that was released is never edited; a new one is added behind."""

APPLICATION_ID: Final = 0x74726262
"""Stands in the file's header ("trbb") and says that the database is one of these."""

_TIMEOUT_S: Final = 10.0
"""How long another process that writes is waited for: nobody but the person who keeps a backtest waits with it."""


class BacktestsError(Exception):
    """The backtests cannot be read or written. The message is a sentence for a person that says what was lost and what to do."""


class BacktestRow(Struct, frozen=True):
    """A backtest in a list. `number` counts from 1 and is never given twice; 0 before it is kept. `made_at` is ns UTC by the wall clock,
    `first_at` and `last_at` in market time; fractions are None where they have no value.

    `data`, `code`, `profile` and `outcome` are fingerprints: of the bars, of the strategies' files and this program, of costs and limits,
    and of every fill and the value at the end.
    """

    number: int
    made_at: int
    took_s: float
    strategies: str
    symbols: str
    source: str
    first_at: int
    last_at: int
    bars: int
    trades: int
    final_value: Decimal
    total_return: float | None
    drawdown: float | None
    sharpe: float | None
    data: str
    code: str
    profile: str
    outcome: str


class StoredBacktest(Struct, frozen=True):
    """A backtest with its packages."""

    row: BacktestRow
    told: str
    curve: bytes
    trips: bytes


_NAMES: Final = ", ".join(BacktestRow.__struct_fields__)


def keep_backtest(path: Path, stored: StoredBacktest) -> int:
    """Writes a backtest into the database at `path`, made where there is none, and answers its number. Raises BacktestsError."""
    fields = BacktestRow.__struct_fields__[1:]
    values = [_written(getattr(stored.row, name)) for name in fields]
    with _open(path, "This backtest was not kept; those kept before are as they were.") as connection, connection:
        marks = ", ".join("?" * len(fields))
        number = connection.execute(f"INSERT INTO backtests ({', '.join(fields)}) VALUES ({marks})", values).lastrowid
        assert number is not None
        connection.execute("INSERT INTO contents VALUES (?, ?, ?, ?)", (number, stored.told, stored.curve, stored.trips))
    return number


def backtest_rows(path: Path) -> tuple[BacktestRow, ...]:
    """All that are kept, the newest first. Raises BacktestsError."""
    if not path.exists():
        return ()
    with _open(path) as connection:
        found = connection.execute(f"SELECT {_NAMES} FROM backtests ORDER BY number DESC").fetchall()
    return tuple(_row(values) for values in found)


def read_backtest(path: Path, number: int) -> StoredBacktest:
    """Raises BacktestsError, also where there is none of that number."""
    if not path.exists():
        raise BacktestsError(f"There is no backtest #{number}: none is kept yet. `tradeconsole backtest` runs one and keeps it.")
    with _open(path) as connection:
        found = connection.execute(f"SELECT {_NAMES} FROM backtests WHERE number = ?", (number,)).fetchone()
        contents = connection.execute("SELECT told, curve, trips FROM contents WHERE number = ?", (number,)).fetchone()
    if found is None or contents is None:
        raise BacktestsError(f"There is no backtest #{number}. `tradeconsole backtests` lists those that are kept.")
    return StoredBacktest(_row(found), *contents)


def delete_backtests(path: Path, numbers: Sequence[int]) -> int:
    """Answers how many there were of these. Raises BacktestsError."""
    if not path.exists():
        return 0
    with _open(path, "Nothing was deleted.") as connection:
        with connection:
            deleted = sum(connection.execute("DELETE FROM backtests WHERE number = ?", (number,)).rowcount for number in numbers)
        connection.execute("VACUUM")
    return deleted


@contextmanager
def _open(path: Path, lost: str = "Nothing was changed.") -> Iterator[sqlite3.Connection]:
    """A connection to a database of the newest schema. `lost` says what an error costs."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        make_private(path)
        with closing(sqlite3.connect(path, timeout=_TIMEOUT_S)) as connection:
            _prepare(connection, path)
            yield connection
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        advice = "Free its disk, make it writable, or move the file away: a new one is made."
        raise BacktestsError(f"The backtests in {path} cannot be read or written: {why}. {lost} {advice}") from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and owner != APPLICATION_ID:
        raise BacktestsError(f"The database {path} belongs to another program. Nothing was changed. Move it away: a new one is made.")
    if version > len(STEPS):
        raise BacktestsError(
            f"The backtests in {path} have schema {version}; this version of tradeconsole knows schemas up to {len(STEPS)}. "
            "Nothing was changed. Start the newer version that wrote them."
        )
    connection.execute("PRAGMA foreign_keys = ON")
    if version == len(STEPS):
        return
    if version > 0:
        back_up(connection, path.with_name(f"{path.name}.schema-{version}.backup"))
    connection.execute("PRAGMA journal_mode = WAL")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()  # another process may have been faster
        for statement in (statement for step in STEPS[version:] for statement in step):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")


def _written(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _row(values: Sequence[Any]) -> BacktestRow:
    fields = dict(zip(BacktestRow.__struct_fields__, values, strict=True))
    return BacktestRow(**{**fields, "final_value": Decimal(fields["final_value"])})
