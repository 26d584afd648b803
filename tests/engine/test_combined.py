"""Limits that several accounts keep together, each with an engine and a thread of its own: the last room is nobody's twice."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import combined as module
from engine.brokers.base import BrokerError, BrokerEvent
from engine.combined import Combined, Seat
from engine.core.risk.rules import Rule
from engine.feeds.base import Feed, FeedError
from engine.live import Engine
from engine.model import inputs
from engine.model.effects import Send
from engine.model.inputs import LinkChanged
from engine.model.modes import LinkState, TradingState
from engine.model.orders import OrderState, Side
from engine.model.settings import ALONE, CombinedLimits, Settings
from engine.model.standing import Standing
from tests.engine.core.floor import SECOND, Floor, wish
from tests.engine.core.floor import settings as floor_settings
from tests.engine.engines import SETTINGS, ToldBroker, limit, make, market, running, until
from tests.quotes import QuoteFeed

FIVE_PER_CENT = replace(SETTINGS, combined=CombinedLimits(max_exposure_pct=Decimal(5)))
"""Of two accounts with 100,000 each: room for 10,000."""
UNTIL = 20.0


class NobodyListens(ToldBroker):
    async def connect(self, tell: Callable[[BrokerEvent], None]) -> None:
        raise ConnectionError("nobody listens")


@contextmanager
def accounts(folder: Path, combined: Combined, *names: str, settings: Settings = FIVE_PER_CENT) -> Iterator[list[Engine]]:
    """A running engine for each of `names`, on paper, on a database of its own."""
    engines = []
    for name in names:
        (folder / name).mkdir(exist_ok=True)
        engines.append(make(folder / name, settings=settings, seat=combined.seat(name)))
    for engine in engines:
        engine.start()
    try:
        for engine in engines:
            engine.wait_ready()
            until(engine, lambda view: all(row.bid is not None for row in view.watch))
        yield engines
    finally:
        for engine in engines:
            engine.shutdown()


def test_of_fifty_orders_at_once_in_two_accounts_as_many_pass_as_there_is_room_for_in_both(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with accounts(tmp_path, combined, "one", "two") as engines:
        together = threading.Barrier(len(engines))

        def press(engine: Engine) -> list[str]:
            together.wait(UNTIL)
            return [engine.submit(limit(10, 90), confirmed=True) for _ in range(25)]

        with ThreadPoolExecutor(len(engines)) as pool:
            commands = list(pool.map(press, engines))
        replies = [engine.answer(command) for engine, asked in zip(engines, commands, strict=True) for command in asked]
        passed = [reply for reply in replies if reply.ok]
        refused = [reply for reply in replies if not reply.ok]
        assert len(passed) == 10_000 // 900
        assert {reply.verdict.rule for reply in refused if reply.verdict is not None} == {Rule.COMBINED_EXPOSURE}
        reserved = sum((view.account.exposure for view in (engine.status() for engine in engines)), Decimal(0))
        assert reserved == len(passed) * 900


def test_two_gates_never_judge_by_the_same_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits a moment for the other in the middle of its judgement: without turns they would meet there."""
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    see, meet = combined.others, threading.Barrier(2)

    def seen(name: str) -> Standing | str:
        others = see(name)
        with suppress(threading.BrokenBarrierError):
            meet.wait(0.05)
        return others

    monkeypatch.setattr(combined, "others", seen)
    monkeypatch.setattr(module, "PATIENCE_S", UNTIL)
    floors = {name: Floor(replace(floor_settings(), combined=FIVE_PER_CENT.combined), prices={"AAPL": 100.0}) for name in ("one", "two")}
    seats = {name: combined.seat(name) for name in floors}
    for name, floor in floors.items():
        seats[name].take(floor.core)
        combined.tell(name, floor.core.gate.standing())

    def buy(name: str) -> bool:
        core, order = floors[name].core, inputs.Submit("c1", wish(Side.BUY, 100, limit=90))
        with seats[name].turn(core, order):
            effects = core.handle(order, SECOND)
        return any(isinstance(effect, Send) for effect in effects)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(buy, floors)) == [False, True]


