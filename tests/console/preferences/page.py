"""What the tests of the preferences share: a config, an engine that takes limits, and the way to a row and its value."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from console.config import load
from console.config_file import ConfigFile
from console.screens.beside import Beside
from console.screens.preferences import PreferencesPage
from engine.model.settings import Limits
from tests.console.driving import SMALL, WIDE, Console
from tests.console.fake_engine import FakeEngine
from tests.views import sample_view

MINE = """\
# mine
theme: dark   # for the night
limits:
  max_order_pct: 10   # of all I have
  symbols: {BRK.B: {max_position_pct: 3}}
"""
SIZES = pytest.mark.parametrize("size", [SMALL, WIDE, (200, 60)], ids=["80x24", "120x36", "200x60"])


class LimitsEngine(FakeEngine):
    """Takes limits as the engine does, without its questions."""

    def set_limits(self, limits: Limits, reason: str = "", seen: Limits | None = None) -> str:
        assert seen == self.current.limits
        if not self.refuses:
            self.change(limits=limits)
        return super().set_limits(limits, reason, seen)


def engine_with(limits: Limits) -> LimitsEngine:
    return LimitsEngine(replace(sample_view(), limits=limits))


def put(file: Path, text: str) -> None:
    """By hand, in an editor."""
    file.write_text(text)


def config_of(file: Path) -> ConfigFile:
    return ConfigFile(file, load(file))


async def go_to(console: Console, key: str) -> None:
    """To a row by its setting, in a page that has just been opened."""
    if not isinstance(console.app.screen, PreferencesPage):
        await console.press("comma")
    page = console.app.screen
    assert isinstance(page, PreferencesPage)
    await console.press("home", *["down"] * [item.key if item else "" for item in page._items()].index(key))


async def write(console: Console, text: str) -> None:
    """A value into the row."""
    await console.press("enter", "ctrl+u")
    await console.type(text)
    await console.press("enter")


async def kept(console: Console) -> None:
    await console.shows("is written.")


def beside(console: Console) -> str:
    """What is told beside the list, in one line."""
    lines = console.app.screen.query_one(Beside).document._lines
    return " ".join(" ".join("".join(cell.text for cell in line).split()) for line in lines)
