"""What the tests of the tables share: rows in several symbols, and what a table shows of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest

from tests.console.driving import SMALL, WIDE, Console
from tests.views import order, position
from widgets.table import LiveTable

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
SYMBOLS = ("AAPL", "MSFT", "IBM", "NVDA")
ORDERS = tuple(order(9 - n, symbol=symbol) for n, symbol in enumerate(SYMBOLS))
HELD = tuple(
    position(symbol, quantity, unrealised=Decimal(made), day=Decimal(made), value=Decimal(1000))
    for symbol, quantity, made in (("AAPL", 100, 30), ("IBM", -200, -50), ("MSFT", 10, 70))
)


def table_of(console: Console, name: str) -> LiveTable[Any]:
    return cast(LiveTable[Any], console.screen.panels[name])


def keys_of(console: Console, name: str) -> list[str]:
    table = table_of(console, name)
    return [table.key_of(row) for row in table.rows]


async def click(console: Console, name: str, x: int, y: int, times: int = 1) -> None:
    await console.pilot.click(f"#{name}", offset=(x, y), times=times)
