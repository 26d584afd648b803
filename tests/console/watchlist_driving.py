"""What the tests of watchlists on the screen share: the panel, the symbols it shows, and a list begun and filled by keys."""

from __future__ import annotations

import pytest

from tests.console.driving import SMALL, WIDE, Console
from widgets.watchlist import Watchlist

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])


def panel_of(console: Console) -> Watchlist:
    panel = console.screen.panels["watch"]
    assert isinstance(panel, Watchlist)
    return panel


def symbols(console: Console) -> list[str]:
    return [row.symbol for row in panel_of(console).rows]


async def begin_list(console: Console, name: str) -> None:
    await console.press("w", "n")
    await console.type(name)
    await console.press("enter", "escape")
    await console.shows(name)


async def fill_list(console: Console, *names: str) -> None:
    await begin_list(console, "Mine")
    for symbol in names:
        await console.press("plus")
        await console.type(symbol)
        await console.press("enter")
    assert symbols(console) == list(names)
