"""An engine in which something breaks: trading stops, the program does not, and it is said what broke."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine import courier
from engine.comparison import Comparison
from engine.feed_runner import FeedRunner
from engine.latch import Latch, latch_path
from engine.model.inputs import EmergencyStop, Submit, Tick
from engine.model.market import Quote
from engine.model.orders import OrderState
from engine.reports import Reports
from engine.shell import Shell
from tests.engine.engines import ToldBroker, limit, make, market, order_of, running, said, until
from tests.engine.inside import halted, shell_of
from tests.quotes import DAY


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
