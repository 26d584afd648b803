"""Journeys of orders that hang together: an entry with its exits, by ticket and by line, and a pair of which one cancels the other."""

from __future__ import annotations

from pathlib import Path

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.person import (
    SIMULATED,
    confirm,
    go_to,
    leave_order_line,
    said,
    shows,
    until_books,
    until_quoted,
    write_in_order_line,
)

STATES = "SELECT number, side, quantity, state FROM orders ORDER BY seq"


def test_an_entry_with_exits_by_the_ticket(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type("b10")
    terminal.until("Order ticket", "BUY 10 AAPL market DAY")
    terminal.press("Tab", "Tab", "Tab")
    terminal.type("4%")
    terminal.press("Tab")
    terminal.type("t2%")
    terminal.until("BUY 10 AAPL market DAY tp +4% sl trail 2%", "passes")
    confirm(terminal, "Send this order?")
    terminal.until(said("#1 BUY 10 AAPL market DAY sent with #2, #3 held for what it fills"))
    go_to(terminal, 2, "Positions")
    terminal.until("1 held")
    go_to(terminal, 3, "Orders")
    terminal.until("2 work")
    until_books(terminal, tmp_path, STATES, (1, "BUY", "10", "FILLED"), (2, "SELL", "10", "WORKING"), (3, "SELL", "10", "WORKING"))


def test_an_entry_brings_its_exits_along_and_their_stop_is_moved(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type(":buy 10 AAPL tp +20% sl -20%")
    terminal.until("BUY 10 AAPL market DAY tp +20% sl -20%", "gate: passes", lambda screen: shows(r"tp \+3[0-9]{2}\.", screen))
    terminal.press("Enter")
    terminal.until(said("with #2, #3 held for what it fills"))
    leave_order_line(terminal)
    go_to(terminal, 3, "Orders")
    terminal.until("2 work", lambda screen: shows(r"SELL +10 +AAPL .*working", screen))
    write_in_order_line(terminal, "replace #3 stop 160")
    terminal.until("replace of #3 by SELL 10 AAPL", lambda screen: shows(r"SELL +10 +AAPL .*160\.00 .*working", screen))
    until_books(terminal, tmp_path, "SELECT stop, state FROM orders WHERE number = 3", ("160.00", "WORKING"))
    write_in_order_line(terminal, "replace #3 5")
    terminal.until("#3 hangs together with others")
    terminal.press("C-u")
    terminal.type("cancel #")
    terminal.insist("Tab", "#2 SELL 10 AAPL limit", "#3 SELL 10 AAPL stop 160.00")
    terminal.press("C-u")
    write_in_order_line(terminal, "cancel *")
    terminal.until("none works")
    until_books(terminal, tmp_path, STATES, (1, "BUY", "10", "FILLED"), (2, "SELL", "10", "CANCELED"), (3, "SELL", "10", "CANCELED"))


def test_one_cancels_the_other(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    write_in_order_line(terminal, "oco buy 5 AAPL @ 150 stop 250 gtc")
    terminal.until(said("sent: one cancels the other"))
    leave_order_line(terminal)
    go_to(terminal, 3, "Orders")
    terminal.until("2 work")
    write_in_order_line(terminal, "cancel #1")
    terminal.until("none works")
    until_books(terminal, tmp_path, STATES, (1, "BUY", "5", "CANCELED"), (2, "BUY", "5", "CANCELED"))


def test_closing_a_position_that_its_exits_hold_back(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 10 AAPL tp +20% sl -20%")
    terminal.until(said("with #2, #3 held for what it fills"))
    leave_order_line(terminal)
    until_books(terminal, tmp_path, STATES, (1, "BUY", "10", "FILLED"), (2, "SELL", "10", "WORKING"), (3, "SELL", "10", "WORKING"))
    go_to(terminal, 2, "Positions")
    terminal.until("1 held")
    terminal.insist("X", "Close the position?")  # the row that has just come under the cursor is to be seen first
    terminal.until(said("SELL 10 AAPL"), said("at work to close it, are cancelled first"))
    terminal.insist("y", "▸ y")
    terminal.press("Enter")
    terminal.until("none held", said("#4 SELL 10 AAPL market DAY sent"))
    ended = [(1, "BUY", "10", "FILLED"), (2, "SELL", "10", "CANCELED"), (3, "SELL", "10", "CANCELED"), (4, "SELL", "10", "FILLED")]
    until_books(terminal, tmp_path, STATES, *ended)
    until_books(terminal, tmp_path, "SELECT symbol, quantity FROM positions WHERE quantity != '0'")
