"""kill -9 while orders fly, again and again, on one database: no order twice, no fill lost, the books equal to the broker's to the cent."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.core.checkpoint import take_over
from engine.core.state import State
from engine.model.modes import Mode
from engine.model.orders import Order, OrderState, Side
from engine.model.records import Checkpoint, FillBooked, OrderPlaced, OrderReleased, Record, ReplaceAsked
from storage.codec import decode
from tests.engine.core.floor import essence
from tests.project_files import ROOT
from tests.quotes import SYMBOLS
from tests.servers.driver import VenueProcess
from tests.thorough import tries
from tests.trader import make_engine

KILLS_AT_THE_VENUE = tries(8, 50)
KILLS_OF_GROUPS = tries(6, 100)
KILLS_ON_PAPER = tries(4, 12)
STEPS = 150
"""More than a run makes from its first byte on the disk to its first orders' fills and the commits after them."""
KILLS_AT_A_STEP = tries(8, 2 * STEPS)
KILLS_AT_A_MOMENT = tries(6, 200)


def start(database: Path, where: str, seed: int, *death: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.trader", str(database), where, str(seed), *map(str, death)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def facts(database: Path) -> list[Record]:
    """What the journal keeps for ever: an older checkpoint goes when a newer one is there."""
    return [record for record in records(database) if not isinstance(record, Checkpoint)]


def records(database: Path) -> list[Record]:
    with closing(sqlite3.connect(database)) as connection:
        return [decode(*row) for row in connection.execute("SELECT seq, kind, body FROM journal ORDER BY seq")]


def state_from_checkpoint(told: list[Record]) -> State:
    """What the next start finds, which begins at the newest checkpoint, where a killed run left one."""
    newest = max((number for number, record in enumerate(told) if isinstance(record, Checkpoint)), default=0)
    state = State()
    for record in told[newest:]:
        take_over(state, record)
    return state


def state_of(told: list[Record]) -> State:
    state = State()
    for record in told:
        state.apply(record)
    return state


@pytest.mark.timeout(180)
def test_no_order_is_doubled_and_no_fill_is_lost_by_kills_at_the_venues_events(tmp_path: Path) -> None:
    chance = random.Random(50)
    with VenueProcess("mixed", seed=50) as venue:
        for number in range(KILLS_AT_THE_VENUE):
            venue.kill(chance.randrange(1, 80), chance.choice(("unseen", "unanswered", "answered")))
            dies(start(tmp_path / "venue.db", str(venue.port), number), signal.SIGKILL)
        the_books_are_the_venues(tmp_path / "venue.db", venue)


@pytest.mark.timeout(900)
def test_no_order_is_doubled_and_no_fill_is_lost_by_kills_at_each_step_to_the_disk(tmp_path: Path) -> None:
    """Before each write of the database, and in the middle of each: from the making of the file to fills and what follows them."""
    steps = [(step, how) for step in range(1, STEPS + 1) for how in ("whole", "half")]
    chosen = sorted(random.Random(51).sample(steps, KILLS_AT_A_STEP))
    with VenueProcess("mixed", seed=51) as venue:
        for number, (step, how) in enumerate(chosen):
            dies(start(tmp_path / "venue.db", str(venue.port), number, "step", step, how), signal.SIGKILL)
        the_books_are_the_venues(tmp_path / "venue.db", venue)


@pytest.mark.timeout(900)
def test_no_order_is_doubled_and_no_fill_is_lost_by_kills_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(52)
    with VenueProcess("mixed", seed=52) as venue:
        for number in range(KILLS_AT_A_MOMENT):
            dies(start(tmp_path / "venue.db", str(venue.port), number, "moment", chance.uniform(0.05, 1.5)), signal.SIGALRM)
        the_books_are_the_venues(tmp_path / "venue.db", venue)


@pytest.mark.timeout(600)
def test_brackets_pairs_and_replaces_lose_and_double_nothing_by_kills_at_the_venues_events(tmp_path: Path) -> None:
    chance = random.Random(53)
    database = tmp_path / "venue.db"
    with VenueProcess("trading", seed=53) as venue:
        for number in range(KILLS_OF_GROUPS):
            venue.kill(chance.randrange(1, 250), chance.choice(("unseen", "unanswered", "answered")))
            command = [sys.executable, "-m", "tests.group_trader", str(database), str(venue.port), str(number)]
            dies(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE), signal.SIGKILL)
        venue.ask("rest")
        settled(database, venue)
        told = records(database)
        state = the_venues(told, venue.ask("book"))
    assert len([record for record in told if isinstance(record, ReplaceAsked)]) > 2 * KILLS_OF_GROUPS
    assert len([record for record in told if isinstance(record, OrderReleased)]) > 2 * KILLS_OF_GROUPS
    for symbol in SYMBOLS:
        exits = [state.book.family(key) for key in state.book.families() if key in state.book.orders]
        left = sum((left_to_close(state, orders) for orders in exits if orders[0].symbol == symbol), Decimal(0))
        for_sale = state.book.working_quantity(symbol, Side.SELL)
        assert for_sale == max(min(left, state.portfolio.position(symbol)), Decimal(0)), "an exit is missing, or one works for nothing"


def left_to_close(state: State, exits: list[Order]) -> Decimal:
    return max(state.book.orders[exits[0].parent].filled - sum((order.filled for order in exits), Decimal(0)), Decimal(0))


