"""What the tests of watchlists share: lists, and on the screen the panel, the symbols it shows, and a list begun and filled by keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.kept import Kept
from console.watchlists import Watchlists
from tests.console.driving import SMALL, WIDE, Console
from widgets.watchlist import Watchlist

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])


def kept(folder: Path | None = None) -> Kept:
    return Kept(folder, lambda text: None)


def lists(*names: str, keep: Kept | None = None) -> Watchlists:
    made = Watchlists(keep or kept())
    for name in names:
        assert made.new(name) == ""
    return made


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
