"""Journeys of a replay: a backtest from a shell, watched in the console, asked why, and stopped trading from there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.person import SIMULATED, said, shows
from tests.console.journeys.terminal import Terminal
from tests.project_files import ROOT

YEAR = ("--symbols", "AAPL", "--from", "2005-01-03", "--to", "2005-12-30", "--set", "fast=5", "--set", "slow=20")


def _run_backtest(home: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tradeconsole", "backtest", "sma_cross", *YEAR],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "TRADECONSOLE_HOME": str(home)},
    )


def test_a_backtest_is_watched_asked_why_and_trading_is_stopped_from_there(sit_down: SitDown, tmp_path: Path) -> None:
    _run_backtest(tmp_path)
    terminal = sit_down(SIMULATED)
    terminal.press("B")
    terminal.until("Backtests", "1 kept")
    terminal.press("r")
    terminal.until("◀◀ REPLAY", "❚❚ paused x10", "nothing waits")
    terminal.press("n")
    terminal.until("bought", lambda screen: shows("▲", screen))
    terminal.press("Enter")
    terminal.until("Why: #1 BUY 144 AAPL", "It filled in full", "sma_cross BUY", said("passes every rule"))
    terminal.press("Escape")
    terminal.until(lambda screen: "Why:" not in screen)
    terminal.press("]", "]", "]", "]", "]", "]", "]", "Space")
    terminal.until("■ the end", lambda screen: shows("252 ?(of|/) ?252", screen))
    terminal.press("b")
    terminal.until("This is the past")
    terminal.press("F12")
    terminal.until("HALTED", said("The session of now: EMERGENCY STOP"))
    terminal.press("q")
    terminal.until("Backtests", "sma_cross")


def test_it_opens_with_the_console(tmp_path: Path, tmux: None) -> None:
    _run_backtest(tmp_path)
    with Terminal(tmp_path, 80, 24, f"{SIMULATED} --replay latest") as terminal:
        terminal.until("◀◀ REPLAY", "the start")
        terminal.press(".")
        terminal.until("1/252")
        terminal.press("q")
        terminal.until("paper ok")
