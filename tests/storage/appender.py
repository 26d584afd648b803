"""A program for the kill tests: appends pairs of notes without end, and prints the number of each pair once it is acknowledged."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from engine.model.modes import Level
from engine.model.records import Noted
from storage.journal import open_journal


async def append(database: Path, first: int) -> None:
    journal = await open_journal(database, run_id=f"r-{first}")
    os.write(1, b"open\n")
    slots = asyncio.Semaphore(20)

    async def pair(number: int) -> None:
        await journal.append([Noted(Level.INFO, "pair", "first", "", number), Noted(Level.INFO, "pair", "second", "", number)])
        os.write(1, b"%d\n" % number)
        slots.release()

    tasks: set[asyncio.Task[None]] = set()
    number = first
    while True:
        await slots.acquire()
        task = asyncio.create_task(pair(number))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        number += 1


asyncio.run(append(Path(sys.argv[1]), int(sys.argv[2])))
