"""Planted secrets, and every way out of the program: screens, dialogs, the clipboard, notifications, files, what the commands print.

A key lies in the environment, a password in a broker's words, a token in an address. None of them may come out anywhere.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.drivers import headless_driver

from console import cli
from console.archive import Archive
from console.backtest.kept import keep, read_kept
from console.backtest.repeating import repeat
from console.config import load
from console.config_file import ConfigFile
from console.replay.backtests import key_of, open_kept, recordings
from engine.backtest.errors import BacktestError
from engine.live import Engine
from engine.model.inputs import LinkChanged, OrderUpdate
from engine.model.journal import JournalError
from engine.model.modes import Level, LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order
from engine.model.settings import NotifySettings, StrategySettings
from engine.replay.outline import ANSWERS, ORDERS, OUTLINE
from engine.secrets import HIDDEN
from storage.backtests import backtest_rows
from storage.recordings import BacktestFiles
from tests.console.driving import WIDE, Console, running
from tests.console.everywhere import ENDED_BY_YES, PLACES, go, go_back
from tests.console.kept_backtests import FUNCTION, TELLING, telling
from tests.engine.engines import SETTINGS, ToldBroker, make, market

KEY, PASSWORD, TOKEN = "PKX9-quartz-lantern-77", "violet-harbour-31", "eyJh-saffron-meadow"
FORMS = {
    "a key of the environment": f"the server saw {KEY} twice",
    "a password in an error": f"login failed (user me, password: {PASSWORD})",
    "a token in an address": f"GET https://broker.example/v2/orders?token={TOKEN}&symbol=AAPL: 403",
}
LEAK = """
from tradeconsole import Strategy

class Leak(Strategy):
    done = False

    def on_quote(self, ctx, quote):
        if quote.symbol == "AAPL" and not self.done:
            self.done = True
            ctx.buy("AAPL", 5, strength=0.6, reason=SAID, indicators={SAID: 1.0})
            print(SAID)
        if quote.symbol == "MSFT":
            raise ValueError(SAID)
"""
LEAKS_IN_A_BACKTEST = """
from tradeconsole import Strategy

class Leak(Strategy):
    def on_bar(self, ctx, bar):
        ctx.buy(bar.symbol, 1_000_000 if bar.close < 63 else 1, reason=SAID, indicators={SAID: 1.0})
        ENDS
