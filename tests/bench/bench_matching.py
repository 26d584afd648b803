"""Measures what a bar costs in matching, as a multiple of a call that does nothing: with no order, with one that rests, and with fills.

Run as `python -m tests.bench.bench_matching`. A backtest makes a million bars, and nearly all of them fill nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from engine.core.matching import Matcher
from engine.core.slippage import basis_points
from engine.model.market import Bar
from engine.model.orders import Side
from tests.engine.core.orders_and_bars import order

BARS = 300_000
EVERY = 100
"""Bars between two orders, where some fill."""


def per_bar(on_bar: Callable[[Bar], object], bars: Sequence[Bar]) -> float:
    """Nanoseconds of CPU."""
    begun = time.process_time()
    for each in bars:
        on_bar(each)
    return (time.process_time() - begun) / len(bars) * 1e9


def with_fills(bars: Sequence[Bar]) -> float:
    market = Matcher(volume_cap=0.1, slip=basis_points(1))
    begun = time.process_time()
    for number, each in enumerate(bars):
        market.on_bar(each)
        if number % EVERY == 0:
            market.add(order(Side.BUY, 100), placed_at=each.at)
    return (time.process_time() - begun) / len(bars) * 1e9


def main() -> None:
    bars = [Bar("AAPL", at, 100.0, 101.0, 99.0, 100.5, 1e6) for at in range(1, BARS + 1)]
    nothing = per_bar(lambda bar: None, bars)
    without = per_bar(Matcher(volume_cap=0.1, slip=basis_points(1)).on_bar, bars)
    resting = Matcher(volume_cap=0.1, slip=basis_points(1))
    resting.add(order(Side.BUY, limit=50), placed_at=-1)
    one = per_bar(resting.on_bar, bars)
    filling = with_fills(bars)
    for name, cost in (("no order", without), ("a limit rests", one), (f"a market order fills every {EVERY} bars", filling)):
        sys.stdout.write(f"{name}: {cost:,.0f} ns a bar, {cost / nothing:.1f} x a call that does nothing\n")


if __name__ == "__main__":
    main()
