"""Measures what a verdict costs beside what works already: orders in a few symbols, and in many.

Run as `python -m tests.bench.bench_gate`. The goal: a verdict costs the same (at most 1.5 times) whether orders work in 10 symbols
or in 1,000, and at most three times where an order has just changed and all that is reserved is summed up. Many orders in one symbol cost
what it takes to look at each of them.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal

from engine.core.core import Core
from engine.model.market import Instrument, Quote
from engine.model.modes import Mode
from engine.model.orders import Intent, OrderType, Side, Source, TimeInForce
from engine.model.records import OrderPlaced, RunStarted
from engine.model.settings import Settings
from engine.model.verdicts import PASSED

TURNS = 200
ROUNDS = 5
LATER = 10**18
"""Market time long after the last order, so that no rate holds the next."""
WISH = Intent("S1", Side.BUY, Decimal(5))


def working(orders: int, symbols: int) -> Core:
    names = [f"S{number}" for number in range(symbols)]
    core = Core(Settings(), [Instrument(name) for name in names], run_id="run", price_life_s=1e9)
    core.start(RunStarted("run", "paper", "bench", Decimal(10**12), 0), Mode.MANUAL, "", 1)
    core.gate.ready = True
    for name in names:
        core.handle(Quote(name, 1, 99.99, 100.01, 1e9, 1e9, 100.0), 1)
    for number in range(orders):
        place(core, number + 1, names[number % symbols])
    return core


def place(core: Core, number: int, symbol: str) -> None:
    size, price = Decimal(10), Decimal(99)
    core.desk.record(
        OrderPlaced(
            id=f"run-{number}",
            number=number,
            symbol=symbol,
            side=Side.BUY,
            quantity=size,
            requested=size,
            type=OrderType.LIMIT,
            limit=price,
            stop=None,
            tif=TimeInForce.DAY,
            source=Source.PERSON,
            strategy="",
            signal_id="",
            reduce_only=False,
            reason="",
            mark=price,
            verdict=PASSED,
            at=0,
        )
    )


def microseconds(core: Core, *, changing: bool) -> float:
    """The best of some rounds, in CPU time a verdict; with `changing` an order was placed before each."""
    best = float("inf")
    for _ in range(ROUNDS):
        spent = 0.0
        for _ in range(TURNS):
            if changing:
                place(core, core.state.book.last_number + 1, "S2")
            start = time.process_time()
            judgement = core.gate.judge(WISH, LATER, 2)
            spent += time.process_time() - start
        best = min(best, spent)
    if not judgement.passes:
        raise AssertionError(f"this measures a yes, and it was: {judgement.verdict.text}")
    return best / TURNS * 1e6


def main() -> None:
    first: tuple[float, float] | None = None
    for orders, symbols in ((10, 10), (1_000, 10), (10_000, 10), (100, 100), (1_000, 1_000), (10_000, 1_000)):
        core = working(orders, symbols)
        same, changed = microseconds(core, changing=False), microseconds(core, changing=True)
        first = first or (same, changed)
        ratios = f"{same / first[0]:5.2f} times, {changed / first[1]:5.2f} times"
        sys.stdout.write(f"{orders:6,} orders in {symbols:5,} symbols  {same:8.1f} us  after an order {changed:8.1f} us   {ratios}\n")


if __name__ == "__main__":
    main()
