"""Lots and trades as the history tells of them: they are made of the fills, and add up to the position and to its profit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.orders import Fill, OrderType, Side, Source, TimeInForce
from engine.model.records import (
    CashMoved,
    FillBooked,
    FillCorrected,
    OrderPlaced,
    PositionAccepted,
    PositionAdopted,
    Record,
    SessionOpened,
    SplitBooked,
)
from engine.model.verdicts import PASSED
from storage import lots as lots_module
from storage import schema
from storage.codec import encode
from storage.history import History, open_history
from storage.projections import rebuild
from tests.storage.strategies import histories

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


@asynccontextmanager
async def history_of(records: Sequence[Record]) -> AsyncIterator[History]:
    with TemporaryDirectory() as folder:
        database = Path(folder) / "paper.db"
        with closing(schema.open_database(database)) as connection, connection:
            rows = [(seq, "run", 10 * seq, *encode(record)) for seq, record in enumerate(records, 1)]
            connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", rows)
        rebuild(database)
        async with await open_history(database) as history:
            yield history


def fill(number: int, side: Side, quantity: int | str, price: int | str, order: str = "", fees: int = 0) -> FillBooked:
    return FillBooked(
        Fill(f"f-{number}", order or f"r-{number}", "AAPL", side, D(quantity), D(price), D(quantity) * D(price), D(fees), number)
    )


def placed(order: str, *, strategy: str = "", **changes: Any) -> OrderPlaced:
    base = OrderPlaced(
        *(order, int(order[2:]), "AAPL", BUY, D(10), D(10), OrderType.MARKET, None, None, TimeInForce.DAY, Source.PERSON, strategy),
        *("", False, "", D(100), PASSED, 1),
    )
    return replace(base, **changes)


async def lots_of(records: Sequence[Record]) -> list[tuple[Decimal, Decimal | None]]:
    async with history_of(records) as history:
        return [(lot.quantity, lot.price) for lot in await history.lots("AAPL")]


@given(records=histories)
@settings(max_examples=60, deadline=None)
def test_the_lots_add_up_to_what_is_held_whatever_happened(records: list[Record]) -> None:
    async def check() -> None:
        async with history_of(records) as history:
            for position in await history.positions():
                lots = await history.lots(position.symbol)
                assert sum((lot.quantity for lot in lots), D(0)) == position.quantity
                assert all(lot.quantity * position.quantity > 0 for lot in lots)

    asyncio.run(check())


_trades = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 20), st.integers(1, 9)), max_size=25)


@given(trades=_trades)
@settings(max_examples=60, deadline=None)
def test_lots_are_what_first_in_first_out_leaves(trades: list[tuple[Side, int, int]]) -> None:
    """Against the plain way: a queue of open lots from the first fill on."""
    queue: list[list[int]] = []
    for side, quantity, price in trades:
        while quantity and queue and (queue[0][0] > 0) != (side is BUY):
            taken = min(quantity, abs(queue[0][0]))
            queue[0][0] -= taken if queue[0][0] > 0 else -taken
            quantity -= taken
            if not queue[0][0]:
                queue.pop(0)
        if quantity:
            queue.append([side.sign * quantity, price])
    records: list[Record] = [fill(number, side, quantity, price) for number, (side, quantity, price) in enumerate(trades, 1)]
    assert asyncio.run(lots_of(records)) == [(D(quantity), D(price)) for quantity, price in reversed(queue)]


async def test_a_split_between_a_fill_and_now_gives_the_lot_in_todays_shares() -> None:
    records: list[Record] = [fill(1, BUY, 3, 90), SplitBooked("AAPL", D(3), D(9), D(0), 2), fill(3, BUY, 1, 31), fill(4, SELL, 2, 35)]
    assert await lots_of(records) == [(D(1), D(31)), (D(7), D(30))]


async def test_what_was_taken_over_is_a_lot_without_an_order() -> None:
    records: list[Record] = [PositionAdopted("AAPL", D(4), D("150.25"), D("-601"), "found at the broker", 1), fill(2, BUY, 1, 160)]
    async with history_of(records) as history:
        newest, oldest = await history.lots("AAPL")
    assert (newest.order_id, oldest.order_id) == ("r-2", "")
    assert (oldest.quantity, oldest.price) == (D(4), D("150.25"))


async def test_what_was_accepted_is_a_lot_where_it_was_traded_in_the_positions_direction() -> None:
    bought = PositionAccepted("AAPL", D(4), D(640), "bought by telephone", 2)
    sold = PositionAccepted("AAPL", D(-3), D(-480), "sold by telephone", 3)
    assert await lots_of([fill(1, BUY, 5, 100), bought]) == [(D(4), D(160)), (D(5), D(100))]
    assert await lots_of([fill(1, BUY, 5, 100), bought, sold]) == [(D(4), D(160)), (D(2), D(100))]


async def test_what_the_broker_took_back_is_in_no_lot() -> None:
    taken_back = FillCorrected("r-7", "AAPL", BUY, D(-6), D(-610), D(0), "busted", 4)
    records: list[Record] = [fill(1, BUY, 5, 100, "r-7"), fill(2, BUY, 4, 102, "r-7"), fill(3, BUY, 1, 103), taken_back]
    assert await lots_of(records) == [(D(1), D(103)), (D(3), D(100))]


async def test_lots_beyond_the_most_stand_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots_module, "MOST", 3)
    assert await lots_of([fill(n, BUY, 2, n) for n in range(1, 7)]) == [(D(2), D(6)), (D(2), D(5)), (D(2), D(4)), (D(6), None)]


async def test_a_trade_is_an_order_that_closed_something_with_all_its_fills() -> None:
    records: list[Record] = [
        SessionOpened("2018-01-02", D(1), 1),
        *(placed("r-1", strategy="rsi"), placed("r-2", strategy="rsi"), placed("r-3")),
        fill(1, BUY, 10, 100, "r-1", fees=1),
        *(fill(2, SELL, 2, 99, "r-2", fees=1), fill(3, SELL, 4, 103, "r-2", fees=1)),
        fill(4, SELL, 4, 90, "r-3", fees=1),
        fill(5, BUY, 1, 90, "elsewhere"),
        fill(6, SELL, 1, 95, "elsewhere"),
    ]
    async with history_of(records) as history:
        mine, rsi = await history.totals()
        assert (rsi.wins, rsi.losses, rsi.gained, rsi.lost) == (1, 0, D(8), D(0))
        assert (mine.wins, mine.losses, mine.gained, mine.lost) == (1, 1, D(5), D(41))
        assert [(row.wins, row.losses) for row in await history.daily()] == [(1, 1), (1, 0)]
        orders = {row.id: (row.closes, row.realised) for row in await history.orders()}
        assert orders == {"r-1": (False, D(-1)), "r-2": (True, D(8)), "r-3": (True, D(-41))}


async def test_a_correction_turns_a_trade_that_won_into_one_that_lost() -> None:
    records: list[Record] = [
        *(placed("r-1"), placed("r-2"), fill(1, BUY, 10, 100, "r-1"), fill(2, SELL, 10, 101, "r-2")),
        FillCorrected("r-2", "AAPL", SELL, D(0), D(-30), D(0), "price was wrong", 3, D(-30)),
    ]
    async with history_of(records[:-1]) as history:
        [before] = await history.totals()
    async with history_of(records) as history:
        [after] = await history.totals()
    assert (before.wins, before.losses, before.gained, before.lost) == (1, 0, D(10), D(0))
    assert (after.wins, after.losses, after.gained, after.lost) == (0, 1, D(0), D(20))


async def test_orders_that_hang_together_are_found_from_each_of_them() -> None:
    records: list[Record] = [
        *(placed("r-1"), placed("r-2", parent="r-1", oco="g"), placed("r-3", parent="r-1", oco="g"), placed("r-4")),
        placed("r-5", succeeds="r-4"),
    ]
    async with history_of(records) as history:
        found = {}
        for order in await history.orders():
            found[order.id] = [row.id for row in await history.family(order)]
    assert found == {"r-1": ["r-2", "r-3"], "r-2": ["r-1", "r-3"], "r-3": ["r-1", "r-2"], "r-4": ["r-5"], "r-5": ["r-4"]}


async def test_a_trail_goes_on_where_it_was_left() -> None:
    async with history_of([placed("r-1"), fill(2, BUY, 4, 100, "r-1"), fill(3, BUY, 6, 100, "r-1")]) as history:
        first, second, third = await history.trail("r-1")
        assert await history.trail("r-1", after=first.seq) == (second, third)
        assert await history.trail("r-1", after=third.seq) == ()


async def test_money_that_no_trade_explains_is_told_by_session() -> None:
    records: list[Record] = [SessionOpened("2018-01-02", D(1), 1), CashMoved(D(500), "deposit", 2), CashMoved(D(-20), "fee", 3)]
    async with history_of(records) as history:
        assert [(row.session, row.amount, row.reason) for row in await history.flows()] == [
            ("2018-01-02", D(500), "deposit"),
            ("2018-01-02", D(-20), "fee"),
        ]


async def test_the_audit_is_found_by_the_symbol_it_is_about() -> None:
    records: list[Record] = [SplitBooked("AAPL", D(2), D(0), D(0), 1), SplitBooked("IBM", D(2), D(0), D(0), 2), CashMoved(D(1), "x", 3)]
    async with history_of(records) as history:
        assert [line.symbol for line in await history.audit()] == ["", "IBM", "AAPL"]
        assert [line.symbol for line in await history.audit(symbol="IBM")] == ["IBM"]
        assert [line.symbol for line in await history.audit(symbol="IBM", since=2, until=9)] == ["IBM"]
