"""The account's file: its folder, its disk, whether it is sound, who trades on it, and whether trading is halted."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from console.doctor.finding import Finding, fine, problem, warning

CHECK_S = 10.0
"""How long the file is looked through. A start looks through all of it, however long that takes."""
SLOW_SYNC_MS = 50.0
LITTLE_MB = 200
_SYNCS = 9
_MEGABYTE = 1_000_000


def account(database: Path) -> Iterator[Finding]:
    """All about the database at `database`, which need not be there yet."""
    folder = database.parent
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield problem("database", f"{database}: its folder cannot be written", f"Give yourself the right to write {there}, or --database.")
        return
    yield from _disk(there)
    if not database.exists():
        yield _not_there(database)
        return
    try:
        yield _looked_through(database)
    except sqlite3.Error as error:
        advice = "Restore it from a backup, or move it away: tradeconsole then begins with an empty history."
        yield problem("database", f"{database} cannot be read: {error}", advice)
    yield from _who_trades(database)
    yield from _latch(database)


def _not_there(database: Path) -> Finding:
    aside = sorted(database.parent.glob(f"{database.name}.damaged-*Z"))
    if aside:
        advice = f"Put a backup in its place, or move {aside[-1].name} to another folder to begin with an empty history."
        return problem("database", f"{database} was found damaged and kept as {aside[-1].name}", advice)
    return fine("database", f"{database} will be made at the first start")


def _disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free / _MEGABYTE
    try:
        took = _sync_ms(folder)
    except OSError as error:
        yield problem("disk", f"{folder} cannot be written: {error.strerror}", f"{_remedy(error)} Until then no order would be sent.")
        return
    text = f"{free:,.0f} MB free; a write is on it in {took:.1f} ms"
    if free < LITTLE_MB:
        yield warning("disk", text, "Free some: an order is only sent once it is written.")
    elif took > SLOW_SYNC_MS:
        yield warning("disk", text, "Every order waits for that. Choose another disk with --database where it matters.")
    else:
        yield fine("disk", text)


def _remedy(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Free some of it."
    return "Give yourself the right to write it, or --database."


def _sync_ms(folder: Path) -> float:
    """The middle one of several writes of a page, each until it is on the disk."""
    file = folder / f".tradeconsole-doctor-{os.getpid()}"
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        times = []
        for page in range(_SYNCS):
            began = time.perf_counter()
            os.pwrite(descriptor, b"\0" * 4096, page * 4096)
            os.fsync(descriptor)
            times.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        file.unlink()
    return sorted(times)[_SYNCS // 2] * 1000


def _looked_through(database: Path) -> Finding:
    from storage.schema import APPLICATION_ID, STEPS

    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if owner != APPLICATION_ID and database.stat().st_size:
            return problem("database", f"{database} belongs to another program", "Choose another file with --database.")
        if version > len(STEPS):
            advice = "Start the newer tradeconsole that wrote it, or choose another file with --database."
            return problem("database", f"{database} is of a newer version (schema {version}, known are {len(STEPS)})", advice)
        size = f"{database}, {database.stat().st_size / _MEGABYTE:,.1f} MB"
        end = time.monotonic() + CHECK_S
        connection.set_progress_handler(lambda: time.monotonic() > end, 100_000)
        try:
            damage = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
        except sqlite3.OperationalError:
            if time.monotonic() <= end:
                raise
            return fine("database", f"{size}: sound as far as {CHECK_S:g} s of looking went; every start looks through all of it")
    if damage != ["ok"]:
        advice = "Restore it from a backup, or move it away: tradeconsole then begins with an empty history."
        return problem("database", f"{size}: damaged ({'; '.join(' '.join(line.split()) for line in damage)})", advice)
    return fine("database", f"{size}: sound")


def _who_trades(database: Path) -> Iterator[Finding]:
    from storage.lock import holder

    try:
        process = holder(database)
    except OSError as error:
        advice = "Run it as the user who started the engine."
        yield warning("engine", f"whether one runs on it is not told to you: {error.strerror}", advice)
        return
    yield fine("engine", "none runs on it now" if process is None else f"process {process} trades on it now")


def _latch(database: Path) -> Iterator[Finding]:
    from engine.latch import Latch, latch_path

    path = latch_path(database)
    if reason := Latch(path).read():
        since = datetime.fromtimestamp(path.stat().st_mtime).astimezone().strftime("%Y-%m-%d %H:%M")
        advice = "In the console `m` leads out of it, with the word RESUME and a reason."
        yield warning("stop", f"trading is HALTED since {since}: {reason}", advice)
    else:
        yield fine("stop", "trading is not halted")
