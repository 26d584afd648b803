"""A journal that an earlier version wrote: today's finds in it the orders, the positions and the money that the other one showed."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from engine.core.state import State
from engine.model.modes import Mode
from engine.model.orders import OrderState
from storage.history import open_history
from storage.journal import open_journal

D = Decimal
CASH, FEES = D("1000694.74"), D("4.20")
HELD = {
    "AAPL": (D(-6), D("-599.88"), D("-1.64")),
    "IBM": (D(16), D("1600.32"), D("-1.05")),
    "MSFT": (D(-17), D("-1699.66"), D("-1.79")),
}
"""(quantity, basis, realised), as the version that wrote it had them at its end."""


async def test_a_journal_of_the_first_schema_is_taken_over_to_the_cent(tmp_path: Path) -> None:
    database = tmp_path / "paper.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(Path(__file__).with_name("journal_of_schema_1.sql").read_text())
    journal = await open_journal(database, run_id="today")
    assert (tmp_path / "paper.db.schema-1.backup").exists()
    state = State()
    async for record in journal.read():
        state.apply(record)
    held = {holding.symbol: (holding.quantity, holding.basis, holding.realised) for holding in state.portfolio.holdings.values()}
    assert (state.portfolio.cash, state.portfolio.fees, held) == (CASH, FEES, HELD)
    assert Counter(order.state for order in state.book.orders.values()) == {OrderState.FILLED: 12, OrderState.CANCELED: 4}
    assert (state.runs, state.clean, state.mode, state.session) == (2, True, Mode.FULL_AUTO, "2027-01-15")
    await journal.caught_up()
    async with await open_history(database) as history:
        assert {row.symbol: (row.quantity, row.basis, row.realised) for row in await history.positions()} == HELD
        assert Counter(row.state for row in await history.orders()) == {OrderState.FILLED: 12, OrderState.CANCELED: 4}
        fills = await history.fills()
        assert (len(fills), sum(fill.fees for fill in fills)) == (12, FEES)
    await journal.close()
