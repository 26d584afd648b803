"""Bench of the emergency stop: a hundred orders at work at a broker 100 ms away, from the key to the broker's own word that none is left.

Run as `python -m tests.bench.bench_stop`. The goals beside the figures are the stop's promise; the last column is the share of it that p99
uses. From the gate that is shut in memory on nothing is sent; the latch file, for a restart, takes what the disk takes for a sync, which is
measured beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.model.modes import TradingState
from tests.bench.bench_order_path import sync_times
from tests.bench.stop_times import StopTimes
from tests.engine.engines import running, until
from tests.project_files import ROOT
from tests.test_stop import FarBroker, at_rest, at_work

RUNS = 20
ROUND_TRIP_S = 0.1
GATE_S, SENT_S, VERIFIED_S, KILL_S = 0.05, 1.5, 5.0, 1.0


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def one_stop(folder: Path) -> tuple[float, float, float, float]:
    """Seconds from the key until the gate is shut in memory, the latch file is durable, every cancel is sent, and the standstill is
    verified."""
    broker = FarBroker(ROUND_TRIP_S)
    with running(folder, broker) as engine:
        at_work(engine, broker)
        times = StopTimes(engine)
        began = time.perf_counter()
        _, shut, durable = times.press()
        if not broker.told.wait(60):
            raise AssertionError("not every order was named in a cancel")
        sent = time.perf_counter() - began
        until(engine, at_rest, 60)
        verified = time.perf_counter() - began
        if broker.listed:
            raise AssertionError(f"verified, with {len(broker.listed)} orders at work")
    return shut, durable, sent, verified


def one_kill(folder: Path) -> float:
    """Seconds from the command `tradeconsole kill` until an engine that runs is HALTED by it."""
    with running(folder) as engine:
        command = [sys.executable, "-m", "console.cli", "kill", "--database", os.fspath(folder / "paper.db")]
        began = time.perf_counter()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            until(engine, lambda view: view.account.state is TradingState.HALTED, 60)
            return time.perf_counter() - began


def main() -> None:
    stops, kills, syncs = [], [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            stops.append(one_stop(Path(folder)))
            syncs += sync_times(Path(folder), 20)
        with tempfile.TemporaryDirectory() as folder:
            kills.append(one_kill(Path(folder)))
    rows = [
        ("gate shut in memory", [shut for shut, *_ in stops], GATE_S),
        ("latch file durable", [durable for _, durable, _, _ in stops], GATE_S),
        ("cancels sent", [sent for _, _, sent, _ in stops], SENT_S),
        ("verified: nothing works", [verified for *_, verified in stops], VERIFIED_S),
        ("tradeconsole kill to HALTED", kills, KILL_S),
    ]
    out = sys.stdout.write
    out(f"the stop, 100 orders at a round trip of {ROUND_TRIP_S * 1000:.0f} ms, {RUNS} runs: p50, p99, the goal in ms, the share used\n")
    for name, times, goal in rows:
        p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
        out(f"  {name:<30} {p50 * 1000:8.3f} {p99 * 1000:8.3f}   <= {goal * 1000:5.0f}   {p99 / goal:6.1%}\n")
    out(f"  {'(one sync of this disk)':<30} {percentile(syncs, 0.5) * 1000:8.3f} {percentile(syncs, 0.99) * 1000:8.3f}\n")


if __name__ == "__main__":
    main()
