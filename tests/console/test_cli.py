"""The command line: options over config, and mistakes that are one sentence and exit code 2."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec.structs import replace

from console import __version__, build, cli, start
from console.commands import COMMANDS
from console.headless import run_headless
from engine.core.state import State
from engine.model.modes import Mode
from engine.model.orders import OrderState, OrderType, Side, TimeInForce
from engine.model.settings import Settings, StrategySettings
from storage.codec import decode
from tests.console.fake_engine import FakeEngine
from tests.engine.engines import SETTINGS, limit, market, running, until
from tests.project_files import ROOT
from tests.pseudo_terminal import PseudoTerminal
from tests.views import empty_view, sample_health


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    return tmp_path


def settings_of(monkeypatch: pytest.MonkeyPatch, *options: str) -> Settings:
    """The settings that a start with these options hands to the engine."""
    started: list[Settings] = []

    def run(settings: Settings, _keys: object, _config: object, *, welcome: bool, replay: object, accounts: object) -> int:
        started.append(settings)
        return 0

    monkeypatch.setattr(start, "_run", run)
    assert cli.run(["--headless", *options]) == 0
    return started[0]


def mistake_in(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What a start with these options says instead of starting."""
    with pytest.raises(SystemExit) as ended:
        cli.run(["--headless", *options])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


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
        ("--pace -1", "--pace: '-1' is not allowed. Give a number at least 0, at most 10,000."),
        ("--pace nan", "--pace: 'nan' is not allowed."),
        ("--pace fast", "--pace: 'fast' is not allowed."),
        ("--seed 1.5", "--seed: '1.5' is not allowed. Give a whole number at least 0."),
        ("--start 2005-02-30", "--start: '2005-02-30' is not allowed. Give a day as YYYY-MM-DD."),
        ("--mode emergency", "--mode: 'emergency' is not allowed. Give MANUAL, SEMI_AUTO, FULL_AUTO or RESEARCH."),
        ("--symbols AAPL,,IBM", "--symbols: '' is not allowed. Give a symbol: 1 to 12 of"),
        ("--symbols AAPL;rm", "--symbols: 'AAPL;rm' is not allowed."),
        ("--fed sample", "unrecognized arguments: --fed sample"),
        ("--feed", "--feed: expected one argument"),
        ("sample", "unrecognized arguments: sample"),
    ],
)
def test_a_wrong_option_is_one_sentence_that_names_it(home: Path, capsys: pytest.CaptureFixture[str], options: str, said: str) -> None:
    assert f"tradeconsole: {said}" in mistake_in(capsys, *options.split())


@pytest.mark.parametrize("options", [["--feed", "\x1b]0;x\a.csv"], ["\x1b[2J"], ["--config", "\x9b2J"], ["--database=x", "--\x1b[31m"]])
def test_what_a_mistake_quotes_steers_no_terminal(home: Path, capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    said = mistake_in(capsys, *options)
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            "--feed nowhere.csv",
            "--feed: There is no feed 'nowhere.csv', nor such a file: write sim, sample, yahoo, alpaca, ib, or the path of bars.",
        ),
        (f"--feed {'x' * 5_000}", "--feed: The feed 'xxxxx"),
        (
            "--feed ~nobody-of-that-name/x",
            "--feed: The feed '~nobody-of-that-name/x' cannot be opened: Could not determine home directory.",
        ),
        ("--strategy sma_cros", "--strategy: There is no strategy file 'sma_cros'. Did you mean"),
    ],
)
def test_what_is_not_there_is_said_before_anything_starts(home: Path, capsys: pytest.CaptureFixture[str], options: str, said: str) -> None:
    assert said in mistake_in(capsys, *options.split())
    assert list(home.iterdir()) == []


def test_a_feed_may_be_named_from_the_home_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    (home / "prices").mkdir()
    reached: list[Settings] = []

    def create(settings: Settings, **more: object) -> NoReturn:
        reached.append(settings)
        raise TimeoutError

    monkeypatch.setattr(build, "create_engine", create)
    assert cli.run(["--headless", "--feed", "~/prices"]) == 1
    assert reached[0].feed.source == "~/prices"


