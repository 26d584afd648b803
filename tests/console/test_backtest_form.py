"""The form of a backtest: what is started with which parameters, what is wrong under its field, and how a run ends: by itself, by a person,
by a strategy's error, by a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from console.backtest import running as running_module
from console.backtest.at_hand import look
from console.backtest.job import job_of_tree
from console.backtest.running import Running
from console.backtest.worker import Order, Told
from console.config_file import ConfigFile
from console.screens.backtests.form import FormPage
from console.screens.backtests.form_beside import lines
from console.screens.backtests.listing import BacktestsPage
from console.screens.backtests.report import BacktestPage
from console.screens.trading import TradingScreen
from engine.model.settings import Settings, StrategySettings
from engine.priority import NICENESS, SESSION_NICENESS
from storage.backtests import backtest_rows
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from tests.engine.backtest.market import strategy
from tests.project_files import ROOT
from widgets.cells import length

PATIENCE_S = 60.0
SLOW = "def on_bar(self, ctx, bar):\n    import time\n    time.sleep(0.005)"
HANGS = "def on_bar(self, ctx, bar):\n    while True:\n        pass"


async def in_time(console: Console, condition: Callable[[], object]) -> None:
    """A process has to start on a machine that may be busy."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, console.picture
        await console.pilot.pause(0.02)


@asynccontextmanager
async def form(
    path: Path, size: tuple[int, int] = WIDE, settings: Settings | None = None, **options: Any
) -> AsyncIterator[tuple[Console, FakeEngine]]:
    engine = FakeEngine()
    config = ConfigFile(None, settings or Settings())
    async with running(engine, size, backtests=path, config=config, **options) as console:
        await console.press("B", "n")
        await console.shows("New backtest")
        yield console, engine


async def fill(console: Console, **texts: str) -> None:
    """Types into the fields of these names, from the first on; the last keeps the keys."""
    page = console.app.screen
    assert isinstance(page, FormPage)
    while texts:
        entry = page._entry
        if entry is not None and entry.name in texts:
            await console.press("ctrl+u")
            await console.type(texts.pop(entry.name))
        if texts:
            await console.press("down")


class Started:
    """Stands for `Running`: keeps what it was told to run."""

    orders: list[Order]

    def __init__(self, order: Order, name: str, clock: Callable[[], float]) -> None:
        type(self).orders.append(order)
        self.name, self.began, self.progress = name, clock(), Told(250_000, 1_000_000)
        self.outcome: Told | None = None
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
        self.outcome = Told(problem="Cancelled after 250,000 of 1,000,000 bars. Nothing was kept.")

    def close(self) -> None:
        self.cancel()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    Started.orders = []
    monkeypatch.setattr(running_module, "Running", Started)
    return Started.orders


@pytest.mark.parametrize("size", [SMALL, WIDE, (200, 60)], ids=["80x24", "120x36", "200x60"])
async def test_what_is_written_is_what_is_started(tmp_path: Path, started: list[Order], size: tuple[int, int]) -> None:
    limits = tmp_path / "l.yaml"
    limits.write_text("limits: {max_position_pct: 7}\n")
    async with form(tmp_path / "b.sqlite", size) as (console, _):
        await fill(
            console,
            strategy="rsi_reversion",
            params="period=7 oversold=25",
            symbols="AAPL,ibm",
            start="2005-01-03",
            end="2006-12-29",
            cash="250,000",
            commission="0.2",
            slippage="3",
            volume_cap="25",
            latency="2 bars",
            limits=str(limits),
        )
        await console.press("down", "space")
        assert "‹close›" in console.picture
        await console.press("f5")
        await console.until(lambda: started)
        job = job_of_tree(started[0].job)
        [given] = job.profile.strategies
        assert (given.file, given.params, given.symbols) == ("rsi_reversion", {"period": 7, "oversold": 25}, ("AAPL", "IBM"))
        assert (f"{job.start}", f"{job.end}", job.symbols, job.feed.source) == ("2005-01-03", "2006-12-29", ("AAPL", "IBM"), "sample")
        paper = job.profile.paper
        assert (paper.cash, paper.commission.rate, paper.commission.model) == (Decimal(250_000), Decimal("0.2"), "per_cent")
        assert (paper.slippage.bps, paper.volume_cap_pct, job.profile.fill) == (3, 25, "close")
        assert job.profile.latency.bars == 2
        assert job.profile.limits is not None
        assert job.profile.limits.max_position_pct == 7
        assert started[0].database == str(tmp_path / "b.sqlite")
        await console.let_pass(2)
        await console.shows("rsi_reversion runs")
        await console.shows("25%  250,000 of 1,000,000 bars  125,000/s  6s left")


