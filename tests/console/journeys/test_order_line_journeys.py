"""A journey by the order line over two days: the lines of yesterday."""

from __future__ import annotations

from pathlib import Path

from tests.console.journeys.conftest import SitDown
from tests.console.journeys.person import SIMULATED, leave_order_line, quit_by_key, rows, until_quoted, write_in_order_line


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