"""
RAISES = "if ctx.position(bar.symbol):\n            raise ValueError(SAID)"
WINTER = ("--symbols", "AAPL", "--from", "2005-01-03", "--to", "2005-02-28")
CONFIG = """\
# ${PLANTED} stands for what came from outside
mode: MANUAL
feed: {source: sim}
"""


@pytest.fixture(autouse=True)
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BROKER_API_KEY", KEY)
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KITTY_WINDOW_ID", "1")
    monkeypatch.delenv("TMUX", raising=False)
    return tmp_path


def judge(what: str, text: str) -> None:
    """Nothing of a secret may be in `text`, nor in what a clipboard's or a picture's base64 in it says."""
    for piece in re.findall(r"[A-Za-z0-9+/=]{16,}", text):
        try:
            text += base64.b64decode(piece, validate=True).decode("utf-8", "replace")
        except ValueError:
            continue
    for secret in (KEY, PASSWORD, TOKEN):
        assert secret not in text, f"{what} shows a secret: {text[max(0, text.index(secret) - 200) :][:400]!r}"


class LeakingBroker(ToldBroker):
    """Each of its words holds the secret."""

    def __init__(self, said: str) -> None:
        super().__init__(name="leaking")
        self._said = said
        self.on_submit = self._take

    async def _take(self, order: Order) -> None:
        if order.symbol == "IBM":
            self._tell(OrderUpdate(order.id, OrderEvent.REJECT, reason=self._said))
        else:
            self.accept(order)
            self.fill(order.id)


def engine_that_leaks(folder: Path, said: str) -> tuple[Engine, LeakingBroker]:
    file = folder / "leak.py"
    file.write_text(LEAK.replace("SAID", repr(said)), encoding="utf-8")
    broker = LeakingBroker(said)
    return make(folder, broker, settings=replace(SETTINGS, strategies=(StrategySettings(str(file)),))), broker


async def leaks_everywhere(console: Console, engine: Engine, broker: LeakingBroker, said: str) -> None:
    """All that can be told of this engine has been told, with the secret in it."""
    await console.until(lambda: engine.view().health.ready and all(row.bid for row in engine.view().watch))
    engine.submit(market(7, "IBM"))
    engine.submit(market(3, "AAPL"))
    engine.note(Level.ERROR, "feed", said)
    await console.until(lambda: len(engine.view().orders) == 2 and engine.view().positions and engine.view().signals)
    await console.until(lambda: any("ValueError" in line.text for line in engine.view().log))
    broker.say(LinkChanged("leaking", LinkState.DOWN, said))
    await console.until(lambda: not engine.view().health.links[0].up)
    assert HIDDEN in repr(engine.view())


def kept_with(folder: Path, said: str, shape: str = TELLING) -> Path:
    """Two backtests of a strategy that says it wherever it can, with their recordings."""
    (folder / "past").mkdir()
    for _ in range(2):
        assert keep(folder / "backtests.sqlite", telling(folder / "past" / "leak.py", said, shape))[1] == ""
    return folder / "backtests.sqlite"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "leak.py"]


async def test_no_planted_secret_comes_out_of_the_console(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "; ".join(FORMS.values())
    written: list[str] = []
    monkeypatch.setattr(headless_driver.HeadlessDriver, "is_headless", False)
    monkeypatch.setattr(headless_driver.HeadlessDriver, "write", lambda self, data: written.append(data))
    monkeypatch.setenv("PLANTED", said)
    engine, broker = engine_that_leaks(planted, said)
    config = planted / "mine.yaml"
    config.write_text(CONFIG)
    notify = NotifySettings(bell=True, desktop=True, level=Level.INFO)
    file = ConfigFile(config, load(config))
    try:
        past = kept_with(planted, said)
        async with running(
            *(engine, WIDE),
            kept=planted / "kept",
            database=planted / "paper.db",
            notify=notify,
            config=file,
            backtests=past,
        ) as console:
            await leaks_everywhere(console, engine, broker, said)
            for place in PLACES:
                await go(console, place)
                if place not in ENDED_BY_YES:
                    await console.press("y")
                judge(place, console.picture)
                await go_back(console)
            # A history that cannot be read, an address in the config that is read again, and an error that nobody caught.
            await told_by_the_archive(console, said)
            config.write_text(CONFIG.replace("source: sim", 'source: "${PLANTED}"'))
            await console.press("comma", "R")
            await console.shows("Take what the file says?")
            judge("the config read again", console.picture)
            await console.press("escape", "escape")
            console.screen.say(said, Level.WARNING)
            console.screen.copy(said)
            console.app._handle_exception(ValueError(said))
            await console.pilot.pause()
            judge("what is said", console.picture)
            console.app._exception = None
    finally:
        engine.shutdown()
    assert any("\x1b]52;" in data for data in written), "nothing was copied"
    assert any("\x1b]99;" in data for data in written), "nothing was notified"
    judge("the terminal", "".join(written))
    for path in files(planted):
        judge(str(path), path.read_bytes().decode("utf-8", "replace"))


async def told_by_the_archive(console: Console, said: str) -> None:
    async def broken(history: Any) -> None:
        raise JournalError(said)

    for question in (console.app.archive.ask(broken), console.app.archive.ask(raising(ValueError(said)))):
        await console.until(lambda asked=question: asked.done)  # type: ignore[misc]
        assert HIDDEN in question.problem
        judge("the archive", question.problem)


def raising(error: Exception) -> Callable[[Any], Awaitable[None]]:
    async def ask(history: Any) -> None:
        raise error

    return ask


# ---- what commands print and write


@pytest.fixture(params=list(FORMS.values()), ids=list(FORMS))
def said(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PLANTED", request.param)
    words: str = request.param
    return words


def run(*words: str) -> int:
    try:
        return cli.run(list(words))
    except SystemExit as ended:
        return int(ended.code or 0) if not isinstance(ended.code, str) else 1


MODE, FEED, STRATEGY, DATABASE = (
    *("mode: '${PLANTED}'\n", "feed: {source: '${PLANTED}'}\n"),
    *("strategies: [{file: '${PLANTED}'}]\n", "database: '${PLANTED}'\n"),
)


@pytest.mark.parametrize(
    ("command", "config"),
    [
        *((command, config) for command in ("doctor", "kill", "backtest") for config in (MODE, FEED, STRATEGY, DATABASE)),
        # With the others it would start.
        *(("start", config) for config in (MODE, STRATEGY)),
    ],
)
def test_no_planted_secret_of_a_config_is_printed(
    said: str, command: str, config: str, planted: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = planted / "mine.yaml"
    file.write_text(config)
    words = {
        "doctor": ["doctor"],
        "kill": ["kill"],
        "start": ["--headless"],
        "backtest": ["backtest", "sma_cross", *WINTER],
    }[command]
    run(*words, "--config", str(file)) if command != "backtest" else run(*words, "--limits", str(file))
    told = capfd.readouterr()
    judge(command, told.out + told.err)


@pytest.mark.parametrize("ends", ["", RAISES], ids=["to its end", "at an error"])
def test_no_planted_secret_is_in_what_a_backtest_writes(said: str, ends: str, planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out, report = planted / "leak.py", planted / "csv", planted / "run.json"
    file.write_text(LEAKS_IN_A_BACKTEST.replace("ENDS", ends).replace("SAID", repr(said)))
    run("backtest", str(file), *WINTER, "--csv", str(out), "--json", str(report))
    told = capsys.readouterr()
    judge("the report", told.out + told.err)
    assert report.exists() is not bool(ends)
    for path in files(planted):
        judge(str(path), path.read_bytes().decode("utf-8", "replace"))


@pytest.mark.parametrize("shape", [TELLING, FUNCTION], ids=["a class", "a function"])
def test_no_planted_secret_is_in_a_recording_or_in_what_is_kept_of_a_backtest(said: str, shape: str, planted: Path) -> None:
    """Its pieces are compressed: they are looked into, and what is worked out of them when it is opened, too."""
    path = kept_with(planted, said, shape)
    replay = open_kept(path, 1)
    told = []
    for step in range(replay.steps):
        replay.seek(step)
        told.append(repr(replay.view()))
    told += [repr(replay.why_order(mark.order_id)) for mark in replay.trades]
    told += [repr(replay.why_bar("AAPL", int(at))) for at in replay.recording.stamps]
    judge("a replay", repr(told))
    judge("what is kept", repr(read_kept(path, 1)))
    pieces, problems = BacktestFiles(recordings(path)).read(key_of(backtest_rows(path)[0]))
    assert not problems
    recorded = {name: (packed if name == ANSWERS else zlib.decompress(packed)).decode("utf-8", "replace") for name, packed in pieces}
    judge("a recording", "\n".join(recorded.values()))
    # It was there to be told.
    assert HIDDEN in recorded[ORDERS]
    assert HIDDEN in recorded[OUTLINE]
    assert shape is TELLING or HIDDEN in recorded[ANSWERS]


def test_a_backtest_whose_parameter_was_a_secret_is_not_run_once_more_without_it(said: str, planted: Path) -> None:
    with pytest.raises(BacktestError, match="told held a secret"):
        repeat(kept_with(planted, said), 1)


def test_no_planted_secret_is_in_the_log_without_a_screen(said: str, planted: Path) -> None:
    file = planted / "leak.py"
    file.write_text(LEAK.replace("SAID", repr(said)), encoding="utf-8")
    command = [sys.executable, "-m", "tradeconsole", "--headless", "--database", str(planted / "paper.db"), "--strategy", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ))
    told = b""
    assert process.stdout is not None
    for line in process.stdout:
        told += line
        if b"ValueError" in line:
            break
    process.send_signal(signal.SIGTERM)
    told += process.stdout.read()
    process.wait(30)
    process.stdout.close()
    assert HIDDEN.encode() in told
    judge("the log", told.decode())


def test_an_archive_without_a_database_shows_no_secret_either(said: str, tmp_path: Path) -> None:
    archive = Archive(tmp_path / f"{TOKEN}-not-there" / "paper.db")
    asked = archive.ask(raising(JournalError(said)))
    archive.close()
    judge("the archive", asked.problem.replace(f"{TOKEN}-not-there", ""))
