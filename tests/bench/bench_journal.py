"""Bench of the journal: how long an append takes to be durable at 500 a second, and how many of them share a commit."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from engine.model.modes import Level
from engine.model.records import Noted
from storage.journal import SqliteJournal, open_journal

RATE = 500
SECONDS = 5
BURST = 20_000


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def sync_times(folder: Path, count: int = 100) -> list[float]:
    """What this disk takes for the write and sync of one page: the floor below any durable append. Seconds."""
    times = []
    file = os.open(folder / "floor", os.O_CREAT | os.O_WRONLY)
    for page in range(count):
        began = time.perf_counter()
        os.pwrite(file, b"x" * 4096, page * 4096)
        os.fsync(file)
        times.append(time.perf_counter() - began)
    os.close(file)
    return times


async def steady(journal: SqliteJournal) -> list[float]:
    """Appends one record at a time, `RATE` a second, and answers how long each took to be durable. Seconds."""
    times: list[float] = []

    async def one(number: int, due: float) -> None:
        await asyncio.sleep(due - time.perf_counter())
        began = time.perf_counter()
        await journal.append([Noted(Level.INFO, "bench", "a line of the usual length, as a fill or a denial makes it", "", number)])
        times.append(time.perf_counter() - began)

    start = time.perf_counter() + 0.1
    await asyncio.gather(*(one(number, start + number / RATE) for number in range(RATE * SECONDS)))
    return times


async def burst(journal: SqliteJournal) -> tuple[float, float]:
    """Appends `BURST` records at once. Answers seconds an append held the loop, and seconds until all were durable."""
    record = Noted(Level.INFO, "bench", "a line of the usual length, as a fill or a denial makes it", "", 0)
    began = time.perf_counter()
    pending = [journal.append([record]) for _ in range(BURST)]
    held = (time.perf_counter() - began) / BURST
    await asyncio.gather(*pending)
    return held, time.perf_counter() - began


async def bench(folder: Path) -> list[str]:
    floor = sync_times(folder)
    journal = await open_journal(folder / "bench.db", run_id="bench")
    times = await steady(journal)
    commits = journal.commits
    held, all_durable = await burst(journal)
    burst_commits = journal.commits - commits
    began = time.perf_counter()
    await journal.caught_up()
    behind = time.perf_counter() - began
    await journal.close()
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    return [
        f"sync of one page        p50 {1e3 * percentile(floor, 0.5):8.2f} ms   p99 {1e3 * percentile(floor, 0.99):8.2f} ms",
        f"append to durable       p50 {1e3 * p50:8.2f} ms   p99 {1e3 * p99:8.2f} ms   at {RATE} appends/s",
        f"  against one sync      p50 {p50 / percentile(floor, 0.5):8.1f} x    p99 {p99 / percentile(floor, 0.99):8.1f} x",
        f"commits                 {commits / SECONDS:8.0f} /s       {len(times) / commits:8.2f} appends/commit",
        f"burst of {BURST}         {BURST / all_durable:8.0f} /s       {BURST / burst_commits:8.0f} appends/commit",
        f"one append holds        {1e6 * held:8.1f} µs of the loop",
        f"history behind by       {1e3 * behind:8.0f} ms after the burst",
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("\n".join(asyncio.run(bench(Path(folder)))) + "\n")


if __name__ == "__main__":
    main()
