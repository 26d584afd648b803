"""Measures the simulated market: what share of one core 5,000 quotes a second take in the wall clock's time, for few and for many symbols,
and how much faster than time a week of 500 symbols goes by, with what memory.

Run as `python -m tests.bench.bench_simulated_feed`. The goals are under 15 % of a core, and memory that does not grow with the days.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from contextlib import suppress
from datetime import date

from engine.feeds.simulated import SimulatedFeed
from engine.model.market import MarketEvent, MarketStatus, Phase, Quote
from engine.model.settings import FeedSettings

QUOTES_PER_SECOND = 5000
SECONDS = 3.0
WEEK_SYMBOLS = 500
SECONDS_A_QUOTE = 20.0


class OverError(Exception):
    """The week is."""


async def measure(symbols: int) -> tuple[float, float]:
    """Quotes a second and the share of a core."""
    feed = SimulatedFeed((), FeedSettings(quotes_per_second=QUOTES_PER_SECOND / symbols, universe=symbols))
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


async def week() -> None:
    """Monday to Friday in New York's sessions, as fast as it goes; the largest memory so far at the end of each day."""
    chosen = FeedSettings(session="XNYS", speed=0, universe=WEEK_SYMBOLS, quotes_per_second=1 / SECONDS_A_QUOTE, bar_seconds=60)
    feed = SimulatedFeed((), chosen, start=date(2024, 11, 18))
    events, peaks = 0, []

    def count(event: MarketEvent) -> None:
        nonlocal events
        events += 1
        if isinstance(event, MarketStatus) and event.phase is Phase.CLOSED:
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            if len(peaks) == 5:
                raise OverError

    cpu = time.process_time()
    with suppress(OverError):
        await feed.run(count)
    cpu = time.process_time() - cpu
    ratio = 5 * 16 * 3600 / cpu
    sys.stdout.write(f"a week of {WEEK_SYMBOLS} symbols: {events:,} events, {cpu / events * 1e6:.1f} us each, {ratio:,.0f} times time; ")
    sys.stdout.write(f"peak memory grew by {peaks[-1] / peaks[0] - 1:.1%} from its first day to its last\n")


def main() -> None:
    asyncio.run(week())  # first: nothing else has raised the peak yet
    for symbols in (1, 8, 500, 1000):
        rate, share = asyncio.run(measure(symbols))
        per_quota = share * QUOTES_PER_SECOND / rate
        sys.stdout.write(f"{symbols:5} symbols: {rate:6.0f} quotes/s told, {per_quota:5.1%} of a core per {QUOTES_PER_SECOND} quotes/s\n")


if __name__ == "__main__":
    main()
