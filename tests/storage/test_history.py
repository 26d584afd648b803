"""Questions to the history: newest first, page by page by key, every value as it was recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from engine.model.journal import JournalError
from engine.model.modes import Level, Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, Intent, OrderState, OrderType, Side, Source, TimeInForce
from engine.model.records import (
    EquityMarked,
    FillBooked,
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
from engine.model.signals import Signal, SignalState, Vote
from engine.model.verdicts import Outcome, Verdict
from storage import rows, tables
from storage.history import History, open_history
from storage.journal import open_journal
from tests.storage.conftest import note

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
        "audit": 9,
        "traces": 9,
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
    for page_of_all in (day.runs, day.sessions, day.equity, day.audit):
        await page_of_all(before=5)
    await day.fills(order_id="r-1")
    await day.order("r-1")
    await day.signal("s-1")
    assert len(asked) == 13
    with closing(sqlite3.connect(database)) as connection:
        for question in asked:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {question}")]
            assert all(step.startswith("SEARCH") for step in plan), (question, plan)
            assert ("_by_symbol" in plan[0]) == ("symbol = " in question), (question, plan)
            assert ("_by_order" in plan[0]) == ("order_id = " in question), (question, plan)
            assert "OFFSET" not in question


async def test_the_history_cannot_be_written_to(day: History) -> None:
    with pytest.raises(JournalError, match="readonly"):
        await day._fetch("DELETE FROM audit", ())


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
