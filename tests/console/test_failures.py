"""An error in the screen's own code costs what it was about: it is told in words, and console, engine and stop go on."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events

from console.failures import AGAIN_S, Failures, named
from console.screens.dialog import Dialog
from console.screens.help import Help
from console.screens.page import Page
from console.screens.performance import PerformancePage
from tests.console.driving import Console, running
from tests.console.fake_engine import FakeEngine, orders
from widgets.header import HeaderBar
from widgets.orders import Orders
from widgets.panel import Panel


class BrokenError(Exception):
    """Nothing in the console expects it."""


def broken(*_: Any, **__: Any) -> Any:
    raise BrokenError("\x1b]0;owned\x07")


@contextmanager
def expecting(console: Console) -> Iterator[None]:
    """Errors within are what the test is about, where others fail it."""
    yield
    assert isinstance(console.app._exception, BrokenError) or "BrokenError" in repr(console.app._exception)
    console.app._exception = None


async def goes_on(console: Console, engine: FakeEngine) -> None:
    """The keys, the order line and the stop do what they did before."""
    await console.shows("BrokenError")
    assert "\x1b" not in console.picture
    assert [line.source for line in engine.current.log][-1] == "screen"
    await console.press("escape", "escape", "escape")
    await console.type(":buy 100 AAPL mkt")
    await console.press("enter")
    await console.until(lambda: orders(engine.calls))
    await console.press("f12")
    await console.until(lambda: ("emergency_stop", "stop key") in engine.calls)


@pytest.mark.parametrize("of", [(Orders, "content_line"), (HeaderBar, "render_line"), (Panel, "foot")], ids=lambda of: of[1])
async def test_a_panel_that_cannot_be_drawn_is_blank(of: tuple[type, str], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        with expecting(console):
            monkeypatch.setattr(*of, broken)
            console.screen.refresh(layout=True)
            for panel in console.screen.panels.values():
                panel.refresh()
            console.app.query_one(HeaderBar).refresh()
            await goes_on(console, engine)


async def test_a_frame_that_fails_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        with expecting(console):
            monkeypatch.setattr(console.screen.panels["orders"], "show", broken)
            engine.change()
            await console.shows("BrokenError")
            monkeypatch.undo()
            await goes_on(console, engine)


@pytest.mark.parametrize("key", ["b", "h", "p", "t", "i", "m", "f2", "f6", "q", "enter", "z", "w", "o", "y", "v"])
async def test_a_key_whose_action_fails_is_a_key_that_did_nothing(key: str) -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        action = console.app.keys.find(key, "orders")
        await console.press("3")
        with expecting(console):
            assert action is not None
            console.screen.performers[action.name] = broken
            await console.press(key)
            await goes_on(console, engine)


@pytest.mark.parametrize("of", [(Dialog, "on_mount"), (Help, "body"), (Help, "key"), (Dialog, "hints")], ids=lambda of: of[1])
async def test_a_dialog_that_fails_can_be_left(of: tuple[type, str], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        with expecting(console):
            monkeypatch.setattr(*of, broken)
            await console.press("question_mark", "j")
            await console.until(lambda: console.app._exception)
            await console.press("escape")
            await goes_on(console, engine)


@pytest.mark.parametrize("of", [(Page, "on_mount"), (PerformancePage, "frame"), (PerformancePage, "key"), (PerformancePage, "content")])
async def test_a_page_that_fails_can_be_left(of: tuple[type, str], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        with expecting(console):
            monkeypatch.setattr(*of, broken)
            await console.press("p", "j")
            await console.until(lambda: console.app._exception)
            await console.press("escape")
            await goes_on(console, engine)


@pytest.mark.parametrize("start", ["timer", "worker", "callback"])
async def test_what_runs_by_itself_may_fail(start: str) -> None:
    async def work() -> None:
        broken()

    engine = FakeEngine()
    async with running(engine) as console:
        starts: dict[str, Callable[[], object]] = {
            "timer": lambda: console.app.set_timer(0.001, broken),
            "worker": lambda: console.app.run_worker(work()),
            "callback": lambda: console.app.call_later(broken),
        }
        with expecting(console):
            starts[start]()
            await goes_on(console, engine)


async def test_a_widget_whose_handler_failed_hears_the_next_event(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        heard: list[object] = []
        with expecting(console):
            panel = console.screen.panels["chart"]
            monkeypatch.setattr(type(panel), "on_mouse_move", broken, raising=False)
            panel.post_message(events.MouseMove(panel, 1, 1, 0, 0, 0, False, False, False))
            await console.until(lambda: console.app._exception)
            monkeypatch.setattr(type(panel), "on_mouse_move", lambda self, event: heard.append(event), raising=False)
            panel.post_message(events.MouseMove(panel, 1, 1, 0, 0, 0, False, False, False))
            await console.until(lambda: heard)
            await goes_on(console, engine)


async def test_lists_that_cannot_be_begun_keep_the_engine_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.actions.watchlists.Watchlists.load", broken)
    engine = FakeEngine()
    async with running(engine) as console:
        with expecting(console):
            await goes_on(console, engine)
            assert ("start",) in engine.calls


def test_the_same_error_is_told_once_a_minute() -> None:
    told: list[str] = []
    now = [0.0]
    failures = Failures(told.append, lambda: now[0])
    for at in (0.0, 0.1, AGAIN_S - 1, AGAIN_S + 1):
        now[0] = at
        failures.take(ValueError("one"))
    failures.take(ValueError("two"))
    assert len(told) == 3


def test_no_secret_is_in_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_SECRET_KEY", "hunter2hunter2")
    told: list[str] = []
    Failures(told.append, lambda: 0.0).take(ValueError("no hunter2hunter2 here"))
    assert "hunter2" not in told[0]
    assert "[secret]" in told[0]


def test_an_error_is_named_by_the_line_of_ours_that_it_came_from() -> None:
    with pytest.raises(BrokenError) as caught:
        Failures(broken, lambda: 0.0).take(ValueError("no"))
    assert "test_failures.py, line" in named(caught.value)


def test_a_screen_that_cannot_be_opened_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    """In a terminal of its own: a traceback of Textual's would show the values of all variables."""
    code = (
        "from tests.console.fake_engine import FakeEngine\n"
        "from console.app import run_console\n"
        "from console.screens.trading import TradingScreen\n"
        "def compose(self):\n"
        "    planted = 'hunter2hunter2'\n"
        "    raise ValueError(planted)\n"
        "TradingScreen.compose = compose\n"
        "raise SystemExit(run_console(FakeEngine()))\n"
    )
    master, slave = pty.openpty()
    environment = {**os.environ, "ALPACA_SECRET_KEY": "hunter2hunter2", "TERM": "xterm-256color"}
    process = subprocess.Popen([sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=environment)
    os.close(slave)
    _, said = process.communicate(timeout=60)
    os.close(master)
    assert process.returncode == 1
    assert "Traceback" not in said.decode()
    assert "errors shown" not in said.decode()
    assert said.decode().count("the screen could not be opened: ValueError") == 1
    assert "hunter2" not in said.decode()
