"""The log as a table: its subsets, a line opened, and what is new below."""

from __future__ import annotations

from typing import cast

from engine.model import Level
from engine.model.views import LogLine
from tests.console.driving import SMALL, go_to, running
from tests.console.fake_engine import FakeEngine
from tests.console.tables.rows import click, keys_of
from tests.views import NOW
from widgets.log import Log


def lines(*numbers: int) -> tuple[LogLine, ...]:
    levels = (Level.INFO, Level.WARNING, Level.ERROR)
    return tuple(LogLine(number, NOW, levels[number % 3], "test", f"line {number}") for number in numbers)


async def test_the_log_shows_warnings_and_errors_alone_and_opens_a_line_whole(engine: FakeEngine) -> None:
    engine.change(log=lines(*range(9)))
    async with running(engine, SMALL) as console:
        await go_to(console, "6")
        await console.shows("[all 9] warnings 6  errors 3")
        await console.press("w")
        assert keys_of(console, "log") == ["1", "2", "4", "5", "7", "8"]
        await console.press("w")
        assert keys_of(console, "log") == ["2", "5", "8"]
        await console.press("enter")
        await console.shows("line 8")


async def test_a_filtered_log_says_how_many_of_its_lines_are_new_below(engine: FakeEngine) -> None:
    engine.change(log=lines(*range(90)))
    async with running(engine, SMALL) as console:
        await go_to(console, "6")
        await console.press("w", "g")
        engine.change(log=lines(*range(80, 96)))
        await console.shows("4 new below")
        log = cast(Log, console.screen.panels["log"])
        await click(console, "log", log.size.width - 8, 0)
        await console.shows("follows")
        assert log.cursor_key == "95"