def tradeconsole(*options: str, home: Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A start of the real command, with its output in a pipe."""
    environment = {"PATH": os.environ["PATH"], "TRADECONSOLE_HOME": str(home), "PYTHONPATH": str(ROOT)}
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


def test_an_engine_that_cannot_start_ends_a_run_without_a_screen(tmp_path: Path) -> None:
    result = tradeconsole("--headless", "--feed", "sample", "--symbols", "ZZZZ", home=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("tradeconsole: The sample has no ZZZZ: it holds AAPL")


def test_a_run_without_a_screen_prints_its_log_until_a_signal_and_ends_in_order(tmp_path: Path) -> None:
    options = "--headless --feed sample --symbols IBM --strategy sma_cross --mode full-auto --pace 200"
    with subprocess.Popen(
        [sys.executable, "-m", "tradeconsole", *options.split()],
        env={"PATH": os.environ["PATH"], "TRADECONSOLE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        filled = next(line for line in process.stdout if "fill: " in line)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert (process.wait(30), process.stderr.read()) == (128 + signal.SIGTERM, "")
    assert "BUY" in filled
    assert "IBM" in filled
    numbers = [line.split("fill: #")[1].split()[0] for line in (filled + rest).splitlines() if "fill: " in line]
    assert len(numbers) == len(set(numbers)), "a line was told twice"
    assert (tmp_path / "paper.sqlite").exists()


def test_a_reader_of_the_log_that_goes_away_ends_the_run_in_order(tmp_path: Path) -> None:
    options = "--headless --feed sample --symbols IBM --strategy sma_cross --mode full-auto --pace 200"
    command = f"{sys.executable} -m tradeconsole {options} | head -3"
    environment = {"PATH": os.environ["PATH"], "TRADECONSOLE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (len(result.stdout.splitlines()), result.stderr) == (3, "")


def test_a_file_of_the_users_that_is_called_engine_does_not_get_in_the_way(tmp_path: Path) -> None:
    for name in ("engine.py", "console.py", "storage.py", "typing.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong file')")
    result = tradeconsole("--version", home=tmp_path, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(("on_exit", "left"), [("cancel_entries", {"STOP"}), ("keep", {"STOP", "LIMIT"}), ("cancel_all", set())])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_signal_ends_a_run_in_order_as_the_config_says_and_a_second_one_changes_nothing(
    tmp_path: Path, number: signal.Signals, on_exit: str, left: set[str]
) -> None:
    with running(tmp_path, settings=replace(SETTINGS, on_exit="keep")) as engine:
        engine.submit(market())
        until(engine, lambda view: view.positions)
        engine.submit(replace(market(), side=Side.SELL, type=OrderType.STOP, stop=Decimal(1), tif=TimeInForce.GTC))
        engine.submit(replace(limit(price=1), tif=TimeInForce.GTC))
        until(engine, lambda view: {row.state for row in view.orders} == {OrderState.FILLED, OrderState.WORKING})
    (tmp_path / "tradeconsole.yaml").write_text(f"on_exit: {on_exit}\ndatabase: paper.db")
    with subprocess.Popen(
        [sys.executable, "-m", "tradeconsole", "--headless", "--symbols", "AAPL"],
        env={"PATH": os.environ["PATH"], "TRADECONSOLE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        next(line for line in process.stdout if "reconcile" in line or "started" in line or "run" in line)
        for _ in range(3):
            process.send_signal(number)
        said = process.stdout.read()
        assert (process.wait(30), process.stderr.read()) == (128 + number, ""), said
    with closing(sqlite3.connect(tmp_path / "paper.db")) as connection:
        told = [decode(*row) for row in connection.execute("SELECT seq, kind, body FROM journal ORDER BY seq")]
    state = State()
    for record in told:
        state.apply(record)
    assert state.clean, "the run ended in order"
    assert {str(order.type) for order in state.book.open.values()} == left


@pytest.mark.parametrize("word", ["start", "kill", "doctor", "init"])
def test_an_error_that_nobody_expected_is_one_sentence(
    word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(arguments: object) -> int:
        raise ZeroDivisionError("\x1b]0;owned\x07 hunter2hunter2")

    module = {"doctor": "console.doctor.command"}.get(word, f"console.{word}")
    monkeypatch.setattr(f"{module}.{word}", broken)
    monkeypatch.setattr("sys.argv", ["tradeconsole", *([word] if word != "start" else [])])
    monkeypatch.setenv("MY_TOKEN", "hunter2hunter2")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert said.count("\n") == 1
    assert "\x1b" not in said
    assert "hunter2" not in said


def test_what_is_said_in_a_narrow_terminal_breaks_between_words_and_a_path_stays_whole(tmp_path: Path) -> None:
    config = tmp_path / "a-file-whose-name-alone-is-longer-than-a-line-of-this-narrow-terminal-could-ever-be.yaml"
    terminal = PseudoTerminal([sys.executable, "-m", "tradeconsole", "init", "--defaults", "--config", str(config)], (60, 24))
    try:
        terminal.until(b"settings.md")
    finally:
        terminal.close()
    said = terminal.recent.decode().replace("\r\n", "\n")
    assert str(config) in said
    assert max(len(line) for line in said.split("\n") if "/" not in line) <= 60
    assert "\ndoctor` looks whether all is well." in said, said


SECRET_IN = ["feed: {source: '${MY_TOKEN}'}", "strategies: [{file: '${MY_TOKEN}'}]", "mode: '${MY_TOKEN}'", "theme: '${MY_TOKEN}'"]
SECRET_IN += ["strategies: [{file: sma_cross, params: {fast: '${MY_TOKEN}'}}]", "symbols: ['${MY_TOKEN}']", "hunter2hunter2: 1"]


@pytest.mark.parametrize("config", SECRET_IN)
@pytest.mark.parametrize("word", [["--headless"], ["doctor"], ["kill"]], ids=lambda word: word[0])
def test_a_secret_that_the_config_names_is_not_shown(
    config: str, word: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tradeconsole.yaml").write_text(config)
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    monkeypatch.setenv("MY_TOKEN", "hunter2hunter2")
    monkeypatch.setattr("console.headless.run_headless", lambda engine: 0)
    with contextlib.suppress(SystemExit):
        cli.run(word)
    said = capfd.readouterr()
    assert said.out + said.err or word == ["--headless"]
    assert "hunter2" not in said.out + said.err


def test_what_an_engine_failed_of_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    engine = FakeEngine(empty_view(health=sample_health(ready=False, failed=True, problem="no \x1b]0;owned\x07 disk")))
    assert run_headless(engine) == 1
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("backtes sma_cross", "backtes is no command. Did you mean backtest? The commands are backtest, backtests, check,"),
        ("AAPL", "AAPL is no command. The commands are backtest, backtests, check,"),
        ("replay 3 --help", "replay is an option: tradeconsole --replay."),
        ("demo", "demo is an option: tradeconsole --demo."),
    ],
)
def test_a_first_word_that_is_no_command_is_told_what_would_be_right(capsys: pytest.CaptureFixture[str], words: str, said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(words.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"tradeconsole: {said}")


def test_every_command_answers_for_itself_and_stands_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    usage = {}
    for name in ["", *COMMANDS]:
        with pytest.raises(SystemExit) as ended:
            cli.run([*name.split(), "--help"])
        assert ended.value.code == 0
        usage[name] = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert usage[name].startswith(f"usage: tradeconsole {name}")
        assert any(line.split() == [name, *command.does.split()] for line in usage[""].splitlines())


@pytest.mark.parametrize("words", [("--help",), ("engines",), ("data", "list"), ("backtests",)], ids=" ".join)
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at each line"])
@pytest.mark.usefixtures("home")
def test_a_command_whose_reader_is_gone_ends_in_peace(words: tuple[str, ...], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "console.cli", *words]
    told = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=told)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")
