"""Journeys of an order: bought and sold by line and by ticket, refused by the gate, given new terms, cancelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.person import (
    SIMULATED,
    audited,
    confirm,
    go_to,
    leave_order_line,
    quit_by_key,
    read,
    rows,
    said,
    shows,
    until_books,
    until_quoted,
    write_in_order_line,
)

ORDERS = "SELECT number, side, quantity, symbol, type, state, filled, source FROM orders ORDER BY number"
TERMS = 'SELECT side, quantity, "limit", state FROM orders ORDER BY seq DESC LIMIT 1'


@pytest.mark.over_ssh
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
    quit_by_key(terminal, "No orders working.", "No positions.")
    filled = [(1, "BUY", "10", "AAPL"), (2, "SELL", "4", "AAPL"), (3, "SELL", "6", "AAPL")]
    until_books(terminal, tmp_path, ORDERS, *((*order, "MARKET", "FILLED", order[2], "PERSON") for order in filled))
    assert rows(tmp_path, "fills") == 3


def test_buying_by_ticket(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type("b10")
    terminal.until("Order ticket", "BUY 10 AAPL market DAY", "passes", "Power after")
    terminal.press("Escape")
    terminal.until(lambda screen: "Order ticket" not in screen)
    terminal.press("b")
    terminal.until("Order ticket")
    terminal.type("12")
    terminal.until("BUY 12 AAPL market DAY", "passes")
    confirm(terminal, "Send this order?")
    go_to(terminal, 2, "Positions")
    terminal.until("1 held", lambda screen: shows(r"AAPL +12 ", screen))
    until_books(terminal, tmp_path, ORDERS, (1, "BUY", "12", "AAPL", "MARKET", "FILLED", "12", "PERSON"))


def test_a_denied_order_says_rule_and_limit_and_goes_nowhere(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 5000 MSFT mkt")
    terminal.until(said("the limit is 10 % of equity"), lambda screen: shows(r"The order would be 20[0-9]{2}", screen))
    terminal.until(lambda _: audited(tmp_path, "the limit is 10 % of equity"))
    assert rows(tmp_path, "orders") == 0


def test_a_denied_ticket_comes_back_as_typed_and_one_number_is_corrected(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type("b50")
    terminal.press("Tab")
    terminal.type("l")
    terminal.press("Tab")
    terminal.type("1900")
    terminal.press("Tab")
    terminal.type("g")
    terminal.until("BUY 50 AAPL limit 1900.00 GTC", "denies")
    confirm(terminal, "Send this order?")
    terminal.until("Order ticket", "Not sent: ", lambda screen: shows(r"Limit +1900 +✗", screen))
    read(terminal)
    terminal.press("BSpace")
    terminal.until("BUY 50 AAPL limit 190.00 GTC", "passes")
    confirm(terminal, "Send this order?")
    until_books(terminal, tmp_path, ORDERS, (1, "BUY", "50", "AAPL", "LIMIT", "FILLED", "50", "PERSON"))


def test_new_terms_for_a_working_order_by_the_ticket(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type("b10")
    terminal.press("Tab")
    terminal.type("l")
    terminal.press("Tab")
    terminal.type("150")
    terminal.until("BUY 10 AAPL limit 150.00 DAY", "passes")
    confirm(terminal, "Send this order?")
    go_to(terminal, 3, "Orders")
    terminal.until(lambda screen: shows(r"150\.00 .*working", screen))
    terminal.type("e")
    terminal.until("Edit #1")
    terminal.press("C-u")
    terminal.type("8")
    terminal.press("Tab", "Up")
    terminal.until("quantity 10 -> 8, limit 150.00 -> 150.01", "passes")
    confirm(terminal, "Replace #1?")
    terminal.until(said("replace of #1 by BUY 8 AAPL limit 150.01 DAY sent"))
    terminal.until(lambda screen: shows(r"BUY +8 .*150\.01 .*working", screen))
    until_books(terminal, tmp_path, TERMS, ("BUY", "8", "150.01", "WORKING"))
    assert rows(tmp_path, "fills") == 0


def test_a_limit_order_waits_and_is_cancelled(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 5 AAPL @ 180 day")
    terminal.until("sent")
    leave_order_line(terminal)
    go_to(terminal, 3, "Orders")
    terminal.until("1 works", lambda screen: shows(r"BUY +5 +AAPL .*180\.00 .*working", screen))
    terminal.insist("c", "none works", "cancelled")
    until_books(terminal, tmp_path, TERMS, ("BUY", "5", "180.00", "CANCELED"))
    assert rows(tmp_path, "fills") == 0
