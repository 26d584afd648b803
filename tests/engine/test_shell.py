"""The emergency stop while everything else is in its way, and an engine in which something breaks."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine import courier
from engine.comparison import Comparison
from engine.feed_runner import FeedRunner
from engine.latch import Latch, latch_path
from engine.live import Engine
from engine.model.inputs import EmergencyStop, Submit, Tick
from engine.model.market import Bar, Quote
from engine.model.modes import Mode, TradingState
from engine.model.orders import OrderState, OrderType, Side
from engine.model.records import Noted, OrderChanged, OrderPlaced, TradingStateChanged
from engine.model.settings import StopSettings
from engine.reports import Reports
from engine.shell import Shell
from tests.engine.engines import SETTINGS, HeldJournal, ToldBroker, limit, make, market, order_of, running, said, until
from tests.quotes import DAY, QuoteFeed


def shell_of(engine: Engine) -> Shell:
    assert engine._shell is not None
    return engine._shell


def halted(view: Any) -> bool:
    return view.account.state is TradingState.HALTED


class Blocked:
    """Holds the engine's own loop, in a subscriber that does not return, until `release`."""

    def __init__(self, engine: Engine, trigger: Callable[[], object]) -> None:
        self._free, inside = threading.Event(), threading.Event()

        def hold(record: Noted | OrderPlaced) -> None:
            inside.set()
            self._free.wait(20)

        end = engine.subscribe(OrderPlaced, hold)
        trigger()
        assert inside.wait(20)
        end()

    def release(self) -> None:
        self._free.set()


# ---- the stop


