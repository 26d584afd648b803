"""`tradeconsole kill`: a process of its own that stops a console which runs, one which hangs, and the next one to start."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from console import kill
from console.build import create_engine
from console.cli import run
from engine.latch import Latch, latch_path
from engine.model.modes import TradingState
from engine.model.orders import OrderState
from engine.model.settings import Settings, StopSettings
from engine.model.views import View
from storage import lock
from tests.engine.engines import SETTINGS, ToldBroker, limit, make, market, order_of, running, until
from tests.project_files import ROOT
from tests.test_import_weight import loaded_by

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "paper.db"


def killing(database: Path, *options: str) -> int:
    return run(["kill", "--database", str(database), *options])


@contextmanager
def a_console(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A real run without a screen, once it has begun to trade."""
    command = [sys.executable, "-m", "tradeconsole", "--headless", "--database", str(folder / "paper.db")]
    environment = {"PATH": os.environ["PATH"], "TRADECONSOLE_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if "run " in line or "start" in line)
        try:
            yield process
        finally:
            process.kill()


def test_it_stops_the_engine_and_says_what_is_left(tmp_path: Path, database: Path, capsys: Capture) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        for number in range(3):
            engine.submit(limit(10 + number))
        order = until(engine, lambda view: len(broker.listed) == 3).orders[-1]
        broker.fill(order.id)
        until(engine, lambda view: view.positions)
        assert killing(database, "--reason", "gone mad") == kill.DONE
        view = engine.status()
        assert (view.account.state, broker.listed) == (TradingState.HALTED, {})
        assert re.fullmatch(rf"gone mad \(tradeconsole kill at \d\d:\d\d:\d\d {re.escape(time.strftime('%Z'))}\)", view.account.reason)
    said = capsys.readouterr()
    begun, done = said.out.splitlines()
    # The engine looks at the latch by itself too, and may have been first.
    assert re.fullmatch(
        r"tradeconsole: HALTED( already)?: (2 working orders being cancelled|no order is known to work; the broker .*)", begun
    )
    assert done == "tradeconsole: HALTED, verified with the broker: nothing works; held: 10 AAPL"
    assert said.err == ""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Path.mkdir, "cannot be read (Is a directory)"),
        (lambda path: path.write_text("a letter to grandmother"), "is no database of a console"),
        (lambda path: None, "There is no database "),
    ],
)
def test_what_is_no_database_is_refused_and_left_alone(database: Path, make: Callable[[Path], object], words: str, capsys: Capture) -> None:
    make(database)
    with pytest.raises(SystemExit, match="2"):
        killing(database)
    said = capsys.readouterr().err
    assert (words in said, "so nothing was stopped" in said, latch_path(database).exists()) == (True, True, False)


AS_NOBODY = """
import locale, os, sys, console.kill, engine.secrets
from console.build import create_engine
from console.cli import run
from storage.lock import holder
from widgets.text import clean
if not os.geteuid():
    os.setgid(65534)
    os.setuid(65534)
sys.exit(run(["kill", "--database", sys.argv[1]]))
"""


