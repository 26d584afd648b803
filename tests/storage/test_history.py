"""Questions to the history: newest first, page by page by key, every value as it was recorded."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import aiosqlite
import pytest
from msgspec.structs import replace

from engine.model.journal import JournalError
from engine.model.modes import Level, Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, Intent, OrderState, OrderType, Side, Source, TimeInForce
from engine.model.records import (
    DividendBooked,
    EquityMarked,
    FillBooked,
    FillCorrected,
    LossLimitTripped,
    ModeChanged,
    Noted,
    OrderChanged,
    OrderDenied,
    OrderPlaced,
    PositionAdopted,
    Record,
    RunEnded,
    RunStarted,
    SessionOpened,
    SignalDecided,
    SignalRaised,
    TradingStateChanged,
)
from engine.model.settings import HistorySettings
from engine.model.signals import Signal, SignalState, Vote
from engine.model.verdicts import Outcome, Verdict
from storage import rows, tables
from storage.history import History, open_history
from storage.journal import open_journal
from tests.storage.conftest import note, stored

RESIZED = Verdict(Outcome.RESIZE, "position size", "10 %", "12 %", "Cut to 8 so that AAPL stays within 10 % of equity.", Decimal(8))
DENIED = Verdict(Outcome.DENY, "total exposure", "80 %", "85 %", "IBM would bring exposure to 85 % of equity; the limit is 80 %.")
VOTES = (Vote("rsi", Side.BUY, 0.75, (("rsi", 28.5), ("warming", float("inf")))), Vote("sma", None, 0.0))
SIGNAL = Signal(
    *("s-1", 1, "rsi", "AAPL", Side.BUY, Decimal("8.50"), OrderType.LIMIT, Decimal("187.40"), None, Decimal("187.49")),
    *(0.75, "oversold", VOTES, 11, 99),
)
PLACED = OrderPlaced(
    *("r-1", 1, "AAPL", Side.BUY, Decimal(8), Decimal("8.50"), OrderType.LIMIT, Decimal("187.40"), None, TimeInForce.DAY),
    *(Source.STRATEGY, "rsi", "s-1", False, "oversold", Decimal("187.49"), RESIZED, 13),
)
FILLS = (
    Fill("f-1", "r-1", "AAPL", Side.BUY, Decimal(5), Decimal("187.40"), Decimal("937.00"), Decimal("0.35"), 14, "limit.through"),
    Fill("f-2", "r-1", "AAPL", Side.BUY, Decimal(3), Decimal("187.39"), Decimal("562.17"), Decimal("0.35"), 15, "limit.touch"),
    Fill("f-3", "r-2", "AAPL", Side.SELL, Decimal(2), Decimal("190.00"), Decimal("380.00"), Decimal("0.35"), 17, "market"),
)
DAY: tuple[Record, ...] = (
    RunStarted("r", "paper", "sample", Decimal("100000.00"), 1),
    SessionOpened("2018-01-02", Decimal("100000.00"), 2),
    SignalRaised(SIGNAL, RESIZED, 11),
    SignalDecided("s-1", SignalState.SENT, "you", "", Decimal("187.45"), "r-1", 12),
    PLACED,
    OrderChanged("r-1", OrderEvent.ACCEPT, OrderState.ACCEPTED, "b-77", "", 13),
    FillBooked(FILLS[0]),
    OrderChanged("r-1", OrderEvent.FILL_PART, OrderState.PARTIAL, "", "", 14),
    FillBooked(FILLS[1]),
    OrderChanged("r-1", OrderEvent.FILL_ALL, OrderState.FILLED, "", "", 15),
    FillBooked(FILLS[2]),
    EquityMarked(Decimal("100003.10"), Decimal("98879.78"), Decimal("4.16"), Decimal("-1.06"), 18),
    OrderDenied(Intent("IBM", Side.BUY, Decimal(90)), DENIED, 19),
    PositionAdopted("IBM", Decimal(4), Decimal("150.25"), Decimal("-601.00"), "found at the broker", 20),
    ModeChanged(Mode.SEMI_AUTO, "you", 21),
    LossLimitTripped("2018-01-02", Decimal("2000.50"), Decimal("2000.00"), 22),
    TradingStateChanged(TradingState.HALTED, "you", "stop key", 23),
    Noted(Level.ERROR, "rsi", "division by zero", "Traceback …", 24),
    RunEnded("r", 25),
)


@pytest.fixture
async def day(database: Path) -> AsyncIterator[History]:
    journal = await open_journal(database, run_id="r", wall_ns=lambda: 1_000)
    journal.append(DAY)
    await journal.close()
    async with await open_history(database) as history:
        yield history


async def test_an_order_can_be_followed_from_its_votes_to_its_fills(day: History) -> None:
    order = await day.order("r-1")
    assert order is not None
    assert order.state is OrderState.FILLED
    assert (order.broker_id, order.rule, order.verdict) == ("b-77", "position size", RESIZED.text)
    assert (order.quantity, order.requested, order.filled) == (Decimal(8), Decimal("8.50"), Decimal(8))
    assert (order.cost, order.fees, order.changed_at) == (Decimal("1499.17"), Decimal("0.70"), 15)
    assert order.average == Decimal("1499.17") / 8
    assert (order.limit, order.stop, order.reduce_only, order.source) == (Decimal("187.40"), None, False, Source.STRATEGY)
    signal = await day.signal(order.signal_id)
    assert signal is not None
    assert signal.votes == VOTES
    assert (signal.state, signal.decided_by, signal.decided_price, signal.order_id) == (SignalState.SENT, "you", Decimal("187.45"), "r-1")
    fills = await day.fills(order_id="r-1")
    assert [fill.id for fill in fills] == ["f-2", "f-1"]
    assert sum(fill.quantity for fill in fills) == order.filled


async def test_a_fill_tells_what_it_realised(day: History) -> None:
    taken, _, opened = await day.fills()
    assert opened.realised == Decimal("-0.35")
    assert taken.realised == 2 * Decimal("190.00") - 2 * Decimal("1499.17") / 8 - Decimal("0.35")
    assert repr(opened.price) == "Decimal('187.40')"


async def test_positions_hold_what_the_fills_and_the_broker_say(day: History) -> None:
    aapl, ibm = await day.positions()
    assert (aapl.symbol, aapl.quantity, aapl.average, aapl.fees) == ("AAPL", Decimal(6), Decimal("1499.17") / 8, Decimal("1.05"))
    assert (ibm.symbol, ibm.quantity, ibm.average, ibm.realised) == ("IBM", Decimal(4), Decimal("150.25"), Decimal(0))


async def test_runs_sessions_and_equity(day: History) -> None:
    assert await day.runs() == (rows.RunRow(1, "r", "paper", "sample", Decimal("100000.00"), 1, 25),)
    assert await day.sessions() == (
        rows.SessionRow(2, "r", "2018-01-02", Decimal("100000.00"), 2, Decimal("2000.50"), Decimal("2000.00"), 22),
    )
    [point] = await day.equity()
    assert (point.equity, point.cash, point.realised, point.unrealised) == tuple(map(Decimal, ("100003.10", "98879.78", "4.16", "-1.06")))


async def test_the_audit_reads_as_sentences(day: History) -> None:
    assert [(line.level, line.source, line.text) for line in await day.audit()] == [
        (Level.INFO, "run", "Run r ended in order."),
        (Level.ERROR, "rsi", "division by zero"),
        (Level.WARNING, "you", "Trading HALTED: stop key"),
        (Level.ERROR, "risk", "The daily loss of session 2018-01-02, 2000.50, reached its limit of 2000.00."),
        (Level.INFO, "you", "Mode SEMI_AUTO"),
        (Level.WARNING, "broker", "Took over 4 IBM at 150.25, traded elsewhere: found at the broker"),
        (Level.WARNING, "person", f"Denied BUY 90 IBM: {DENIED.text}"),
        (Level.INFO, "you", "Signal s-1 SENT"),
        (Level.INFO, "run", "Run r began on paper, prices from sample."),
    ]
    denied = (await day.audit())[6]
    assert (denied.kind, denied.detail, denied.wall, denied.at) == (
        "OrderDenied",
        "rule total exposure, limit 80 %, actual 85 %",
        1_000,
        19,
    )


async def test_what_is_not_there_is_none_or_empty(day: History) -> None:
    assert await day.order("r-9") is None
    assert await day.signal("s-9") is None
    assert await day.orders(symbol="IBM") == ()
    assert await day.fills(before=1) == ()


async def test_counts(day: History) -> None:
    assert await day.counts() == {
        "runs": 1,
        "sessions": 1,
        "orders": 1,
        "fills": 3,
        "positions": 2,
        "daily": 3,
        "totals": 3,
        "signals": 1,
        "equity": 1,
        "equity_days": 1,
        "audit": 9,
        "traces": 9,
        "adjustments": 1,
        "flows": 0,
    }


async def test_pages_join_without_a_gap_while_more_is_written(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    journal.append([note(number) for number in range(25)])
    await journal.caught_up()
    async with await open_history(database) as history:
        seen: list[int] = []
        before: int | None = None
        while page := await history.audit(before=before, limit=10):
            seen += [line.at for line in page]
            before = page[-1].seq
            journal.append([note(1_000)])
            await journal.caught_up()
        assert seen == list(range(24, -1, -1))
        assert (await history.audit(limit=1))[0].at == 1_000
    await journal.close()


async def test_an_order_is_followed_from_its_signal_to_its_last_fill(day: History) -> None:
    trail = await day.trail("r-1")
    assert [step.record for step in trail] == [record for record in DAY if about(record, "r-1", "s-1")]
    kinds = [type(step.record).__name__ for step in trail]
    assert list(dict.fromkeys(kinds)) == ["SignalRaised", "SignalDecided", "OrderPlaced", "OrderChanged", "FillBooked"]
    assert [step.seq for step in trail] == sorted(step.seq for step in trail)
    assert await day.trail("r-9") == ()


def about(record: Record, order_id: str, signal_id: str) -> bool:
    match record:
        case SignalRaised():
            return record.signal.id == signal_id
        case SignalDecided():
            return record.signal_id == signal_id
        case OrderPlaced():
            return record.id == order_id
        case FillBooked():
            return record.fill.order_id == order_id
    return getattr(record, "order_id", "") == order_id


async def test_results_by_symbol_and_strategy_for_all_time_and_by_session(database: Path) -> None:
    def fill(number: int, symbol: str, order: str, side: Side, price: str) -> FillBooked:
        return FillBooked(Fill(f"f-{number}", order, symbol, side, Decimal(10), Decimal(price), 10 * Decimal(price), Decimal(1), number))

    mine = replace(PLACED, id="r-2", strategy="", signal_id="")
    journal = await open_journal(database, run_id="r")
    journal.append([SessionOpened("2018-01-02", Decimal(1), 1), PLACED, mine, fill(1, "AAPL", "r-1", Side.BUY, "100")])
    journal.append([SessionOpened("2018-01-03", Decimal(1), 2), fill(2, "AAPL", "r-2", Side.SELL, "103")])
    journal.append([DividendBooked("IBM", Decimal(2), Decimal(5), Decimal(10), 3)])
    await journal.close()
    async with await open_history(database) as history:
        assert [
            (row.symbol, row.strategy, row.fills, int(row.volume), int(row.realised), int(row.fees)) for row in await history.totals()
        ] == [
            ("AAPL", "", 1, 10, 29, 1),
            ("AAPL", "rsi", 1, 10, -1, 1),
            ("IBM", "", 0, 0, 10, 0),
        ]
        assert [(row.session, row.symbol, row.strategy, int(row.realised)) for row in await history.daily()] == [
            ("2018-01-02", "AAPL", "rsi", -1),
            ("2018-01-03", "AAPL", "", 29),
            ("2018-01-03", "IBM", "", 10),
        ]
        assert {row.session for row in await history.daily(since="2018-01-03")} == {"2018-01-03"}
        assert {row.session for row in await history.daily(until="2018-01-02")} == {"2018-01-02"}


async def test_a_correction_is_a_row_of_differences(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    journal.append([PLACED, FillBooked(FILLS[0])])
    journal.append([FillCorrected("r-1", "AAPL", Side.BUY, Decimal(-2), Decimal("-374.80"), Decimal("-0.10"), "busted", 20)])
    await journal.close()
    async with await open_history(database) as history:
        correction, booked = await history.fills(order_id="r-1")
        assert (booked.corrects, correction.corrects) == (False, True)
        assert (correction.quantity, correction.price, correction.cost) == (Decimal(-2), Decimal("187.4"), Decimal("-374.80"))
        order = await history.order("r-1")
        assert order is not None
        assert (order.filled, order.cost, order.fees) == (Decimal(3), Decimal("562.20"), Decimal("0.25"))
        [position] = await history.positions()
        assert (position.quantity, position.basis, position.fees) == (Decimal(3), Decimal("562.20"), Decimal("0.25"))


async def test_a_page_of_a_time_range_is_in_the_order_of_time_and_pages_join(database: Path) -> None:
    """A sample of past years is played after today's market: the journal's order is not the time's."""
    times = [50, 60, 60, 60, 70, 10, 20, 60, 30]
    journal = await open_journal(database, run_id="r")
    journal.append([FillBooked(replace(FILLS[0], id=f"f-{number}", at=at)) for number, at in enumerate(times)])
    journal.append([FillBooked(replace(FILLS[0], id="other", symbol="IBM", at=60))])
    await journal.close()
    async with await open_history(database) as history:
        seen: list[tuple[int, int]] = []
        before: int | None = None
        while page := await history.fills(symbol="AAPL", since=20, until=70, before=before, limit=2):
            seen += [(fill.at, fill.seq) for fill in page]
            before = page[-1].seq
        assert seen == sorted([(at, seq) for seq, at in enumerate(times, 1) if 20 <= at < 70], reverse=True)
        assert [fill.at for fill in await history.fills(until=30)] == [20, 10]
        assert [fill.symbol for fill in await history.fills(since=60, limit=3)] == ["AAPL", "IBM", "AAPL"]


