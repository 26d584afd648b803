"""What `tradeconsole kill` does at the broker beside an engine that answers, one that does not, and none at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console import kill, kill_there
from console.cli import run
from console.options import say
from engine.control_client import control_path
from engine.latch import Latch, latch_path
from engine.model.modes import TradingState
from tests.engine.engines import ToldBroker, running

Capture = pytest.CaptureFixture[str]
LATE_S = 8.0
"""Longer than a busy machine keeps an engine from answering."""


class Told:
    """In place of what goes to the broker: what it was asked, whether to flatten, in its order."""

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.overlapped = False
        self.entered = threading.Event()
        self._cancels = False
        self._flattens = threading.Event()

    def __call__(self, database: Path, config: Path | None, *, flatten: bool) -> bool:
        self.asked.append(flatten)
        if flatten:
            self.overlapped = self._cancels
            self._flattens.set()
        else:
            self._cancels = True
            self.entered.set()
            self._flattens.wait(0.2)
            self._cancels = False
        return True


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    monkeypatch.setattr(kill_there, "kill_there", told)
    return told


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "paper.db").touch()
    return tmp_path / "paper.db"


@contextmanager
def somebody_mute(database: Path) -> Iterator[None]:
    """Listens where an engine would, and says nothing."""
    path = control_path(database)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()
        try:
            yield
        finally:
            path.unlink()


def test_where_the_engine_answers_nobody_else_goes_to_the_broker(
    tmp_path: Path, database: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.unlink()
    monkeypatch.setattr(kill, "SOON_S", LATE_S)
    with running(tmp_path, ToldBroker()):
        beside = kill._Beside(database, None)
        assert kill._follow(control_path(database), "", beside, flatten=False) == kill.DONE
        assert beside.result() is None
    assert told.asked == []


def test_where_nobody_listens_the_broker_is_told_once_and_at_once(database: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill, "SOON_S", LATE_S)
    assert run(["kill", "--database", str(database), "--flatten"]) == kill.DONE
    assert told.asked == [True]


def test_a_cancel_that_is_under_way_has_ended_before_anything_is_closed(
    database: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would cancel the closing orders."""
    monkeypatch.setattr(kill, "SOON_S", 0.0)
    beside = kill._Beside(database, None)
    assert told.entered.wait(LATE_S)
    assert beside.at_once(flatten=True)
    assert (told.asked, told.overlapped) == ([False, True], False)


def test_where_somebody_listens_and_does_not_answer_nothing_is_closed(database: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill, "SOON_S", 0.0)
    monkeypatch.setattr(kill, "ANSWER_S", 0.2)
    with somebody_mute(database):
        run(["kill", "--database", str(database), "--flatten"])
    assert told.asked == [False]


def test_what_is_said_of_a_broker_names_its_account(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    (tmp_path / "tradeconsole.yaml").write_text("accounts: {one: {database: one.db}, two: {database: two.db}}")
    for name in ("one", "two"):
        (tmp_path / f"{name}.db").touch()

    def there(database: Path, config: Path | None, *, flatten: bool) -> bool:
        say(f"asked about {database.stem}")
        return True

    monkeypatch.setattr(kill_there, "kill_there", there)
    monkeypatch.setattr(kill, "SOON_S", 0.0)
    monkeypatch.setattr(kill, "ANSWER_S", 0.2)
    with somebody_mute(tmp_path / "one.db"), somebody_mute(tmp_path / "two.db"):
        run(["kill"])
    said = capsys.readouterr().err.splitlines()
    assert {line for line in said if "asked about" in line} == {f"tradeconsole: {name}: asked about {name}" for name in ("one", "two")}


@pytest.mark.parametrize("left", ["", "a letter to grandmother"], ids=["moved away", "overwritten"])
def test_an_engine_whose_database_is_gone_is_stopped_for_its_latch_is_there(tmp_path: Path, left: str) -> None:
    database = tmp_path / "paper.db"
    with running(tmp_path, ToldBroker()) as engine:
        database.rename(tmp_path / "aside.db")
        if left:
            database.write_text(left)
        assert run(["kill", "--database", str(database), "--reason", "gone"]) == kill.DONE
        assert engine.status().account.state is TradingState.HALTED
    assert Latch(latch_path(database)).read().startswith("gone ")
