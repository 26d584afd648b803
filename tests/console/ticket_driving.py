"""What the tests of the ticket share: how it is answered, looked for and opened on a row."""

from __future__ import annotations

import pytest

from console.screens.ticket import TicketDialog
from engine.model import Side
from tests.console.driving import SMALL, WIDE, Console
from widgets.ticket import Ticket

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
AAPL, BUY, SELL = "AAPL", Side.BUY, Side.SELL
NAMED = {"tab", "shift+tab", "enter", "left", "right", "up", "down", "ctrl+u"}


async def confirm(console: Console) -> None:
    """Ask, read, and say yes."""
    await console.press("f5")
    await console.let_pass(1)
    await console.press("y")


def ticket_of(console: Console) -> Ticket:
    return console.app.screen.query_one(Ticket)


def is_open(console: Console) -> bool:
    return isinstance(console.app.screen, TicketDialog)


async def edit(console: Console, panel: str) -> None:
    await console.press(panel, "e")
    assert is_open(console), console.picture
