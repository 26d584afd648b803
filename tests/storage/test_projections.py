"""The history tables: made from the journal, and the same whether made step by step, after a crash, or again from nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.portfolio import Portfolio
from engine.model.journal import JournalError
from engine.model.money import ZERO
from engine.model.orders import Side
from engine.model.records import (
    DividendBooked,
    FillBooked,
    FillCorrected,
    PositionAccepted,
    PositionAdopted,
    Record,
    SessionOpened,
    SplitBooked,
)
from storage import schema, tables
from storage.codec import encode
from storage.folds import FOLDS
from storage.history import open_history
from storage.journal import open_journal
from storage.projections import Projector, rebuild
from tests.storage.conftest import history, note
from tests.storage.strategies import KINDS, histories, some_fills


@contextmanager
def journal_of(records: list[Record]) -> Iterator[Path]:
    """A database whose journal holds `records` and whose history tables were never made."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "paper.db"
        with closing(schema.open_database(database)) as connection, connection:
            rows = [(seq, "run", 10 * seq, *encode(record)) for seq, record in enumerate(records, 1)]
            connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", rows)
        yield database


@contextmanager
def projector(database: Path) -> Iterator[Projector]:
    made = Projector(schema.connect(database))
    try:
        yield made
    finally:
        made.close()


@given(records=histories, steps=st.lists(st.integers(1, 7), min_size=1))
@settings(max_examples=30, deadline=None)
def test_a_rebuild_equals_what_grew_step_by_step(records: list[Record], steps: list[int]) -> None:
    with journal_of(records) as database:
        turn = 0
        while True:
            with projector(database) as growing:  # opened anew for each step, as if the program had crashed between any two
                if not growing.fold(steps[turn % len(steps)]):
                    break
            turn += 1
        grown = history(database)
        assert grown["projected"] == [(tables.VERSION, len(records))]
        assert rebuild(database) == len(records)
        assert history(database) == grown
        with closing(sqlite3.connect(database)) as connection:
            for name in (*tables.NAMES, "projected"):
                connection.execute(f"DROP TABLE {name}")
        with projector(database) as fresh:
            fresh.catch_up()
        assert history(database) == grown


def test_every_kind_of_record_has_its_place() -> None:
    assert set(FOLDS) == set(KINDS)


_symbols = st.sampled_from(["AAPL", "IBM"])
_amounts = st.decimals(-1000, 1000, places=2)


@given(
    booked=st.lists(
        st.one_of(
            some_fills(),
            some_fills(),
            st.builds(
                PositionAdopted,
                _symbols,
                st.decimals(-500, 500, places=3),
                st.decimals(Decimal("0.01"), 5000, places=4),
                st.just(ZERO),
                st.just(""),
                st.just(0),
            ),
            st.builds(
                PositionAccepted,
                _symbols,
                st.decimals(-500, 500, places=3).filter(bool),
                st.decimals(-5000, 5000, places=2),
                st.just(""),
                st.just(0),
            ),
            st.builds(SessionOpened, st.sampled_from(["2026-11-20", "2026-11-23"]), _amounts, st.just(0)),
            st.builds(SplitBooked, _symbols, st.just(Decimal(2)), _amounts, _amounts, st.just(0)),
            st.builds(DividendBooked, _symbols, _amounts, _amounts, _amounts, st.just(0)),
            st.builds(
                FillCorrected,
                st.just("r-1"),
                _symbols,
                st.sampled_from(Side),
                *3 * (_amounts,),
                *map(st.just, ("", 0)),
                st.none() | _amounts,
            ),
        ),
        max_size=40,
    )
)
@settings(max_examples=30, deadline=None)
def test_positions_are_the_engines_to_the_last_digit_and_the_results_add_up_to_them(booked: list[Record]) -> None:
    portfolio = Portfolio()
    for record in booked:
        match record:
            case FillBooked():
                portfolio.book(record.fill)
            case SplitBooked():
                portfolio.split(record)
            case DividendBooked():
                portfolio.receive_dividend(record)
            case FillCorrected():
                portfolio.correct(record)
            case PositionAdopted():
                portfolio.adopt(record.symbol, record.quantity, record.average, record.cash)
            case PositionAccepted():
                portfolio.book(record.fill)
    with journal_of(booked) as database:
        rebuild(database)
        tables = history(database)
    ours = {row[0]: row[1:4] for row in tables["positions"]}
    assert ours == {h.symbol: (str(h.quantity), str(h.basis), str(h.realised)) for h in portfolio.holdings.values()}
    for name, key in (("totals", 0), ("daily", 1)):
        earned = dict.fromkeys(ours, ZERO)
        for row in tables[name]:
            earned[row[key]] += Decimal(str(row[-6]))
        assert earned == {symbol: Decimal(str(position[-1])) for symbol, position in ours.items()}
    assert {row[:2]: (row[3], Decimal(str(row[4])), Decimal(str(row[6]))) for row in tables["daily"]} == traded_by_session(booked)


