"""kill -9 in the middle of appending: what was acknowledged is there, once and in order, and a pair is there whole or not at all."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.model.journal import JournalError
from storage import schema
from storage.journal import open_journal
from storage.projections import Projector
from tests.storage.conftest import history, stored

ROOT = Path(__file__).parents[2]
ROUNDS = 8


Start = Callable[[Path, int], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the appender and waits until it has the database open; ends every one that a test left behind."""
    started: list[subprocess.Popen[str]] = []

    def process_on(database: Path, first: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.storage.appender", str(database), str(first)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        return process

    yield process_on
    for process in started:
        process.kill()
        with process:
            process.wait()


def kill_after(process: subprocess.Popen[str], acknowledged: int) -> list[int]:
    """Kills the process once it has acknowledged so many pairs, and answers all that it did, to the last line in the pipe."""
    assert process.stdout is not None
    seen = [int(process.stdout.readline()) for _ in range(acknowledged)]
    process.send_signal(signal.SIGKILL)
    # The last line may be cut short; a number that lost digits was acknowledged all the same, but cannot be told.
    rest, _ = process.communicate()
    seen += [int(line) for line in rest[: rest.rfind("\n") + 1].splitlines()]
    assert process.returncode == -signal.SIGKILL
    return seen


def test_acknowledged_entries_survive_kill_9(database: Path, start: Start) -> None:
    chance = random.Random(9)
    expected: list[int] = []
    first = 0
    for _ in range(ROUNDS):
        acknowledged = kill_after(start(database, first), chance.randrange(1, 400))
        entries = stored(database)
        assert [seq for seq, _ in entries] == list(range(1, len(entries) + 1))
        facts = [json.loads(body) for _, body in entries]
        pairs = facts[::2]
        assert [(fact["at"], fact["text"]) for fact in facts[1::2]] == [(fact["at"], "second") for fact in pairs]
        numbers = [fact["at"] for fact in pairs]
        assert numbers == sorted(set(numbers))
        assert set(expected) | set(acknowledged) <= set(numbers)
        expected, first = numbers, numbers[-1] + 1
    projector = Projector(schema.open_database(database))
    projector.catch_up()
    kept = history(database)
    projector.rebuild()
    projector.close()
    assert history(database) == kept
    assert [row[0] for row in kept["audit"]] == list(range(1, len(stored(database)) + 1))


async def test_a_second_process_is_refused_until_the_first_is_gone(database: Path, start: Start) -> None:
    process = start(database, 0)
    with pytest.raises(JournalError, match=rf"Another tradeconsole \(process {process.pid}\) already trades on .*paper\.db"):
        await (await open_journal(database, run_id="r")).close()
    kill_after(process, 1)
    journal = await open_journal(database, run_id="r")
    await journal.close()
