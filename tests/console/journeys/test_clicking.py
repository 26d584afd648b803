"""A journey of the mouse, by the bytes that a terminal sends for it."""

from __future__ import annotations

import time
from pathlib import Path

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.person import SIMULATED, quit_by_key, until_books, until_quoted
from tests.console.journeys.terminal import Terminal

PRESS_AGAIN_S = 0.7
PATIENCE_S = 20.0


def click(terminal: Terminal, screen: str, text: str) -> None:
    """On the first cell of `text`, where it stands on `screen`."""
    y, line = next((y, line) for y, line in enumerate(screen.splitlines(), 1) if text in line)
    x = line.index(text) + 1
    terminal.type(f"\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m")


def test_a_ticket_that_was_written_in_one_go_is_sent_by_a_click(sit_down: SitDown, tmp_path: Path) -> None:
    """The question takes no yes that nobody can have thought about; but the click is not held against how fast the keys before it came."""
    terminal = sit_down(SIMULATED)
    until_quoted(terminal)
    terminal.type("b2")
    terminal.until("Order ticket", "BUY 2 AAPL market DAY", "passes")
    terminal.type("0")
    terminal.press("F5")
    end = time.monotonic() + PATIENCE_S
    while "y sends it" in (screen := terminal.until(lambda screen: "y sends it" in screen or "Order ticket" not in screen)):
        assert time.monotonic() < end, "no click sends it"
        click(terminal, screen, "y sends it")
        try:
            terminal.until(lambda screen: "Order ticket" not in screen, patience=PRESS_AGAIN_S)
        except AssertionError:
            continue
    until_books(terminal, tmp_path, "SELECT number, side, quantity, symbol FROM orders", (1, "BUY", "20", "AAPL"))
    click(terminal, terminal.until("3 Orders"), "3 Orders")
    terminal.until("#1 ", "filled  ", "none works")
    quit_by_key(terminal, "No orders working.")
