"""Journeys through the console: trade, approve, refuse, switch, stop, leave and come back."""

from __future__ import annotations

import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.terminal import Terminal

SIMULATED = "--feed sim --seed 3 --symbols AAPL,MSFT"
CROSSES = "--feed sample --strategy sma_cross --symbols MSFT,IBM --start 2000-05-20 --pace 20"
"""Real bars in which the averages of both symbols cross within the first seconds."""


def until_quoted(terminal: Terminal) -> None:
    """Both symbols have a live bid and ask, so that they may be traded."""
    terminal.until(*(lambda screen, symbol=symbol: shows(rf"{symbol} .*[0-9] × [0-9]", screen) for symbol in ("AAPL", "MSFT")))


def write_in_order_line(terminal: Terminal, line: str) -> None:
    """Opens the order line, writes, and sends once the line stands there as a whole."""
    terminal.type(f":{line}")
    terminal.until(f"> {line}")
    terminal.press("Enter")


def leave_order_line(terminal: Terminal) -> None:
    terminal.press("Escape")
    terminal.until("? help")


def go_to(terminal: Terminal, digit: int, title: str) -> str:
    terminal.press(str(digit))
    return terminal.until(f"{digit} {title} ─")


def quit_by_key(terminal: Terminal) -> None:
    terminal.press("q")
    terminal.until("Quit?", "Stay")
    terminal.insist("y", "▸ y")
    terminal.press("Enter")
    assert terminal.ended() == 0


def rows(home: Path, table: str) -> int:
    with closing(sqlite3.connect(f"file:{home / 'paper.sqlite'}?mode=ro", uri=True)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def shows(pattern: str, screen: str) -> bool:
    return re.search(pattern, screen) is not None


def test_buying_and_selling_by_order_line(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type(":buy 10 AAPL mkt")
    terminal.until("BUY 10 AAPL market DAY", "gate: passes", "cost 1,8", lambda screen: shows(r"position (after )?10", screen))
    terminal.press("Enter")
    terminal.until("#1 BUY 10 AAPL market DAY sent")
    leave_order_line(terminal)
    go_to(terminal, 2, "Positions")
    terminal.until("1 held", lambda screen: shows(r"AAPL +10 +1[0-9]{2}\.", screen))
    write_in_order_line(terminal, "sell 4 AAPL mkt")
    terminal.until(lambda screen: shows(r"AAPL +6 +1[0-9]{2}\.", screen))
    leave_order_line(terminal)
    write_in_order_line(terminal, "close AAPL")
    leave_order_line(terminal)
    terminal.until("none held")
    quit_by_key(terminal)
    assert rows(tmp_path, "fills") == 3


def test_a_denied_order_says_rule_and_limit_and_goes_nowhere(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type(":buy 5000 MSFT mkt")
    terminal.until(lambda screen: "gate: passes" not in screen and shows(r"(?i)10 ?%", screen))
    terminal.press("C-c", "q")
    terminal.until(lambda _: rows(tmp_path, "orders") == 0)


def test_a_limit_order_waits_and_is_cancelled(sit_down: SitDown) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 5 AAPL @ 180 day")
    terminal.until("sent")
    leave_order_line(terminal)
    go_to(terminal, 3, "Orders")
    terminal.until("1 works", lambda screen: shows(r"BUY +5 +AAPL .*180\.00 .*working", screen))
    terminal.insist("c", "none works", "canceled")


def test_a_signal_waits_for_a_yes_and_fills(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(CROSSES)
    go_to(terminal, 4, "Signals")
    screen = terminal.until(lambda screen: shows(r"▸ *0:[0-5][0-9] +BUY +[0-9]+ +(MSFT|IBM)", screen))
    symbol = re.search(r"▸ *0:[0-5][0-9] +BUY +[0-9]+ +(MSFT|IBM)", screen)
    assert symbol is not None
    assert rows(tmp_path, "orders") == 0
    terminal.insist("a", "sent by you")
    go_to(terminal, 2, "Positions")
    terminal.until("1 held", lambda screen: shows(rf"{symbol[1]} +[0-9]+ +[0-9]+\.", screen))


def test_a_signal_is_rejected_with_a_reason(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(CROSSES)
    go_to(terminal, 4, "Signals")
    terminal.until(lambda screen: shows(r"▸ *0:[0-5][0-9] +BUY", screen))
    terminal.press("x")
    terminal.until("Why?")
    terminal.type("late")
    terminal.until("> late")
    terminal.insist("Enter", "rejected")
    assert rows(tmp_path, "orders") == 0


def test_research_sends_nothing_and_full_auto_asks_for_the_word(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(CROSSES + " --mode research")
    terminal.until("RESEARCH")
    go_to(terminal, 4, "Signals")
    terminal.until("shadow")
    assert rows(tmp_path, "orders") == 0
    terminal.press("m")
    terminal.until("Execution mode")
    terminal.press("f")
    terminal.insist("Enter", lambda screen: "Execution mode" not in screen)
    terminal.type("FULL_AUTO")
    terminal.until("> FULL_AUTO")
    terminal.insist("Enter", lambda screen: "FULL_AUTO" in screen.splitlines()[0])
    terminal.until(lambda _: rows(tmp_path, "fills") > 0)


@pytest.mark.parametrize("key", ["F12", "C-g"])
def test_the_stop_in_the_middle_of_typing(sit_down: SitDown, tmp_path: Path, key: str) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 7 AAPL mkt")
    terminal.until("sent", lambda _: rows(tmp_path, "fills") == 1)
    write_line = "buy 100 MS"
    terminal.type(write_line)
    terminal.press(key)
    terminal.until("HALTED", "Without protection: AAPL 7", f"> {write_line}", lambda screen: "PAPER    HALTED" in screen)
    terminal.type("FT mkt")
    terminal.press("Enter")
    terminal.until(lambda screen: "> buy 100 MSFT mkt" not in screen or shows(r"(?i)halted|denied", screen))
    assert rows(tmp_path, "fills") == 1


def test_what_was_traded_is_there_again_after_a_restart_and_after_a_kill(sit_down: SitDown, tmp_path: Path) -> None:
    first = sit_down(SIMULATED + " --mode semi-auto")
    until_quoted(first)
    write_in_order_line(first, "buy 9 MSFT mkt")
    first.until("sent")
    leave_order_line(first)
    go_to(first, 2, "Positions")
    first.until(lambda screen: shows(r"MSFT +9 ", screen))
    first.kill()
    assert first.ended() == 128 + signal.SIGKILL
    second = sit_down(SIMULATED + " --mode semi-auto")
    go_to(second, 2, "Positions")
    second.until("1 held", lambda screen: shows(r"MSFT +9 ", screen))
    assert rows(tmp_path, "fills") == 1
    quit_by_key(second)
    third = sit_down(SIMULATED)
    go_to(third, 2, "Positions")
    third.until("1 held", lambda screen: shows(r"MSFT +9 ", screen))


def test_a_terminal_that_goes_away_ends_the_console_in_order(sit_down: SitDown) -> None:
    terminal = sit_down(SIMULATED)
    terminal.kill(signal.SIGHUP)
    assert terminal.ended() == 128 + signal.SIGHUP