def test_what_one_account_lets_go_of_is_room_for_another(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with accounts(tmp_path, combined, "one", "two") as (one, two):
        assert one.answer(one.submit(limit(100, 90))).ok
        assert not two.answer(two.submit(limit(20, 90))).ok
        one.cancel()
        until(one, lambda view: view.orders[0].state is OrderState.CANCELED)
        assert two.answer(two.submit(limit(20, 90), confirmed=True)).ok


def test_what_only_closes_is_never_held_back_by_what_others_have(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with accounts(tmp_path, combined, "one", "two") as (one, two):
        assert one.answer(one.submit(market(50))).ok
        until(one, lambda view: view.positions)
        assert two.answer(two.submit(limit(50, 90))).ok
        assert not one.answer(one.submit(market(20))).ok
        assert one.answer(one.submit(market(50, side=Side.SELL))).ok
        until(one, lambda view: not view.positions)


def test_nothing_is_entered_before_every_account_has_told_where_it_stands(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with accounts(tmp_path, combined, "one") as (one,):
        reply = one.answer(one.submit(limit(10, 90)))
        assert not reply.ok
        assert reply.text == "Where the account two stands is not known, and the limit on all accounts counts it."
        with accounts(tmp_path, combined, "two"):
            assert one.answer(one.submit(limit(10, 90), confirmed=True)).ok


def test_an_account_whose_broker_cannot_be_reached_counts_with_what_it_had(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with accounts(tmp_path, combined, "two") as (two,):
        # Alone so far: the other has not told yet.
        combined.tell("one", Standing(equity=Decimal(100_000)))
        assert two.answer(two.submit(market(99))).ok
        until(two, lambda view: view.positions)
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    waiting = make(tmp_path / "two", NobodyListens(), settings=FIVE_PER_CENT, seat=combined.seat("two"))
    waiting.start()
    try:
        with accounts(tmp_path, combined, "one") as (one,):
            until(one, lambda view: isinstance(combined.others("one"), Standing))
            reply = one.answer(one.submit(limit(20, 90)))
            assert not reply.ok
            assert "The exposure of all accounts would be" in reply.text
            assert one.answer(one.submit(limit(1, 90))).ok
    finally:
        waiting.shutdown()


def test_an_account_that_hangs_keeps_others_from_entering_and_from_nothing_else(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with accounts(tmp_path, combined, "one", "two") as (one, two):
        assert one.answer(one.submit(limit(10, 90))).ok
        with combined.turn("two", 1.0):
            reply = one.answer(one.submit(limit(5, 90)))
            assert not reply.ok
            assert reply.text == "Where the account two stands is not known, and the limit on all accounts counts it."
            one.emergency_stop()
            until(one, lambda view: view.account.state is TradingState.HALTED and view.stop is not None and view.stop.verified)
        assert two.answer(two.submit(limit(10, 90))).ok


def test_accounts_that_share_no_limit_know_nothing_of_each_other(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), ALONE)
    with accounts(tmp_path, combined, "one", settings=SETTINGS) as (one,):
        assert one.answer(one.submit(limit(100, 90))).ok


def test_long_and_short_in_one_symbol_are_not_netted(tmp_path: Path) -> None:
    settings = replace(SETTINGS, combined=CombinedLimits(max_position_pct=Decimal(5)))
    combined = Combined(("one", "two"), settings.combined)
    with accounts(tmp_path, combined, "one", "two", settings=settings) as (one, two):
        assert one.answer(one.submit(market(90))).ok
        until(one, lambda view: view.positions)
        assert two.answer(two.submit(market(90, side=Side.SELL))).ok
        until(two, lambda view: view.positions)
        reply = two.answer(two.submit(market(90, "MSFT")))
        assert reply.ok
        reply = two.answer(two.submit(limit(120, 90, side=Side.BUY)))
        assert not reply.ok
        assert "The AAPL position of all accounts" in reply.text


# ---- one that never starts


class RefusesTheKey(ToldBroker):
    async def connect(self, tell: Callable[[BrokerEvent], None]) -> None:
        tell(LinkChanged(self.name, LinkState.DOWN, "unauthorized"))
        raise BrokerError("The key is refused.")


class NeverThere(QuoteFeed):
    """Its host is away, and it is waited for."""

    async def prepare(self, say: Callable[[str], None]) -> None:
        say("starting: the host does not answer")
        await asyncio.Event().wait()


def no_feed() -> Feed:
    raise FeedError("The key for the prices is refused.")


NEVER_STARTS: list[Callable[[Path, Seat], Engine]] = [
    lambda folder, seat: make(folder, RefusesTheKey(), settings=FIVE_PER_CENT, seat=seat),
    lambda folder, seat: make(folder, settings=FIVE_PER_CENT, seat=seat, feed=NeverThere),
    lambda folder, seat: make(folder, settings=FIVE_PER_CENT, seat=seat, feed=no_feed),
]


@contextmanager
def one_that_never_starts(make_it: Callable[[Path, Seat], Engine], folder: Path, combined: Combined, name: str) -> Iterator[Engine]:
    folder.mkdir(exist_ok=True)
    engine = make_it(folder, combined.seat(name))
    engine.start()
    try:
        yield engine
    finally:
        engine.shutdown()


@pytest.mark.parametrize("never_starts", NEVER_STARTS, ids=["key refused", "host away", "no feed"])
def test_an_account_that_never_starts_counts_by_its_books_and_the_screen_says_how_old_they_are(
    tmp_path: Path, never_starts: Callable[[Path, Seat], Engine]
) -> None:
    (tmp_path / "two").mkdir()
    broker = ToldBroker()
    with running(tmp_path / "two", broker, settings=replace(SETTINGS, on_exit="keep")) as two:
        two.submit(market(80))
        two.submit(limit(10, 90, "MSFT"))
        broker.fill(until(two, lambda view: len(broker.listed) == 2).orders[-1].id)
        until(two, lambda view: view.positions)
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with one_that_never_starts(never_starts, tmp_path / "two", combined, "two") as two, accounts(tmp_path, combined, "one") as (one,):
        until(one, lambda view: isinstance(combined.others("one"), Standing))
        others = combined.others("one")
        assert isinstance(others, Standing)
        assert (others.symbols["AAPL"][0] > 0, others.symbols["MSFT"][0]) == (True, Decimal(900)), "what works may yet fill"
        reply = one.answer(one.submit(limit(20, 90)))
        assert "The exposure of all accounts would be" in reply.text
        assert one.answer(one.submit(limit(5, 90))).ok
        with closing(sqlite3.connect(tmp_path / "two" / "paper.db")) as books, books:
            assert combined._books == {"two": books.execute("SELECT max(wall) FROM journal WHERE kind != 'Noted'").fetchone()[0]}
        until(two, lambda view: view.health.problem not in ("", "starting"))
        counted = combined.counted("two", time.time_ns())
        assert re.search(r"it counts as its books were left \d min ago, with an exposure of [\d,.]+: the others enter", counted)


@pytest.mark.parametrize("never_starts", NEVER_STARTS, ids=["key refused", "host away", "no feed"])
def test_what_an_account_that_never_ran_holds_nobody_knows_until_a_person_lets_others_enter_and_exits_go(
    tmp_path: Path, never_starts: Callable[[Path, Seat], Engine]
) -> None:
    combined = Combined(("one", "two"), ALONE)
    with accounts(tmp_path, combined, "one", settings=SETTINGS) as (one,):
        assert one.answer(one.submit(market(10))).ok
        until(one, lambda view: view.positions)
        combined.change(FIVE_PER_CENT.combined)
        with one_that_never_starts(never_starts, tmp_path / "two", combined, "two") as two:
            until(two, lambda view: view.health.problem not in ("", "starting"))
            counted = combined.counted("two", 0)
            assert counted.startswith("What it holds is not known: under the limits on all accounts no other enters, exits go.")
            assert counted.endswith("If it holds nothing, say so in the preferences by LOOSEN.")
            assert "Where the account two stands is not known" in one.answer(one.submit(limit(5, 90))).text
            assert one.answer(one.submit(market(10, side=Side.SELL))).ok
            until(one, lambda view: not view.positions)
            denied = one.answer(one.preview(limit(5, 90)))
            assert denied.verdict is not None
            assert (denied.verdict.limit, denied.verdict.actual) == ("5 % of all equity", "not known")
            combined.leave_out("two", "I looked: it holds nothing")
            assert one.answer(one.submit(limit(6, 90))).ok
            assert "would be" in one.answer(one.submit(limit(100, 90))).text, "the limit holds for all that is known"
            assert combined.counted("two", 0) == "By your word it counts as nothing in the limits on all accounts, until it has started."


@pytest.mark.parametrize(
    "tells",
    [lambda it: it.tell("two", Standing(Decimal(7))), lambda it: it.remember("two", Standing(Decimal(7)), 1)],
    ids=["told", "books"],
)
def test_one_that_was_left_out_counts_again_once_it_tells_or_its_books_are_read(tells: Callable[[Combined], None]) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with pytest.raises(ValueError, match="takes a reason"):
        combined.leave_out("two", " ")
    assert (combined.unknown, combined.others("one")) == (("one", "two"), "two")
    combined.leave_out("two", "looked")
    assert (combined.unknown, combined.left_out, combined.others("one")) == (("one",), ("two",), Standing())
    tells(combined)
    assert (combined.left_out, combined.others("one")) == ((), Standing(Decimal(7)))


def test_who_is_known_is_not_left_out() -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    combined.tell("two", Standing(Decimal(7)))
    combined.leave_out("two", "looked")
    assert (combined.left_out, combined.others("one")) == ((), Standing(Decimal(7)))


def test_books_in_which_there_is_no_run_yet_say_nothing_of_what_is_held(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    for _ in range(2):
        with one_that_never_starts(NEVER_STARTS[0], tmp_path / "two", combined, "two") as two:
            until(two, lambda view: view.health.failed)
            assert combined.unknown == ("one", "two")
        assert (tmp_path / "two" / "paper.db").exists()


def test_an_account_that_has_started_counts_with_where_it_stands_and_no_longer_by_its_books(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with accounts(tmp_path, combined, "one"):
        pass
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with accounts(tmp_path, combined, "one"):
        assert combined.counted("one", 0) == "In the limits on all accounts it counts with where it stood last."
        combined.remember("one", Standing(equity=Decimal(1)), 1)
        others = combined.others("two")
        assert isinstance(others, Standing)
        assert others.equity > 1


@pytest.mark.parametrize(("minutes", "words"), [(-5, "0 min"), (119, "119 min"), (120, "2 h"), (47 * 60 + 59, "47 h"), (48 * 60, "2 days")])
def test_the_age_of_books_is_told_in_what_one_counts_it_in(minutes: int, words: str) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    combined.remember("two", Standing(), 0)
    assert f"left {words} ago" in combined.counted("two", minutes * 60 * SECOND)


def test_an_account_whose_link_breaks_goes_on_to_count_with_where_it_stands() -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    core = Floor(replace(floor_settings(), combined=FIVE_PER_CENT.combined), prices={"AAPL": 100.0}).core
    seat = combined.seat("one")
    seat.take(core)
    for event in (inputs.Submit("c1", wish(Side.BUY, 1, limit=90)), LinkChanged("told", LinkState.DOWN, "cut")):
        combined.tell("one", Standing())
        with seat.turn(core, event):
            core.handle(event, SECOND)
        told = combined.others("two")
        assert isinstance(told, Standing)
        assert told.equity > 0


def test_of_one_account_alone_and_where_no_limit_is_on_all_nothing_is_said() -> None:
    assert Combined(("",), FIVE_PER_CENT.combined).counted("", 0) == ""
    assert Combined(("one", "two"), ALONE).counted("two", 0) == ""


# ---- changed while it runs


def test_a_limit_that_is_tightened_holds_from_the_next_order_on_in_every_account(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    with accounts(tmp_path, combined, "one", "two") as (one, two):
        assert one.answer(one.submit(limit(20, 90))).ok
        combined.change(CombinedLimits(max_exposure_pct=Decimal(1)))
        for engine in (one, two):
            reply = engine.answer(engine.submit(limit(10, 90), confirmed=True))
            assert reply.verdict is not None
            assert reply.verdict.rule is Rule.COMBINED_EXPOSURE
        combined.change(CombinedLimits(max_exposure_pct=Decimal(3)), "the morning is over")
        assert two.answer(two.submit(limit(11, 90))).ok


def test_a_first_limit_counts_what_was_entered_before_there_was_one_and_none_lets_all_pass(tmp_path: Path) -> None:
    combined = Combined(("one", "two"), ALONE)
    with accounts(tmp_path, combined, "one", "two", settings=SETTINGS) as (one, two):
        assert one.answer(one.submit(limit(100, 90))).ok
        combined.change(FIVE_PER_CENT.combined)
        reply = two.answer(two.submit(limit(20, 90)))
        assert "The exposure of all accounts would be" in reply.text
        combined.change(ALONE, "each holds its own")
        assert two.answer(two.submit(limit(21, 90))).ok


def test_to_loosen_a_limit_on_all_accounts_takes_a_reason() -> None:
    combined = Combined(("one", "two"), FIVE_PER_CENT.combined)
    for looser in (CombinedLimits(max_exposure_pct=Decimal(6)), ALONE):
        with pytest.raises(ValueError, match=r"to loosen combined\.max_exposure_pct 5 → (6|none) takes a reason"):
            combined.change(looser, " ")
    assert combined.limits == FIVE_PER_CENT.combined
    combined.change(CombinedLimits(max_exposure_pct=Decimal(4), max_position_pct=Decimal(1)))
    combined.change(ALONE, "each holds its own")
    assert combined.limits == ALONE
