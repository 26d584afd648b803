"""The public face: a script of ten lines trades, and what it does wrong is said at once and harms nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import tradeconsole
from tests.project_files import ROOT

SCRIPT = """
import queue
from decimal import Decimal
from tradeconsole import FillBooked, Intent, OrderType, Settings, Side, TimeInForce, create_engine
fills = queue.SimpleQueue()
engine = create_engine(Settings(symbols=("AAPL",)))
engine.subscribe(FillBooked, lambda record: fills.put(record.fill))
engine.start()
engine.wait_ready()
while engine.status().watch[0].bid is None: pass
print(engine.answer(engine.submit(Intent("AAPL", Side.BUY, Decimal(10)))).text)
print(fills.get(timeout=20).quantity, engine.status().positions[0].symbol, flush=True)
"""


def run(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TRADECONSOLE_HOME": str(home)}
    return subprocess.run([sys.executable, "-c", script], cwd=home, env=environment, capture_output=True, text=True, timeout=60)


def test_ten_lines_start_an_engine_trade_and_see_the_fill(tmp_path: Path) -> None:
    result = run(SCRIPT + "engine.shutdown()", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == ["#1 BUY 10 AAPL market DAY sent", "10 AAPL"]


def test_an_order_of_floats_is_refused_in_the_script_and_the_engine_goes_on(tmp_path: Path) -> None:
    wrong = """
try:
    engine.submit(Intent("AAPL", Side.BUY, Decimal(1), OrderType.LIMIT, 150.5))
except TypeError as error:
    print(error)
print(engine.answer(engine.submit(Intent("AAPL", Side.SELL, Decimal(10), tif=TimeInForce.GTC))).ok, fills.get(timeout=20).side)
engine.shutdown()
"""
    result = run(SCRIPT + wrong, tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[2:] == [
        'an intent\'s limit must be a Decimal; it is 150.5: write Decimal("150.5")',
        "True SELL",
    ]


def test_a_script_that_forgets_the_shutdown_still_ends(tmp_path: Path) -> None:
    assert run(SCRIPT, tmp_path).returncode == 0


def test_everything_it_names_is_there() -> None:
    assert all(hasattr(tradeconsole, name) for name in tradeconsole.__all__)
