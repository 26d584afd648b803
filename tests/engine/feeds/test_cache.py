"""Fetched bars on disk: to the last bit, whole days or none, through kills, other processes and damage."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.feeds.actions import Action
from engine.feeds.cache import BarCache, CacheError, Series, cache_folder
from engine.model.market import Bar
from tests.engine.feeds.full_disk import fill_disk
from tests.project_files import ROOT

AAPL = Series("yahoo", "AAPL", "1d", "XNYS")
MONDAY = date(2024, 5, 13)


def bar(number: int, symbol: str = "AAPL") -> Bar:
    return Bar(symbol, number, 0.1 + 0.2, 1e300, 5e-324, 187.49000549316406, 123_456_789.0)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def test_bars_come_back_to_the_last_bit(tmp_path: Path) -> None:
    cache = BarCache(tmp_path)
    cache.write(AAPL, {day(0): [bar(1), bar(2)], day(1): [bar(3)]}, [], 5)
    assert cache.read(AAPL, day(0), day(9)).days == {day(0): [bar(1), bar(2)], day(1): [bar(3)]}
    assert cache.days(AAPL) == {day(0): 5, day(1): 5}


def test_an_empty_day_is_remembered_as_one(tmp_path: Path) -> None:
    cache = BarCache(tmp_path)
    cache.write(AAPL, {day(0): []}, [], 5)
    assert cache.read(AAPL, day(0), day(0)).days == {day(0): []}
    (held,) = cache.held()
    assert (held.days, held.empty, held.bars) == (1, 1, 0)


def test_what_differs_in_source_length_calendar_or_adjustment_is_kept_apart(tmp_path: Path) -> None:
    cache = BarCache(tmp_path)
    others = [Series("alpaca", *AAPL_REST), Series("yahoo", "AAPL", "1h", "XNYS"), Series("yahoo", "AAPL", "1d", "XLON")]
    others.append(Series("yahoo", *AAPL_REST, adjusted=True))
    cache.write(AAPL, {day(0): [bar(1)]}, [], 5)
    assert [cache.days(other) for other in others] == [{}] * 4


AAPL_REST = ("AAPL", "1d", "XNYS")


def test_splits_and_dividends_come_with_their_days_and_are_replaced_with_them(tmp_path: Path) -> None:
    cache = BarCache(tmp_path)
    split, cash = Action("AAPL", day(0), "split", Decimal(4)), Action("AAPL", day(1), "dividend", Decimal("0.2400"))
    cache.write(AAPL, {day(0): [bar(1)], day(1): [bar(2)]}, [split, cash], 5)
    assert cache.read(AAPL, day(0), day(1)).actions == (split, cash)
    cache.write(AAPL, {day(0): [bar(1)]}, [], 6)
    assert cache.read(AAPL, day(0), day(1)).actions == (cash,)


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    cache = BarCache(tmp_path / "none")
    assert (cache.days(AAPL), cache.held()) == ({}, [])
    assert not (tmp_path / "none").exists()


def test_a_deleted_series_is_gone_and_the_others_stay(tmp_path: Path) -> None:
    cache = BarCache(tmp_path)
    other = Series("yahoo", "MSFT", "1d", "XNYS")
    cache.write(AAPL, {day(0): [bar(1)]}, [Action("AAPL", day(0), "split", Decimal(2))], 5)
    cache.write(other, {day(0): [bar(1, "MSFT")]}, [], 5)
    cache.delete([AAPL])
    assert [held.series for held in cache.held()] == [other]
    assert cache.read(AAPL, day(0), day(0)).actions == ()


def test_a_day_with_a_flipped_bit_is_forgotten_and_told(tmp_path: Path) -> None:
    cache = BarCache(tmp_path)
    cache.write(AAPL, {day(0): [bar(1)], day(1): [bar(2)]}, [], 5)
    with sqlite3.connect(cache.path) as connection:
        connection.execute("UPDATE days SET bars = zeroblob(48) WHERE day = ?", (day(0).isoformat(),))
    connection.close()
    read = cache.read(AAPL, day(0), day(1))
    assert list(read.days) == [day(1)]
    assert "AAPL on 2024-05-13 are damaged" in read.problems[0]
    assert list(cache.days(AAPL)) == [day(1)]


@pytest.mark.parametrize("damage", [b"", b"this is no database at all", None])
def test_a_file_that_is_no_cache_is_put_aside_in_words_and_what_follows_works(tmp_path: Path, damage: bytes | None) -> None:
    cache = BarCache(tmp_path)
    if damage is None:  # somebody else's database
        with sqlite3.connect(cache.path) as connection:
            connection.execute("CREATE TABLE mine (x)")
        connection.close()
    else:
        cache.write(AAPL, {day(0): [bar(1)]}, [], 5)
        content = cache.path.read_bytes()
        cache.path.write_bytes(damage or content[:4096] + b"\x55" * (len(content) - 4096))
    with pytest.raises(CacheError, match=r"put aside as .*bars\.bad-.*; what it held is fetched again"):
        cache.held()
    assert [*tmp_path.glob("bars.bad-*.sqlite")]
    cache.write(AAPL, {day(0): [bar(1)]}, [], 6)
    assert cache.read(AAPL, day(0), day(0)).days == {day(0): [bar(1)]}


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="cannot be used"):
        BarCache(tmp_path / "file" / "cache").write(AAPL, {}, [], 5)


WRITER = """
import sys
from pathlib import Path
from datetime import date, timedelta
from engine.feeds.cache import BarCache, Series
from engine.model.market import Bar
cache, symbol, count = BarCache(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
for number in range(count):
    bars = [Bar(symbol, at, 1.0, 1.0, 1.0, 1.0, float(number)) for at in range(1, 391)]
    cache.write(Series("yahoo", symbol, "1m", "XNYS"), {date(2000, 1, 1) + timedelta(days=number): bars}, [], 5)
    print(number, flush=True)
"""


def writer(folder: Path, symbol: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), symbol, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_two_processes_write_at_once_and_neither_loses_a_day(tmp_path: Path) -> None:
    processes = [writer(tmp_path, "AAPL", 40), writer(tmp_path, "AAPL", 40), writer(tmp_path, "MSFT", 40)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert [(held.series.symbol, held.days, held.bars) for held in BarCache(tmp_path).held()] == [("AAPL", 40, 15600), ("MSFT", 40, 15600)]


def test_a_writer_that_is_killed_leaves_whole_days_and_all_that_it_said_were_written(tmp_path: Path) -> None:
    process = writer(tmp_path, "AAPL", 100_000)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(10)]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    process.stdout.close()
    written = len(said) + len(rest.splitlines())
    read = BarCache(tmp_path).read(Series("yahoo", "AAPL", "1m", "XNYS"), date(2000, 1, 1), date(2400, 1, 1))
    assert not read.problems
    assert len(read.days) in (written, written + 1)
    assert all(len(bars) == 390 for bars in read.days.values())


def test_the_cache_lies_in_the_folder_for_caches_or_in_the_one_that_keeps_everything(tmp_path: Path) -> None:
    assert cache_folder({"TRADECONSOLE_HOME": str(tmp_path)}) == tmp_path / "cache"
    assert cache_folder({}).name == "tradeconsole"


def test_a_file_of_another_version_is_put_aside_and_what_follows_works(tmp_path: Path) -> None:
    cache = BarCache(tmp_path)
    cache.write(AAPL, {day(0): [bar(1)]}, [], 5)
    with closing(sqlite3.connect(cache.path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(CacheError, match=r"\(it is no cache of this version\) and is put aside as .*bars\.bad-"):
        cache.read(AAPL, day(0), day(0))
    cache.write(AAPL, {day(0): [bar(1)]}, [], 6)
    assert cache.days(AAPL) == {day(0): 6}


def test_a_damaged_file_that_cannot_be_put_aside_is_not_used_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = BarCache(tmp_path)
    cache.path.write_bytes(b"no cache" * 1000)

    def refuse(path: Path, target: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refuse)
    for _ in range(2):
        with pytest.raises(CacheError, match=r"is damaged \(.*\) and cannot be put aside \(Read-only file system\): it is not used\."):
            cache.read(AAPL, day(0), day(0))


def test_a_folder_that_may_not_be_looked_into_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(CacheError, match=r"cannot be used: Permission denied\."):
        BarCache(tmp_path).days(AAPL)


def test_a_full_disk_keeps_nothing_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = BarCache(tmp_path)
    cache.write(AAPL, {day(0): [bar(1)]}, [], 5)
    with monkeypatch.context() as patch:
        fill_disk(patch)
        with pytest.raises(CacheError, match="cannot be used: database or disk is full"):
            cache.write(AAPL, {day(n): [bar(n * 1000 + each) for each in range(1, 400)] for n in range(1, 10)}, [], 6)
        assert cache.days(AAPL) == {day(0): 5}
    assert cache.read(AAPL, day(0), day(9)).days == {day(0): [bar(1)]}
    assert not [*tmp_path.glob("bars.bad-*")], "a full disk damages nothing"