async def test_old_equity_is_kept_as_one_row_a_session_and_old_lines_where_they_warn(database: Path) -> None:
    day = 86_400 * 10**9
    now = 0

    def mark(equity: int) -> EquityMarked:
        return EquityMarked(Decimal(equity), Decimal(0), Decimal(0), Decimal(0), equity)

    journal = await open_journal(database, run_id="r", wall_ns=lambda: now, keep=HistorySettings(equity_days=2, audit_days=3))
    journal.append([SessionOpened("2018-01-02", Decimal(1), 1), *map(mark, (100, 130, 90, 110))])
    journal.append([note(1), replace(note(2), level=Level.WARNING)])
    await journal.caught_up()
    now = 2 * day + 1
    journal.append([SessionOpened("2018-01-03", Decimal(1), 1), mark(105), note(3)])
    await journal.caught_up()
    async with await open_history(database) as history:
        assert [point.equity for point in await history.equity()] == [105]
        assert [line.at for line in await history.audit()] == [3, 2, 1]
    now = 3 * day + 1
    journal.append([note(4)])
    await journal.close()
    async with await open_history(database) as history:
        assert [line.at for line in await history.audit()] == [4, 3, 2]
        assert [(row.session, *map(int, (row.open, row.high, row.low, row.close))) for row in await history.equity_days()] == [
            ("2018-01-02", 100, 130, 90, 110),
            ("2018-01-03", 105, 105, 105, 105),
        ]
    assert len(stored(database)) == 11


