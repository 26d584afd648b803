"""Several accounts without a screen: every line says whose it is, and one that fails ends all of them in order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from decimal import Decimal
from itertools import chain
from pathlib import Path

import pytest

from console.accounts.engines import AccountEngines
from console.ending import EndingSignals
from console.headless import go_on, run_headless
from engine.model import Level, OrderType
from engine.model.views import LogLine
from tests.console.fake_engine import FakeEngine
from tests.views import order, position, sample_health, sample_view

ROOT = Path(__file__).parents[3]
FAILED = sample_health(ready=False, failed=True, problem="no disk is left")


def engines_of(*names: str) -> dict[str, FakeEngine]:
    return {name: FakeEngine(sample_view(log=(), positions=(), orders=()), account=name) for name in names}


def ended(engine: FakeEngine) -> bool:
    return ("shutdown",) in engine.calls


def test_an_account_that_fails_ends_all_in_order_whichever_is_shown_first(capsys: pytest.CaptureFixture[str]) -> None:
    engines = engines_of("calm", "bold")
    engines["bold"].change(health=FAILED, log=(LogLine(1, 1, Level.ERROR, "engine", "no disk", detail="at\nonce"),))
    assert run_headless(AccountEngines(engines)) == 1
    told = capsys.readouterr()
    assert told.err == "tradeconsole: bold: no disk is left\n"
    assert [line[9:] for line in told.out.splitlines()] == ["ERROR   bold: engine: no disk", "bold: at", "bold: once"]
    assert all(map(ended, engines.values()))


def test_each_account_that_fails_is_told_even_where_another_does_not_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = engines_of("calm", "bold", "far")

    def hangs(timeout: float) -> None:
        raise TimeoutError("it did not end")

    monkeypatch.setattr(engines["calm"], "shutdown", hangs)
    for name in ("bold", "far"):
        engines[name].change(health=FAILED)
    with pytest.raises(TimeoutError, match="calm: it did not end"):
        run_headless(AccountEngines(engines))
    assert capsys.readouterr().err == "tradeconsole: bold: no disk is left\ntradeconsole: far: no disk is left\n"
    assert ended(engines["bold"])


def test_one_that_cannot_be_started_ends_the_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    engines = engines_of("calm", "bold")

    def broken() -> None:
        raise RuntimeError("out of its mind")

    monkeypatch.setattr(engines["bold"], "start", broken)
    assert run_headless(AccountEngines(engines)) == 1
    assert "bold: It could not be started (RuntimeError: out of its mind)" in capsys.readouterr().err
    assert ended(engines["calm"])


def test_the_end_says_of_each_account_what_stays_held_and_what_of_it_no_stop_covers(capsys: pytest.CaptureFixture[str]) -> None:
    engines = engines_of("calm", "bold")
    engines["calm"].change(positions=(position("AAPL", 100), position("IBM", -200)))
    stop = order(1, symbol="MSFT", quantity=Decimal(30), type=OrderType.STOP, stop=Decimal(390), limit=None)
    engines["bold"].change(health=FAILED, positions=(position("MSFT", 30), position("TSLA", 0)), orders=(stop,))
    run_headless(AccountEngines(engines))
    assert [line[9:] for line in capsys.readouterr().out.splitlines()] == [
        "WARNING calm: end: 100 AAPL stays held without protection: no stop works",
        "WARNING calm: end: -200 IBM stays held without protection: no stop works",
        "INFO    bold: end: 30 MSFT stays held, covered by a working stop",
    ]
    engines["bold"].change(positions=(position("MSFT", 100),))
    run_headless(AccountEngines(engines))
    assert "bold: end: 100 MSFT stays held, 70 of it without protection: no stop covers them" in capsys.readouterr().out


class Hangs(EndingSignals):
    """A terminal that hung up, and signal 15 after so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def came(self) -> int:  # type: ignore[override]
        self.looks -= 1
        return signal.SIGTERM if self.looks < 0 else 0

    def outlive_hang_up(self) -> None:
        pass


def test_without_a_terminal_the_others_go_on_until_all_have_failed_or_a_signal_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "dup2", lambda *given: None)
    monkeypatch.setattr("console.headless._POLL_S", 0)
    engines = engines_of("calm", "bold")
    engines["calm"].change(health=FAILED)
    ending = Hangs(3)
    assert go_on(AccountEngines(engines), ending) == 128 + signal.SIGTERM
    assert ending.looks < 0, "it ended before the signal came"
    engines["bold"].change(health=FAILED)
    assert go_on(AccountEngines(engines), Hangs(3)) == 1


def run_of(home: Path, config: str) -> subprocess.Popen[str]:
    (home / "tradeconsole.yaml").write_text(config)
    environment = {"PATH": os.environ["PATH"], "TRADECONSOLE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tradeconsole", "--headless"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_every_line_of_the_real_command_says_whose_it_is_and_a_signal_ends_all_accounts(tmp_path: Path) -> None:
    with run_of(tmp_path, "feed: {source: sample, pace: 50}\nsymbols: [IBM]\naccounts: {calm: {}, bold: {}}\n") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if all(any(f"{name}: start: " in line for line in lines) for name in ("calm", "bold")):
                break
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read().splitlines()
        assert (process.wait(30), process.stderr.read()) == (128 + signal.SIGTERM, "")
    assert any("SIGTERM came from outside: the engine ends in order, as on_exit says." in line for line in rest), rest
    of_none = [line for line in chain(lines, rest) if not re.match(r"[\d:]{8} [A-Z ]{7} (calm|bold): ", line) and line[:9].strip()]
    assert of_none == []


def test_the_real_command_ends_with_code_1_where_an_account_that_is_not_the_preferred_one_fails(tmp_path: Path) -> None:
    with run_of(tmp_path, "symbols: [AAPL]\naccounts: {calm: {}, bold: {feed: {source: sample}, symbols: [ZZZZ]}}\n") as process:
        told, problem = process.communicate(timeout=60)
    assert process.returncode == 1
    assert problem.startswith("tradeconsole: bold: The sample has no ZZZZ: it holds AAPL")
    assert "ERROR   bold: engine: The sample has no ZZZZ" in told
