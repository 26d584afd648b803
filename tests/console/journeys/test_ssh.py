"""What only a line can do: be thin, change its size, be cut. Journeys through OpenSSH are those of everywhere else. Then GNU screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.console.journeys.person import (
    SIMULATED,
    ask,
    go_to,
    leave_order_line,
    rows,
    shows,
    until_quoted,
    write_in_order_line,
)
from tests.console.journeys.ssh import Server, SshTerminal
from tests.console.journeys.terminal import Terminal, has_tmux

LogIn = Callable[..., SshTerminal]


@pytest.fixture
def log_in(tmux: None, server: Server, tmp_path: Path) -> Iterator[LogIn]:
    with ExitStack() as stack:

        def log_in(options: str = SIMULATED) -> SshTerminal:
            terminal = stack.enter_context(SshTerminal(server, tmp_path, 120, 36, options))
            terminal.until("F12 / ^G", "paper ok")
            return terminal

        yield log_in


def test_a_limit_order_waits_and_is_cancelled_over_a_thin_line(log_in: LogIn) -> None:
    terminal = log_in(f"{SIMULATED} --low-bandwidth")
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 5 AAPL @ 150 day")
    terminal.until("sent")
    leave_order_line(terminal)
    go_to(terminal, 3, "Orders")
    terminal.until("1 works", lambda screen: shows(r"BUY +5 +AAPL .*150\.00 .*working", screen))
    terminal.insist("c", "none works")


def test_a_resized_window_is_drawn_in_its_size(log_in: LogIn) -> None:
    terminal = log_in()
    terminal.resize(80, 24)
    terminal.until("1 Watch  2 Positions")
    terminal.resize(160, 45)
    terminal.until("5 Risk", "6 Log", "7 Chart")


def test_a_line_that_is_cut_ends_the_console_in_order(log_in: LogIn, tmp_path: Path) -> None:
    terminal = log_in()
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 10 AAPL mkt")
    terminal.until("sent", lambda _: rows(tmp_path, "fills") == 1)
    write_in_order_line(terminal, "buy 5 AAPL @ 150 day")
    terminal.until(lambda _: rows(tmp_path, "orders") == 2)
    terminal.cut()
    terminal.until_process_ended()
    assert ask(tmp_path, "SELECT state FROM orders WHERE number = 2") == [("CANCELED",)], "on_exit cancels entries"
    again = log_in()
    go_to(again, 2, "Positions")
    again.until("1 held", lambda screen: shows(r"AAPL +10 ", screen))


def test_an_engine_may_outlive_its_line_and_is_named_to_who_comes_back(log_in: LogIn, tmp_path: Path, server: Server) -> None:
    (tmp_path / "tradeconsole.yaml").write_text("on_hangup: go_on\n")
    terminal = log_in()
    until_quoted(terminal)
    process = terminal.process
    terminal.cut()
    terminal.until(lambda _: "goes on without a screen" in (tmp_path / "paper.log").read_text())
    with SshTerminal(server, tmp_path, 120, 36, SIMULATED) as second:
        second.until(f"process {process}", lambda screen: "already trades" in " ".join(screen.split()))
    environment = os.environ | {"TRADECONSOLE_HOME": str(tmp_path)}
    stopped = subprocess.run([sys.executable, "-m", "tradeconsole", "kill"], env=environment, capture_output=True, text=True, check=False)
    assert stopped.returncode == 0, stopped.stderr
    assert "HALTED, verified" in stopped.stdout
    os.kill(process, 15)
    while Path(f"/proc/{process}").exists():
        terminal.screen()


class InScreen(Terminal):
    """The console in GNU screen, which is in the terminal."""

    def __init__(self, home: Path, width: int, height: int, options: str) -> None:
        super().__init__(home, width, height, options)
        settings = home / "screenrc"
        settings.write_text("startup_message off\n")
        (home / "sockets").mkdir(mode=0o700)
        self._environment |= {"SCREENDIR": str(home / "sockets"), "TERM": "xterm-256color"}
        self._command = ["screen", "-U", "-c", str(settings), *self._command]


def test_the_stop_and_the_order_line_in_gnu_screen(tmp_path: Path) -> None:
    if not has_tmux() or shutil.which("screen") is None:
        pytest.skip("GNU screen is not installed; get it with: apt-get install screen")
    with InScreen(tmp_path, 120, 36, SIMULATED) as terminal:
        terminal.until("F12 / ^G", "paper ok")
        until_quoted(terminal)
        write_in_order_line(terminal, "buy 7 AAPL mkt")
        terminal.until("sent", lambda _: rows(tmp_path, "fills") == 1)
        terminal.resize(80, 24)
        terminal.until("1 Watch  2 Positions")
        terminal.press("F12")
        terminal.until("HALTED", "Without protection: AAPL 7")
        terminal.press("C-c")
        terminal.until("Quit?", "Stay")
        terminal.insist("y", "▸ y")
        terminal.press("Enter")
        terminal.ended()
