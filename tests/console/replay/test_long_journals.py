"""A session in a long journal is opened without reading what others left in it: counted in SQLite's steps and in rows, not in time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from console.replay import sessions as opened
from console.replay.sessions import open_session
from engine.core.checkpoint import SHAPE, save, take_over
from engine.core.state import State
from engine.model.records import CashMoved, Checkpoint, Record, RunEnded, RunStarted
from storage import folds, schema
from storage import sessions as kept
from storage.codec import encode
from storage.journal import INSERT
from storage.projections import Projector

A_RUN = 100
"""Records of one."""
STEPS = 10
"""Of SQLite's machine, between two counts."""


class Counter:
    """What SQLite does for whoever reads."""

    def __init__(self) -> None:
        self.steps = 0

    def watch(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.set_progress_handler(self._count, STEPS)
        return connection

    def _count(self) -> int:
        self.steps += STEPS
        return 0


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter, reading = Counter(), kept._reading
    monkeypatch.setattr(kept, "_reading", lambda path: counter.watch(reading(path)))
    return counter


def _write(path: Path, runs: int, *, checkpoints: bool = True) -> None:
    """So many runs, each with a checkpoint at its end as the engine leaves one."""
    state = State()
    rows: list[tuple[int, str, int, str, str]] = []

    def put(record: Record, run: str) -> None:
        take_over(state, record)
        rows.append((len(rows) + 1, run, len(rows) + 1, *encode(record)))

    for number in range(runs):
        run, at = f"run-{number}", number * 10**9 + 1
        put(RunStarted(run, "paper", "sim", None if number else Decimal(1000), at), run)
        for _ in range(A_RUN - 3 if checkpoints else A_RUN - 2):
            put(CashMoved(Decimal(1), "paid in", at), run)
        put(RunEnded(run, at), run)
        if checkpoints:
            put(save(state, at), run)
    with closing(schema.open_database(path)) as connection:
        connection.executemany(INSERT, rows)
        connection.commit()
        projector = Projector(connection)
        while projector.projected_to < len(rows):
            projector.fold()


@pytest.mark.parametrize("run", [0, 7, 19])
def test_what_is_read_does_not_grow_with_the_journal(tmp_path: Path, counter: Counter, monkeypatch: pytest.MonkeyPatch, run: int) -> None:
    monkeypatch.setattr(folds, "CHECKPOINTS_APART", 2 * A_RUN)
    steps = []
    for runs in (20, 100):
        path = tmp_path / f"{runs}.sqlite"
        _write(path, runs)
        for number in (run, runs - 20 + run):
            counter.steps = 0
            before = list(kept.read_before(path, f"run-{number}", SHAPE))
            own = kept.read_run(path, f"run-{number}")
            assert len(own) in (A_RUN, A_RUN - 1)  # a checkpoint at its end may be gone
            assert len(before) <= 3 * A_RUN
            assert not before or number < 3 or isinstance(before[0], Checkpoint)
            steps.append(counter.steps)
    assert max(steps) <= 10 * 4 * A_RUN


def test_a_replay_begins_where_the_run_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "CHECKPOINTS_APART", 2 * A_RUN)
    path = tmp_path / "paper.sqlite"
    _write(path, 12)
    for number in (0, 1, 5, 11):
        replay = open_session(path, f"run-{number}", "a run")
        replay.seek(replay.steps)
        assert replay.view().account.cash == 1000 + (number + 1) * (A_RUN - 3)


def test_checkpoints_are_kept_far_apart_and_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "CHECKPOINTS_APART", 3 * A_RUN)
    path = tmp_path / "paper.sqlite"
    _write(path, 14)
    with closing(sqlite3.connect(path)) as connection:
        left = [seq for (seq,) in connection.execute("SELECT seq FROM journal WHERE kind = 'Checkpoint' ORDER BY seq")]
    assert left == [300, 600, 900, 1200, 1400]


def test_where_there_is_no_checkpoint_what_was_read_is_kept_for_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "CHECKPOINTS_APART", 5 * A_RUN)
    path = tmp_path / "paper.sqlite"
    _write(path, 12, checkpoints=False)
    first = open_session(path, "run-11", "a run")
    monkeypatch.setattr(opened, "read_before", lambda *_: pytest.fail("read again"))
    again = open_session(path, "run-11", "a run")
    for replay in (first, again):
        replay.seek(replay.steps)
        assert replay.view().account.cash == 1000 + 12 * (A_RUN - 2)
    kept.MarketFiles(path).write_before("run-11", b"torn")
    monkeypatch.undo()
    assert open_session(path, "run-11", "a run").steps == again.steps


def test_a_run_that_has_not_come_to_the_history_is_found(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    _write(path, 3)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM runs WHERE run_id = 'run-2'")
        connection.commit()
    assert len(kept.read_run(path, "run-2")) == A_RUN
    assert len(kept.read_run(path, "run-1")) == A_RUN - 1