def test_another_user_is_told_in_words_that_nothing_was_stopped(tmp_path: Path, database: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        tmp_path.chmod(0)
        try:
            told = subprocess.run([sys.executable, "-c", AS_NOBODY, database], cwd=ROOT, capture_output=True, text=True, check=False)
        finally:
            tmp_path.chmod(0o700)
        assert (told.returncode, f"{database} cannot be read (Permission denied), so nothing was stopped" in told.stderr) == (2, True)
        assert engine.status().account.state is TradingState.ACTIVE


def test_where_the_lock_may_not_be_read_it_says_whose_business_it_is(
    database: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    database.touch()
    monkeypatch.setattr(lock, "holder", denied)
    assert killing(database) == kill.NO_ANSWER
    assert "is not told to you (Permission denied). Do it as the user who started it." in capsys.readouterr().err


def test_without_a_reason_the_log_says_who_stopped_it_and_when(tmp_path: Path, database: Path) -> None:
    with running(tmp_path, ToldBroker()) as engine:
        assert killing(database) == kill.DONE
        assert engine.status().account.reason.startswith("tradeconsole kill at ")


def test_it_flattens_where_it_is_told_to(tmp_path: Path, database: Path, capsys: Capture) -> None:
    with running(tmp_path) as engine:
        engine.submit(market())
        until(engine, lambda view: view.positions)
        assert killing(database, "--flatten") == kill.DONE
        assert not [row for row in engine.status().positions if row.quantity]
    assert capsys.readouterr().out.endswith("HALTED, verified with the broker: nothing works; held: nothing\n")


def test_what_is_not_at_rest_in_time_is_named(tmp_path: Path, database: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill, "FLAT_S", 0.5)
    broker = ToldBroker(positions=[("AAPL", Decimal(10), Decimal(100))])
    with running(tmp_path, broker):
        assert killing(database, "--flatten") == kill.NOT_AT_REST
    assert "not at rest after 0.5 s: 10 AAPL is held, #1 closes it now. The engine goes on asking" in capsys.readouterr().out


def test_what_protects_is_told_where_the_settings_keep_it(tmp_path: Path, database: Path, capsys: Capture) -> None:
    with running(tmp_path, settings=replace(SETTINGS, stop=StopSettings(keep_protective=True))) as engine:
        engine.submit(market())
        until(engine, lambda view: view.positions)
        protective = replace(market(), side=market().side.opposite, type=limit().type.STOP, stop=Decimal(90))
        assert engine.answer(engine.submit(protective)).ok
        until(engine, lambda view: order_of(view, 2).state is OrderState.WORKING)
        assert killing(database) == kill.DONE
    assert "nothing works but 1 that protect; held: 10 AAPL" in capsys.readouterr().out


def test_without_an_engine_the_latch_halts_the_next_start(tmp_path: Path, database: Path, capsys: Capture) -> None:
    with running(tmp_path):
        pass
    assert killing(database) == kill.DONE
    said = capsys.readouterr().out
    assert f"No engine runs on {database}. The latch is set: on paper nothing works without an engine" in said
    with running(tmp_path) as engine:
        assert engine.status().account.state is TradingState.HALTED
    assert killing(database, "--flatten") == kill.NOT_AT_REST
    assert "Positions are as they were: start the console and flatten there." in capsys.readouterr().out


def test_a_database_that_is_not_there_is_a_mistake(database: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        killing(database)
    assert ended.value.code == 2
    assert f"There is no database {database}, so nothing was stopped." in capsys.readouterr().err
    assert not latch_path(database).exists()


def test_the_database_is_the_one_the_config_names(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    (tmp_path / "tradeconsole.yaml").write_text("database: mine.db")
    (tmp_path / "mine.db").touch()
    assert run(["kill"]) == kill.DONE
    assert Latch(latch_path(tmp_path / "mine.db")).read()
    (tmp_path / "tradeconsole.yaml").write_text("database: [")
    with pytest.raises(SystemExit) as ended:
        run(["kill"])
    assert ended.value.code == 2
    assert "Nothing was stopped: give the database with --database." in capsys.readouterr().err


@pytest.mark.parametrize("config", ["database: mine.db", "database: ["], ids=["whole", "broken"])
def test_a_console_that_was_started_with_options_of_its_own_is_stopped_with_the_configs(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    (tmp_path / "tradeconsole.yaml").write_text(config)
    (tmp_path / "mine.db").touch()
    (tmp_path / "backtests.sqlite").touch()
    engine = create_engine(Settings(database=tmp_path / "alpaca-paper.sqlite", symbols=("AAPL",)))
    engine.start()
    try:
        engine.wait_ready()
        assert run(["kill"]) == kill.DONE
        assert engine.status().account.state is TradingState.HALTED
    finally:
        engine.shutdown()
    told = capsys.readouterr()
    assert "alpaca-paper: HALTED, verified with the broker" in told.out
    assert ("What runs in your own folder is stopped all the same" in told.err) == config.endswith("[")
    assert not latch_path(tmp_path / "backtests.sqlite").exists()


def test_a_console_that_the_config_names_is_stopped_once_and_one_that_another_config_leaves_out_goes_on(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    (tmp_path / "tradeconsole.yaml").write_text("database: mine.sqlite")
    (tmp_path / "other.yaml").write_text("database: other.db")
    (tmp_path / "other.db").touch()
    engine = create_engine(Settings(database=tmp_path / "mine.sqlite", symbols=("AAPL",)))
    engine.start()
    try:
        engine.wait_ready()
        assert run(["kill", "--config", str(tmp_path / "other.yaml")]) == kill.DONE
        assert engine.status().account.state is TradingState.ACTIVE
        assert run(["kill"]) == kill.DONE
    finally:
        engine.shutdown()
    assert capsys.readouterr().out.count("HALTED, verified with the broker") == 1


def test_it_stops_all_accounts_of_the_config(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    names = {"calm": "paper.db", "second": "second.db", "new": "new.db"}
    accounts = ", ".join(f"{name}: {{database: {file}}}" for name, file in names.items())
    (tmp_path / "tradeconsole.yaml").write_text(f"accounts: {{{accounts}}}")
    (tmp_path / "second.db").touch()
    with running(tmp_path, ToldBroker()) as engine:
        engine.submit(limit())
        until(engine, is_working)
        assert run(["kill"]) == kill.DONE
        assert engine.status().account.state is TradingState.HALTED
    assert [bool(latch_path(tmp_path / file).exists()) for file in names.values()] == [True, True, False]
    said = capsys.readouterr().out
    assert "tradeconsole: calm: HALTED, verified with the broker" in said
    assert f"tradeconsole: second: No engine runs on {tmp_path / 'second.db'}." in said
    assert run(["kill", "--flatten"]) == kill.NOT_AT_REST


def test_an_account_at_a_broker_whose_file_is_missing_is_said_and_is_not_taken_for_stopped(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    accounts = "calm: {database: paper.db}, far: {broker: alpaca, database: gone.db}"
    (tmp_path / "tradeconsole.yaml").write_text(f"accounts: {{{accounts}}}")
    (tmp_path / "paper.db").touch()
    assert run(["kill"]) == kill.NOT_AT_REST
    said = capsys.readouterr().err
    assert f"far: There is no database {tmp_path / 'gone.db'}, so nobody was asked what works at alpaca." in said


@pytest.mark.parametrize("left", [b"", b"SQLite format 3\0" + b"x" * 5000], ids=["empty", "damaged"])
def test_books_that_cannot_be_read_are_not_taken_for_those_of_paper_money(tmp_path: Path, left: bytes, capsys: Capture) -> None:
    database = tmp_path / "far.db"
    database.write_bytes(left)
    assert run(["kill", "--database", str(database)]) == kill.NOT_AT_REST
    said = capsys.readouterr()
    assert "At whose broker these books are is not known" in said.err
    assert "on paper nothing works" not in said.out


def test_an_account_that_takes_its_time_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    (tmp_path / "tradeconsole.yaml").write_text("accounts: {one: {database: one.db}, two: {database: two.db}}")
    for name in ("one", "two"):
        (tmp_path / f"{name}.db").touch()
    both = threading.Barrier(2, timeout=30)

    def stop(database: Path, *rest: object, **words: object) -> int:
        both.wait()
        return kill.DONE if database.stem == "one" else kill.NOT_AT_REST

    monkeypatch.setattr(kill, "_stop", stop)
    assert run(["kill"]) == kill.NOT_AT_REST


def is_working(view: View) -> bool:
    return bool(view.orders) and order_of(view, 1).state is OrderState.WORKING


def test_a_full_disk_does_not_keep_it_from_the_engine(
    tmp_path: Path, database: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with running(tmp_path) as engine:
        monkeypatch.setattr(os, "pwrite", full)
        assert killing(database) == kill.DONE
        assert engine.status().account.state is TradingState.HALTED
        monkeypatch.undo()
    assert "cannot be written (No space left on device): a restart would not know of the stop." in capsys.readouterr().err
    monkeypatch.setattr(os, "pwrite", full)
    assert killing(database) == kill.NOTHING_DONE
    assert "nothing was done" in capsys.readouterr().err


def test_an_engine_sees_the_latch_by_itself(tmp_path: Path, database: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, lambda view: broker.listed)
        Latch(latch_path(database)).set("by hand")
        view = until(engine, lambda view: view.stop and view.stop.verified)
        assert (view.account.reason, broker.listed) == ("by hand", {})
        assert engine.answer(engine.resume("it was me")).ok
        assert engine.status().account.state is TradingState.ACTIVE


def test_a_console_that_is_frozen_is_said_to_be_and_halts_as_soon_as_it_runs_again(
    tmp_path: Path, database: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill, "ANSWER_S", 0.5)
    with a_console(tmp_path) as console:
        console.send_signal(signal.SIGSTOP)
        assert killing(database) == kill.NO_ANSWER
        said = capsys.readouterr().err
        assert f"The engine (process {console.pid}) does not answer: it did not answer within 0.5 s. The latch is set" in said
        console.send_signal(signal.SIGCONT)
        assert console.stdout is not None
        assert next(line for line in console.stdout if "HALTED" in line)
        assert killing(database) == kill.DONE


def test_it_is_a_command_of_its_own_and_loads_neither_engine_nor_screen(tmp_path: Path) -> None:
    loaded = loaded_by("console.cli", "console.kill")
    assert not loaded & {"asyncio", "msgspec", "yaml", "rich", "textual", "sqlite3", "engine.model", "engine.live", "console.config"}
    help_text = subprocess.run(
        [sys.executable, "-m", "console.cli", "kill", "-h"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert "4: the latch is set, but the engine that runs does not answer" in " ".join(help_text.split())


def test_an_engine_that_is_still_starting_starts_halted(
    tmp_path: Path, database: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(ToldBroker):
        async def connect(self, tell: object) -> None:
            raise ConnectionError("no gateway")

    monkeypatch.setattr(kill, "AT_REST_S", 0.3)
    engine = make(tmp_path, Away())
    engine.start()
    try:
        until(engine, lambda view: view.health.problem)
        assert killing(database) == kill.NOT_AT_REST
        assert "the engine is still starting, and starts HALTED" in capsys.readouterr().out
    finally:
        engine.shutdown()
