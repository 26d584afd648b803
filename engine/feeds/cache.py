"""Bars that were fetched, on disk: one SQLite file in the user's cache folder, a row for each trading day of a series.

A day that is there was asked for and is over; one without bars has an empty row, and is not asked for again. A row is written whole or not
at all, whatever is killed at whatever moment, and by however many processes. Nothing here is anything but a copy: a file that cannot be
read is put aside, and what it held is fetched again.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import Struct

from engine.feeds.actions import Action
from engine.feeds.base import FeedError
from engine.feeds.names import shown
from engine.model.market import Bar

APPLICATION_ID: Final = 0x74726263
"""Stands in the file's header ("trbc") and says that it is one of these."""
VERSION: Final = 1
_SCHEMA: Final = (
    """CREATE TABLE series (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, symbol TEXT NOT NULL, timeframe TEXT NOT NULL, calendar TEXT NOT NULL,
        adjusted INTEGER NOT NULL, UNIQUE (source, symbol, timeframe, calendar, adjusted)
    ) STRICT""",
    """CREATE TABLE days (
        series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE, day TEXT NOT NULL, fetched INTEGER NOT NULL,
        check_sum INTEGER NOT NULL, bars BLOB NOT NULL, PRIMARY KEY (series, day)
    ) STRICT""",
    """CREATE TABLE actions (
        series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE, day TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (series, day, kind)
    ) STRICT""",
)
_ROW: Final = struct.Struct("<q5d")
"""A bar: its close in ns UTC, then open, high, low, close and volume, to the last bit."""
T = TypeVar("T")
_TIMEOUT_S: Final = 10.0
"""How long another process that writes is waited for."""


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the system keeps what a program can fetch again; within TRADECONSOLE_HOME where that is set. Not made by asking."""
    if home := environment.get("TRADECONSOLE_HOME"):
        return Path(home) / "cache"
    from platformdirs import user_cache_path

    return user_cache_path("tradeconsole", appauthor=False)


class CacheError(FeedError):
    """The cache can be neither read nor written: a full disk, a folder that is not ours. What was fetched is used and not kept."""


class Series(Struct, frozen=True):
    """What bars are kept under. `calendar` decides which days there are and when a day's bar closes."""

    source: str
    symbol: str
    timeframe: str
    calendar: str
    adjusted: bool = False


class Held(Struct, frozen=True):
    """What of a series is in the cache. `empty` days were asked for and have no bar. `fetched` are the earliest and latest moments of
    fetching, ns UTC; `size` is in bytes."""

    series: Series
    first: date
    last: date
    days: int
    empty: int
    bars: int
    size: int
    fetched: tuple[int, int]


class Kept(Struct, frozen=True):
    """What was read: the bars of each day that is there, oldest first, and its splits and dividends. A problem is a sentence."""

    days: dict[date, list[Bar]]
    actions: tuple[Action, ...]
    problems: tuple[str, ...] = ()


