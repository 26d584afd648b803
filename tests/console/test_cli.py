"""The command line: options over config, and mistakes that are one sentence and exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console import __version__, cli
from engine.model.modes import Mode
from engine.model.settings import Settings, StrategySettings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    return tmp_path


def settings_of(monkeypatch: pytest.MonkeyPatch, *options: str) -> Settings:
    """The settings that a start with these options hands to the engine."""
    started: list[Settings] = []
    monkeypatch.setattr(cli, "_run", lambda settings, _headless: started.append(settings))
    result = CliRunner().invoke(cli._app, ["--headless", *options])
    assert result.exit_code == 0, result.output
    return started[0]


def test_without_options_it_is_paper_in_manual_on_the_simulated_market(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of(monkeypatch) == Settings(database=home / "paper.sqlite")


def test_every_option_reaches_its_setting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = "--feed sample --strategy sma_cross --strategy mine.py --symbols aapl,MSFT,AAPL --mode semi-auto --database my.sqlite"
    settings = settings_of(monkeypatch, *f"{options} --pace 2.5 --start 2005-02-01 --seed 9".split())
    assert settings.strategies == (StrategySettings("sma_cross"), StrategySettings("mine.py"))
    assert (settings.symbols, settings.mode, settings.database) == (("AAPL", "MSFT"), Mode.SEMI_AUTO, Path("my.sqlite"))
    assert (settings.feed.source, settings.feed.pace, settings.feed.start, settings.feed.seed) == ("sample", 2.5, "2005-02-01", 9)


def test_options_go_over_the_config_and_leave_the_rest_of_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "other.yaml").write_text("mode: research\nfeed: {source: sample, pace: 5}\nlimits: {max_order_pct: 3}\nsymbols: [IBM]\n")
    settings = settings_of(monkeypatch, "--config", str(home / "other.yaml"), "--pace", "7", "--symbols", "MSFT")
    assert (settings.mode, settings.feed.source, settings.feed.pace, settings.symbols) == (Mode.RESEARCH, "sample", 7.0, ("MSFT",))
    assert settings.limits.max_order_pct == Decimal(3)


def test_a_strategy_named_on_the_command_line_keeps_its_parameters_from_the_config(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "tradeconsole.yaml").write_text("strategies: [{file: sma_cross, params: {fast: 5}}, {file: rsi_reversion}]")
    assert settings_of(monkeypatch, "--strategy", "sma_cross").strategies == (StrategySettings("sma_cross", {"fast": 5}),)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--pace 0", "'--pace': '0' is not allowed. Give a number above 0, at most 10,000."),
        ("--pace nan", "'--pace': 'nan' is not allowed."),
        ("--pace fast", "'--pace': 'fast' is not allowed."),
        ("--seed 1.5", "'--seed': '1.5' is not allowed. Give a whole number at least 0."),
        ("--start 2005-02-30", "'--start': '2005-02-30' is not allowed. Give a day as YYYY-MM-DD."),
        ("--mode emergency", "'--mode': 'emergency' is not allowed. Give MANUAL, SEMI_AUTO, FULL_AUTO or RESEARCH."),
        ("--symbols AAPL,,IBM", "'--symbols': '' is not allowed. Give a symbol: 1 to 12 of"),
        ("--symbols AAPL;rm", "'--symbols': 'AAPL;rm' is not allowed."),
        ("--fed sample", "No such option: --fed"),
        ("--feed", "Option '--feed' requires an argument"),
        ("sample", "unexpected extra argument"),
    ],
)
def test_a_wrong_option_is_one_sentence_that_names_it(home: Path, options: str, said: str) -> None:
    result = CliRunner().invoke(cli._app, ["--headless", *options.split()])
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def tradeconsole(*options: str, home: Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A start of the real command, with its output in a pipe."""
    environment = {"PATH": os.environ["PATH"], "TRADECONSOLE_HOME": str(home), "PYTHONPATH": str(Path(cli.__file__).parent.parent)}
    command = [sys.executable, "-m", "tradeconsole", *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, timeout=60, check=False)


def test_a_wrong_config_ends_with_its_mistakes_and_code_2(tmp_path: Path) -> None:
    (tmp_path / "tradeconsole.yaml").write_text("mode: turbo\nlimits: {max_order_pct: -1}\n")
    result = tradeconsole("--headless", home=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "tradeconsole.yaml:1: mode is 'turbo'; allowed: MANUAL" in result.stderr
    assert "tradeconsole.yaml:2: limits.max_order_pct is '-1'; allowed: a number above 0, at most 100" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    result = tradeconsole(home=tmp_path)
    assert result.returncode == 2
    assert (
        result.stderr
        == "tradeconsole: There is no terminal to draw on: start it in one, or give --headless for a run that prints its log.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_told(tmp_path: Path) -> None:
    assert tradeconsole("--version", home=tmp_path).stdout == f"tradeconsole {__version__}\n"


def test_a_file_of_the_users_that_is_called_engine_does_not_get_in_the_way(tmp_path: Path) -> None:
    for name in ("engine.py", "console.py", "storage.py", "typing.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong file')")
    result = tradeconsole("--version", home=tmp_path, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
