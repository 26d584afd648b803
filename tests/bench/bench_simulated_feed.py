"""Measures what share of one core the simulated market takes to tell 5,000 quotes a second, for few and for many symbols.

Run as `python -m tests.bench.bench_simulated_feed`. The goal is under 30 %.
"""

from __future__ import annotations

import asyncio
import sys
import time

from engine.feeds.simulated import SimulatedFeed
from engine.model.market import MarketEvent, Quote
from engine.model.settings import FeedSettings

QUOTES_PER_SECOND = 5000
SECONDS = 3.0


async def measure(symbols: int) -> tuple[float, float]:
    """Quotes a second and the share of a core."""
    settings = FeedSettings(quotes_per_second=QUOTES_PER_SECOND / symbols)
    feed = SimulatedFeed([f"S{number}" for number in range(symbols)], settings)
    quotes = 0

    def count(event: MarketEvent) -> None:
        nonlocal quotes
        quotes += isinstance(event, Quote)

    wall, cpu = time.perf_counter(), time.process_time()
    task = asyncio.create_task(feed.run(count))
    await asyncio.sleep(SECONDS)
    task.cancel()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return quotes / wall, cpu / wall


def main() -> None:
    for symbols in (1, 50, 1000):
        rate, share = asyncio.run(measure(symbols))
        per_quota = share * QUOTES_PER_SECOND / rate
        sys.stdout.write(f"{symbols:5} symbols: {rate:6.0f} quotes/s told, {per_quota:5.1%} of a core per {QUOTES_PER_SECOND} quotes/s\n")


if __name__ == "__main__":
    main()
