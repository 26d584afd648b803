"""Databases with a history, made of records at once: for tests of the screens that read one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, OrderState, OrderType, Side, Source, TimeInForce
from engine.model.records import FillBooked, OrderChanged, OrderPlaced, Record, RunStarted, SessionOpened, SignalDecided, SignalRaised
from engine.model.signals import Signal, SignalState, Vote
from engine.model.verdicts import PASSED
from storage import schema
from storage.codec import encode
from storage.projections import rebuild
from tests.views import NEW_YORK_IN_JUNE

D = Decimal
SECOND = 10**9
DAY = 86_400 * SECOND
MONDAY = int(datetime(2025, 6, 2, 9, 30, tzinfo=NEW_YORK_IN_JUNE).timestamp()) * SECOND
"""Monday, 2 June 2025, 9:30 in New York, in nanoseconds UTC."""


def write(database: Path, records: Sequence[Record], *, folded: bool = True) -> Path:
    """A database whose journal holds `records`, and whose history does where they are `folded`."""
    with closing(schema.open_database(database)) as connection, connection:
        (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
        rows = [(seq, "run-1", MONDAY + seq, *encode(record)) for seq, record in enumerate(records, last + 1)]
        connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", rows)
    if folded:
        rebuild(database)
    return database


def trades(count: int, symbols: Sequence[str] = ("AAPL", "MSFT"), start: int = MONDAY) -> Iterator[Record]:
    """A run of a few days: every order filled at once, in turn a buy and a sale of 10, ten of them a session."""
    yield RunStarted("run-1", "paper", "sim", D(100_000), start)
    for number in range(1, count + 1):
        day, within = divmod(number - 1, 10)
        at = start + day * DAY + within * 60 * SECOND
        if not within:
            yield SessionOpened(datetime.fromtimestamp(at // SECOND, NEW_YORK_IN_JUNE).date().isoformat(), D(100_000), at)
        symbol = symbols[(number - 1) // 2 % len(symbols)]
        side = Side.BUY if number % 2 else Side.SELL
        order_id, price = f"r-{number}", D(100 + number % 7)
        yield placed(order_id, symbol, side, at)
        yield OrderChanged(order_id, OrderEvent.ACCEPT, OrderState.ACCEPTED, f"B{number}", "", at)
        yield FillBooked(Fill(f"f-{number}", order_id, symbol, side, D(10), price, 10 * price, D("0.35"), at, "market-quote"))
        yield OrderChanged(order_id, OrderEvent.FILL_ALL, OrderState.FILLED, "", "", at)


def placed(order_id: str, symbol: str, side: Side, at: int, reason: str = "") -> OrderPlaced:
    number = int(order_id.rsplit("-", 1)[1])
    return OrderPlaced(
        *(order_id, number, symbol, side, D(10), D(10), OrderType.MARKET, None, None, TimeInForce.DAY, Source.PERSON, "", "", False),
        *(reason, D(100), PASSED, at),
    )


def signals(count: int, at: int = MONDAY, **changes: Any) -> Iterator[Record]:
    for number in range(1, count + 1):
        signal = Signal(
            *(f"s-{number}", number, "rsi", "AAPL", Side.BUY, D(5), OrderType.MARKET, None, None, D(101), 0.75, "oversold"),
            *((Vote("rsi", Side.BUY, 0.75, (("rsi", 28.5),)),), at, 0),
        )
        yield SignalRaised(replace(signal, **changes), PASSED, at)
        yield SignalDecided(signal.id, SignalState.REJECTED, "you", "earnings tonight", D(102), "", at)