async def test_a_page_by_symbol_holds_that_symbol_alone(day: History) -> None:
    assert {fill.symbol for fill in await day.fills(symbol="AAPL")} == {"AAPL"}
    assert [order.id for order in await day.orders(symbol="AAPL")] == ["r-1"]
    assert [signal.id for signal in await day.signals(symbol="AAPL")] == ["s-1"]


async def test_no_question_reads_a_whole_table_or_sorts_it(day: History, database: Path) -> None:
    asked: list[str] = []
    await day._connection.set_trace_callback(asked.append)
    for page in (day.orders, day.fills, day.signals):
        await page()
        await page(before=5, symbol="AAPL")
        await page(before=5, since=1, until=99)
        await page(before=5, symbol="AAPL", since=1)
    for page_of_all in (day.runs, day.sessions, day.equity, day.audit):
        await page_of_all(before=5)
        await page_of_all(before=5, since=1, until=99)
    await day.audit(before=5, symbol="AAPL")
    await day.audit(before=5, symbol="AAPL", since=1)
    await day.fills(order_id="r-1")
    await day.order("r-1")
    await day.signal("s-1")
    await day.trail("r-1")
    await day.daily(since="2018-01-02")
    await day.position("AAPL")
    await day.lots("AAPL")
    order = await day.order("r-1")
    assert order is not None
    await day.family(replace(order, parent="r-0", oco="g-1", succeeds="r-0"))
    assert len(asked) == 38
    with closing(sqlite3.connect(database)) as connection:
        for question in asked:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {question}")]
            # The table that says how far the history has come has one row.
            assert not any(step.startswith("SCAN") and step not in ("SCAN CONSTANT ROW", "SCAN projected") for step in plan), (
                question,
                plan,
            )
            if "traces" in question or "positions" in question:
                continue
            assert not any("TEMP B-TREE" in step for step in plan), (question, plan)
            assert ("_by_symbol" in plan[0]) == ("symbol = " in question), (question, plan)
            assert ("time" in plan[0]) == ("< 99" in question or ">= 1 " in question), (question, plan)
            assert ("_by_order" in plan[0]) == ("order_id = " in question), (question, plan)
            assert "OFFSET" not in question


async def test_the_history_cannot_be_written_to(day: History) -> None:
    with pytest.raises(JournalError, match="readonly"):
        await day._fetch("DELETE FROM audit", ())


async def test_no_thread_is_left_of_a_database_that_could_not_be_opened(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would tell a loop of its end that may be closed by then."""
    before = set(threading.enumerate())
    stop = aiosqlite.Connection.stop

    def late(self: aiosqlite.Connection) -> object:
        self._tx.put_nowait((asyncio.get_running_loop().create_future(), lambda: time.sleep(0.2)))
        return stop(self)

    monkeypatch.setattr(aiosqlite.Connection, "stop", late)
    with pytest.raises(JournalError):
        await open_history(database)
    assert set(threading.enumerate()) == before


async def test_a_database_without_a_history_is_said_in_words(database: Path) -> None:
    with pytest.raises(JournalError, match=r"There is no history to read in .*paper\.db"):
        await open_history(database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE something (a)")
    with pytest.raises(JournalError, match="There is no history to read"):
        await open_history(database)


async def test_a_history_of_another_version_is_refused(day: History, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "VERSION", tables.VERSION + 1)
    with pytest.raises(JournalError, match="made by another version"):
        await open_history(database)
