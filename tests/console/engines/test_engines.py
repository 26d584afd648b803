"""Engine types: one factory, the same result from each, and a strategy that finds its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from console.cli import run
from console.engines.factory import EngineFactory
from console.engines.live import live_settings
from engine.engine_types import EngineError, EngineInfo, EngineResult, EngineRun, misfits_of
from engine.model.modes import Mode
from engine.model.settings import Limits, Settings
from tests.engine.backtest.market import FREE

QUOTES = "from tradeconsole import Strategy\nclass Mine(Strategy):\n    def on_quote(self, ctx, quote):\n        pass\n"
NEVER = "raise SystemExit('this must never run')\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALPACA_API_KEY", "AKMINE")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
    return tmp_path


WIDE = Limits(max_position_pct=Decimal(100), max_order_pct=Decimal(100))


def written(folder: Path, text: str) -> str:
    path = folder / "mine.py"
    path.write_text(text)
    return str(path)


class Theirs:
    """An engine of an installed package."""

    INFO = EngineInfo("theirs", "another way", ("bars",), ("market",), "nobody")

    def info(self) -> EngineInfo:
        return self.INFO

    def misfits(self, needs: Any) -> tuple[str, ...]:
        return misfits_of(self.INFO, needs)

    def run(self, run: EngineRun) -> EngineResult:
        return EngineResult(engine_type="theirs", strategy=run.strategy, final_value=Decimal(7), total_return=0.5)


def install(monkeypatch: pytest.MonkeyPatch, made: Any) -> None:
    class Point:
        name, value = "theirs", "their.package:Theirs"

        def load(self) -> Any:
            return made

    monkeypatch.setattr("console.engines.factory.entry_points", lambda *, group: (Point(),) if group == "tradeconsole.engines" else ())


def test_there_are_four_and_each_can_be_used_here() -> None:
    assert EngineFactory.get_supported_engines() == ("backtest", "replay", "paper", "live")
    infos = {name: EngineFactory.get_engine_info(name) for name in EngineFactory.get_supported_engines()}
    assert all(info.usable for info in infos.values())
    assert "its number typed at the start; with --enable-trading alone" in infos["live"].sends


def test_an_engine_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(EngineError, match=r"There is no engine 'bactest'\. Did you mean 'backtest'\? Engines are backtest, replay"):
        EngineFactory.create_engine("bactest")
    with pytest.raises(EngineError):
        EngineFactory.get_engine_info("bactest")


def test_the_factory_loads_none_of_what_it_can_make() -> None:
    code = "import console.engines.factory, sys; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert not loaded & {"console.engines.backtest", "console.engines.paper", "engine.live", "engine.backtest.runner", "numpy", "pandas"}


def test_a_strategy_finds_its_own_engine_and_is_not_run_for_it(tmp_path: Path) -> None:
    assert EngineFactory.detect_engine_type("sma_cross") == "backtest"
    assert EngineFactory.auto_create_engine("rsi_reversion").info().name == "backtest"
    file = written(tmp_path, NEVER + QUOTES)
    assert EngineFactory.detect_engine_type(file) == "paper"
    assert EngineFactory.analyze_strategy_requirements(file).is_real_time
    refused = EngineFactory.validate_strategy_compatibility(file, "backtest")
    assert not refused
    assert refused.reasons == ("it trades on quotes alone, and backtest has only bars",)
    assert EngineFactory.validate_strategy_compatibility(file, "paper")


@pytest.mark.parametrize("name", ["backtest", "replay"])
def test_a_run_answers_value_trades_and_figures(name: str) -> None:
    settings = Settings(paper=FREE)
    result = EngineFactory.create_engine(name).run(EngineRun(strategy="sma_cross", symbols=("IBM",), days=900, settings=settings))
    assert (result.engine_type, result.error) == (name, "")
    assert result.final_value is not None
    assert result.total_return == pytest.approx(float(result.final_value / FREE.cash) - 1)
    assert len(result.trades) == 13
    assert result.metrics["win_rate"] == pytest.approx(7 / 13)
    assert result.execution_time > 0


def test_a_replay_ends_where_its_backtest_did() -> None:
    run = EngineRun(strategy="rsi_reversion", symbols=("MSFT", "IBM"), days=700, settings=Settings(paper=FREE))
    backtest, replay = (EngineFactory.create_engine(name).run(run) for name in ("backtest", "replay"))
    assert (backtest.final_value, backtest.trades) == (replay.final_value, replay.trades)


def test_paper_plays_the_data_to_their_end_and_answers_the_same(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "from tradeconsole import Strategy\nclass Mine(Strategy):\n    bar = 0\n    def on_bar(self, ctx, bar):\n"
        "        self.bar += 1\n        if self.bar == 1:\n            ctx.buy(bar.symbol, 10)\n        if self.bar == 20:\n"
        "            ctx.close(bar.symbol)\n",
    )
    settings = Settings(paper=FREE, limits=WIDE)
    run = EngineRun(strategy=file, symbols=("IBM",), days=60, settings=settings)
    backtest, paper = (EngineFactory.create_engine(name).run(run) for name in ("backtest", "paper"))
    assert paper.error == backtest.error == ""
    assert paper.final_value == backtest.final_value
    assert paper.trades == backtest.trades
    assert len(paper.trades) == 1
    assert paper.metrics == pytest.approx(backtest.metrics)
    assert paper.metrics["sharpe"] is not None


def test_paper_takes_an_order_again_at_the_next_bar_for_none_of_a_slipped_finger(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "from tradeconsole import Strategy\nclass Mine(Strategy):\n    def on_bar(self, ctx, bar):\n"
        "        ctx.close(bar.symbol) if ctx.position(bar.symbol) else ctx.buy(bar.symbol, 10)\n",
    )
    run = EngineRun(strategy=file, symbols=("IBM",), days=30, settings=Settings(paper=FREE, limits=WIDE))
    backtest, paper = (EngineFactory.create_engine(name).run(run) for name in ("backtest", "paper"))
    assert paper.error == ""
    assert (paper.final_value, len(paper.trades)) == (backtest.final_value, len(backtest.trades))
    assert len(paper.trades) > 5


@pytest.mark.parametrize(
    ("run_of", "why"),
    [
        (EngineRun(strategy="no_such"), "There is no strategy file 'no_such'."),
        (EngineRun(strategy="sma_cross", symbols=("XYZ",)), "XYZ"),
        (EngineRun(strategy="sma_cross", params={"fsat": 3}), "Did you mean 'fast'?"),
    ],
)
@pytest.mark.parametrize("name", ["backtest", "replay", "paper"])
def test_what_goes_wrong_is_told_in_the_result(name: str, run_of: EngineRun, why: str) -> None:
    result = EngineFactory.create_engine(name).run(run_of)
    assert why in result.error
    assert (result.trades, result.final_value) == ((), None)


def test_without_the_word_a_live_engine_is_in_research_whatever_the_config_says() -> None:
    given = Settings(mode=Mode.FULL_AUTO)
    assert live_settings(given, enable_trading=False).mode is Mode.RESEARCH
    assert live_settings(given, enable_trading=True) == given


def test_an_installed_engine_is_listed_chosen_and_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    install(monkeypatch, Theirs)
    assert EngineFactory.get_supported_engines()[-1] == "theirs"
    assert run(["--engine", "theirs", "--strategy", "sma_cross"]) == 0
    assert "sma_cross in theirs" in capsys.readouterr().out
    assert run(["check", "sma_cross"]) == 0
    assert "runs in      backtest, replay, paper, live, theirs\n" in capsys.readouterr().out


def test_one_that_cannot_be_made_is_listed_with_its_error_and_takes_nobody_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise OSError("no \x1b[31mlicence")

    install(monkeypatch, broken)
    assert run(["engines"]) == 0
    told = capsys.readouterr().out
    assert "usable here  no: The engine 'theirs' of their.package:Theirs cannot be made: OSError: no" in told
    assert "\x1b" not in told


def test_one_that_breaks_in_whatever_it_is_asked_is_told_of_and_takes_nobody_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Breaks(Theirs):
        def info(self) -> EngineInfo:
            raise RuntimeError("no licence")

        def misfits(self, needs: Any) -> tuple[str, ...]:
            raise RuntimeError("no licence")

    install(monkeypatch, Breaks)
    assert run(["engines"]) == 0
    told = capsys.readouterr().out
    assert "backtest: past bars" in told
    assert "usable here  no: The engine 'theirs' of their.package:Theirs cannot say what it supports: RuntimeError: no licence\n" in told
    assert run(["check", "sma_cross"]) == 0
    assert "  runs in      backtest, replay, paper, live\n" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        run(["--engine", "theirs", "--strategy", "sma_cross"])
    assert ended.value.code == 2
    assert "RuntimeError: no licence.\n" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "why"), [(ValueError("broke"), "broke: ValueError: broke."), (None, "it answered NoneType, and not")])
def test_one_whose_run_breaks_or_answers_something_else_is_a_failed_run(
    answer: Exception | None, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Breaks(Theirs):
        def run(self, run: EngineRun) -> EngineResult:
            if answer is not None:
                raise answer
            return None  # type: ignore[return-value]

    install(monkeypatch, Breaks)
    assert run(["--engine", "theirs", "--strategy", "sma_cross"]) == 1
    assert why in capsys.readouterr().err


def test_engines_are_listed_with_what_they_support(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["engines"]) == 0
    listed = capsys.readouterr().out
    assert "paper: the market as it comes, or played\n  tells        bars, quotes, fills, updates\n" in listed
    assert "live: the market as it comes, by a broker\n" in listed
    assert run(["--list-engines"]) == 0
    assert capsys.readouterr().out == listed


@pytest.fixture
def bare(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A machine without keys, whose TWS would be at this port and is not there: the port is kept, and nobody listens."""
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name)
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        monkeypatch.setenv("IB_PORT", str(kept.getsockname()[1]))
        yield kept.getsockname()[1]


