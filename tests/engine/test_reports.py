"""What is told of a run besides its records."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from engine.model.modes import Mode
from tests.engine.engines import running, said, until


def test_a_history_that_stands_still_is_told_and_so_is_that_it_follows_again(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        until(engine, lambda view: not view.health.journal_backlog)
        with closing(sqlite3.connect(tmp_path / "paper.db", timeout=10, isolation_level=None)) as other:
            other.execute("CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room for this'); END")
            engine.set_mode(Mode.FULL_AUTO)
            until(engine, lambda view: said(view, "stand still: no room for this. The journal itself is complete."))
            other.execute("DROP TRIGGER refuse")
        until(engine, lambda view: said(view, "the history follows the journal again"))
