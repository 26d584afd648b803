"""Questions to the history tables, for screens and scripts, on a connection that can only read.

A page is the newest rows before a place in the journal, found by key, so that the millionth costs what the first does.
"""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import aiosqlite
import msgspec

from engine.model.journal import JournalError
from engine.model.orders import Bracket, Side
from engine.model.signals import Vote
from storage import tables
from storage.codec import decode, from_json
from storage.lots import Lot, Walk
from storage.rows import (
    AdjustmentRow,
    AuditRow,
    DailyRow,
    EquityDayRow,
    EquityRow,
    FillRow,
    FlowRow,
    OrderRow,
    PositionRow,
    RunRow,
    SessionRow,
    SignalRow,
    Step,
    TotalRow,
)

PAGE: Final = 100

FEW: Final = 1_000
"""Entries that the tables may lack without a word: less than the engine makes in a moment."""

T = TypeVar(
    "T",
    RunRow,
    SessionRow,
    OrderRow,
    FillRow,
    PositionRow,
    TotalRow,
    DailyRow,
    SignalRow,
    EquityRow,
    EquityDayRow,
    AuditRow,
    AdjustmentRow,
    FlowRow,
)

_TIMES: Final = {
    "orders": "created_at",
    "fills": "at",
    "signals": "raised_at",
    "runs": "started_at",
    "sessions": "at",
    "equity": "at",
    "audit": "at",
}
"""The market time that a table's rows are asked for by."""

_NEWEST: Final = 2**63 - 1


async def open_history(path: Path) -> History:
    """Opens the database at `path` for reading, beside whoever writes to it. Raises JournalError where there is no history in it."""
    opening = aiosqlite.connect(_read_only(path), uri=True)
    try:
        try:
            connection = await opening
        except sqlite3.Error:
            # Its thread ends by telling this loop so, which may be closed by then.
            opening._thread.join()
            raise
        try:
            versions = list(await connection.execute_fetchall("SELECT version FROM projected"))
        except BaseException:
            await connection.close()
            raise
    except sqlite3.Error as error:
        raise JournalError(f"There is no history to read in {path}: {error}. It is made when tradeconsole first trades on it.") from error
    if versions != [(tables.VERSION,)]:
        await connection.close()
        raise JournalError(f"The history in {path} was made by another version of tradeconsole. Start this one on it once to renew it.")
    return History(path, connection)


