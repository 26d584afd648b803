"""Plain text, for a screen reader: nothing is drawn, nothing is said by reversed colours alone, one thing at a time."""

from __future__ import annotations

import pytest
from textual.geometry import Offset

from console.start import wants_plain
from tests.console.driving import WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from widgets.plain import plain
from widgets.text import width_of

DRAWN = {chr(code) for code in range(0x2500, 0x2600)} | set("▲▼▸●×✗·")


@pytest.mark.parametrize(
    ("drawn", "written"),
    [
        ("▲ +0.84%", "  +0.84%"),
        ("▼ -12.00", "  -12.00"),
        ("· 0.00 0.00%", "  0.00 0.00%"),
        ("▼ 0.00%", " -0.00%"),
        ("▲ 0.00%", " +0.00%"),
        ("sma ▲ rsi ▼ atr ·", "sma + rsi - atr ="),
        ("╭─ 4 Signals ─╮", "   4 Signals   "),
        ("187.51 × 187.53", "187.51 / 187.53"),
        ("■ HALTED", "  HALTED"),
        ("Crédit 日本", "Crédit 日本"),
    ],
)
def test_what_is_drawn_is_written_in_as_many_cells(drawn: str, written: str) -> None:
    assert plain(drawn) == written
    assert width_of(drawn) == width_of(written)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"TRADECONSOLE_PLAIN": "1"}, True),
        ({"TRADECONSOLE_PLAIN": "0"}, False),
        ({"TRADECONSOLE_PLAIN": ""}, False),
        ({"TERM": "dumb"}, True),
        ({"TERM": "xterm-256color"}, False),
    ],
)
def test_the_environment_asks_for_plain_text(environment: dict[str, str], wanted: bool) -> None:
    assert wants_plain(environment) is wanted


def shows_no_drawing(console: Console) -> bool:
    return not DRAWN & set(console.picture)


@pytest.mark.parametrize("digit", "1234567")
async def test_a_panel_is_alone_on_the_screen_and_draws_nothing(digit: str) -> None:
    async with running(FakeEngine(), WIDE, plain=True) as console:
        await console.press(digit)
        await console.until(lambda: sum(bool(panel.size.height) for panel in console.screen.panels.values()) == 1)
        await console.until(lambda: f"[{digit} " in console.picture)
        assert shows_no_drawing(console), DRAWN & set(console.picture)


@pytest.mark.parametrize("key", ["m", "q", "question_mark", "f2", "t", "f9", "enter"])
async def test_a_dialog_is_alone_and_draws_nothing(key: str) -> None:
    async with running(FakeEngine(), WIDE, plain=True) as console:
        await console.press(key)
        await console.until(lambda: "[1 Watch]" not in console.picture)
        assert shows_no_drawing(console), DRAWN & set(console.picture)


async def test_what_lies_out_of_sight_in_a_dialog_is_told_in_words_as_there_is_no_scroll_bar() -> None:
    async with running(FakeEngine(), WIDE, plain=True) as console:
        await console.press("question_mark")
        await console.shows("… more below")
        await console.press("pagedown")
        await console.shows("… more above and below")
        await console.press("end")
        await console.until(lambda: "… more above" in console.picture and "and below" not in console.picture)
        await console.press("escape", "m")
        await console.shows("Execution mode")
        await console.until(lambda: "… more" not in console.picture)


async def test_the_chart_and_the_shares_of_limits_are_numbers() -> None:
    async with running(FakeEngine(), WIDE, plain=True) as console:
        await console.press("7")
        await console.shows("open")
        await console.shows("volume")
        await console.press("5")
        await console.shows("60% used")


async def test_the_terminals_cursor_stands_where_keys_go() -> None:
    async with running(FakeEngine(), WIDE, plain=True) as console:
        await console.press("2", "down")
        table = console.screen.panels["positions"]
        await console.until(lambda: table.size.height)
        await console.press("up", "down")
        assert console.app.cursor_position == table.region.offset + Offset(1, 3)
        assert console.picture.splitlines()[console.app.cursor_position.y].lstrip().startswith(">IBM")
        await console.press("colon")
        await console.type("buy 1")
        line = console.picture.splitlines()[console.app.cursor_position.y]
        assert line[: console.app.cursor_position.x].endswith("> buy 1")
        await console.press("escape", "escape", "m")
        await console.shows("Execution mode")
        await console.press("down")
        await console.until(lambda: "FULL_AUTO" in console.picture.splitlines()[console.app.cursor_position.y])
