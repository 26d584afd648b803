"""kill -9 on the morning of a split and a dividend: a feed from files tells them again, and they are booked once, whenever it died."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.model.market import Bar
from tests.acting import FRIDAY, THURSDAY, feed
from tests.engine.engines import make, market, until
from tests.project_files import ROOT


@pytest.mark.parametrize(("dies", "on_disk"), [("told", 0), ("durable", 1)])
def test_a_split_is_booked_once_though_the_engine_was_killed_on_its_morning(tmp_path: Path, dies: str, on_disk: int) -> None:
    buying = make(tmp_path, feed=feed(date(2005, 1, 18), THURSDAY))
    heard = threading.Event()
    buying.subscribe(Bar, lambda bar: heard.set())
    buying.start()
    buying.wait_ready()
    assert heard.wait(20)
    assert buying.answer(buying.submit(market(100))).ok
    before = until(buying, lambda view: view.positions and view.positions[0].quantity == 100)
    buying.shutdown()

    command = [sys.executable, "-m", "tests.acting", str(tmp_path), dies]
    assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == -signal.SIGKILL
    with closing(sqlite3.connect(tmp_path / "paper.db")) as database:
        assert database.execute("SELECT count(*) FROM journal WHERE kind = 'SplitBooked'").fetchone() == (on_disk,)

    engine = make(tmp_path, feed=feed(FRIDAY, FRIDAY))
    engine.start()
    engine.wait_ready()
    after = until(engine, lambda view: view.positions[0].quantity == 200 and view.positions[0].last == 50)
    assert after.account.cash == before.account.cash + 200 * Decimal("0.25")
    assert engine.answer(engine.sync()).text.endswith("all agree")
    engine.shutdown()