class History:
    """Reads of one database. Use it as an async context, or close it.

    Every question answers a tuple of rows; `before` is the `seq` of the last row of the page before, None for the newest page. `since`
    (included) and `until` (not) are market times in nanoseconds UTC; with one of them a page is in the order of that time, else in the
    journal's. What the engine did in the last half second may be missing, and more where it is `catching_up`. All raise JournalError where
    the database cannot be read.
    """

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self._path = path
        self._connection = connection

    async def __aenter__(self) -> History:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        await self._connection.close()

    async def catching_up(self) -> str:
        """In words how much of the journal the tables hold, where that is not nearly all: after an update that made them anew, or a crash.
        Empty otherwise."""
        [[held, last]] = await self._fetch("SELECT projected_to, (SELECT coalesce(max(seq), 0) FROM journal) FROM projected", ())
        if last - held <= FEW:
            return ""
        return (
            f"The history is catching up: {held:,} of {last:,} entries are in it. What is newer is missing here and in the sums until then."
        )

    async def runs(
        self, *, before: int | None = None, limit: int = PAGE, since: int | None = None, until: int | None = None
    ) -> tuple[RunRow, ...]:
        return await self._page(RunRow, "runs", before, limit, since, until)

    async def sessions(
        self, *, before: int | None = None, limit: int = PAGE, since: int | None = None, until: int | None = None
    ) -> tuple[SessionRow, ...]:
        return await self._page(SessionRow, "sessions", before, limit, since, until)

    async def orders(
        self, *, before: int | None = None, limit: int = PAGE, symbol: str = "", since: int | None = None, until: int | None = None
    ) -> tuple[OrderRow, ...]:
        return await self._page(OrderRow, "orders", before, limit, since, until, symbol=symbol)

    async def fills(
        self,
        *,
        before: int | None = None,
        limit: int = PAGE,
        symbol: str = "",
        order_id: str = "",
        since: int | None = None,
        until: int | None = None,
    ) -> tuple[FillRow, ...]:
        return await self._page(FillRow, "fills", before, limit, since, until, symbol=symbol, order_id=order_id)

    async def signals(
        self, *, before: int | None = None, limit: int = PAGE, symbol: str = "", since: int | None = None, until: int | None = None
    ) -> tuple[SignalRow, ...]:
        return await self._page(SignalRow, "signals", before, limit, since, until, symbol=symbol)

    async def equity(
        self, *, before: int | None = None, limit: int = PAGE, since: int | None = None, until: int | None = None
    ) -> tuple[EquityRow, ...]:
        """The points of the equity curve that are kept; older ones are in `equity_days`."""
        return await self._page(EquityRow, "equity", before, limit, since, until)

    async def equity_days(self) -> tuple[EquityDayRow, ...]:
        """One row for each session, oldest first, for all time."""
        return await self._rows(EquityDayRow, "equity_days ORDER BY session", ())

    async def flows(self) -> tuple[FlowRow, ...]:
        """Deposits, withdrawals and the like, oldest first, for all time."""
        return await self._rows(FlowRow, "flows ORDER BY seq", ())

    async def audit(
        self, *, before: int | None = None, limit: int = PAGE, symbol: str = "", since: int | None = None, until: int | None = None
    ) -> tuple[AuditRow, ...]:
        return await self._page(AuditRow, "audit", before, limit, since, until, symbol=symbol)

    async def positions(self) -> tuple[PositionRow, ...]:
        """One row for each symbol ever held, by symbol, flat ones too: the sum of their `realised` is the account's for all time."""
        return await self._rows(PositionRow, "positions ORDER BY symbol", ())

    async def position(self, symbol: str) -> PositionRow | None:
        """What is held of `symbol`, flat or not; None where it was never traded."""
        rows = await self._rows(PositionRow, "positions WHERE symbol = ?", (symbol,))
        return rows[0] if rows else None

    async def lots(self, symbol: str) -> tuple[Lot, ...]:
        """The lots that make up what is held of `symbol`, newest first: see `storage.lots`. Their quantities add up to the position's."""
        found = await self._fetch("SELECT quantity, projected_to FROM positions, projected WHERE symbol = ?", (symbol,))
        if not found:
            return ()
        # Beyond the entry that the position holds there may be newer ones by now.
        [(held, last)] = found
        walk = Walk(Decimal(held))
        side = Side.BUY if Decimal(held) > 0 else Side.SELL
        adjustments = list(await self._rows(AdjustmentRow, "adjustments WHERE symbol = ? AND seq <= ? ORDER BY seq DESC", (symbol, last)))
        before: int | None = last + 1
        while not walk.done and before is not None:
            fills = await self._page(FillRow, "fills", before, PAGE, symbol=symbol, side=side)
            for fill in fills:
                while adjustments and adjustments[0].seq > fill.seq:
                    walk.take(adjustments.pop(0))
                walk.take(fill)
            before = fills[-1].seq if fills else None
        for adjustment in adjustments:
            walk.take(adjustment)
        return walk.whole()

    async def totals(self) -> tuple[TotalRow, ...]:
        """One row for each symbol and strategy, for all time: the sum of their `realised` is the account's."""
        return await self._rows(TotalRow, "totals ORDER BY symbol, strategy", ())

    async def daily(self, *, since: str = "", until: str = "\U0010ffff") -> tuple[DailyRow, ...]:
        """One row for each session, symbol and strategy, from session `since` to `until`, both included, oldest first."""
        return await self._rows(DailyRow, "daily WHERE session >= ? AND session <= ? ORDER BY session, symbol, strategy", (since, until))

    async def trail(self, order_id: str, *, after: int = 0) -> tuple[Step, ...]:
        """All that the journal tells of the order with our own id, oldest first: the signal it came from with its votes, who approved it,
        the gate's verdict, what was asked of the broker and what the broker told. Empty where there is no such order. Of a signal's id it
        answers what was told of the signal. `after` leaves out the entries up to that `seq`."""
        rows = await self._fetch(
            "SELECT DISTINCT journal.seq, wall, kind, body FROM traces JOIN journal ON journal.seq = traces.seq "
            "WHERE id IN (SELECT ? UNION ALL SELECT signal_id FROM orders WHERE id = ? AND signal_id != '') AND traces.seq > ? "
            "ORDER BY journal.seq",
            (order_id, order_id, after),
        )
        return tuple(Step(seq, wall, decode(seq, kind, body)) for seq, wall, kind, body in rows)

    async def order(self, order_id: str) -> OrderRow | None:
        """The order with our own id, as it stands now; see `trail` for how it came to that."""
        rows = await self._rows(OrderRow, "orders WHERE id = ?", (order_id,))
        return rows[0] if rows else None

    async def family(self, order: OrderRow) -> tuple[OrderRow, ...]:
        """The orders that hang together with `order`, oldest first and without itself: the entry it waits for and that entry's other exits,
        its own exits, its group, and what it took the place of or what took its."""
        parents = {identity for identity in (order.id, order.parent) if identity}
        found: dict[str, OrderRow] = {}
        for identity in parents:
            found |= {row.id: row for row in await self._rows(OrderRow, "orders WHERE parent = ? AND parent != ''", (identity,))}
        if order.oco:
            found |= {row.id: row for row in await self._rows(OrderRow, "orders WHERE oco = ? AND oco != ''", (order.oco,))}
        found |= {row.id: row for row in await self._rows(OrderRow, "orders WHERE succeeds = ? AND succeeds != ''", (order.id,))}
        for identity in (order.parent, order.succeeds):
            if identity and (row := await self.order(identity)) is not None:
                found[row.id] = row
        found.pop(order.id, None)
        return tuple(sorted(found.values(), key=lambda row: row.seq))

    async def signal(self, signal_id: str) -> SignalRow | None:
        rows = await self._rows(SignalRow, "signals WHERE id = ?", (signal_id,))
        return rows[0] if rows else None

    async def counts(self) -> dict[str, int]:
        """How many rows each table has, by its name."""
        sql = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in tables.NAMES)
        return dict(await self._fetch(sql, ()))

    async def _page(
        self, kind: type[T], table: str, before: int | None, limit: int, since: int | None = None, until: int | None = None, **equal: str
    ) -> tuple[T, ...]:
        conditions: list[str] = []
        parameters: list[object] = []
        for column, value in equal.items():
            if value:
                conditions.append(f"{column} = ?")
                parameters.append(value)
        order = "seq DESC"
        if since is None and until is None:
            conditions.append("seq < ?")
            parameters.append(_NEWEST if before is None else before)
        else:
            time = _TIMES[table]
            order = f"{time} DESC, seq DESC"
            conditions.append(f"{time} >= ?")
            parameters.append(-_NEWEST if since is None else since)
            conditions.append(f"{time} < ?")
            parameters.append(_NEWEST if until is None else until)
            if before is not None:
                conditions.append(f"({time}, seq) < (SELECT {time}, seq FROM {table} WHERE seq = ?)")
                parameters.append(before)
        where = " AND ".join(conditions)
        return await self._rows(kind, f"{table} WHERE {where} ORDER BY {order} LIMIT ?", (*parameters, limit))

    async def _rows(self, kind: type[T], question: str, parameters: tuple[object, ...]) -> tuple[T, ...]:
        names = kind.__struct_fields__
        columns = ", ".join(f'"{name}"' for name in names)
        rows = await self._fetch(f"SELECT {columns} FROM {question}", parameters)
        return tuple(_row(kind, dict(zip(names, row, strict=True))) for row in rows)

    async def _fetch(self, sql: str, parameters: tuple[object, ...]) -> list[Any]:
        try:
            return list(await self._connection.execute_fetchall(sql, parameters))
        except sqlite3.Error as error:
            raise JournalError(f"The history in {self._path} cannot be read: {error}.") from error


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


def _row(kind: type[T], values: dict[str, Any]) -> T:
    if "votes" in values:
        values["votes"] = from_json(values["votes"], tuple[Vote, ...])
        values["bracket"] = from_json(values["bracket"], Bracket) if values["bracket"] else None
    return msgspec.convert(values, kind, strict=False)