def live_here(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run([*(words or ["engines"])]) == 0
    return capsys.readouterr().out.rpartition("usable here  ")[2].strip()


def test_live_is_usable_where_a_brokers_keys_are_or_its_program_answers(
    bare: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = live_here(capsys)
    assert told.startswith(f"no: No TWS or Gateway answers at 127.0.0.1:{bare}: start one and log in to a live account there")
    assert "Alpaca needs the keys of a live account: set ALPACA_API_KEY and ALPACA_SECRET_KEY" in told
    with socket.create_server(("127.0.0.1", 0)) as tws:
        monkeypatch.setenv("IB_PORT", str(tws.getsockname()[1]))
        assert live_here(capsys) == "yes"
    monkeypatch.setenv("IB_PORT", str(bare))
    monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
    monkeypatch.setenv("ALPACA_API_KEY", "PKPAPER")
    assert "The key is one for a paper account" in live_here(capsys)
    monkeypatch.setenv("ALPACA_API_KEY", "AKLIVE")
    assert live_here(capsys) == "yes"


def test_whether_live_is_usable_is_said_of_the_brokers_that_the_config_names(
    bare: int, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALPACA_API_KEY_MINE", "AKLIVE")
    monkeypatch.setenv("ALPACA_SECRET_KEY_MINE", "secret")
    config = home / "mine.yaml"
    config.write_text("broker: ib\n")
    for words in (["engines"], ["--list-engines"]):
        told = live_here(capsys, *words, "--config", str(config))
        assert told.startswith("no: No TWS or Gateway answers")
        assert "Alpaca" not in told
    config.write_text("accounts:\n  one: {broker: ib}\n  two: {broker: alpaca, account: live, alpaca: {keys: mine}}\n")
    assert live_here(capsys, "engines", "--config", str(config)) == "yes"
    config.write_text("brokre: ib\n")
    assert "mine.yaml:1" in live_here(capsys, "engines", "--config", str(config))


def test_what_a_strategy_suits_and_cannot_be_used_here_is_told_apart_from_what_it_does_not_suit(
    bare: int, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", written(home, QUOTES)]) == 0
    told = capsys.readouterr().out
    assert "  runs in      paper\n  best in      paper\n  not here     live: it would suit; what is missing here is told" in told
    assert "  not in       backtest: it trades on quotes alone, and backtest has only bars\n" in told
    assert "not in       live" not in told


def test_a_start_in_live_says_itself_what_its_own_config_lacks(bare: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["--headless", "--engine", "live"])
    assert "A live account is at a broker, and this one is paper: name it with --broker" in capsys.readouterr().err


def test_compatibility_is_told_without_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, NEVER + QUOTES)
    assert run(["--check-compatibility", "--strategy", "sma_cross", "--strategy", file]) == 0
    assert capsys.readouterr().out == f"sma_cross: yes, in backtest\n{file}: yes, in paper\n"
    assert run(["--check-compatibility", "--strategy", file, "--engine", "backtest"]) == 1
    assert capsys.readouterr().out == f"{file}: no, not in backtest: it trades on quotes alone, and backtest has only bars\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--headless", "--engine", "live", "--enable-trading"], "A live account is at a broker, and this one is paper"),
        (
            ["--headless", "--enable-trading"],
            "--enable-trading is the word for real money, and goes with --engine live alone",
        ),
        (["--engine", "backtest"], "--engine backtest runs one strategy: name it with --strategy."),
        (["--engine", "bactest"], "Did you mean 'backtest'?"),
        (["--check-compatibility"], "tradeconsole: --check-compatibility: there is no strategy to check: name one with --strategy."),
        (
            ["--check-compatibility", "--strategy", "smacross"],
            "--strategy: There is no strategy file 'smacross'. Did you mean 'sma_cross'?",
        ),
        (["--days", "0"], "Give a whole number of days from 1 to 100,000"),
        (["--headless", "--days", "5", "--feed", "sim"], "--days: The simulated market keeps no past"),
        (["--headless", "--days", "5", "--start", "2010-01-04", "--feed", "sample"], "--days and --start both say where it begins"),
        (["backtest", "sma_cross", "--days", "5", "--from", "2010-01-04"], "--days and --from both say where it begins"),
        (["backtest", "sma_cross", "--granularity", "7m"], "Give 1s, 1m, 5m, 15m, 1h or 1d"),
        (["backtest", "sma_cross", "--granularity", "1h"], "cannot be taken apart"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused_in_words(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(words)
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_the_chosen_engine_runs_over_the_days_that_were_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--engine", "auto", "--strategy", "sma_cross", "--feed", "sample", "--symbols", "IBM", "--days", "900"]) == 0
    assert "sample, 2010-09-13 to 2013-03-01, 621 bars of 1d" in capsys.readouterr().out
