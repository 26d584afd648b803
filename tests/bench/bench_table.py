"""CPU milliseconds for one tick of a live table in which every row changes, as the screen does it ten times a second: as rows come, sorted,
and sorted with a filter.

    python -m tests.bench.bench_table

Ten columns at 120x40, with the diff, the painting and Textual's compositing counted. Compare runs on one machine; do not quote them.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from engine.model.views import OrderRow
from tests.views import order
from tests.widgets.harness import Harness
from widgets.columns import Arrangement
from widgets.orders import Orders

TICKS = 30


async def tick_ms(count: int, prepare: Callable[[Orders], None]) -> tuple[float, float]:
    """CPU milliseconds a tick in which all of `count` rows changed, and a tick in which one did."""
    table = Orders()
    async with Harness(table).run_test(size=(160, 40)) as pilot:
        rows = tuple(order(i) for i in range(count))
        table.show_rows(rows)
        prepare(table)
        await pilot.pause()
        versions: list[tuple[OrderRow, ...]] = [tuple(replace(row, quantity=row.quantity + step) for row in rows) for step in range(TICKS)]
        before = time.process_time()
        for version in versions:
            table.show_rows(version)
            await pilot.pause()
        all_rows = (time.process_time() - before) / TICKS * 1000
        rows = versions[-1]
        before = time.process_time()
        for step in range(TICKS):
            rows = (replace(rows[0], quantity=Decimal(step)), *rows[1:])
            table.show_rows(rows)
            await pilot.pause()
        return all_rows, (time.process_time() - before) / TICKS * 1000


def sort(table: Orders) -> None:
    table.rearrange(Arrangement(sort="Qty", descending=True))


def sort_and_filter(table: Orders) -> None:
    sort(table)
    table.open_filter()
    table.take_filter_paste("aapl working")
    table.end_filter()


WAYS: tuple[tuple[str, Callable[[Orders], None]], ...] = (
    ("as rows come", lambda table: None),
    ("sorted", sort),
    ("sorted and filtered", sort_and_filter),
)


def main() -> None:
    for way, prepare in WAYS:
        for count in (50, 500, 5000):
            every, one = asyncio.run(tick_ms(count, prepare))
            sys.stdout.write(f"{way:<20}{count:>5} rows   all change {every:6.1f} ms a tick   one changes {one:6.1f} ms a tick\n")


if __name__ == "__main__":
    main()