def settled(database: Path, venue: VenueProcess) -> None:
    """One more run, which puts right what the others left."""
    engine = make_engine(database, venue.port)
    engine.start()
    view = engine.wait_ready()
    assert not view.health.problem
    until = time.monotonic() + 60
    while {row.state for row in view.orders} & _UNDER_WAY or any(row.asked for row in view.orders):
        assert time.monotonic() < until, [row for row in view.orders if row.state in _UNDER_WAY]
        view = engine.status()
    engine.shutdown()


_UNDER_WAY = {OrderState.UNKNOWN, OrderState.PENDING_SUBMIT, OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE}


def dies(trader: subprocess.Popen[bytes], by: signal.Signals) -> None:
    _, said = trader.communicate(timeout=60)
    assert trader.returncode == -by, said.decode()


def the_books_are_the_venues(database: Path, venue: VenueProcess) -> None:
    """One more run, which finds out what became of all the others' orders."""
    told = records(database)
    assert essence(state_from_checkpoint(told)) == essence(state_of(told))
    engine = make_engine(database, venue.port)
    engine.start()
    view = engine.wait_ready()
    assert not view.health.problem
    assert view.account.mode is Mode.MANUAL, "after a crash nothing trades by itself, whatever the settings ask for"
    assert not {row.state for row in view.orders} & {OrderState.UNKNOWN, OrderState.PENDING_SUBMIT}
    engine.shutdown(60)
    book = venue.ask("book")
    state = the_venues(records(database), book)
    assert not state.book.open, "the last run cancelled what still worked"


def the_venues(told: list[Record], book: dict[str, Any]) -> State:
    """What `told` makes, which is what the venue's `book` says: each order once, each fill once, position and cash to the cent."""
    state = state_of(told)
    theirs = {order["id"]: order for order in book["orders"]}
    placed = Counter(record.id for record in told if isinstance(record, OrderPlaced))
    assert len(theirs) > 10, "the load was too light to prove anything"
    assert [order["id"] for order in book["orders"] if order["copies"]] == [], "sent twice"
    assert set(theirs) <= set(placed), "sent before it was durable"
    assert set(placed.values()) == {1}
    fills = Counter(record.fill.id for record in told if isinstance(record, FillBooked))
    assert set(fills.values()) == {1}, "booked twice"
    for order in state.book.orders.values():
        listed = theirs.get(order.id)
        if listed is None:
            assert order.state in (OrderState.REJECTED, OrderState.CANCELED)
            assert not order.filled
        else:
            figures = tuple(Decimal(listed[name]) for name in ("filled", "cost", "fees"))
            assert (order.filled, order.cost, order.fees) == figures, order
            assert order.state.is_final == (listed["event"] in ("FILL_ALL", "CANCEL"))
    assert state.portfolio.cash == Decimal(book["cash"])
    held = {symbol: Decimal(quantity) for symbol, quantity, _ in book["positions"]}
    assert {symbol: state.portfolio.position(symbol) for symbol in SYMBOLS} == {symbol: held.get(symbol, Decimal(0)) for symbol in SYMBOLS}
    return state


@pytest.mark.timeout(120)
def test_paper_comes_back_to_what_it_had_acknowledged(tmp_path: Path) -> None:
    database = tmp_path / "paper.db"
    chance = random.Random(12)
    for number in range(KILLS_ON_PAPER):
        trader = start(database, "paper", number)
        assert trader.stdout is not None
        seen = [trader.stdout.readline() for _ in range(chance.randrange(1, 6))]
        trader.send_signal(signal.SIGKILL)
        rest, said = trader.communicate(timeout=60)
        assert trader.returncode == -signal.SIGKILL, said.decode()
        seen += rest[: rest.rfind(b"\n") + 1].splitlines()
        acknowledged = {tuple(map(Decimal, line.decode().split())) for line in seen}
        assert acknowledged <= moments(facts(database)), "what was shown as safe was gone"
    told = facts(database)
    placed = Counter(record.id for record in told if isinstance(record, OrderPlaced))
    fills = Counter(record.fill.id for record in told if isinstance(record, FillBooked))
    assert set(placed.values()) == set(fills.values()) == {1}
    engine = make_engine(database, None)
    engine.start()
    view = engine.wait_ready()
    assert view.account.mode is Mode.MANUAL
    assert not {row.state for row in view.orders} & {OrderState.UNKNOWN, OrderState.PENDING_SUBMIT}
    engine.shutdown()
    after = facts(database)
    assert after[: len(told)] == told
    # What rested before may have traded between the start and the first view.
    held = {row.symbol: row.quantity for row in view.positions}
    shown = (view.account.cash, *(held.get(symbol, Decimal(0)) for symbol in SYMBOLS), Decimal(view.orders[0].number))
    assert shown in moments(after, len(told))
    assert not state_of(after).book.open


def moments(told: list[Record], since: int = 0) -> set[tuple[Decimal, ...]]:
    """Every picture that the journal has passed through from its record `since` on, as the trader prints it."""
    state, found = State(), set()
    for number, record in enumerate(told):
        state.apply(record)
        if number >= since:
            portfolio = state.portfolio
            found.add((portfolio.cash, *(portfolio.position(symbol) for symbol in SYMBOLS), Decimal(state.book.last_number)))
    return found
