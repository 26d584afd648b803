"""Positions and results in the history: what is held of each symbol, and what it earned by session and for all time.

Every change of a symbol's cost goes through `book`, so the results are sums over the positions' changes and agree with them to the
last digit.
"""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Final

from msgspec import Struct

from engine.model.average_cost import NOTHING, AverageCost
from engine.model.money import ZERO


class Trades(Struct, frozen=True):
    """How many trades won and lost, and how much each kind brought together, both positive."""

    wins: int = 0
    losses: int = 0
    gained: Decimal = ZERO
    lost: Decimal = ZERO

    def __sub__(self, other: Trades) -> Trades:
        return Trades(self.wins - other.wins, self.losses - other.losses, self.gained - other.gained, self.lost - other.lost)


NO_TRADES: Final = Trades()


def trade(result: Decimal) -> Trades:
    """One trade that brought `result`; one that brought nothing is neither won nor lost."""
    if not result:
        return NO_TRADES
    return Trades(wins=1, gained=result) if result > 0 else Trades(losses=1, lost=-result)


class Booking(Struct, frozen=True):
    """Who earned it and by how much trading: `strategy` is empty for a person and for what no order brought; `volume` is in shares.

    `trades` is what this changed of the count of trades that won and lost.
    """

    strategy: str = ""
    fills: int = 0
    volume: Decimal = ZERO
    trades: Trades = NO_TRADES


def cost_of(db: sqlite3.Connection, symbol: str) -> AverageCost:
    """What is held of `symbol`, as booked so far."""
    row = db.execute("SELECT quantity, basis, realised, fees FROM positions WHERE symbol = ?", (symbol,)).fetchone()
    return AverageCost(*map(Decimal, row)) if row is not None else NOTHING


def session_of(db: sqlite3.Connection) -> str:
    """The session that was opened last; empty before the first."""
    row = db.execute("SELECT session FROM sessions ORDER BY seq DESC LIMIT 1").fetchone()
    return str(row[0]) if row is not None else ""


def book(db: sqlite3.Connection, symbol: str, before: AverageCost, after: AverageCost, at: int, booking: Booking) -> Decimal:
    """The position of `symbol` is `after` now. Answers the profit that this took, less its fees."""
    db.execute(
        "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?)",
        (symbol, str(after.quantity), str(after.basis), str(after.realised), str(after.fees), at),
    )
    realised, fees = after.realised - before.realised, after.fees - before.fees
    _add(db, "daily", ("session", "symbol", "strategy"), (session_of(db), symbol, booking.strategy), booking, realised, fees)
    _add(db, "totals", ("symbol", "strategy"), (symbol, booking.strategy), booking, realised, fees)
    return realised


def _add(
    db: sqlite3.Connection, table: str, names: tuple[str, ...], key: tuple[str, ...], booking: Booking, realised: Decimal, fees: Decimal
) -> None:
    where = " AND ".join(f"{name} = ?" for name in names)
    trades = booking.trades
    row = db.execute(f"SELECT fills, wins, losses, volume, realised, fees, gained, lost FROM {table} WHERE {where}", key).fetchone()
    fills, wins, losses, *amounts = row if row is not None else (0, 0, 0, "0", "0", "0", "0", "0")
    more = (booking.volume, realised, fees, trades.gained, trades.lost)
    volume, *sums, gained, lost = (str(Decimal(had) + amount) for had, amount in zip(amounts, more, strict=True))
    values = (*key, fills + booking.fills, volume, *sums, wins + trades.wins, losses + trades.losses, gained, lost)
    db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(values))})", values)
