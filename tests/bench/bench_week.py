"""Bench of weeks of the simulated market, run ahead of the wall clock: whether the engine's memory stays flat and its loop free.

Run as `python -m tests.bench.bench_week [SYMBOLS]` (500). New York's sessions, quotes and bars of every symbol through prices, paper market
and view, an order on every hundredth bar, a screen's worth of views a second. Memory is the process's resident set. It grows until each
thing that the engine keeps a number of is full (bars, ended orders, decided signals, lines of the log), and is compared from then on.
"""

from __future__ import annotations

import gc
import itertools
import queue
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from console.build import create_engine
from engine.live import Engine
from engine.model.market import Bar, MarketStatus, Phase
from engine.model.modes import Mode
from engine.model.orders import Intent, OrderType, Side
from engine.model.settings import FeedSettings, Limits, PaperSettings, Settings

SYMBOLS = 500
SESSIONS, SETTLED = 8, 4
"""The thousand bars of each symbol that the engine keeps are full after three sessions: memory is compared from the fourth close on."""
QUOTE_EVERY_S = 60.0
BAR_S = 60
HUNDRED = Decimal(100)
VIEW_EVERY_S = 0.05
"""Of the wall clock, as a screen asks for them."""
ORDER_EVERY = 100
"""Bars of the market: some two thousand orders a session at 500 symbols, far more than a person and a handful of strategies make."""


def settings(folder: Path, symbols: int) -> Settings:
    limits = Limits(
        max_position_pct=HUNDRED,
        max_order_pct=HUNDRED,
        max_exposure_pct=Decimal(400),
        short_selling=True,
        max_account_orders_second=10_000,
        max_account_orders_minute=10_000,
        max_account_orders_day=10_000,
        max_orders_day=1_000,
        repetition_s=0,
    )
    feed = FeedSettings(universe=symbols, session="XNYS", speed=0.0, quotes_per_second=1 / QUOTE_EVERY_S, bar_seconds=BAR_S)
    return Settings(
        database=folder / "paper.db", mode=Mode.MANUAL, feed=feed, limits=limits, paper=replace(PaperSettings(), cash=Decimal(10_000_000))
    )


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


@contextmanager
def started(folder: Path, symbols: int) -> Iterator[tuple[Engine, list[str], queue.SimpleQueue[Bar]]]:
    """An engine on that market, the names of the sessions that have closed so far, and the bars to trade on."""
    engine = create_engine(settings(folder, symbols))
    closed: list[str] = []
    turns: queue.SimpleQueue[Bar] = queue.SimpleQueue()
    bars = itertools.count(1)

    def hear_bar(bar: Bar) -> None:
        if next(bars) % ORDER_EVERY == 0:
            turns.put(bar)

    def hear(status: MarketStatus) -> None:
        if status.phase is Phase.CLOSED and status.session not in closed:
            closed.append(status.session)

    engine.subscribe(MarketStatus, hear)
    engine.subscribe(Bar, hear_bar)
    engine.start()
    problem = engine.wait_ready().health.problem
    if problem:
        raise RuntimeError(problem)
    try:
        yield engine, closed, turns
    finally:
        engine.shutdown(60)


def order(draw: random.Random, bar: Bar) -> Intent:
    """Most trade at once, some rest and end with the session or when the market comes to them."""
    side = draw.choice(list(Side))
    if draw.random() < 0.7:
        return Intent(bar.symbol, side, Decimal(draw.randint(1, 20)))
    away = Decimal(repr(round(bar.close * (0.99 if side is Side.BUY else 1.01), 2)))
    return Intent(bar.symbol, side, Decimal(draw.randint(1, 20)), OrderType.LIMIT, limit=away)


def main() -> None:
    symbols = int(sys.argv[1]) if len(sys.argv) > 1 else SYMBOLS
    draw = random.Random(1)
    lines, by_day, slowest = [], [], 0.0
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), symbols) as (engine, closed, turns):
        began = time.monotonic()
        told = 0
        while len(closed) <= SESSIONS:
            asked = time.monotonic()
            view = engine.status(60)
            slowest = max(slowest, time.monotonic() - asked)
            for _ in range(turns.qsize()):
                engine.submit(order(draw, turns.get()))
            time.sleep(VIEW_EVERY_S)
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
