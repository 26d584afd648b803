"""The control socket: it stops and tells, for its owner alone, and whatever comes in over it hurts nobody."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine import control
from engine.control_client import LONGEST_PATH, NoAnswerError, ask, control_path
from engine.latch import Latch, latch_path
from engine.live import Engine
from engine.model.modes import TradingState
from engine.model.orders import OrderState
from tests.engine.engines import ToldBroker, limit, make, order_of, running, said, until


@pytest.fixture
def broker() -> ToldBroker:
    return ToldBroker()


@pytest.fixture
def engine(tmp_path: Path, broker: ToldBroker) -> Iterator[Engine]:
    with running(tmp_path, broker) as engine:
        yield engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return control_path(tmp_path / "paper.db")


def say(path: Path, raw: bytes, *, end: bool = False) -> bytes:
    """What comes back for `raw`, whatever it is."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(20)
        link.connect(os.fspath(path))
        with contextlib.suppress(BrokenPipeError):
            link.sendall(raw)
        if end:
            link.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := link.recv(65_536):
                answer += piece
        return answer


def trades(engine: Engine, broker: ToldBroker) -> None:
    """The engine is as it was: it answers, and takes an order."""
    assert engine.answer(engine.submit(limit(1))).ok
    until(engine, lambda view: order_of(view, 1).state is OrderState.WORKING)


def test_a_stop_over_the_socket_is_the_stop(engine: Engine, broker: ToldBroker, path: Path, tmp_path: Path) -> None:
    for number in range(3):
        engine.submit(limit(10 + number))
    until(engine, lambda view: len(broker.listed) == 3)
    answer = ask(path, "stop", "too hot")
    assert (answer["ok"], answer["text"]) == (True, "HALTED: 3 working orders being cancelled")
    view = until(engine, lambda view: view.stop and view.stop.verified)
    assert (view.account.reason, broker.listed) == ("too hot", {})
    assert engine._keeper.finish(20)
    assert Latch(latch_path(tmp_path / "paper.db")).read() == "too hot"


def test_a_flatten_over_the_socket_closes(engine: Engine, broker: ToldBroker, path: Path) -> None:
    broker.positions[:] = [("AAPL", Decimal(10), Decimal(100))]
    assert ask(path, "flatten", "enough")["state"] == "HALTED"
    until(engine, lambda view: broker.submitted)
    assert ask(path, "status")["left"] == ["10 AAPL is held, #1 closes it now"]


def test_the_status_is_one_picture(engine: Engine, broker: ToldBroker, path: Path) -> None:
    engine.submit(limit())
    order = until(engine, lambda view: broker.listed).orders[0]
    status = ask(path, "status")
    assert (status["ok"], status["ready"], status["state"], status["mode"]) == (True, True, "ACTIVE", "MANUAL")
    assert (status["working"], status["positions"], status["verified"], status["problem"]) == (1, [], False, "")
    broker.fill(order.id)
    until(engine, lambda view: view.positions)
    assert ask(path, "status")["positions"] == [["AAPL", "10"]]


@pytest.mark.parametrize("do", ["resume", "submit", "set_mode", "approve", "reset", "", "STOP", 7, None, ["stop"]])
def test_it_does_nothing_but_stop_and_tell(engine: Engine, broker: ToldBroker, path: Path, do: object) -> None:
    answer = json.loads(say(path, json.dumps({"do": do}).encode() + b"\n"))
    assert (answer["ok"], answer["state"]) == (False, "")
    assert answer["text"].startswith("not understood: ")
    assert engine.status().account.state is TradingState.ACTIVE


