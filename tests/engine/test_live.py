"""The engine from outside: its start and end, commands from other threads, what it shows, and strategies that cannot hold it up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.build import create_engine
from engine import feed_runner, shell
from engine.brokers.base import BrokerEvent
from engine.feeds.base import FeedError, FeedLostError
from engine.latch import Latch, latch_path
from engine.live import SWITCH_S
from engine.model.market import Bar, MarketEvent, MarketStatus, Phase
from engine.model.modes import Level, LinkState, Mode, TradingState
from engine.model.orders import OrderState
from engine.model.records import FillBooked, OrderPlaced
from engine.model.settings import FeedSettings, Settings, StrategySettings
from engine.view_builder import ViewBuilder
from tests.engine.engines import SETTINGS, ToldBroker, limit, make, market, order_of, running, said, until
from tests.project_files import ROOT
from tests.quotes import DAY, QuoteFeed

SPINNING = """
from tradeconsole import Strategy

class Spinning(Strategy):
    def on_quote(self, ctx, quote):
        while True:
            pass
"""

HOLDING = """
import re
from tradeconsole import Strategy

class Holding(Strategy):
    def on_quote(self, ctx, quote):
        re.match(r"(a|a)*$", "a" * 60 + "b")
"""


# ---- life


def test_no_thread_beside_the_engine_keeps_the_interpreter_for_long(tmp_path: Path) -> None:
    sys.setswitchinterval(0.005)
    with running(tmp_path):
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)


def test_an_order_by_hand_fills_on_paper_and_shows(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        answer = engine.answer(engine.submit(market(5)))
        assert (answer.ok, answer.text) == (True, "#1 BUY 5 AAPL market DAY sent")
        view = until(engine, lambda view: view.positions)
        assert order_of(view, 1).state is OrderState.FILLED
        assert view.positions[0].quantity == 5
        assert said(view, "#1 filled BUY 5 AAPL @ 100.02")


def test_the_log_of_a_market_that_goes_faster_has_its_time_as_its_orders_have(tmp_path: Path) -> None:
    feed = FeedSettings("sim", start="2024-11-25", speed=60)
    engine = create_engine(replace(SETTINGS, database=tmp_path / "paper.sqlite", symbols=("AAPL",), feed=feed))
    engine.start()
    try:
        engine.wait_ready()
        until(engine, lambda view: view.watch[0].ask)
        assert engine.answer(engine.submit(market(5))).ok
        view = until(engine, lambda view: view.positions)
        (line,) = (line for line in view.log if line.text.startswith("#1 filled"))
        assert order_of(view, 1).created_at <= line.time <= view.health.market_time
        assert line.wall > view.health.market_time
    finally:
        engine.shutdown()


def test_a_ten_line_script_trades_and_ends(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"""
from decimal import Decimal
from pathlib import Path
from engine.model import Intent, Side
from tradeconsole import Settings, create_engine

engine = create_engine(Settings(database=Path({str(tmp_path / "paper.db")!r}), symbols=("AAPL", "MSFT")))
engine.start()
engine.wait_ready()
while engine.status().watch[0].bid is None:
    pass
