"""Journeys to the end and back: a kill, what is there after it, a stop that outlives it, and quitting with orders at work."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.person import (
    SIMULATED,
    audited,
    go_to,
    leave_order_line,
    quit_by_key,
    rows,
    said,
    shows,
    until_books,
    until_quoted,
    write_in_order_line,
    write_word,
)
from tests.console.journeys.terminal import Terminal

STATES = "SELECT number, side, state FROM orders ORDER BY seq"


def test_what_was_traded_is_there_again_after_a_kill_and_after_a_quit(sit_down: SitDown, tmp_path: Path) -> None:
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
    quit_by_key(second, "Held: 9 MSFT. Positions stay.")
    third = sit_down(SIMULATED)
    go_to(third, 2, "Positions")
    third.until("1 held", lambda screen: shows(r"MSFT +9 ", screen))


def test_a_stop_outlives_a_kill_and_ends_with_word_and_reason(sit_down: SitDown, tmp_path: Path) -> None:
    first = sit_down(SIMULATED + " --mode full-auto")
    until_quoted(first)
    write_in_order_line(first, "buy 9 MSFT mkt")
    first.until("sent", lambda _: rows(tmp_path, "fills") == 1)
    first.press("F12")
    first.until("HALTED")
    first.kill()
    assert first.ended() == 128 + signal.SIGKILL
    second = sit_down(SIMULATED + " --mode full-auto")
    second.until("HALTED", "Without protection: MSFT 9", lambda screen: "FULL_AUTO" not in screen.splitlines()[0])
    until_quoted(second)
    second.type(":buy 1 AAPL mkt")
    second.until(said("Trading is halted"))
    second.press("Escape", "Escape")
    second.until("? help")
    second.press("m")
    write_word(second, "RESUME", "power is back")
    second.until(lambda screen: "HALTED" not in screen and "MANUAL" in screen.splitlines()[0])
    second.until(lambda _: audited(tmp_path, "power is back"))
    write_in_order_line(second, "sell all MSFT mkt")
    until_books(second, tmp_path, STATES, (1, "BUY", "FILLED"), (2, "SELL", "FILLED"))


def bid_and_protect(terminal: Terminal) -> None:
    """An entry that works, and a position with a stop-loss."""
    until_quoted(terminal)
    write_in_order_line(terminal, "buy 5 AAPL @ 150 gtc")
    terminal.until(said("#1 BUY 5 AAPL limit 150.00 GTC sent"))
    write_in_order_line(terminal, "buy 4 MSFT sl -20% gtc")
    terminal.until(said("#2 BUY 4 MSFT market GTC sent with #3 held for what it fills"))
    leave_order_line(terminal)
    go_to(terminal, 3, "Orders")
    terminal.until("2 work", lambda screen: shows(r"SELL +4 +MSFT .*working", screen))


@pytest.mark.parametrize(
    ("on_exit", "said_then", "entry", "protective"),
    [
        ("", "Quitting cancels working entries and keeps protective orders.", "CANCELED", "WORKING"),
        ("on_exit: keep", "Quitting leaves every working order at the broker.", "WORKING", "WORKING"),
        ("on_exit: cancel_all", "Quitting cancels every working order.", "CANCELED", "CANCELED"),
    ],
    ids=["as-it-comes", "keep", "cancel_all"],
)
def test_quitting_with_open_orders(sit_down: SitDown, tmp_path: Path, on_exit: str, said_then: str, entry: str, protective: str) -> None:
    if on_exit:
        (tmp_path / "tradeconsole.yaml").write_text(f"{on_exit}\n")
    terminal = sit_down(SIMULATED)
    bid_and_protect(terminal)
    terminal.press("q")
    terminal.until("Quit?")
    terminal.insist("Enter", lambda screen: "Quit?" not in screen)  # the default is to stay
    quit_by_key(terminal, "2 orders working.", "#1 BUY 5 AAPL limit", "#3 SELL 4 MSFT stop", said(said_then), "Held: 4 MSFT.")
    until_books(terminal, tmp_path, STATES, (1, "BUY", entry), (2, "BUY", "FILLED"), (3, "SELL", protective))
    again = sit_down(SIMULATED)
    go_to(again, 3, "Orders")
    left = [entry, protective].count("WORKING")
    again.until({0: "none works", 1: "1 works", 2: "2 work"}[left])


def test_a_terminal_that_goes_away_ends_the_console_in_order(sit_down: SitDown, tmp_path: Path) -> None:
    terminal = sit_down(SIMULATED)
    bid_and_protect(terminal)
    terminal.kill(signal.SIGHUP)
    assert terminal.ended() == 128 + signal.SIGHUP
    until_books(terminal, tmp_path, STATES, (1, "BUY", "CANCELED"), (2, "BUY", "FILLED"), (3, "SELL", "WORKING"))
