"""The log on disk: whole JSON lines, for its owner alone, bounded, and without a secret in it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine import log_file
from engine.log_file import LogFile
from engine.model.inputs import (
    AcceptPosition,
    BrokerOrder,
    BrokerSnapshot,
    EmergencyStop,
    GroupKind,
    Input,
    NotDurable,
    OrderUpdate,
    Proposal,
    Reject,
    ResetBreaker,
    Resume,
    SetLimits,
    Submit,
    SubmitGroup,
)
from engine.model.market import Halt
from engine.model.modes import Level
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderType, Side
from engine.model.settings import Limits, LogSettings, StrategySettings
from engine.model.signals import Vote
from engine.model.views import LogLine
from engine.secrets import HIDDEN, Redactor
from tests.engine.engines import SETTINGS, market, running, said, until

PLANTED = 'PKTEST"42\\secret-of-the-broker'

SPELLED = PLANTED, json.dumps(PLANTED)[1:-1], repr(PLANTED)[1:-1]

LEAK = """
import logging
from tradeconsole import Strategy

class Leak(Strategy):
    def on_quote(self, ctx, quote):
        print("the key is " + KEY)
        raise ValueError(KEY)
"""


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def wrote(path: Path, *told: LogLine, settings: LogSettings = LogSettings(), redactor: Redactor = Redactor()) -> list[dict[str, Any]]:  # noqa: B008
    file = LogFile(path, settings, "run-1", redactor)
    for line in told:
        file.write(line)
    file.close()
    return lines(path)


def wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def line(text: str, level: Level = Level.INFO, detail: str = "") -> LogLine:
    return LogLine(1, 1_800_000_000_123_456_789, level, "order", text, detail)


def test_a_line_is_one_json_object_with_its_time_and_run(tmp_path: Path) -> None:
    (told,) = wrote(tmp_path / "paper.log", line("#1 filled", detail="two\nlines"))
    assert told == {
        "time": "2027-01-15T08:00:00.123456+00:00",
        "level": "INFO",
        "run": "run-1",
        "source": "order",
        "text": "#1 filled",
        "detail": "two\nlines",
    }


def test_only_the_owner_may_read_it_and_it_grows_by_runs(tmp_path: Path) -> None:
    path = tmp_path / "paper.log"
    wrote(path, line("first"))
    assert [told["text"] for told in wrote(path, line("second"))] == ["first", "second"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_lines_below_the_level_stay_out(tmp_path: Path) -> None:
    told = wrote(tmp_path / "paper.log", line("info"), line("bad", Level.ERROR), settings=LogSettings(level=Level.WARNING))
    assert [one["text"] for one in told] == ["bad"]


def test_a_full_file_is_put_aside_and_old_ones_go(tmp_path: Path) -> None:
    settings = LogSettings(max_mb=0.001, files=2)
    wrote(tmp_path / "paper.log", *(line(f"line {number} {'x' * 100}") for number in range(60)), settings=settings)
    assert {file.name for file in tmp_path.iterdir()} == {"paper.log", "paper.log.1", "paper.log.2"}
    assert all(file.stat().st_size <= 1_000 for file in tmp_path.iterdir())
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())
    assert lines(tmp_path / "paper.log")[-1]["text"].startswith("line 59 ")


def test_what_libraries_say_goes_into_the_file_and_not_to_the_screen(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "paper.log"
    file = LogFile(path, LogSettings(), "run-1", Redactor())
    try:
        raise ValueError("from within")
    except ValueError:
        logging.getLogger("some.library").exception("it broke over %s", "this")
    (ours,) = (handler for handler in logging.getLogger().handlers if type(handler).__module__ == LogFile.__module__)
    ours.handle(logging.LogRecord("some.library", logging.WARNING, "", 0, "%d is no number", ("x",), None))
    logging.getLogger("some.library").info("chatter")
    file.close()
    logging.getLogger("some.library").debug("after the end")
    broke, nonsense = lines(path)
    assert (broke["source"], broke["text"], broke["level"]) == ("some.library", "it broke over this", "ERROR")
    assert "ValueError: from within" in broke["detail"]
    assert nonsense["text"].startswith("'%d is no number' (TypeError: ")
    assert capfd.readouterr().err == ""


def test_a_disk_that_refuses_is_a_problem_in_words_and_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "paper.log"
    file = LogFile(path, LogSettings(max_mb=0.001, files=1), "run-1", Redactor())
    file.write(line("x" * 700))
    # A folder where the full file has to go: it cannot be put aside.
    (tmp_path / "paper.log.1").mkdir()
    file.write(line("does not fit" * 20))
    wait(lambda: file.problem)
    assert "paper.log cannot be written" in file.problem
    (tmp_path / "paper.log.1").rmdir()
    file.write(line("fits again"))
    wait(lambda: not file.problem)
    file.close()
    assert lines(path)[-1]["text"] == "fits again"


HUNG = """
import os, sys
from pathlib import Path
from engine.log_file import LONGEST_QUEUE, LogFile
from engine.model.settings import LogSettings
from engine.secrets import Redactor