def test_the_stop_holds_before_it_returns_even_where_the_engine_is_stuck(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        stuck = Blocked(engine, lambda: engine.submit(limit()))
        engine.emergency_stop("hands off")
        assert engine._switch.closed
        assert Latch(latch_path(tmp_path / "paper.db")).read() == "hands off"
        stuck.release()
        view = until(engine, halted)
        assert view.account.mode is Mode.EMERGENCY
        assert order_of(view, 1).state in (OrderState.PENDING_CANCEL, OrderState.CANCELED)
        until(engine, lambda view: order_of(view, 1).state is OrderState.CANCELED)
        assert broker.submitted == [], "it was placed before the stop, and its send came after"


def test_the_stop_cancels_what_works_and_refuses_what_comes(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        for number in range(5):
            engine.submit(limit(10 + number))
        until(engine, lambda view: len(broker.submitted) == 5)
        assert engine.answer(engine.emergency_stop()).text == "HALTED: 5 working orders being cancelled"
        until(engine, lambda view: all(row.state is OrderState.CANCELED for row in view.orders))
        refused = engine.answer(engine.submit(limit()))
        assert "halted" in refused.text
        assert not engine.answer(engine.set_mode(Mode.FULL_AUTO)).ok
        assert len(broker.submitted) == 5


def test_ten_presses_are_one_stop(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        heard: list[TradingStateChanged] = []
        engine.subscribe(TradingStateChanged, heard.append)
        answers = [engine.answer(press) for press in [engine.emergency_stop() for _ in range(10)]]
        assert all(answer.ok for answer in answers)
        assert len(heard) == 1
        assert engine.answer(engine.resume("one is enough")).ok
        assert engine.answer(engine.submit(limit())).ok
        until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING)


def test_a_press_keeps_the_gate_shut_through_a_resume_that_was_asked_for_before_it(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        gate: list[tuple[TradingState, bool]] = []
        stuck = Blocked(engine, lambda: engine.submit(limit()))
        engine.subscribe(TradingStateChanged, lambda change: gate.append((change.state, engine._switch.closed)))
        engine.emergency_stop("first")
        engine.resume("a moment too early")
        engine.emergency_stop("second")
        stuck.release()
        view = until(engine, lambda view: view.account.reason == "second")
        assert gate == [(TradingState.HALTED, True), (TradingState.ACTIVE, True), (TradingState.HALTED, True)]
        assert (halted(view), engine._switch.closed) == (True, False)
        assert engine._keeper.finish(20)
        assert Latch(latch_path(tmp_path / "paper.db")).read() == "second"


def test_protective_stops_stay_where_the_settings_say_so(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker, settings=replace(SETTINGS, stop=StopSettings(keep_protective=True))) as engine:
        engine.submit(market())
        order = order_of(until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING), 1)
        broker.fill(order.id)
        until(engine, lambda view: view.positions)
        engine.submit(replace(market(side=Side.SELL), type=OrderType.STOP, stop=Decimal(90)))
        engine.submit(limit())
        until(engine, lambda view: len(broker.submitted) == 3)
        engine.answer(engine.emergency_stop())
        view = until(engine, lambda view: order_of(view, 3).state is OrderState.CANCELED)
        assert order_of(view, 2).state is OrderState.WORKING


def test_a_stop_outlives_the_program_and_only_a_reason_ends_it(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        engine.answer(engine.emergency_stop("a bad feeling"))
    with running(tmp_path, ToldBroker(), settings=replace(SETTINGS, mode=Mode.FULL_AUTO)) as engine:
        view = engine.status()
        assert (view.account.state, view.account.mode, view.account.reason) == (TradingState.HALTED, Mode.EMERGENCY, "a bad feeling")
        assert not engine.answer(engine.resume(" ")).ok
        assert halted(engine.status())
        assert engine.answer(engine.resume("slept over it")).ok
        view = engine.status()
        assert (view.account.state, view.account.mode) == (TradingState.ACTIVE, Mode.MANUAL)
        assert engine._keeper.finish(20)
        assert Latch(latch_path(tmp_path / "paper.db")).read() == ""
    with running(tmp_path, ToldBroker()) as engine:
        assert engine.status().account.state is TradingState.ACTIVE


@pytest.mark.parametrize("content", [b"", b"READY or not", b"\xff" * 10_000])
def test_a_latch_that_is_garbled_by_hand_halts_at_once_and_until_somebody_says_why(tmp_path: Path, content: bytes) -> None:
    path = latch_path(tmp_path / "paper.db")
    with running(tmp_path, ToldBroker()) as engine:
        path.write_bytes(content)
        assert until(engine, halted).account.reason == "the stop's file cannot be read"
        assert engine.answer(engine.resume("I tidied up")).ok
        assert engine._keeper.finish(20)
        assert (Latch(path).read(), halted(engine.status())) == ("", False)


@pytest.mark.parametrize("spoil", [lambda path: None, Path.mkdir])
def test_a_latch_that_is_removed_by_hand_neither_resumes_nor_keeps_the_stop_from_being_known(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    path = latch_path(tmp_path / "paper.db")
    with running(tmp_path, ToldBroker()) as engine:
        engine.answer(engine.emergency_stop("by key"))
        assert engine._keeper.finish(20)
        path.unlink()
        spoil(path)
        ticks = engine.status().revision
        until(engine, lambda view: view.revision > ticks + 50)
        assert halted(engine.status())
    with running(tmp_path, ToldBroker()) as engine:
        assert engine.status().account.reason == "by key"
        assert engine._keeper.finish(20)
        assert Latch(path).read()


def test_a_latch_that_somebody_else_set_halts_the_next_start(tmp_path: Path) -> None:
    Latch(latch_path(tmp_path / "paper.db")).set("from another process")
    with running(tmp_path, ToldBroker()) as engine:
        assert engine.status().account.reason == "from another process"


def test_a_latch_that_cannot_be_written_halts_all_the_same_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, lambda view: broker.listed)

        def full(*given: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "pwrite", full)
        engine.answer(engine.emergency_stop())
        view = until(engine, lambda view: order_of(view, 1).state is OrderState.CANCELED)
        assert halted(view)
        assert said(view, "paper.db.latch cannot be written (No space left on device). Trading is halted, but a restart would not know it.")


def test_a_resume_that_meets_a_stop_does_not_clear_its_latch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stop is pressed at the worst moment: while the file is cleared for the resume before it."""
    with running(tmp_path, ToldBroker()) as engine:
        engine.answer(engine.emergency_stop())
        clear, seen = Latch.clear, []
        pressing = threading.Thread(target=engine.emergency_stop, args=("again",))

        def press_meanwhile(latch: Latch) -> None:
            pressing.start()
            until(engine, halted)
            clear(latch)
            seen.append(latch.read())

        monkeypatch.setattr(Latch, "clear", press_meanwhile)
        assert engine.answer(engine.resume("go on")).ok
        assert engine._keeper.finish(20)
        pressing.join()
        assert seen == [""], "the worst moment was met"
        assert halted(engine.status())
        assert Latch(latch_path(tmp_path / "paper.db")).read() == "again"


def test_a_resume_that_comes_after_a_stop_was_pressed_leaves_its_latch_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        engine.answer(engine.emergency_stop())
        cleared: list[Latch] = []
        monkeypatch.setattr(Latch, "clear", cleared.append)
        stuck, inside = threading.Event(), threading.Event()

        def hold() -> None:
            inside.set()
            stuck.wait(20)

        engine._loop.call_soon_threadsafe(hold)  # type: ignore[union-attr]
        assert inside.wait(20)
        resume, stop = engine.resume("go on"), engine.emergency_stop("no, wait")
        stuck.set()
        assert engine.answer(resume).ok
        assert engine.answer(stop).ok
        assert halted(engine.status())
        assert (cleared, Latch(latch_path(tmp_path / "paper.db")).read()) == ([], "no, wait")


def test_a_stop_pressed_while_starting_is_in_force_and_can_be_resumed_from(tmp_path: Path) -> None:
    broker, connecting, go = ToldBroker(), threading.Event(), threading.Event()

    async def slow() -> None:
        connecting.set()
        go.wait(20)

    broker.on_snapshot = slow
    engine = make(tmp_path, broker)
    engine.start()
    assert connecting.wait(20)
    engine.emergency_stop("not today")
    go.set()
    try:
        assert engine.wait_ready().account.reason == "not today"
        assert engine.answer(engine.resume("now")).ok
        until(engine, lambda view: view.watch[0].bid)
        engine.submit(limit())
        until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING)
    finally:
        engine.shutdown()


def test_the_stop_cancels_where_the_journal_is_dead(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        engine.submit(limit())
        until(engine, lambda view: broker.listed)
        engine._loop.call_soon_threadsafe(journal.inner._writer.cancel)  # type: ignore[union-attr]
        until(engine, lambda view: "writer ended" in view.health.problem)
        assert "writer ended" in engine.answer(engine.submit(limit())).text
        engine.answer(engine.emergency_stop())
        view = until(engine, lambda view: order_of(view, 1).state is OrderState.CANCELED)
        assert not broker.listed
        assert not said(view, "A part of the engine broke")
        assert Latch(latch_path(tmp_path / "paper.db")).read()


# ---- what breaks


def breaking(core_part: str) -> Callable[..., None]:
    def fail(self: object, *given: object) -> None:
        raise ZeroDivisionError(f"in {core_part}")

    return fail


def test_an_error_in_the_core_stops_trading_and_not_the_program(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        core = shell_of(engine).core
        placed = core._handlers[type(Tick())]
        failed = 0

        def fail(tick: Tick) -> None:
            nonlocal failed
            failed += 1
            raise ZeroDivisionError("in a tick")

        core._handlers[Tick] = fail
        view = until(engine, lambda view: failed >= 3)
        assert halted(view)
        assert "The engine failed on a Tick (in a tick)" in view.health.problem
        assert Latch(latch_path(tmp_path / "paper.db")).read()
        core._handlers[Tick] = placed
        assert engine.answer(engine.resume("mended")).ok
        assert engine.answer(engine.submit(limit())).ok
        assert sum("failed on a Tick" in line.text for line in engine.status().log) == 1, "said once, not ten times a second"


def test_what_an_error_broke_off_is_kept_and_what_it_placed_is_not_sent(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        desk = shell_of(engine).core.desk
        core = shell_of(engine).core
        submit = core._handlers[Submit]

        def break_off(command: Any) -> None:
            submit(command)
            raise ZeroDivisionError("after the order was placed")

        core._handlers[Submit] = break_off
        engine.submit(limit())
        until(engine, lambda view: halted(view) and view.orders)
        assert order_of(until(engine, lambda view: order_of(view, 1).state.is_final), 1).state is OrderState.CANCELED
        assert (broker.submitted, broker.cancels) == ([], [])
        assert desk.state.book.open == {}
    with closing(sqlite3.connect(tmp_path / "paper.db")) as database:
        assert database.execute("SELECT count(*) FROM journal WHERE kind = 'OrderPlaced'").fetchone() == (1,)


def test_a_stop_that_itself_breaks_leaves_the_gate_shut_and_the_latch_set(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        for kind in (EmergencyStop, Tick):
            shell_of(engine).core._handlers[kind] = breaking(kind.__name__)
        until(engine, lambda view: "failed on a EmergencyStop" in view.health.problem)
        engine.submit(limit())
        until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.CANCELED)
        assert broker.submitted == []
        assert Latch(latch_path(tmp_path / "paper.db")).read()


@pytest.mark.parametrize(("owner", "part"), [(Shell, "_tick"), (FeedRunner, "run"), (Comparison, "run"), (Reports, "run")])
def test_a_task_that_breaks_stops_trading_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, part: str) -> None:
    async def broken(task: object) -> None:
        raise ZeroDivisionError(f"{part} is broken")

    monkeypatch.setattr(owner, part, broken)
    engine = make(tmp_path, ToldBroker())
    engine.start()
    try:
        engine.wait_ready()
        view = until(engine, halted)
        assert f"A part of the engine broke ({part} is broken)" in view.health.problem
    finally:
        engine.shutdown()


def test_a_callback_that_breaks_is_said_on_the_screen_and_not_across_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        engine._loop.call_soon_threadsafe(breaking("a callback"), None)  # type: ignore[union-attr]
        view = until(engine, halted)
        assert "in a callback" in view.health.problem
    assert capfd.readouterr() == ("", "")


def test_a_tick_that_breaks_is_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        with monkeypatch.context() as once:
            once.setattr(courier.Courier, "find_unknown", breaking("a tick"))
            assert "in a tick" in until(engine, halted).health.problem
        assert engine.answer(engine.resume("looked at it")).ok
        Latch(latch_path(tmp_path / "paper.db")).set("by hand")
        until(engine, lambda view: view.account.reason == "by hand")


def test_a_record_that_has_no_words_is_kept_and_its_order_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = ToldBroker()
    monkeypatch.setattr("engine.reports.line_of", breaking("words"))
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        view = until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING)
        assert said(view, "a OrderPlaced could not be put into words: in words")
        assert not view.health.problem


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0, 0.0])
def test_a_quote_without_numbers_keeps_the_last_price_and_the_engine(tmp_path: Path, bad: float) -> None:
    with running(tmp_path) as engine:
        shell = shell_of(engine)
        for quote in (
            Quote("AAPL", DAY, bad, 100.0, 10, 10, 100.0),
            Quote("AAPL", DAY, 99.0, bad, 10, 10, 100.0),
            Quote("AAPL", DAY, 99.0, 100.0, 10, 10, bad),
            Quote("AAPL", DAY, 99.0, 100.0, bad, bad, 100.0),
        ):
            engine._loop.call_soon_threadsafe(shell._market.on_market, quote)  # type: ignore[union-attr]
        engine.submit(market())
        view = until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.FILLED)
        assert not view.health.problem
        assert view.watch[0].last == 100.0
        assert view.chart is not None
        assert all(90 < price < 110 for bar in view.chart.bars for price in (bar.open, bar.high, bar.low, bar.close))


# ---- the end


@pytest.mark.parametrize(("on_exit", "left"), [("cancel_entries", {"SELL"}), ("keep", {"BUY", "SELL"}), ("cancel_all", set())])
def test_the_end_cancels_what_the_settings_say(tmp_path: Path, on_exit: Any, left: set[str]) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker, settings=replace(SETTINGS, on_exit=on_exit)) as engine:
        engine.submit(market())
        order = order_of(until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING), 1)
        broker.fill(order.id)
        until(engine, lambda view: view.positions)
        engine.submit(limit())
        engine.submit(limit(price=120, side=Side.SELL))
        until(engine, lambda view: len(broker.listed) == 2)
    assert {str(listed.side) for listed in broker.listed.values()} == left
    assert broker.closed


def test_an_order_that_waits_for_the_disk_at_the_end_is_not_sent(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal, settings=replace(SETTINGS, on_exit="keep")) as engine:
        changes: list[OrderChanged] = []
        engine.subscribe(OrderChanged, changes.append)
        journal.held.set()
        engine.submit(limit())
        until(engine, lambda view: view.orders)
        ending = threading.Thread(target=engine.shutdown)
        ending.start()
        until_shut(engine)
        journal.release()
        ending.join()
        assert broker.submitted == []
        assert [change.state for change in changes] == [OrderState.CANCELED]


def until_shut(engine: Engine) -> None:
    pause = threading.Event()
    while not shell_of(engine)._courier._shut:
        pause.wait(0.005)


def test_the_end_says_which_cancel_nobody_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.shell.EXIT_S", 0.1)

    async def silent(orders: object) -> None:
        """Takes it and says nothing."""

    with running(tmp_path, ToldBroker(on_cancel=silent)) as engine:
        engine.submit(limit())
        until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING)
    assert said(engine.view(), "the broker did not confirm the cancel of #1 AAPL: it may still work there")


def test_prices_from_history_are_there_before_the_first_quote(tmp_path: Path) -> None:
    bars = [Bar("AAPL", DAY - 60 * n, 100, 101, 99, 100 + n, 1_000) for n in (3, 2, 1)]
    with running(tmp_path, ToldBroker(), feed=lambda: QuoteFeed(history=bars)) as engine:
        chart = engine.status().chart
        assert chart is not None
        assert [bar.close for bar in chart.bars[:3]] == [103, 102, 101]


@pytest.mark.parametrize("part", ["close", "cancel"])
def test_a_broker_that_hangs_does_not_keep_the_journal_from_the_runs_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("engine.shell.EXIT_S", 0.1)
    monkeypatch.setattr(courier, "CLOSE_S", 0.1)
    free = threading.Event()

    async def hang(*given: object) -> None:
        """As an adapter does that lets nobody cancel it."""
        while not free.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, lambda view: broker.listed)
        monkeypatch.setattr(broker, part, hang)
        ending = threading.Thread(target=engine.shutdown)
        ending.start()
        assert any(last_record(tmp_path) == "RunEnded" or free.wait(0.01) for _ in range(2_000)), "while the adapter still hangs"
        free.set()
        ending.join(20)
    words = "the link to told did not close within 0.1 s" if part == "close" else "the broker did not confirm the cancel of #1 AAPL"
    assert said(engine.view(), words)


def last_record(folder: Path) -> str:
    """The kind of the newest record but for the checkpoint that follows a run's end."""
    with closing(sqlite3.connect(folder / "paper.db")) as database:
        return str(database.execute("SELECT kind FROM journal WHERE kind != 'Checkpoint' ORDER BY rowid DESC LIMIT 1").fetchone()[0])
