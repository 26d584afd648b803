"""`tradeconsole doctor`: each thing that can be wrong, and the words that say what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from msgspec.structs import replace

from console import cli
from console.doctor import account, market, terminal
from console.doctor.command import findings, written
from console.doctor.finding import Finding, State, warning
from console.doctor.terminal import Terminal
from engine.brokers import open as opening
from engine.latch import Latch, latch_path
from engine.model.settings import FeedSettings, Settings, StrategySettings
from storage.lock import WriterLock
from tests.engine.engines import ToldBroker, running

GOOD = Terminal({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, (120, 36), "utf-8", lambda: None)


def with_environment(**variables: str) -> Terminal:
    return replace(GOOD, environment={**GOOD.environment, **variables})


def only(found: Iterator[Finding], about: str) -> Finding:
    [finding] = [finding for finding in found if finding.about == about]
    return finding


def raises(params: dict[str, object]) -> ToldBroker:
    async def raised() -> None:
        raise KeyError("cash")

    return ToldBroker(name="theirs", on_snapshot=raised)


def test_a_broker_of_an_installed_package_that_breaks_is_a_finding_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("theirs", f"{__name__}:raises", opening.ENTRY_POINTS)
    monkeypatch.setattr(opening, "installed", lambda: {"theirs": point})
    found = only(market.broker(Settings(broker="theirs")), "broker")
    assert (found.state, found.text) == (State.PROBLEM, "theirs failed: KeyError: 'cash'")


@pytest.fixture
def traded_on(tmp_path: Path) -> Path:
    """The database of an engine that ran and ended."""
    with running(tmp_path) as engine:
        database = engine.settings.database
    assert database is not None
    return database


@pytest.mark.parametrize(
    ("here", "about", "state", "words"),
    [
        (GOOD, "terminal", State.FINE, "xterm-256color, 120x36"),
        (with_environment(TMUX="x", SSH_CONNECTION="y"), "terminal", State.FINE, "through tmux, ssh"),
        (replace(GOOD, size=None), "terminal", State.WARNING, "--headless"),
        (replace(GOOD, size=(79, 24)), "terminal", State.WARNING, "80x24"),
        (replace(GOOD, size=(80, 23)), "terminal", State.WARNING, "80x24"),
        (with_environment(TERM="dumb"), "terminal", State.WARNING, "nothing drawn"),
        (with_environment(TERM=""), "terminal", State.PROBLEM, "Set TERM"),
        (replace(with_environment(TMUX="x"), tmux_escape_ms=lambda: 500), "Esc key", State.WARNING, "escape-time 10"),
        (GOOD, "colours", State.FINE, "16 million"),
        (with_environment(NO_COLOR="1"), "colours", State.FINE, "NO_COLOR"),
        (with_environment(COLORTERM=""), "colours", State.WARNING, "COLORTERM=truecolor"),
        (with_environment(COLORTERM="", TERM="vt220"), "colours", State.WARNING, "monochrome"),
        (GOOD, "locale", State.FINE, "utf-8"),
        (replace(GOOD, encoding="ascii"), "locale", State.PROBLEM, "LANG"),
        (replace(GOOD, encoding="nonsense"), "locale", State.PROBLEM, "LANG"),
    ],
)
def test_what_it_says_of_a_terminal(here: Terminal, about: str, state: State, words: str) -> None:
    found = [*terminal.terminal(here), *terminal.colours(here), *terminal.letters(here)]
    finding = only(iter(found), about)
    assert finding.state is state
    assert words in f"{finding.text} {finding.advice}"


def test_a_tmux_that_answers_at_once_is_not_complained_about() -> None:
    found = terminal.terminal(replace(with_environment(TMUX="x"), tmux_escape_ms=lambda: 10))
    assert [finding.about for finding in found] == ["terminal"]


def test_the_engine_that_trades_on_a_database_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        assert engine.settings.database
        found = list(account.account(engine.settings.database))
    assert only(iter(found), "engine").text == f"process {os.getpid()} trades on it now"
    assert {finding.state for finding in found} == {State.FINE}


def test_a_database_that_was_traded_on_is_sound(traded_on: Path) -> None:
    found = list(account.account(traded_on))
    assert {finding.state for finding in found} == {State.FINE}
    assert only(iter(found), "database").text.endswith("sound")
    assert only(iter(found), "engine").text == "none runs on it now"


def test_one_that_is_not_there_yet_will_be_made(tmp_path: Path) -> None:
    found = list(account.account(tmp_path / "new" / "paper.sqlite"))
    assert "will be made" in only(iter(found), "database").text
    assert {finding.state for finding in found} == {State.FINE}
    assert not list(tmp_path.iterdir())


def test_another_programs_database_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.sqlite")) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    finding = only(account.account(tmp_path / "theirs.sqlite"), "database")
    assert finding.state is State.PROBLEM
    assert "belongs to another program" in finding.text


def test_a_newer_versions_database_is_told(traded_on: Path) -> None:
    with closing(sqlite3.connect(traded_on)) as connection:
        connection.execute("PRAGMA user_version = 99")
    finding = only(account.account(traded_on), "database")
    assert finding.state is State.PROBLEM
    assert "newer version" in finding.text


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "none.sqlite"
    file.write_text("not a database at all, " * 100)
    finding = only(account.account(file), "database")
    assert finding.state is State.PROBLEM
    assert "cannot be read" in finding.text


def test_a_damaged_database_is_told_with_what_to_do(traded_on: Path) -> None:
    with closing(sqlite3.connect(traded_on)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        (size,), (pages,) = (connection.execute(f"PRAGMA page_{what}").fetchone() for what in ("size", "count"))
    with traded_on.open("r+b") as file:
        for page in range(1, pages):
            file.seek(page * size)
            file.write(b"\xff" * 1000)
    finding = only(account.account(traded_on), "database")
    assert finding.state is State.PROBLEM
    assert "backup" in finding.advice


def test_a_damaged_database_that_was_kept_aside_is_told(traded_on: Path) -> None:
    traded_on.rename(f"{traded_on}.damaged-20260101T000000Z")
    finding = only(account.account(traded_on), "database")
    assert finding.state is State.PROBLEM
    assert "was found damaged" in finding.text


def test_a_stop_that_holds_is_told_with_the_way_out(traded_on: Path) -> None:
    Latch(latch_path(traded_on)).set("stop key")
    finding = only(account.account(traded_on), "stop")
    assert "HALTED since" in finding.text
    assert "stop key" in finding.text
    assert "RESUME" in finding.advice


def test_looking_leaves_the_lock_to_the_engine(traded_on: Path) -> None:
    list(account.account(traded_on))
    WriterLock(traded_on).release()


def test_prices_that_cannot_be_had_are_told(tmp_path: Path) -> None:
    gone = Settings(feed=FeedSettings(source=str(tmp_path / "gone.csv")))
    assert only(market.feed(gone), "feed").state is State.PROBLEM


def test_rows_that_are_left_out_are_told(tmp_path: Path) -> None:
    days = [f"2024-01-0{day},10,11,9,10,100" for day in (2, 3, 4, 5)]
    file = tmp_path / "AAPL.csv"
    file.write_text("\n".join(["date,open,high,low,close,volume", *days, "2024-01-08,nan,11,9,10,100"]) + "\n")
    good, left_out = market.feed(Settings(feed=FeedSettings(source=str(file))))
    assert (good.state, left_out.state) == (State.FINE, State.WARNING)
    assert "AAPL" in good.text
    assert "AAPL.csv line 6" in left_out.text


def test_a_strategy_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def broken(:\n")
    settings = Settings(strategies=(StrategySettings("sma_cross"), StrategySettings(str(tmp_path / "mine.py"))))
    ready, mine = market.strategies(settings)
    assert (ready.state, mine.state) == (State.FINE, State.PROBLEM)
    assert "mine.py" in mine.text


def test_a_clock_behind_the_journal_is_told(traded_on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    finding = only(market.clocks(Settings(), traded_on), "clock")
    assert finding.state is State.WARNING
    assert "behind the newest entry" in finding.text


def test_the_command_ends_with_1_where_something_is_wrong_and_0_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm-256color")
    assert cli.run(["doctor"]) == 0
    assert "It will start. " in capfd.readouterr().out
    (tmp_path / "tradeconsole.yaml").write_text("mode: sometimes\n")
    assert cli.run(["doctor"]) == 1
    said = capfd.readouterr().out
    assert "tradeconsole.yaml:1" in said
    assert "marked PROBLEM" in said
    (tmp_path / "tradeconsole.yaml").unlink()
    (tmp_path / "keys.yaml").write_text("dance: x\n")
    assert cli.run(["doctor"]) == 1
    said = capfd.readouterr().out
    assert "keys.yaml:1" in said
    assert "marked PROBLEM" in said


@pytest.mark.parametrize(("number", "remedy"), [(errno.ENOSPC, "Free some"), (errno.EROFS, "Give yourself the right")])
def test_a_disk_that_cannot_be_written_is_told_with_what_helps(
    number: int, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> float:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(account, "_sync_ms", fail)
    finding = only(account.account(tmp_path / "paper.sqlite"), "disk")
    assert finding.state is State.PROBLEM
    assert remedy in finding.advice


def test_a_terminal_without_the_letters_to_draw_with_is_told_to_the_end(tmp_path: Path) -> None:
    """What it says of that holds letters that this terminal lacks, a path for one."""
    home = tmp_path / "é→"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "TRADECONSOLE_HOME": str(home)}
    told = subprocess.run([sys.executable, "-m", "tradeconsole", "doctor"], capture_output=True, env=environment, timeout=60, check=False)
    assert b"no letters to draw with" in told.stdout
    assert b"marked PROBLEM" in told.stdout
    assert told.stderr == b""


def test_a_theme_that_cannot_be_used_keeps_the_console_from_starting_only_where_the_config_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "mine.yaml").write_text("extends: nosuch\n")
    finding = only(findings(None, None), "themes")
    assert (finding.state, "there is no theme 'nosuch'" in finding.text) == (State.WARNING, True)
    assert [each for each in findings(None, None) if each.about == "theme"] == []
    for named, told in (("mine", "mine.yaml: extends: there is no theme 'nosuch'"), ("dusk", "there is no theme 'dusk'; there are")):
        (tmp_path / "tradeconsole.yaml").write_text(f"theme: {named}\n")
        finding = only(findings(None, None), "theme")
        assert (finding.state, told in finding.text) == (State.PROBLEM, True)


def test_everything_is_looked_at_and_nothing_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    about = {finding.about for finding in findings(None, None)}
    assert about == {"terminal", "colours", "locale", "themes", "keys", "config", "disk", "database", "feed", "strategy", "broker", "clock"}
    assert not list(tmp_path.iterdir())


def test_what_it_quotes_steers_no_terminal() -> None:
    shown = written(warning("feed", "a\x1b[2Jb\nc\x9bd", "do\x07 this"), 80)
    assert not {"\x1b", "\x9b", "\x07"} & set(shown)
    assert len(shown.split("\n")) == 3


def test_what_it_quotes_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "hunter2hunter2")
    shown = written(warning("feed", "There is no feed 'hunter2hunter2'", "do hunter2hunter2 this"), 80)
    assert "hunter2" not in shown
    assert shown.count("[secret]") == 2