print(engine.answer(engine.submit(Intent("AAPL", Side.BUY, Decimal(5)))).text)
engine.shutdown()
""",
        encoding="utf-8",
    )
    run = subprocess.run([sys.executable, script], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == ("#1 BUY 5 AAPL market DAY sent\n", "")


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path, settings=replace(SETTINGS, on_exit="keep")) as engine:
        engine.submit(market(5))
        engine.submit(limit(7))
        before = until(engine, lambda view: view.positions and len(view.orders) == 2 and order_of(view, 2).state is OrderState.WORKING)
    with running(tmp_path) as engine:
        after = engine.status()
        assert after.account.cash == before.account.cash
        assert [(row.symbol, row.quantity, row.average) for row in after.positions] == [
            (row.symbol, row.quantity, row.average) for row in before.positions
        ]
        assert [row.id for row in after.orders] == [row.id for row in before.orders]
        assert order_of(after, 2).state is OrderState.WORKING
        engine.submit(limit(1))
        assert order_of(until(engine, lambda view: len(view.orders) == 3), 3).number == 3


def test_an_engine_that_is_ended_in_the_moment_it_starts_ends(tmp_path: Path) -> None:
    for _ in range(5):
        engine = make(tmp_path)
        engine.start()
        engine.shutdown()
        assert not engine._thread.is_alive()
        assert not engine.view().health.problem


@pytest.mark.parametrize("part", ["connect", "snapshot"])
def test_a_broker_that_does_not_answer_does_not_hold_up_who_gives_up_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    asked = threading.Event()

    async def mute(self: ToldBroker, *given: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ToldBroker, part, mute)
    broker = ToldBroker()
    engine = make(tmp_path, broker)
    engine.start()
    assert asked.wait(20)
    engine.shutdown(2)
    assert broker.closed
    monkeypatch.undo()
    with running(tmp_path, ToldBroker(), settings=replace(SETTINGS, mode=Mode.FULL_AUTO)) as engine:
        assert engine.status().account.mode is Mode.FULL_AUTO, "a run that never began did not crash"


def test_a_second_engine_on_the_same_database_says_who_has_it(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        second = make(tmp_path)
        second.start()
        view = second.wait_ready()
        assert not view.health.ready
        assert "already trades on" in view.health.problem
        assert "already trades on" in second.answer(second.submit(market())).text
        second.shutdown()
        assert first.answer(first.submit(market())).ok


def test_a_feed_that_cannot_start_is_a_sentence_not_a_traceback(tmp_path: Path) -> None:
    def no_feed() -> QuoteFeed:
        raise FeedError("There is no file prices.csv.")

    with running(tmp_path, feed=no_feed, ready=False) as engine:
        view = engine.wait_ready()
        assert view.health.problem == "There is no file prices.csv."
        assert view.log[-1].detail == ""


def test_a_feed_that_breaks_down_leaves_the_engine_alive(tmp_path: Path) -> None:
    class Breaking(QuoteFeed):
        async def run(self, tell: object) -> None:
            raise FeedError("the line went dead.")

    engine = make(tmp_path, ToldBroker(), feed=Breaking)
    engine.start()
    try:
        engine.wait_ready()
        view = until(engine, lambda view: said(view, "the line went dead. Prices go stale; positions and orders are as they were."))
        assert not view.health.problem
        assert [link.up for link in view.health.links] == [True, False]
    finally:
        engine.shutdown()


class Away(ToldBroker):
    """A gateway that is not running, until `there` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.there = threading.Event()
        self.tries = 0

    async def connect(self, tell: Callable[[BrokerEvent], None]) -> None:
        self.tries += 1
        if not self.there.is_set():
            raise ConnectionError("the gateway does not answer on port 7497: is it running?")
        await super().connect(tell)


def test_a_broker_that_is_not_there_at_the_start_is_tried_again_and_the_screen_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "AGAIN_S", (0.05,))
    broker = Away()
    with running(tmp_path, broker, ready=False) as engine:
        view = until(engine, lambda view: broker.tries > 2)
        text = "starting: told does not answer (the gateway does not answer on port 7497: is it running?); it is tried again in 0.05 s"
        assert (view.health.problem, view.health.failed, view.health.ready) == (text, False, False)
        assert said(view, text)
        assert engine.answer(engine.submit(market())).text == f"{text}: nothing was sent"
        with pytest.raises(TimeoutError, match="port 7497"):
            engine.wait_ready(0.01)
        broker.there.set()
        assert not engine.wait_ready().health.problem
        assert engine.answer(engine.submit(limit())).ok


def test_a_start_that_waits_for_its_broker_can_be_ended_and_stopped(tmp_path: Path) -> None:
    broker = Away()
    with running(tmp_path, broker, ready=False) as engine:
        until(engine, lambda view: broker.tries)
        engine.emergency_stop("not today")
        engine.shutdown(2)
    assert Latch(latch_path(tmp_path / "paper.db")).read() == "not today"


def test_credentials_that_are_wrong_are_not_tried_again(tmp_path: Path) -> None:
    class Strange(ToldBroker):
        async def connect(self, tell: object) -> None:
            raise PermissionError("the key is not known there")

    with running(tmp_path, Strange(), ready=False) as engine:
        health = engine.wait_ready().health
        assert (health.problem, health.failed) == ("the key is not known there", True)
        assert engine.answer(engine.submit(market())).text == "the key is not known there"


@pytest.mark.parametrize(
    ("state", "level"), [(LinkState.DOWN, Level.ERROR), (LinkState.RESET, Level.INFO), (LinkState.LOGIN, Level.WARNING)]
)
def test_a_feed_whose_line_broke_is_tried_again_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: LinkState, level: Level
) -> None:
    monkeypatch.setattr(feed_runner, "AGAIN_S", (0.2,))
    broken = threading.Event()

    class Flaky(QuoteFeed):
        async def run(self, tell: Callable[[MarketEvent], None]) -> None:
            if not broken.is_set():
                broken.set()
                raise FeedLostError("the line broke", state=state)
            await super().run(tell)

    engine = make(tmp_path, ToldBroker(), feed=Flaky)
    engine.start()
    try:
        engine.wait_ready()
        view = until(engine, lambda view: not view.health.links[1].up)
        assert view.health.links[1].reason == "the line broke. It is tried again in 0.2 s."
        assert [line.level for line in view.log if line.text.startswith("the line broke")] == [level]
        until(engine, lambda view: view.health.links[1].up and view.watch[0].bid)
        assert said(engine.status(), "the feed speaks again")
    finally:
        engine.shutdown()