async def test_it_begins_with_what_the_config_says(tmp_path: Path, started: list[Order]) -> None:
    settings = Settings(strategies=(StrategySettings("rsi_reversion", {"period": 9}),))
    async with form(tmp_path / "b.sqlite", settings=settings) as (console, _):
        await console.press("f5")
        await console.until(lambda: started)
        [given] = job_of_tree(started[0].job).profile.strategies
        assert (given.file, given.params) == ("rsi_reversion", {"period": 9})


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("strategy", "nothing", "There is no strategy file 'nothing'"),
        ("strategy", "", "Name a strategy"),
        ("params", "fast=1000", "fast must be a whole number from 2 to 200"),
        ("params", "fast", "Give PARAM=VALUE"),
        ("params", "quick=3", "has no parameter 'quick'"),
        ("symbols", "AA PL", "'AA PL' is not allowed. Give a symbol"),
        ("start", "yesterday", "Give a day as YYYY-MM-DD"),
        ("end", "2005-02-30", "Give a day as YYYY-MM-DD"),
        ("cash", "-5", "'-5' is not allowed. Give a number above 0"),
        ("commission", "much", "'much' is not allowed"),
        ("slippage", "-1", "'-1' is not allowed"),
        ("volume_cap", "101", "'101' is not allowed"),
        ("latency", "soon", "Give milliseconds, seconds or bars: 250ms, 30s or 2bars"),
        ("limits", "nowhere.yaml", "nowhere.yaml: cannot be read: No such file"),
        ("limits", "wrong.yaml", "wrong.yaml:1: limits.max_position_pct"),
        ("limits", "other.yaml", "other.yaml: limits.strategies.rsi_reversion: no strategy"),
    ],
)
async def test_what_is_wrong_stands_under_its_field(
    tmp_path: Path, started: list[Order], monkeypatch: pytest.MonkeyPatch, field: str, text: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.yaml").write_text("limits: {max_position_pct: -7}\n")
    (tmp_path / "other.yaml").write_text(
        "strategies: [{file: rsi_reversion}]\nlimits: {strategies: {rsi_reversion: {max_position_pct: 5}}}\n"
    )
    async with form(tmp_path / "b.sqlite", SMALL) as (console, _):
        await fill(console, **{field: text})
        await console.press("f5")
        await console.until(lambda: said in " ".join(console.picture.split()))
        page = console.app.screen
        assert isinstance(page, FormPage)
        assert page._entry is not None
        assert page._entry.name == field
        lines = console.picture.splitlines()
        at = next(place for place, line in enumerate(lines) if line.strip().startswith(page._entry.label))
        assert "✗" in lines[at + 1]
        assert not started
        if text:
            await console.press("backspace")
            assert "✗" not in console.picture


async def test_tab_completes_a_strategy_and_then_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy(tmp_path, "def on_bar(self, ctx, bar):\n    pass")
    (tmp_path / "notes.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    async with form(tmp_path / "b.sqlite") as (console, _):
        page = console.app.screen
        assert isinstance(page, FormPage)
        await console.until(lambda: page._known)
        assert {"sma_cross", "rsi_reversion"} < set(page._known["strategy"])
        assert [word for word in page._known["strategy"] if word.endswith(".py")] == ["mine.py"]
        await console.press("ctrl+u")
        await console.type("rs")
        await console.shows("Tab: rsi_reversion")
        await console.press("tab")
        assert page._texts["strategy"] == "rsi_reversion"
        await console.press("tab", "tab")
        await console.type("AAPL,MS")
        await console.press("tab")
        assert page._texts["symbols"] == "AAPL,MSFT"


async def test_what_was_written_stands_there_again(tmp_path: Path) -> None:
    async with form(tmp_path / "b.sqlite") as (console, _):
        await fill(console, params="fast=3")
        await console.press("escape")
        assert isinstance(console.app.screen, BacktestsPage)
        await console.press("n")
        await console.shows("fast=3")


# ---- with the real process


async def test_who_stays_sees_the_report_at_once(tmp_path: Path) -> None:
    async with form(tmp_path / "b.sqlite") as (console, _):
        await fill(console, symbols="AAPL", start="2005-01-01", end="2006-12-31")
        await console.press("f5")
        await in_time(console, lambda: isinstance(console.app.screen, BacktestPage))
        await console.shows("#1 sma_cross on AAPL")
        [row] = backtest_rows(tmp_path / "b.sqlite")
        assert row.symbols == "AAPL"
        await console.press("escape")
        assert isinstance(console.app.screen, FormPage)
        assert "#1 sma_cross:" in console.picture


async def test_who_left_is_told_and_trading_goes_on_meanwhile(tmp_path: Path) -> None:
    async with form(tmp_path / "b.sqlite") as (console, engine):
        await fill(console, strategy=strategy(tmp_path, SLOW), symbols="AAPL", start="2005-01-01", end="2005-12-31")
        await console.press("f5")
        await in_time(console, lambda: "leave it running" in console.picture)
        await console.press("q", "escape")
        assert isinstance(console.app.screen, TradingScreen)
        await console.press("b")
        await console.shows("Order ticket")
        await console.press("escape")
        await in_time(console, lambda: [line for line in engine.current.log if line.source == "backtest"])
        [text] = [line.text for line in engine.current.log if line.source == "backtest"]
        assert text.startswith("The backtest is done: #1 ")
        assert text.endswith("B shows it.")
        await console.shows("i reads them")


async def test_escape_cancels_a_run_and_nothing_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite"
    async with form(path) as (console, _):
        await fill(console, strategy=strategy(tmp_path, HANGS))
        await console.press("f5")
        run = console.screen.backtests
        await in_time(console, lambda: run.running is not None and run.running.pid)
        assert run.running is not None
        pid = run.running.pid
        await console.press("escape")
        await in_time(console, lambda: "Cancelled" in console.picture)
        assert isinstance(console.app.screen, FormPage)
        assert backtest_rows(path) == ()
        assert not alive(pid)


async def test_a_strategys_error_is_told_with_file_line_and_bar(tmp_path: Path) -> None:
    async with form(tmp_path / "b.sqlite", SMALL) as (console, _):
        file = strategy(tmp_path, "def on_bar(self, ctx, bar):\n    return {}['price']")
        await fill(console, strategy=file, symbols="AAPL", start="2005-01-03")
        await console.press("f5")
        await in_time(console, lambda: "KeyError" in console.picture)
        told = "".join(line.strip() for line in console.picture.splitlines()).replace(" ", "")
        assert f"{file},line8,on_baratthebarofAAPLthatclosed2005-01-0321:00UTC:KeyError:'price'." in told


async def test_data_that_are_not_there_are_told_under_the_field(tmp_path: Path) -> None:
    async with form(tmp_path / "b.sqlite") as (console, _):
        await fill(console, data=str(tmp_path / "nowhere.csv"))
        await console.press("f5")
        await in_time(console, lambda: "✗ There is no feed" in console.picture)


async def test_a_killed_process_is_told_in_words(tmp_path: Path) -> None:
    async with form(tmp_path / "b.sqlite") as (console, _):
        await fill(console, strategy=strategy(tmp_path, HANGS))
        await console.press("f5")
        run = console.screen.backtests
        await in_time(console, lambda: run.running is not None and run.running.pid)
        assert run.running is not None
        os.kill(run.running.pid, signal.SIGKILL)
        await in_time(console, lambda: "was ended by SIGKILL, perhaps because memory ran out" in " ".join(console.picture.split()))


async def test_quitting_asks_while_one_runs(tmp_path: Path, started: list[Order]) -> None:
    async with form(tmp_path / "b.sqlite") as (console, _):
        await console.press("f5")
        await console.until(lambda: started)
        await console.press("q", "escape", "q")
        await console.shows("Backtest: sma_cross runs 25%; quitting cancels it")


async def test_a_second_one_waits_for_the_first(tmp_path: Path, started: list[Order]) -> None:
    async with form(tmp_path / "b.sqlite") as (console, _):
        await console.press("f5")
        await console.until(lambda: started)
        console.screen.backtests.repeat(1)
        await console.shows("one runs at a time")
        assert len(started) == 1


async def test_the_stop_works_in_the_form(tmp_path: Path) -> None:
    async with form(tmp_path / "b.sqlite") as (console, engine):
        await console.type("xy")
        await console.press("f12")
        assert "emergency_stop" in [call[0] for call in engine.calls]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def order_of(tmp_path: Path, file: str) -> Order:
    import msgspec

    from console.backtest.terms import Terms, job_of

    return Order(str(tmp_path / "b.sqlite"), msgspec.to_builtins(job_of(Terms(file, symbols=("AAPL",)), Settings())))


def test_the_process_steps_back_behind_the_engine_and_ends_with_the_console(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    file = strategy(tmp_path, f"def on_bar(self, ctx, bar):\n    open({str(begun)!r}, 'w').close()\n    while True:\n        pass")
    run = Running(order_of(tmp_path, file), "slow", time.monotonic)
    try:
        wait_for(begun.exists)
        assert os.getpriority(os.PRIO_PROCESS, run.pid) >= min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)
        session = Path(f"/proc/{run.pid}/autogroup")
        assert not session.exists() or session.read_text().endswith(f"nice {SESSION_NICENESS}\n")
    finally:
        run.close(PATIENCE_S)
    assert not alive(run.pid)
    assert run.outcome is not None
    assert run.outcome.problem.startswith("Cancelled")


def test_the_process_ends_where_the_console_was_killed(tmp_path: Path) -> None:
    import msgspec

    begun = tmp_path / "begun"
    file = strategy(tmp_path, f"def on_bar(self, ctx, bar):\n    open({str(begun)!r}, 'w').close()\n    while True:\n        pass")
    command = [sys.executable, "-m", "console.backtest.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT) as process:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(order_of(tmp_path, file)) + b"\n")
        process.stdin.flush()
        wait_for(begun.exists)
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 1


def test_what_a_strategy_prints_is_no_answer(tmp_path: Path) -> None:
    file = strategy(tmp_path, 'def on_bar(self, ctx, bar):\n    import sys\n    print(\'{"number": 7, "text": "mine"}\', flush=True)')
    run = Running(order_of(tmp_path, file), "loud", time.monotonic)
    wait_for(lambda: run.outcome is not None)
    assert run.outcome is not None
    assert run.outcome.number == 1


def test_one_that_ends_the_interpreter_is_told(tmp_path: Path) -> None:
    file = strategy(tmp_path, "def on_bar(self, ctx, bar):\n    import os\n    os.write(2, b'goodbye')\n    os._exit(9)")
    run = Running(order_of(tmp_path, file), "gone", time.monotonic)
    wait_for(lambda: run.outcome is not None)
    assert run.outcome is not None
    assert run.outcome.problem == "The backtest's process ended by itself with code 9. Nothing was kept. It said last: goodbye"


# ---- what stands beside it on a wide screen

LARGE = (200, 60)


async def test_beside_the_form_stand_the_strategys_parameters_and_the_bars_of_the_days(tmp_path: Path) -> None:
    async with form(tmp_path / "b.sqlite", LARGE) as (console, _):
        await console.shows("Buys when the fast average crosses above the slow one")
        await fill(console, params="fast=5", symbols="AAPL,MSFT", start="2005-01-01")
        await console.shows("a whole number from 2 to 200")
        await console.until(lambda: "2005-01-03  2013-03-01  2,054" in console.picture)
        assert "MSFT ▲ +4.53%" in console.picture
        assert "what the account begins with" in console.picture


async def test_beside_the_form_a_mistake_is_told_and_what_was_right_stays(tmp_path: Path) -> None:
    async with form(tmp_path / "b.sqlite", LARGE) as (console, _):
        await console.shows("Bars of sample")
        await fill(console, params="fast=1000")
        await console.shows("Parameters: ")
        await console.shows("from 2 to 200; it is 1000")
        assert "Bars of sample" in console.picture


async def test_beside_the_form_nothing_is_looked_at_on_a_usual_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    monkeypatch.setattr("console.backtest.at_hand.look", lambda *given: looked.append(given))
    async with form(tmp_path / "b.sqlite") as (console, _):
        await fill(console, symbols="AAPL")
        await console.pilot.pause(0.4)
        assert looked == []
        assert "what the account begins with" not in console.picture


def test_of_a_source_that_is_asked_only_what_is_kept_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    found = look({"strategy": "breakout", "data": "yahoo", "symbols": "AAPL"}, Settings())
    assert found.held == ()
    assert found.data_told == (
        "Nothing of yahoo is kept yet for these symbols.",
        "What is missing of the days is fetched when it runs, and kept.",
    )
    assert [each.name for each in found.params] == ["period", "target_pct", "stop_pct"]


def test_files_that_are_large_are_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.backtest.at_hand.MOST_BYTES", 10)
    (tmp_path / "AAPL.csv").write_text("Date,Open,High,Low,Close,Volume\n2020-01-02,1,1,1,1,1\n")
    found = look({"strategy": "breakout", "data": str(tmp_path)}, Settings())
    assert found.held == ()
    assert "looked into when it runs" in found.data_told[0]


def test_days_without_bars_are_told_with_those_that_there_are() -> None:
    found = look({"strategy": "breakout", "data": "sample", "start": "2020-01-01"}, Settings())
    assert found.missing == ""
    assert found.data_told == ("sample has no bar in these days: it reaches from 2000-03-01 to 2013-03-01.",)


def test_a_strategy_that_is_not_there_is_what_is_missing() -> None:
    assert look({"strategy": "sma"}, Settings()).missing.startswith("Strategy: There is no strategy file 'sma'.")


def test_everything_beside_the_form_fits_its_width() -> None:
    found = look({"strategy": "sma_cross", "data": "sample", "symbols": "AAPL,MSFT,IBM,GOOG,FB"}, Settings())
    for width in (60, 80, 120):
        assert max(length(line) for line in lines("Symbols: 'x' is not allowed. " * 4, found, width)) <= width
