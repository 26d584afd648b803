"""The emergency stop while everything else is in its way, and the latch that keeps it."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.latch import Latch, latch_path
from engine.model.modes import Level, Mode, TradingState
from engine.model.orders import OrderState, OrderType, Side
from engine.model.records import TradingStateChanged
from engine.model.settings import StopSettings
from tests.engine.engines import SETTINGS, HeldJournal, ToldBroker, limit, make, market, order_of, running, said, until
from tests.engine.inside import Blocked, halted


@contextmanager
def a_hung_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No fsync returns before the end of the block."""
    free, fsync = threading.Event(), os.fsync

    def hang(file: int) -> None:
        free.wait(60)
        fsync(file)

    monkeypatch.setattr(os, "fsync", hang)
    try:
        yield
    finally:
        free.set()


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


def test_a_disk_that_hangs_is_said_with_what_was_stopped_all_the_same_and_again_once_the_stop_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, lambda view: broker.listed)
        with a_hung_disk(monkeypatch):
            engine.emergency_stop(latch_s=0.05)
            view = until(engine, lambda view: said(view, "The stop is not on the disk yet") and view.stop and view.stop.verified)
            line = next(line for line in view.log if "not on the disk yet" in line.text)
            assert (line.level, halted(view), broker.listed) == (Level.ERROR, True, {})
            assert "Trading is halted and what works is being cancelled all the same" in line.text
            assert "If the machine dies before it is, the next start may not be HALTED" in line.text
            assert not said(view, "The stop is on the disk now")
        until(engine, lambda view: said(view, "The stop is on the disk now: the next start is HALTED."))


def test_who_does_not_wait_for_the_disk_is_told_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where several accounts are stopped, none waits on its own."""
    with running(tmp_path) as engine, a_hung_disk(monkeypatch):
        engine.emergency_stop(latch_s=0)
        view = until(engine, lambda view: view.stop and view.stop.verified)
        assert halted(view)
        assert not engine.latched(0)
        assert not said(engine.view(), "on the disk")


def test_who_waits_for_the_disk_after_the_stop_is_told_that_it_is_late_and_when_it_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where several accounts are stopped, and then all their files are waited for at once."""
    with running(tmp_path) as engine:
        with a_hung_disk(monkeypatch):
            engine.emergency_stop(latch_s=0)
            assert not engine.latched(0.05)
            view = until(engine, lambda view: said(view, "The stop is not on the disk yet, which has not answered for 0.05 s."))
            assert not said(view, "The stop is on the disk now")
        until(engine, lambda view: said(view, "The stop is on the disk now: the next start is HALTED."))
        assert engine.latched(20)


def test_a_disk_that_refuses_after_it_hung_is_not_said_to_have_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    def refuse(file: int) -> None:
        free.wait(60)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with running(tmp_path, ToldBroker()) as engine:
        monkeypatch.setattr(os, "fsync", refuse)
        try:
            engine.emergency_stop(latch_s=0.05)
        finally:
            free.set()
        assert engine._keeper.finish(20)
        view = until(engine, lambda view: said(view, "cannot be written (Input/output error)"))
        assert not said(view, "The stop is on the disk now")
        monkeypatch.undo()


def test_a_stop_that_is_on_the_disk_in_time_says_nothing_of_it(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        engine.emergency_stop(latch_s=20)
        assert not said(until(engine, halted), "on the disk")


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