def traded_by_session(booked: list[Record]) -> dict[tuple[str, str], tuple[int, Decimal, Decimal]]:
    """(fills, volume, fees) by session and symbol, summed up anew from the records."""
    session, sums = "", dict[tuple[str, str], tuple[int, Decimal, Decimal]]()
    for record in booked:
        match record:
            case SessionOpened():
                session = record.session
                continue
            case FillBooked(fill):
                symbol, more = fill.symbol, (1, fill.quantity, fill.fees)
            case FillCorrected():
                symbol, more = record.symbol, (0, record.quantity, record.fees)
            case SplitBooked() | DividendBooked() | PositionAdopted() | PositionAccepted():
                symbol, more = record.symbol, (0, ZERO, ZERO)
        had = sums.get((session, symbol), (0, ZERO, ZERO))
        sums[session, symbol] = had[0] + more[0], had[1] + more[1], had[2] + more[2]
    return sums


def test_an_entry_that_cannot_be_read_leaves_the_tables_as_they_were() -> None:
    with journal_of([note(1), note(2), note(3)]) as database:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE journal SET body = '{' WHERE seq = 3")
        with projector(database) as stuck:
            with pytest.raises(JournalError, match="Entry 3"):
                stuck.fold()
            assert stuck.projected_to == 0
            assert history(database)["audit"] == []
            assert stuck.fold(2) == 2
        assert history(database)["projected"] == [(tables.VERSION, 2)]


def test_tables_of_another_version_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with journal_of([note(1), note(2)]) as database:
        with projector(database) as first:
            first.catch_up()
        monkeypatch.setattr(tables, "VERSION", tables.VERSION + 1)
        with projector(database) as second:
            assert second.projected_to == 0
            second.catch_up()
        assert len(history(database)["audit"]) == 2


async def test_a_rebuild_is_refused_while_somebody_trades(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    with pytest.raises(JournalError, match="already trades on"):
        rebuild(database)
    await journal.close()
    assert rebuild(database) == 0


async def test_the_history_follows_the_journal_while_it_runs(database: Path, other: Callable[[], sqlite3.Connection]) -> None:
    journal = await open_journal(database, run_id="r")
    eyes = other()
    for number in range(1, 4):
        await journal.append([note(number)])
        while eyes.execute("SELECT count(*) FROM audit").fetchone()[0] < number:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await journal.close()


async def test_a_steady_stream_does_not_starve_the_history(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.journal.QUIET_S", 60)
    monkeypatch.setattr("storage.journal.OVERDUE_S", 0.01)
    journal = await open_journal(database, run_id="r")
    caught_up = None
    while caught_up is None or not caught_up.done():
        await journal.append([note(1)])
        caught_up = caught_up or asyncio.create_task(journal.caught_up())
    await journal.close()
    assert len(history(database)["audit"]) == history(database)["projected"][0][1]


async def test_closing_leaves_a_complete_history(database: Path) -> None:
    journal = await open_journal(database, run_id="r")
    journal.append([note(number) for number in range(1_500)])
    await journal.close()
    assert len(history(database)["audit"]) == 1_500


async def test_a_history_far_behind_is_completed_while_the_run_goes_on_and_says_so() -> None:
    with journal_of([note(number) for number in range(1_500)]) as database:
        journal = await open_journal(database, run_id="r", wall_ns=lambda: 20_000)
        async with await open_history(database) as told:
            assert await told.catching_up() == (
                "The history is catching up: 0 of 1,500 entries are in it. What is newer is missing here and in the sums until then."
            )
            await journal.append([note(1_500)])
            await journal.caught_up()
            assert await told.catching_up() == ""
        assert len(history(database)["audit"]) == 1_501
        await journal.close()


async def test_closing_does_not_wait_for_a_history_that_is_far_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.journal.GIVE_UP_S", 0)
    with journal_of([note(number) for number in range(2_500)]) as database:
        journal = await open_journal(database, run_id="r")
        await journal.close()
        [(_, upto)] = history(database)["projected"]
        assert upto in range(2_500)
        monkeypatch.undo()
        journal = await open_journal(database, run_id="next")
        await journal.caught_up()
        assert len(history(database)["audit"]) == 2_500
        await journal.close()
