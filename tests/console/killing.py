"""What the tests of `tradeconsole kill` share that let it go to a broker: a console that ended, and one that hangs."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.cli import run
from engine.live import Engine
from engine.model.orders import OrderState
from tests.engine.engines import limit, market, until
from tests.project_files import ROOT

Capture = pytest.CaptureFixture[str]


def killing(folder: Path, *options: str) -> int:
    return run(["kill", "--database", str(folder / "paper.db"), *options])


def at_work_with_a_position(engine: Engine) -> None:
    """Ten shares are held, and an order for five works."""
    engine.submit(market(10))
    engine.submit(limit(5))
    until(engine, lambda view: {row.number: row.state for row in view.orders} == {1: OrderState.FILLED, 2: OrderState.WORKING})


@contextmanager
def hanging(folder: Path, imports: str, broker: str) -> Iterator[subprocess.Popen[str]]:
    """A console in a process of its own that stands still while its order works; `broker` is what makes its broker, after `imports`."""
    child = (
        f"import sys; from pathlib import Path; {imports}; from tests.engine.engines import limit, make; "
        f"engine = make(Path({str(folder)!r}), {broker}); engine.start(); "
        "engine.wait_ready()\nwhile not engine.status().watch[0].bid: pass\n"
        "engine.submit(limit())\nwhile not [row for row in engine.status().orders if row.state == 'WORKING']: pass\n"
        "print('works', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-W", "ignore", "-c", child]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "works\n"
            process.send_signal(signal.SIGSTOP)
            yield process
        finally:
            process.kill()