class BarCache:
    """The cache in `folder`, which is made when something is written.

    Methods block; each opens the file and closes it again, so that one that is put aside is nobody's any more. Raises CacheError.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bars.sqlite"

    # ---- reading

    def days(self, series: Series) -> dict[date, int]:
        """The days that are there, and when each was fetched, ns UTC."""
        return dict(
            self._rows("SELECT day, fetched FROM days WHERE series = ?", series, make=lambda row: (date.fromisoformat(row[0]), row[1]))
        )

    def read(self, series: Series, start: date, end: date) -> Kept:
        """The days that are there from `start` through `end`. One that is damaged is none, and is forgotten."""
        between = "series = ? AND day BETWEEN ? AND ? ORDER BY day"

        def unpacked(row: Any) -> tuple[date, list[Bar] | None]:
            day, check_sum, blob = row
            sound = zlib.crc32(blob) == check_sum and not len(blob) % _ROW.size
            return date.fromisoformat(day), [Bar(series.symbol, *values) for values in _ROW.iter_unpack(blob)] if sound else None

        def action(row: Any) -> Action:
            day, kind, value = row
            return Action(series.symbol, date.fromisoformat(day), "split" if kind == "split" else "dividend", Decimal(value))

        found = self._rows(f"SELECT day, check_sum, bars FROM days WHERE {between}", series, start, end, make=unpacked)
        actions = self._rows(f"SELECT day, kind, value FROM actions WHERE {between}", series, start, end, make=action)
        damaged = [day for day, bars in found if bars is None]
        if damaged:
            self.forget(series, damaged)
        problems = [
            f"The cache's {series.timeframe} bars of {series.symbol} on {day} are damaged: they are fetched again." for day in damaged
        ]
        return Kept({day: bars for day, bars in found if bars is not None}, tuple(actions), tuple(problems))

    def held(self) -> list[Held]:
        """Everything there is, in order of source, symbol and length."""
        asked = f"""
            SELECT source, symbol, timeframe, calendar, adjusted, min(day), max(day), count(*), sum(length(bars) = 0),
                sum(length(bars)) / {_ROW.size}, sum(length(bars)), min(fetched), max(fetched)
            FROM series JOIN days ON series = id GROUP BY id ORDER BY source, symbol, timeframe, adjusted, calendar"""
        found = []
        with self._reading() as connection:
            for row in connection.execute(asked) if connection is not None else ():
                source, symbol, timeframe, calendar, adjusted, first, last, days, empty, bars, size, oldest, newest = row
                series = Series(source, symbol, timeframe, calendar, bool(adjusted))
                span = date.fromisoformat(first), date.fromisoformat(last)
                found.append(Held(series, *span, days, empty, bars, size, (oldest, newest)))
        return found

    # ---- writing

    def write(self, series: Series, days: Mapping[date, Sequence[Bar]], actions: Iterable[Action], fetched: int) -> None:
        """Keeps these days, whole, in one step; those that are there already are replaced. Actions of other days are not kept."""
        packed = [(day, b"".join(_ROW.pack(b.at, b.open, b.high, b.low, b.close, b.volume) for b in bars)) for day, bars in days.items()]
        with self._writing() as connection:
            number = _number_of(connection, series)
            connection.executemany("DELETE FROM actions WHERE series = ? AND day = ?", [(number, day.isoformat()) for day in days])
            connection.executemany(
                "INSERT OR REPLACE INTO days (series, day, fetched, check_sum, bars) VALUES (?, ?, ?, ?, ?)",
                [(number, day.isoformat(), fetched, zlib.crc32(blob), blob) for day, blob in packed],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO actions (series, day, kind, value) VALUES (?, ?, ?, ?)",
                [(number, each.day.isoformat(), each.kind, str(each.value)) for each in actions if each.day in days],
            )

    def forget(self, series: Series, days: Iterable[date]) -> None:
        with self._writing() as connection:
            number = _number_of(connection, series)
            connection.executemany("DELETE FROM days WHERE series = ? AND day = ?", [(number, day.isoformat()) for day in days])

    def delete(self, series: Iterable[Series]) -> None:
        """All days of these, and gives their room back to the disk."""
        with self._writing() as connection:
            for each in series:
                connection.execute(f"DELETE FROM series WHERE {_WHICH}", _key(each))
        with self._guarded(), closing(self._connect()) as connection:
            connection.execute("VACUUM")

    # ---- the file

    def _rows(self, asked: str, series: Series, *days: date, make: Callable[[Any], T]) -> list[T]:
        """What `make` makes of each row. What it cannot make anything of is damage, too."""
        with self._reading() as connection:
            if connection is None:
                return []
            number = connection.execute(f"SELECT id FROM series WHERE {_WHICH}", _key(series)).fetchone()
            if number is None:
                return []
            return [make(row) for row in connection.execute(asked, (number[0], *(day.isoformat() for day in days)))]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """None where there is no cache yet."""
        try:
            there = self.path.exists()
        except OSError as error:  # a folder that may not be looked into
            raise self._unusable(error.strerror or error) from error
        if not there:
            yield None
            return
        with self._guarded(), closing(self._connect()) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._guarded(), closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """What SQLite says becomes words. A file that is none of ours, or torn, is put aside; whoever met it begins anew."""
        file = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with (self.path.parent / "bars.lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH)
                file = self._file()
                yield
        except OSError as error:
            raise self._unusable(error.strerror or error) from error
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from error
        except (sqlite3.DatabaseError, ValueError, ArithmeticError) as error:
            raise CacheError(self._put_aside_or_left(file, str(error))) from error

    def _unusable(self, why: object) -> CacheError:
        return CacheError(f"The cache {shown(str(self.path))} cannot be used: {why}.")

    def _put_aside_or_left(self, file: int | None, why: str) -> str:
        """What became of a file that cannot be used, in words."""
        try:
            return self._put_aside(file, why)
        except OSError as error:
            where = shown(str(self.path))
            return f"The cache {where} is damaged ({shown(why)}) and cannot be put aside ({error.strerror or error}): it is not used."

    def _put_aside(self, file: int | None, why: str) -> str:
        """Under a lock that nobody else holds, for who has the file open would go on in it. `file` is the one that was met; answers what
        was done."""
        aside = self.path.with_name(f"bars.bad-{time.time_ns()}.sqlite")
        with (self.path.parent / "bars.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if file is not None and file != self._file():
                return "Another process has put the damaged cache aside meanwhile: what it held is fetched again."
            # The file itself goes last: killed in between, it is still the damaged one, and is put aside by the next who meets it.
            for ending in ("-wal", "-shm", ""):
                part = Path(f"{self.path}{ending}")
                if part.exists():
                    part.rename(f"{aside}{ending}")
        return f"The cache was damaged ({shown(why)}) and is put aside as {shown(str(aside))}; what it held is fetched again."

    def _file(self) -> int | None:
        """Which file stands there now, None where there is none."""
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_TIMEOUT_S, isolation_level=None)
        try:
            (owner,), (version,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version"))
            if (owner, version) != (APPLICATION_ID, VERSION):
                self._begin(connection)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def _begin(connection: sqlite3.Connection) -> None:
        """Makes an empty file a cache. Raises sqlite3.DatabaseError where it is something else."""
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        (owner,), (version,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version"))
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if (owner, version) == (APPLICATION_ID, VERSION):  # another process was faster
            connection.execute("COMMIT")
            return
        if tables or owner:
            connection.execute("ROLLBACK")
            raise sqlite3.DatabaseError("it is no cache of this version")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")


_WHICH: Final = "source = ? AND symbol = ? AND timeframe = ? AND calendar = ? AND adjusted = ?"


def _key(series: Series) -> tuple[str, str, str, str, int]:
    return series.source, series.symbol, series.timeframe, series.calendar, int(series.adjusted)


def _number_of(connection: sqlite3.Connection, series: Series) -> int:
    connection.execute("INSERT OR IGNORE INTO series (source, symbol, timeframe, calendar, adjusted) VALUES (?, ?, ?, ?, ?)", _key(series))
    number: int = connection.execute(f"SELECT id FROM series WHERE {_WHICH}", _key(series)).fetchone()[0]
    return number
