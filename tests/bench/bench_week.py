"""Bench of weeks of the simulated market, run ahead of the wall clock: whether the engine's memory stays flat and its loop free.

Run as `python -m tests.bench.bench_week [SYMBOLS]` (500). New York's sessions, quotes and bars of every symbol through prices, paper market
and view, orders by a script all the while, a screen's worth of views a second. Memory is the process's resident set.
"""

from __future__ import annotations

import gc
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from console.build import create_engine
from engine.live import Engine
from engine.model.market import MarketStatus, Phase
from engine.model.modes import Mode
from engine.model.orders import Intent, OrderType, Side
from engine.model.settings import FeedSettings, Limits, PaperSettings, Settings

SYMBOLS = 500
SESSIONS, SETTLED = 8, 4
"""The thousand bars of each symbol that the engine keeps are full after three sessions: memory is compared from the fourth close on."""
QUOTE_EVERY_S = 60.0
BAR_S = 60
HUNDRED = Decimal(100)
ORDER_EVERY_S = 0.02
"""Of the wall clock: some fifty orders a second, far more than a person and a handful of strategies make."""


def settings(folder: Path, symbols: int) -> Settings:
    limits = Limits(
        max_position_pct=HUNDRED,
        max_order_pct=HUNDRED,
        max_exposure_pct=Decimal(400),
        short_selling=True,
        max_account_orders_second=10_000,
        max_account_orders_minute=10_000,
        max_account_orders_day=10_000,
    )
    feed = FeedSettings(universe=symbols, session="XNYS", speed=0.0, quotes_per_second=1 / QUOTE_EVERY_S, bar_seconds=BAR_S)
    return Settings(
        database=folder / "paper.db", mode=Mode.MANUAL, feed=feed, limits=limits, paper=replace(PaperSettings(), cash=Decimal(10_000_000))
    )


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


@contextmanager
def started(folder: Path, symbols: int) -> Iterator[tuple[Engine, list[str]]]:
    """An engine on that market, and the names of the sessions that have closed so far."""
    engine = create_engine(settings(folder, symbols))
    closed: list[str] = []

    def hear(status: MarketStatus) -> None:
        if status.phase is Phase.CLOSED and status.session not in closed:
            closed.append(status.session)

    engine.subscribe(MarketStatus, hear)
    engine.start()
    problem = engine.wait_ready().health.problem
    if problem:
        raise RuntimeError(problem)
    try:
        yield engine, closed
    finally:
        engine.shutdown(60)


def order(draw: random.Random, engine: Engine) -> Intent | None:
    row = draw.choice(engine.view().watch)
    if row.last is None:
        return None
    side = draw.choice(list(Side))
    if draw.random() < 0.7:
        return Intent(row.symbol, side, Decimal(draw.randint(1, 20)))
    away = Decimal(repr(round(row.last * (0.99 if side is Side.BUY else 1.01), 2)))
    return Intent(row.symbol, side, Decimal(draw.randint(1, 20)), OrderType.LIMIT, limit=away)


def main() -> None:
    symbols = int(sys.argv[1]) if len(sys.argv) > 1 else SYMBOLS
    draw = random.Random(1)
    lines, by_day, slowest = [], [], 0.0
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), symbols) as (engine, closed):
        began = time.monotonic()
        told = 0
        while len(closed) <= SESSIONS:
            asked = time.monotonic()
            view = engine.status(60)
            slowest = max(slowest, time.monotonic() - asked)
            if (intent := order(draw, engine)) is not None:
                engine.submit(intent)
            if len(closed) > told:
                told = len(closed)
                gc.collect()
                by_day.append(resident_mb())
                metrics = view.metrics
                lines.append(
                    f"{closed[-1]}  {by_day[-1]:7.1f} MB   {metrics.market_events:>10,} events  {metrics.submitted:>7,} orders  "
                    f"{metrics.fills:>7,} fills"
                )
                sys.stdout.write(lines[-1] + "\n")
                sys.stdout.flush()
            time.sleep(ORDER_EVERY_S)
        seconds = time.monotonic() - began
        events, lag = view.metrics.market_events, view.metrics.lag
        database = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
    sys.stdout.write(
        f"{symbols} symbols, {SESSIONS} sessions in {seconds:.0f} s: {events / seconds:,.0f} market events/s; on disk {database:.1f} MB\n"
        f"memory at the last close against the one {SESSIONS - SETTLED} sessions before: {by_day[-1] / by_day[SETTLED]:.2f} x\n"
        f"view built within {slowest * 1e3:.0f} ms at the most" + (f"; loop lag p99 {lag.p99:.1f} ms\n" if lag else "\n")
    )


if __name__ == "__main__":
    main()
