"""Journeys of a backtest: begun in the form, watched, and looked at; and one from a shell, found again in the console."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.person import SIMULATED, quit_by_key, said, shows, until_quoted
from tests.project_files import ROOT

SLOW = """\
import time
from tradeconsole import Strategy


class Slow(Strategy):
    def on_bar(self, ctx, bar):
        time.sleep(0.002)
        ctx.target(bar.symbol, 0 if ctx.position(bar.symbol) else 10)
"""


def kept(home: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{home / 'backtests.sqlite'}?mode=ro", uri=True)) as database:
        return database.execute("SELECT number, strategies, symbols, bars FROM backtests ORDER BY number").fetchall()


def test_from_the_form_over_the_progress_to_the_report(sit_down: SitDown, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.press("B")
    terminal.until("No backtest is kept yet")
    terminal.press("n")
    terminal.until("New backtest", "[ Run ]")
    terminal.press("C-u")
    terminal.type(str(tmp_path / "slow.py"))
    terminal.press("Down", "Down")
    terminal.type("AAPL")
    terminal.press("Down")
    terminal.type("2005-13-01")
    terminal.press("F5")
    terminal.until("✗ '2005-13-01' is not allowed. Give a day as YYYY-MM-DD.")
    terminal.press("C-u")
    terminal.type("2005-01-01")
    terminal.press("F5")
    terminal.until("Esc cancel it", lambda screen: shows(r"[0-9]+%  [0-9,]+ of [0-9,]+ bars", screen))
    # The engine beside it goes on.
    terminal.until("paper ok")
    terminal.until("1 Report", "#1 slow on AAPL", "Final value", lambda screen: shows("[⠁-⣿]", screen))
    terminal.press("4")
    terminal.until("Round trips", lambda screen: shows(r"AAPL +long", screen))
    terminal.press("Enter")
    terminal.until("Round trip 1: AAPL", said("the farthest the market went against it"))
    terminal.press("Escape")
    terminal.until(lambda screen: "Round trip 1: AAPL" not in screen)
    terminal.press("Escape")
    terminal.until("New backtest", said("#1 slow:"))
    terminal.press("Escape")
    terminal.until("1 kept")
    terminal.press("Escape")
    terminal.until(lambda screen: "1 kept" not in screen)
    quit_by_key(terminal, "No orders working.")
    assert kept(tmp_path) == [(1, "slow", "AAPL", 2054)]


def test_one_from_a_shell_is_found_in_the_console(sit_down: SitDown, tmp_path: Path) -> None:
    for word in ("fast=5", "fast=7"):
        command = [sys.executable, "-m", "tradeconsole", "backtest", "sma_cross", "--symbols", "IBM", "--set", word]
        ran = subprocess.run(command, cwd=ROOT, env={**os.environ, "TRADECONSOLE_HOME": str(tmp_path)}, capture_output=True, text=True)
        assert "or B in the console." in ran.stdout.splitlines()[-1]
    terminal = sit_down(SIMULATED)
    terminal.press("B")
    terminal.until("2 kept")
    terminal.press("Space", "Space", "c")
    terminal.until("Side by side", lambda screen: shows(r"≠ fast +5 +7", screen))
    terminal.press("Escape")
    terminal.until("2 kept")
    terminal.press("d")
    terminal.until("Delete 2 backtests")
    terminal.type("DELETE")
    terminal.until("> DELETE")
    terminal.insist("Enter", lambda screen: "Type DELETE to go on" not in screen)
    terminal.until("No backtest is kept yet")
    assert kept(tmp_path) == []
