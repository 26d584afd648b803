"""Journeys of the emergency stop: in the middle of a word and inside a dialog, the flatten, and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.person import (
    SIMULATED,
    audited,
    go_to,
    leave_order_line,
    rows,
    said,
    shows,
    until_books,
    until_quoted,
    write_in_order_line,
    write_word,
)
from tests.console.journeys.terminal import Terminal

STATES = "SELECT number, state FROM orders ORDER BY seq"


def hold_and_bid(terminal: Terminal, home: Path) -> None:
    """7 AAPL held, and an order that works."""
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 7 AAPL mkt")
    terminal.until("sent", lambda _: rows(home, "fills") == 1)
    write_in_order_line(terminal, "buy 5 AAPL @ 150 day")
    until_books(terminal, home, STATES, (1, "FILLED"), (2, "WORKING"))


def is_halted(screen: str) -> bool:
    return shows(r"PAPER +HALTED", screen.splitlines()[0])


@pytest.mark.over_ssh
@pytest.mark.parametrize("key", ["F12", "C-g"])
def test_the_stop_in_the_middle_of_a_word(sit_down: SitDown, tmp_path: Path, key: str) -> None:
    terminal = sit_down(SIMULATED)
    hold_and_bid(terminal, tmp_path)
    terminal.type("buy 100 MS")
    terminal.press(key)
    terminal.until("HALTED", "Without protection: AAPL 7", "> buy 100 MS", is_halted)
    until_books(terminal, tmp_path, STATES, (1, "FILLED"), (2, "CANCELED"))
    terminal.type("FT mkt")
    terminal.press("Enter")
    terminal.until(lambda screen: "> buy 100 MSFT mkt" not in screen or shows(r"(?i)halted|denied", screen))
    assert rows(tmp_path, "orders") == 2
    assert rows(tmp_path, "fills") == 1


@pytest.mark.parametrize(("opens", "shown"), [("b", "Order ticket"), ("q", "Quit?"), ("m", "Execution mode"), ("?", "Help")])
def test_the_stop_inside_a_dialog(sit_down: SitDown, tmp_path: Path, opens: str, shown: str) -> None:
    terminal = sit_down(SIMULATED)
    hold_and_bid(terminal, tmp_path)
    leave_order_line(terminal)
    terminal.type(opens)
    terminal.until(shown)
    terminal.press("F12")
    until_books(terminal, tmp_path, STATES, (1, "FILLED"), (2, "CANCELED"))
    terminal.insist("Escape", is_halted, "Without protection: AAPL 7")
    assert (tmp_path / "paper.sqlite").exists()


def test_a_stop_then_a_flatten_then_out_of_it_with_word_and_reason(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    hold_and_bid(terminal, tmp_path)
    leave_order_line(terminal)
    terminal.press("F12")
    terminal.until(is_halted, "Without protection: AAPL 7")
    terminal.press("F9")
    write_word(terminal, "FLATTEN")
    go_to(terminal, 2, "Positions")
    terminal.until("none held")
    until_books(terminal, tmp_path, "SELECT symbol, quantity FROM positions WHERE quantity != '0'")
    terminal.press("m")
    write_word(terminal, "RESUME", "looked at it")
    terminal.until(lambda screen: "HALTED" not in screen and "MANUAL" in screen.splitlines()[0])
    terminal.until(lambda _: audited(tmp_path, "looked at it"))
    write_in_order_line(terminal, "buy 2 MSFT mkt")
    terminal.until(said("BUY 2 MSFT market DAY sent"))
