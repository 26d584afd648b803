"""Bench of a long history: what a journal of many trades costs to fold, to page through, to sum up, and to start on.

python tests/bench/bench_history.py [TRADES], 100,000 where nothing is said: a million takes minutes to make.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.core.checkpoint import SHAPE, save, take_over
from engine.core.state import State
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, OrderState, OrderType, Side, Source, TimeInForce
from engine.model.records import (
    Checkpoint,
    EquityMarked,
    FillBooked,
    OrderChanged,
    OrderPlaced,
    Record,
    RunEnded,
    RunStarted,
    SessionOpened,
)
from engine.model.verdicts import PASSED
from storage import schema
from storage.codec import encode
from storage.history import History, open_history
from storage.journal import INSERT, open_journal
from storage.projections import Projector

SYMBOLS = tuple(f"S{number:03}" for number in range(500))
A_DAY = 4_000
"""Trades of one session: a million are a year of them."""
MINUTES = 390
SECOND = 10**9
DAY = 86_400 * SECOND


def records(trades: int) -> Iterator[Record]:
    """A history of that many trades, each an order with one fill, by three strategies and a person; a point of equity a minute."""
    chance = random.Random(1)
    cash = Decimal(10_000_000)
    yield RunStarted("bench", "paper", "sim", cash, 0)
    for number in range(1, trades + 1):
        day, within = divmod(number - 1, A_DAY)
        at = day * DAY + within * MINUTES * 60 * SECOND // A_DAY
        if not within:
            yield SessionOpened(f"{2000 + day // 250}-{day % 250:03}", cash, at)
        if not within % (A_DAY // MINUTES):
            yield EquityMarked(cash, cash, cash, cash, at)
        symbol, side, strategy = chance.choice(SYMBOLS), chance.choice(list(Side)), chance.choice(("", "sma", "rsi", "breakout"))
        quantity, price = Decimal(chance.randrange(1, 100)), Decimal(chance.randrange(1_000, 50_000)) / 100
        key = f"261121-bench-{number}"
        yield OrderPlaced(
            *(key, number, symbol, side, quantity, quantity, OrderType.LIMIT, price, None, TimeInForce.DAY),
            *(Source.STRATEGY if strategy else Source.PERSON, strategy, "", False, "", price, PASSED, at),
        )
        yield OrderChanged(key, OrderEvent.ACCEPT, OrderState.ACCEPTED, f"B{number}", "", at)
        yield FillBooked(Fill(f"{key}/1", key, symbol, side, quantity, price, quantity * price, Decimal("0.35"), at, "limit-through"))
        yield OrderChanged(key, OrderEvent.FILL_ALL, OrderState.FILLED, f"B{number}", "", at)


def write(path: Path, trades: int) -> tuple[int, int]:
    """Writes that journal as a run would have that ended in order. Answers how many records, and the size of its checkpoint."""
    state, count, at, rows = State(), 0, 0, []
    with closing(schema.open_database(path)) as connection:

        def put(record: Record) -> int:
            nonlocal count
            count += 1
            kind, body = encode(record)
            rows.append((count, "bench", at, kind, body))
            if len(rows) == 10_000 or isinstance(record, Checkpoint):
                connection.executemany(INSERT, rows)
                connection.commit()
                rows.clear()
            return len(body)

        for record in records(trades):
            at = getattr(record, "at", at)
            state.apply(record)
            put(record)
        put(RunEnded("bench", at))
        return count, put(save(state, at))


async def best_ms(question: Callable[[], Awaitable[Any]], times: int = 20) -> str:
    """How long the answer takes, in milliseconds: the middle and the slowest of some."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await question()
        taken.append(1e3 * (time.perf_counter() - began))
    return f"p50 {sorted(taken)[times // 2]:8.2f} ms   slowest {max(taken):8.2f} ms"


async def pages(history: History, last: int) -> list[str]:
    """Pages of a hundred at the newest, the middle and the oldest end, of all symbols and of one, by place and by time."""
    lines = []
    [newest] = await history.fills(limit=1)
    for name, before, until in (
        ("newest", None, newest.at + 1),
        ("middle", last // 2, newest.at // 2),
        ("oldest", last // 100, newest.at // 100),
    ):
        lines.append(f"page of fills, {name:7}        {await best_ms(lambda b=before: history.fills(before=b))}")  # type: ignore[misc]
        lines.append(f"  of one symbol             {await best_ms(lambda b=before: history.fills(before=b, symbol='S250'))}")  # type: ignore[misc]
        lines.append(f"  of one symbol, by time    {await best_ms(lambda u=until: history.fills(until=u, symbol='S250'))}")  # type: ignore[misc]
        lines.append(f"page of orders, {name:7}       {await best_ms(lambda b=before: history.orders(before=b))}")  # type: ignore[misc]
    return lines


async def start(path: Path, shape: str) -> tuple[float, float, int]:
    """Seconds to open the journal and to read it into a state, from its newest checkpoint where it has one of `shape`; and how many orders
    that state holds."""
    began = time.perf_counter()
    journal = await open_journal(path, run_id="next")
    opened = time.perf_counter() - began
    began = time.perf_counter()
    state = State()
    async for record in journal.read(shape):
        take_over(state, record)
    read = time.perf_counter() - began
    await journal.close()
    return opened, read, len(state.book.orders)


def outdated(path: Path) -> Path:
    """The database as another version of the tables left it."""
    with closing(schema.connect(path)) as connection, connection:
        connection.execute("UPDATE projected SET version = version - 1")
    return path


def folded(path: Path) -> float:
    """Seconds to make the history tables."""
    began = time.perf_counter()
    with closing(schema.connect(path)) as connection:
        Projector(connection).catch_up()
    return time.perf_counter() - began


def size_mb(path: Path) -> float:
    return path.stat().st_size / 1e6


async def bench(path: Path, trades: int) -> list[str]:
    began = time.perf_counter()
    count, checkpoint = write(path, trades)
    wrote, journal_mb = time.perf_counter() - began, size_mb(path)
    folds = folded(path)
    lines = [
        f"trades                      {trades:8}      {count} records, {journal_mb:.0f} MB of journal, {size_mb(path):.0f} MB with history",
        f"journal made                {wrote:8.1f} s    {count / wrote:8.0f} records/s",
        f"history folded              {folds:8.1f} s    {count / folds:8.0f} records/s",
    ]
    async with await open_history(path) as history:
        lines += await pages(history, count)
        lines.append(f"results of all time         {await best_ms(history.totals)}")
        [newest] = await history.sessions(limit=1)
        lines.append(f"results of one session      {await best_ms(lambda: history.daily(since=newest.session))}")
        lines.append(f"trail of an order           {await best_ms(lambda: history.trail(f'261121-bench-{trades // 2}'))}")
    opened, read, orders = await start(path, SHAPE)
    lines.append(f"start: open and check       {opened:8.2f} s")
    lines.append(f"start from the checkpoint   {read:8.2f} s    {checkpoint / 1e6:.1f} MB, {orders} orders in memory")
    opened, read, _ = await start(outdated(path), SHAPE)
    lines.append(f"start with other tables     {opened + read:8.2f} s    while they are made anew")
    _, read, orders = await start(path, "")
    lines.append(f"start without one           {read:8.2f} s    {orders} orders in memory")
    lines.append(f"peak memory                 {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")
    return lines


def main() -> None:
    trades = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("\n".join(asyncio.run(bench(Path(folder) / "bench.db", trades))) + "\n")


if __name__ == "__main__":
    main()
