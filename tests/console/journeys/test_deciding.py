"""Journeys of a signal: approved, edited and approved, rejected with a reason; and of the mode that decides instead."""

from __future__ import annotations

import re
from pathlib import Path

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.person import CROSSES, ask, audited, confirm, go_to, rows, shows, until_books, write_word
from tests.console.journeys.terminal import Terminal

WAITS = r"▸ *0:[0-5][0-9] +(BUY) +([0-9]+) +(MSFT|IBM)"
DECIDED = "SELECT state, decided_by, decided_reason FROM signals ORDER BY seq LIMIT 1"
SENT = "SELECT o.side, o.quantity, o.symbol, o.source, o.state FROM orders o ORDER BY o.seq LIMIT 1"


def until_one_waits(terminal: Terminal) -> tuple[str, str, str]:
    """Side, quantity and symbol of the signal under the cursor."""
    go_to(terminal, 4, "Signals")
    found = re.search(WAITS, terminal.until(lambda screen: shows(WAITS, screen)))
    assert found is not None
    return found[1], found[2], found[3]


def test_a_signal_waits_for_a_yes_and_fills(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(CROSSES)
    side, quantity, symbol = until_one_waits(terminal)
    assert rows(tmp_path, "orders") == 0
    terminal.insist("a", "sent by you")
    go_to(terminal, 2, "Positions")
    terminal.until("1 held", lambda screen: shows(rf"{symbol} +[0-9]+ +[0-9]+\.", screen))
    until_books(terminal, tmp_path, SENT, (side, quantity, symbol, "STRATEGY", "FILLED"))
    until_books(terminal, tmp_path, DECIDED, ("SENT", "you", ""))


def test_a_signal_is_edited_and_approved(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(CROSSES)
    side, quantity, symbol = until_one_waits(terminal)
    terminal.press("e")
    terminal.until("Edit signal")
    terminal.press("C-u")
    terminal.type("3")
    terminal.until(f"quantity {quantity} -> 3")
    confirm(terminal, "Approve signal")
    terminal.press("w", "w")
    terminal.until("[decided 1]", "edited by you")
    until_books(terminal, tmp_path, SENT, (side, "3", symbol, "STRATEGY", "FILLED"))
    terminal.until(lambda _: audited(tmp_path, f"edited by you: {quantity} -> 3"))


def test_a_signal_is_rejected_with_a_reason(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(CROSSES)
    until_one_waits(terminal)
    terminal.press("x")
    terminal.until("Why?")
    terminal.type("late")
    terminal.until("> late")
    terminal.insist("Enter", "rejected")
    until_books(terminal, tmp_path, DECIDED, ("REJECTED", "you", "late"))
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
    terminal.insist("Enter", "Type FULL_AUTO to go on")
    terminal.type("full_auto")
    terminal.insist("Enter", "That is not the word FULL_AUTO. Nothing was done.")
    terminal.press("C-u")
    write_word(terminal, "FULL_AUTO")
    terminal.until(lambda screen: "FULL_AUTO" in screen.splitlines()[0])
    terminal.until(lambda _: rows(tmp_path, "fills") > 0)
    until_books(terminal, tmp_path, "SELECT source, text FROM audit WHERE text LIKE 'Mode FULL%'", ("you", "Mode FULL_AUTO"))
    assert all(source == "STRATEGY" for (source,) in ask(tmp_path, "SELECT source FROM orders"))