@pytest.mark.parametrize(
    "raw",
    [
        b"\n",
        b"\0\n",
        b"stop\n",
        b"{}\n",
        b"[]\n",
        b'{"do": "stop", "quantity": 5}\n',
        b'{"do": "stop", "reason": 5}\n',
        b'{"do": "stop", "reason": "' + b"x" * 201 + b'"}\n',
        b'{"do": "stop"' + b" " * 3_900,
        b"\xff\xfe" * 100 + b"\n",
        b"[" * 4_000 + b"\n",
        b'{"do": ' + b"9" * 4_000 + b"}\n",
        os.urandom(4_000) + b"\n",
        b"x" * 1_000_000,
    ],
    ids=range(14),
)
def test_garbage_is_refused_and_hurts_nobody(engine: Engine, broker: ToldBroker, path: Path, raw: bytes) -> None:
    answer = say(path, raw, end=True)
    assert not answer or json.loads(answer)["ok"] is False
    assert engine.status().account.state is TradingState.ACTIVE
    trades(engine, broker)


def test_a_reason_steers_no_terminal(engine: Engine, path: Path) -> None:
    ask(path, "stop", "a\x1b[2J\nb\u202ec")
    assert engine.status().account.reason == "a[2J bc"


def test_who_says_nothing_is_let_go_and_who_asks_meanwhile_is_heard(engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "PATIENCE_S", 0.2)
    with contextlib.ExitStack() as links:
        idle = [links.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(control.AT_ONCE - 1)]
        for link in idle:
            link.connect(os.fspath(path))
            link.sendall(b'{"do"')
        assert ask(path, "status")["ok"]
        for link in idle:
            link.settimeout(20)
            with contextlib.suppress(ConnectionResetError):
                assert link.recv(1) == b""


def test_a_flood_of_connections_is_turned_away_and_the_engine_trades_on(engine: Engine, broker: ToldBroker, path: Path) -> None:
    with contextlib.ExitStack() as links:
        for _ in range(5 * control.AT_ONCE):
            link = links.enter_context(socket.socket(socket.AF_UNIX))
            link.settimeout(20)
            link.connect(os.fspath(path))
        with contextlib.suppress(ConnectionResetError):
            assert link.recv(1) == b"", "the last of them is one too many"
        trades(engine, broker)


def test_it_is_the_owners_alone(engine: Engine, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not [entry for entry in path.parent.iterdir() if entry.name.startswith(".")], "the folder it was made in is gone"


def test_another_user_is_not_heard(engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "is_trusted", lambda link: False)
    with pytest.raises(NoAnswerError):
        ask(path, "stop")
    assert engine.status().account.state is TradingState.ACTIVE


def test_the_socket_of_a_run_that_crashed_gives_way(tmp_path: Path, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(os.fspath(path))
    with pytest.raises(NoAnswerError, match="nobody listens"):
        ask(path, "status")
    with running(tmp_path):
        assert ask(path, "status")["ok"]
    assert not path.exists()


def test_a_second_engine_on_the_database_takes_nothing_from_the_first(engine: Engine, tmp_path: Path, path: Path) -> None:
    second = make(tmp_path)
    second.start()
    assert "already trades" in second.wait_ready().health.problem
    second.shutdown()
    assert ask(path, "status")["ok"]


def test_a_path_that_is_too_long_for_a_socket_lies_in_the_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    # A real one is short; the test's own folder may not be.
    with tempfile.TemporaryDirectory() as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        path = control_path(folder / "paper.db")
        assert (path.parent, len(os.fsencode(path)) <= LONGEST_PATH) == (Path(runtime), True)
        assert path != control_path(folder / "other.db")
        with running(folder):
            assert ask(path, "status")["ok"]


def test_a_socket_that_cannot_be_made_is_said_and_the_engine_runs(tmp_path: Path, path: Path) -> None:
    path.mkdir()
    with running(tmp_path) as engine:
        assert said(engine.status(), "the control socket cannot be made (Is a directory): `tradeconsole kill` sets the latch alone")


def test_an_error_behind_the_socket_is_said_and_it_goes_on_listening(engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> None:
        raise ZeroDivisionError("no picture")

    with monkeypatch.context() as patch:
        patch.setattr(control, "_picture", broken)
        with pytest.raises(NoAnswerError):
            ask(path, "status")
    assert ask(path, "status")["ok"]
    assert said(engine.status(), "the control socket failed on a request: no picture")