def test_a_feed_that_stays_away_for_long_is_a_line_of_the_log_for_what_is_the_matter_and_not_for_each_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_runner, "AGAIN_S", (0.02, 0.03))
    tries = 0

    class Away(QuoteFeed):
        async def run(self, tell: Callable[[MarketEvent], None]) -> None:
            nonlocal tries
            tries += 1
            if tries <= 10:
                raise FeedLostError(f"TWS {'has lost IB' if tries <= 5 else 'hung up'}.", state=LinkState.RESET)
            if tries == 15:  # it speaks, and is away again for the reason of before
                tell(MarketStatus(Phase.REGULAR, "quoting for a test", "2027-01-15", DAY))
            if tries <= 20:
                raise FeedLostError("TWS cannot be reached.")
            await super().run(tell)

    engine = make(tmp_path, ToldBroker(), feed=Away)
    engine.start()
    try:
        engine.wait_ready()
        view = until(engine, lambda view: view.health.links[1].up and view.watch[0].bid)
        told = [line.text.split(". It is")[0] for line in view.log if line.text.startswith("TWS")]
        assert told == ["TWS has lost IB", "TWS cannot be reached", "TWS cannot be reached"]
    finally:
        engine.shutdown()


# ---- commands


def test_a_command_before_the_engine_is_up_is_answered_for_good(tmp_path: Path) -> None:
    engine = make(tmp_path)
    early = engine.submit(market())
    assert not engine.answer(early).ok
    engine.start()
    try:
        engine.wait_ready()
        reply = engine.answer(early)
        assert reply.text == "the engine is still starting: nothing was sent"
        assert engine.status().orders == ()
    finally:
        engine.shutdown()


