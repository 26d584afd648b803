"""Backtests that are kept: written, listed, read, deleted, and what becomes of them where the file is not as it should be."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from storage import backtests
from storage.backtests import BacktestRow, BacktestsError, StoredBacktest, backtest_rows, delete_backtests, keep_backtest, read_backtest

ROW = BacktestRow(
    number=0,
    made_at=1_700_000_000_000_000_001,
    took_s=0.25,
    strategies="cross",
    symbols="AAPL, MSFT",
    source="sample",
    first_at=1,
    last_at=2**62,
    bars=1_000_000,
    trades=0,
    final_value=Decimal("100000.000100"),
    total_return=None,
    drawdown=0.1 + 0.2,
    sharpe=None,
    data="d",
    code="c",
    profile="p",
    outcome="o",
)
STORED = StoredBacktest(ROW, '{"a": 1}', b"curve\x00", b"")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "backtests.sqlite"


def test_what_was_kept_is_read_to_the_last_digit(path: Path) -> None:
    number = keep_backtest(path, STORED)
    read = read_backtest(path, number)
    assert (read.told, read.curve, read.trips) == (STORED.told, STORED.curve, STORED.trips)
    assert f"{read.row.final_value}" == "100000.000100"
    assert backtest_rows(path) == (read.row,)
    assert {name: getattr(read.row, name) for name in ROW.__struct_fields__[1:]} == {
        name: getattr(ROW, name) for name in ROW.__struct_fields__[1:]
    }


def test_the_newest_comes_first_and_no_number_is_given_twice(path: Path) -> None:
    assert backtest_rows(path) == ()
    first, second = keep_backtest(path, STORED), keep_backtest(path, STORED)
    assert [row.number for row in backtest_rows(path)] == [second, first]
    assert delete_backtests(path, [second, 77]) == 1
    assert keep_backtest(path, STORED) == second + 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM contents").fetchone() == (2,)


def test_one_that_is_not_there_is_told(path: Path) -> None:
    with pytest.raises(BacktestsError, match=r"There is no backtest #3: none is kept yet"):
        read_backtest(path, 3)
    assert not path.exists()
    keep_backtest(path, STORED)
    with pytest.raises(BacktestsError, match=r"There is no backtest #3. `tradeconsole backtests` lists"):
        read_backtest(path, 3)
    assert delete_backtests(path.with_name("none.sqlite"), [1]) == 0


def test_another_programs_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    before = path.read_bytes()
    with pytest.raises(BacktestsError, match=r"belongs to another program. Nothing was changed"):
        keep_backtest(path, STORED)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(path: Path) -> None:
    keep_backtest(path, STORED)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(BacktestsError, match=r"have schema 99"):
        backtest_rows(path)


def test_an_older_schema_is_brought_up_after_a_backup(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_backtest(path, STORED)
    monkeypatch.setattr(backtests, "STEPS", (*backtests.STEPS, ("ALTER TABLE contents ADD COLUMN log BLOB",)))
    assert len(backtest_rows(path)) == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    with closing(sqlite3.connect(path.with_name("backtests.sqlite.schema-1.backup"))) as copy:
        assert copy.execute("SELECT count(*) FROM backtests").fetchone() == (1,)
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_file_that_is_no_database_is_told_in_words(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all, though long enough to look like one" * 20)
    with pytest.raises(BacktestsError, match=r"cannot be read or written: file is not a database. This backtest was not kept"):
        keep_backtest(path, STORED)
    with pytest.raises(BacktestsError, match=r"Nothing was changed"):
        backtest_rows(path)
