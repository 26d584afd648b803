"""Journeys by the order line alone: exits, new terms, a pair, a mistake, completion, and the lines of yesterday."""

from __future__ import annotations

from pathlib import Path

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.test_journeys import (
    SIMULATED,
    go_to,
    leave_order_line,
    quit_by_key,
    rows,
    shows,
    until_quoted,
    write_in_order_line,
)


def test_an_entry_brings_its_exits_along_and_their_stop_is_moved(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type(":buy 10 AAPL tp +20% sl -20%")
    terminal.until("BUY 10 AAPL market DAY tp +20% sl -20%", "gate: passes", lambda screen: shows(r"tp \+3[0-9]{2}\.", screen))
    terminal.press("Enter")
    terminal.until(lambda screen: shows(r"with\s+#2,\s+#3\s+held\s+for\s+what\s+it\s+fills", screen))
    leave_order_line(terminal)
    go_to(terminal, 3, "Orders")
    terminal.until("2 work", lambda screen: shows(r"SELL +10 +AAPL .*working", screen))
    write_in_order_line(terminal, "replace #3 stop 160")
    terminal.until("replace of #3 by SELL 10 AAPL", lambda screen: shows(r"SELL +10 +AAPL .*160\.00 .*working", screen))
    write_in_order_line(terminal, "replace #3 5")
    terminal.until("#3 hangs together with others")
    terminal.press("C-u")
    terminal.type("cancel #")
    terminal.insist("Tab", "#2 SELL 10 AAPL limit", "#3 SELL 10 AAPL stop 160.00")
    terminal.press("C-u")
    write_in_order_line(terminal, "cancel *")
    terminal.until("none works")
    assert rows(tmp_path, "orders") == 3


def test_one_cancels_the_other(sit_down: SitDown) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    write_in_order_line(terminal, "oco buy 5 AAPL @ 150 stop 250 gtc")
    terminal.until(lambda screen: shows(r"sent:\s+one\s+cancels\s+the\s+other", screen))
    leave_order_line(terminal)
    go_to(terminal, 3, "Orders")
    terminal.until("2 work")
    write_in_order_line(terminal, "cancel #1")
    terminal.until("none works")


def test_yesterdays_lines_are_found_by_their_beginning_and_sent_by_enter_alone(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 3 AAPL @ 150 day")
    terminal.until("sent")
    write_in_order_line(terminal, "sync")
    terminal.until("SYNC:")
    leave_order_line(terminal)
    quit_by_key(terminal)
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type(":buy")
    terminal.insist("Up", "> buy 3 AAPL @ 150 day", "BUY 3 AAPL limit 150.00 DAY")
    assert rows(tmp_path, "orders") == 1
    terminal.press("Enter")
    terminal.until("sent")
    terminal.until(lambda _: rows(tmp_path, "orders") == 2)