def test_a_command_after_the_end_is_answered_too(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        pass
    assert engine.answer(engine.submit(market()), 1).text == "the engine has ended: nothing was sent"


def test_fifty_threads_at_once_get_fifty_orders_and_each_its_own_answer(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        answers: list[str] = []
        go = threading.Barrier(50)

        def trade() -> None:
            go.wait()
            answers.append(engine.answer(engine.submit(limit(1), confirmed=True), 30).text)

        threads = [threading.Thread(target=trade) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == sorted(f"#{number} BUY 1 AAPL limit 90.00 DAY sent" for number in range(1, 51))


def test_a_script_may_read_its_answers_after_a_hundred_commands(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        commands = [engine.submit(limit(1), confirmed=True) for _ in range(100)]
        assert all(engine.answer(command).ok for command in commands)


def test_a_preview_tells_the_figures_and_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        reply = engine.answer(engine.preview(limit(10)))
        assert (reply.ok, reply.cost, reply.buying_power_after, reply.position_after) == (True, Decimal(900), Decimal(99_100), Decimal(10))
        assert engine.status().orders == ()


# ---- what it shows


def test_a_subscriber_hears_each_record_until_it_ends(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        heard: list[FillBooked] = []
        end = engine.subscribe(FillBooked, heard.append)
        engine.submit(market(5))
        until(engine, lambda view: view.positions)
        end()
        engine.submit(market(5), confirmed=True)
        until(engine, lambda view: view.positions[0].quantity == 10)
        assert [record.fill.quantity for record in heard] == [5]


def test_a_subscriber_that_raises_is_told_and_keeps_nobody_from_hearing(tmp_path: Path) -> None:
    with running(tmp_path) as engine:

        def broken(record: OrderPlaced) -> None:
            raise LookupError("no such window")

        heard: list[OrderPlaced] = []
        engine.subscribe(OrderPlaced, broken)
        engine.subscribe(OrderPlaced, heard.append)
        engine.submit(market())
        view = until(engine, lambda view: view.positions)
        assert said(view, "a subscriber to OrderPlaced failed: no such window")
        assert len(heard) == 1
        assert not view.health.problem


def test_rows_that_say_the_same_stay_the_same_objects(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        engine.submit(limit())
        first = until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.WORKING)
        engine.submit(limit(1))
        second = until(engine, lambda view: len(view.orders) == 2)
        assert second.revision > first.revision
        assert order_of(second, 1) is order_of(first, 1)
        assert all(now is before for now, before in zip(second.watch, first.watch, strict=True))


def test_a_view_that_cannot_be_built_says_so_and_the_next_one_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path) as engine:
        build = ViewBuilder.build

        def fail(*given: object) -> None:
            raise ZeroDivisionError("no picture")

        monkeypatch.setattr(ViewBuilder, "build", fail)
        assert "could not be built (no picture)" in engine.status().health.problem
        monkeypatch.setattr(ViewBuilder, "build", build)
        view = engine.status()
        assert not view.health.problem
        assert view.account.state is TradingState.ACTIVE


def test_the_chart_follows_the_focus(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        for symbol in ("MSFT", "IBM"):
            engine.focus(symbol)
            assert until(engine, lambda view, symbol=symbol: view.chart and view.chart.symbol == symbol).chart  # type: ignore[misc]


def test_prices_from_history_are_there_before_the_first_quote(tmp_path: Path) -> None:
    bars = [Bar("AAPL", DAY - 60 * n, 100, 101, 99, 100 + n, 1_000) for n in (3, 2, 1)]
    with running(tmp_path, ToldBroker(), feed=lambda: QuoteFeed(history=bars)) as engine:
        chart = engine.status().chart
        assert chart is not None
        assert [bar.close for bar in chart.bars[:3]] == [103, 102, 101]


# ---- strategies


@pytest.mark.parametrize("source", [SPINNING, HOLDING], ids=["spinning", "holding the interpreter"])
def test_a_strategy_that_never_returns_holds_up_neither_an_order_nor_the_stop(tmp_path: Path, source: str) -> None:
    file = tmp_path / "hog.py"
    file.write_text(source, encoding="utf-8")
    settings = replace(SETTINGS, mode=Mode.FULL_AUTO, strategies=(StrategySettings(str(file), deadline_s=60),))
    with running(tmp_path, settings=settings) as engine:
        until(engine, lambda view: view.strategies[0].state == "running")
        engine.submit(market(5))
        until(engine, lambda view: view.positions, 5)
        stop = engine.emergency_stop()
        assert Latch(latch_path(tmp_path / "paper.db")).read()
        assert engine.answer(stop, 2).ok
        assert engine.status(2).account.state is TradingState.HALTED


def test_a_market_that_goes_on_without_a_strategy_that_still_loads_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.feed_runner.STRATEGIES_S", 0.2)
    gate, file = tmp_path / "gate", tmp_path / "slow.py"
    file.write_text(
        f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists():\n    time.sleep(0.01)\n{SPINNING}", encoding="utf-8"
    )
    with running(tmp_path, settings=replace(SETTINGS, strategies=(StrategySettings(str(file)),))) as engine:
        text = "slow is still loading after 0.2 s, and prices go on without it: it is told of them, late, once it is loaded."
        assert text in [line.text for line in until(engine, lambda view: view.watch[0].last is not None).log]
        gate.touch()
        until(engine, lambda view: view.strategies[0].state == "running")


def test_a_strategy_that_does_not_answer_is_shot_and_said_so(tmp_path: Path) -> None:
    file = tmp_path / "hog.py"
    file.write_text(SPINNING, encoding="utf-8")
    settings = replace(SETTINGS, strategies=(StrategySettings(str(file), deadline_s=0.3),))
    with running(tmp_path, settings=settings) as engine:
        view = until(engine, lambda view: view.strategies[0].state == "disabled")
        assert "for the second time" in view.strategies[0].detail
        assert engine.answer(engine.submit(market())).ok


def test_a_strategy_file_with_a_mistake_is_named_and_the_engine_runs(tmp_path: Path) -> None:
    file = tmp_path / "typo.py"
    file.write_text("def broken(:\n", encoding="utf-8")
    with running(tmp_path, settings=replace(SETTINGS, strategies=(StrategySettings(str(file)),))) as engine:
        view = until(engine, lambda view: view.strategies and view.strategies[0].state == "disabled")
        assert "typo.py" in view.strategies[0].detail
        assert engine.answer(engine.submit(market())).ok


def test_settings_without_anything_make_a_market_that_trades(tmp_path: Path) -> None:
    engine = create_engine(Settings(database=tmp_path / "paper.db", feed=FeedSettings(quotes_per_second=50)))
    engine.start()
    try:
        assert not engine.wait_ready().health.problem
        view = until(engine, lambda view: all(row.bid is not None for row in view.watch))
        assert view.account.cash == 100_000
        assert engine.answer(engine.submit(market(1))).ok
        until(engine, lambda view: view.positions)
    finally:
        engine.shutdown()


def test_a_breaker_is_reset_by_name_and_only_where_it_has_tripped(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        assert [row.name for row in engine.status().breakers] == ["daily loss", "drawdown", "circuit breaker"]
        answer = engine.answer(engine.reset_breaker("drawdown", "looked at it"))
        assert (answer.ok, answer.text) == (False, "the drawdown is not tripped")
