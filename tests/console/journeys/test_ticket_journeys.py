"""Journeys by the ticket, in a real terminal: an entry with its exits, new terms of a working order, a signal edited before the yes."""

from __future__ import annotations

from collections.abc import Callable

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.terminal import Terminal
from tests.console.journeys.test_journeys import CROSSES, SIMULATED, go_to, shows, until_quoted


def said(words: str) -> Callable[[str], bool]:
    """Whether `words` stand on the screen, over the ends of its lines, too."""
    return lambda screen: words in " ".join(screen.split())


def confirm(terminal: Terminal, question: str) -> None:
    """Asks, and says yes until it is taken for one: keys at typing speed are not."""
    terminal.press("F5")
    terminal.until(question, "y sends it")
    terminal.insist("y", lambda screen: question not in screen)


def test_an_entry_with_exits_by_the_ticket(sit_down: SitDown) -> None:
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


def test_new_terms_for_a_working_order_by_the_ticket(sit_down: SitDown) -> None:
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


def test_a_signal_is_edited_and_approved(sit_down: SitDown) -> None:
    terminal = sit_down(f"{CROSSES} --mode manual")
    go_to(terminal, 4, "Signals")
    terminal.until("waits for you", patience=40)
    terminal.type("e")
    terminal.until("Edit signal")
    terminal.press("C-u")
    terminal.type("3")
    terminal.until("-> 3")
    confirm(terminal, "Approve signal")
    terminal.until("edited by you", patience=20)