path = Path(sys.argv[1])
os.mkfifo(path)
reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # and nobody reads
file = LogFile(path, LogSettings(), "run-1", Redactor())
for number in range(int(sys.argv[2])):
    file.put(20, 0, "order", f"line {number} {'x' * 100}")
print(file.problem)
file.close()
"""


@pytest.mark.parametrize(("count", "problem"), [(2_000, ""), (13_000, "is not written fast enough: lines are missing in it")])
def test_a_disk_that_hangs_holds_up_neither_the_engine_nor_its_end(tmp_path: Path, count: int, problem: str) -> None:
    command = [sys.executable, "-c", HUNG, str(tmp_path / "paper.log"), str(count)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.strip().endswith(problem)


def test_the_file_says_where_lines_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "LONGEST_QUEUE", 5)
    path = tmp_path / "paper.log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = LogFile(path, LogSettings(), "run-1", Redactor())
    file.write(line("held " * 40_000))
    for number in range(20):
        file.write(line(f"line {number}"))
    raw = bytearray()

    def drain() -> bool:
        with contextlib.suppress(BlockingIOError):
            raw.extend(os.read(reader, 1 << 20))
        return raw.endswith(b"\n") and not file.problem

    wait(drain)
    file.write(line("after"))
    wait(lambda: drain() and b"after" in raw)
    file.close()
    os.close(reader)
    told = [json.loads(text)["text"] for text in raw.decode().splitlines()]
    assert told[-1] == "after"
    missing = next(text for text in told if "missing" in text)
    assert int(missing.split()[0]) + len(told) - 1 == 22


def test_a_library_is_not_hurt_by_what_it_logs(tmp_path: Path) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError

    path = tmp_path / "paper.log"
    file = LogFile(path, LogSettings(), "run-1", Redactor())
    (ours,) = (handler for handler in logging.getLogger().handlers if type(handler).__module__ == LogFile.__module__)
    ours.handle(logging.LogRecord("some.library", logging.WARNING, "", 0, "sent %s", (Unprintable(),), None))
    ours.handle(logging.LogRecord("some.library", logging.WARNING, "", 0, "sent %(name)s", ({"other": 1},), None))
    file.close()
    assert [told["text"].partition(":")[0] for told in lines(path)] == ["'sent %s' (RuntimeError", "'sent %(name)s' (KeyError"]


# ---- secrets


@pytest.mark.parametrize(
    ("said_", "kept"),
    [
        (f"refused: {PLANTED}", f"refused: {HIDDEN}"),
        (json.dumps({"k": PLANTED}), json.dumps({"k": HIDDEN})),
        ("api_key=abcd1234", f"api_key={HIDDEN}"),
        ("APCA-API-SECRET-KEY: abcd1234, next", f"APCA-API-SECRET-KEY: {HIDDEN}, next"),
        ("Authorization: Bearer abc.def", f"Authorization: Bearer {HIDDEN}"),
        ("https://x/?token=abcdef&symbol=AAPL", f"https://x/?token={HIDDEN}&symbol=AAPL"),
        ("press any key: now", "press any key: now"),
        ("#1 BUY 5 AAPL limit 187.49 DAY", "#1 BUY 5 AAPL limit 187.49 DAY"),
    ],
)
def test_a_secret_is_hidden_wherever_it_stands(said_: str, kept: str) -> None:
    assert Redactor.of({"APCA_API_SECRET_KEY": PLANTED, "HOME": "/home/me"}).clean(said_) == kept


def test_what_is_too_short_to_be_a_secret_hides_nothing() -> None:
    assert Redactor.of({"MY_KEY": "a", "OTHER_TOKEN": ""}).clean("a day at the market") == "a day at the market"


@pytest.mark.parametrize("text", ["token-", "a-", "secret", "api key ", "token = bearer  "])
def test_no_text_however_made_up_holds_up_the_engine_that_cleans_it(text: str) -> None:
    # Going back over it would take longer than anybody waits for a test.
    assert Redactor.of({}).clean(text * 20_000).startswith(text[:2])


@pytest.mark.parametrize(
    "event",
    [
        Proposal("p", "cross", "AAPL", Side.BUY, reason=PLANTED),
        Submit("c", replace(market(1), reason=PLANTED)),
        SubmitGroup("c", GroupKind.OCO, market(1), replace(market(1), reason=PLANTED)),
        BrokerSnapshot(
            Decimal(1),
            (),
            (BrokerOrder("o", "", "AAPL", Side.BUY, Decimal(1), OrderType.MARKET, None, None, OrderEvent.REJECT, reason=PLANTED),),
        ),
        OrderUpdate("o", OrderEvent.REJECT, reason=PLANTED),
        Halt("AAPL", 1, True, PLANTED),
        EmergencyStop("c", PLANTED),
        Resume("c", PLANTED),
        ResetBreaker("c", "drawdown", PLANTED),
        SetLimits("c", Limits(), PLANTED),
        AcceptPosition("c", "AAPL", PLANTED),
        Reject("c", "s", PLANTED),
        NotDurable(("o",), PLANTED),
    ],
    ids=lambda event: type(event).__name__,
)
def test_no_words_of_anybodys_bring_a_secret_to_the_journal(event: Input) -> None:
    cleaned = Redactor([PLANTED]).clean_input(event)
    assert HIDDEN in repr(cleaned)
    assert cleaned == Redactor().clean_input(cleaned)
    assert repr(PLANTED)[1:-1] not in repr(cleaned)


@given(before=st.text(max_size=30), secret=st.text(min_size=8, max_size=40), after=st.text(max_size=30))
def test_no_text_around_it_brings_a_secret_out(before: str, secret: str, after: str) -> None:
    assert secret not in Redactor([secret]).clean(f"{before}{secret}{after}").replace(HIDDEN, "")


def test_a_planted_key_is_in_no_log_no_database_and_on_no_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_SECRET_KEY", PLANTED)
    file = tmp_path / "leak.py"
    file.write_text(LEAK.replace("KEY", repr(PLANTED)), encoding="utf-8")
    settings = replace(SETTINGS, strategies=(StrategySettings(str(file)),))
    with running(tmp_path, settings=settings) as engine:
        engine.submit(market(5))
        view = until(engine, lambda view: view.positions and said(view, "ValueError") and said(view, "the key is"))
    logging.getLogger("some.library").warning("%s", PLANTED)
    assert not [spelled for spelled in SPELLED if spelled in repr(view)]
    assert HIDDEN in view.strategies[0].detail
    (database,) = tmp_path.glob("*.db")
    with contextlib.closing(sqlite3.connect(database)) as db:
        kept = [row for (row,) in db.execute("SELECT body FROM journal")]
    assert any(HIDDEN in body for body in kept)
    for path in tmp_path.iterdir():
        if path.is_file() and path != file:
            raw = path.read_bytes()
            assert not [spelled for spelled in SPELLED if spelled.encode() in raw]
    assert any(HIDDEN in told["text"] for told in lines(database.with_suffix(".log")))


def test_no_secret_comes_into_the_journal_by_the_names_of_indicators() -> None:
    votes = (Vote("mine", Side.BUY, 0.5, (("key hunter2hunter2", 1.0), ("rsi", 30.0))),)
    proposal = Proposal("p-1", "mine", "AAPL", Side.BUY, reason="since hunter2hunter2", votes=votes)
    cleaned = Redactor(["hunter2hunter2"]).clean_input(proposal)
    assert isinstance(cleaned, Proposal)
    assert cleaned.reason == f"since {HIDDEN}"
    assert cleaned.votes[0].indicators == ((f"key {HIDDEN}", 1.0), ("rsi", 30.0))
