"""The longest that is legal, in every place and size: no number, symbol or state is cut, and of free text the whole is one key away."""

from __future__ import annotations

import re
from itertools import product

import pytest

from console.keys import ACTIONS
from engine.model import Level
from tests.console.driving import Console, running
from tests.console.everywhere import PLACES, go, go_back
from tests.console.fake_engine import FakeEngine
from tests.widgets.harness import lines_of
from tests.worst import FREE, FREE_WORDS, breakers, worst_view
from widgets.table import LiveTable
from widgets.text import ELLIPSIS

SIZES = ((80, 24), (120, 36), (160, 45), (190, 45), (200, 60))
LOW = ((104, 28), (160, 30), (200, 24))
OTHERS = re.compile(r"histor|backtest|round trips|replay|performance|preference")
LIVE = tuple(place for place in PLACES if not OTHERS.search(place))
"""Places that show what the view says; the others show what a database or the config does."""
CUT = re.compile(rf"([^\s│╭╮╰╯]*) ?{ELLIPSIS}")


def cuts(picture: str) -> list[str]:
    """The lines in which something other than a free text ends in an ellipsis; what `Enter tells` is left out in whole words."""
    lines = picture.replace(f"{ELLIPSIS} Enter tells all", "").splitlines()
    return [line for line in lines for word in CUT.findall(line) if not _is_free(word.strip("✗!:;,.▸●· "))]


def _is_free(word: str) -> bool:
    """Whether that is of a word of free text, or nothing."""
    return any(word.rsplit("_", 1)[-1] in whole for whole in FREE_WORDS)


async def settle(console: Console) -> None:
    for _ in range(3):
        console.clock.now += 0.2
        console.screen._frame()
        await console.pilot.pause()


def squeezed(text: str) -> str:
    """Without frames and with one blank between words, however they are broken into lines."""
    return " ".join(re.sub(r"[│┃╭╮╰╯─━]", " ", text).split())


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
async def test_no_number_symbol_or_state_is_cut_in_any_place(size: tuple[int, int]) -> None:
    found = {}
    async with running(FakeEngine(worst_view()), size) as console:
        for place in LIVE:
            await go(console, place)
            await settle(console)
            if wrong := cuts(console.picture):
                found[place] = wrong
            await go_back(console)
    told = "\n".join(line for place, lines in found.items() for line in (f"{place}:", *lines))
    assert not found, told


@pytest.mark.parametrize("size", [*SIZES, *LOW], ids=[f"{width}x{height}" for width, height in (*SIZES, *LOW)])
async def test_all_of_the_row_under_the_cursor_is_on_the_screen_or_one_key_away(size: tuple[int, int]) -> None:
    """Where a panel has no room for a column, its value stands under the order line, and only the end of much free text does not."""
    async with running(FakeEngine(worst_view()), size) as console:
        for digit, zoomed in product("123456", (False, True)):
            await console.press(digit, *["z"] * zoomed)
            await settle(console)
            assert not cuts(console.picture)
            table = console.screen.panels[console.screen.panel]
            assert isinstance(table, LiveTable)
            row = table.cursor_row
            shown = squeezed(console.picture)
            missing = [text for text in table.texts_of(row) if squeezed(text) not in shown]
            if missing:
                assert "Enter tells all" in shown
                assert all(FREE_WORDS[0] in text for text in missing), missing
            await console.press(*["z"] * zoomed)


@pytest.mark.parametrize("size", [*SIZES, *LOW], ids=[f"{width}x{height}" for width, height in (*SIZES, *LOW)])
async def test_no_panel_cuts_a_row_that_the_cursor_is_not_on_either(size: tuple[int, int]) -> None:
    """A sentence that has no room is said shorter, or goes on in the next line; only one that is longer than its panel is cut."""
    async with running(FakeEngine(worst_view()), size) as console:
        for digit, zoomed in product("123456", (False, True)):
            await console.press(digit, *["z"] * zoomed)
            await settle(console)
            for name, panel in console.screen.panels.items():
                shown = "\n".join(lines_of(panel)) if panel.region else ""
                most = 1 if name == "log" and panel.inner_height * (panel.inner_width - 20) < len(FREE) else 0
                assert shown.count(ELLIPSIS) <= most, shown
            await console.press(*["z"] * zoomed)


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
async def test_a_breaker_that_tripped_has_all_of_its_reason_in_the_panel(size: tuple[int, int]) -> None:
    async with running(FakeEngine(worst_view()), size) as console:
        await console.press("5", "z")
        await settle(console)
        pictures = [squeezed(console.picture)]
        # Under a banner and a notice of many lines a low panel has no room for two reasons at once.
        for _ in range(15):
            await console.press("j")
            await settle(console)
            pictures.append(squeezed(console.picture))
        for row in (row for row in breakers() if row.tripped):
            whole = re.compile(rf"! {re.escape(row.name)} TRIPPED(?:(?!! ).)*{re.escape(FREE)}")
            assert any(whole.search(picture) for picture in pictures), row.name


async def test_every_action_of_the_palette_is_read_whole_in_80_columns() -> None:
    async with running(FakeEngine(), (80, 24)) as console:
        for panel in ("1", "7"):
            await console.press(panel, "f2")
            told = ""
            for _ in ACTIONS:
                assert ELLIPSIS not in console.picture
                told += squeezed(console.picture) + "\n"
                await console.press("down")
            assert [action.does for action in ACTIONS if squeezed(action.does) not in told] == []
            await console.press("escape")


async def test_a_click_on_either_line_of_an_action_marks_it() -> None:
    async with running(FakeEngine(), (80, 24)) as console:
        await console.press("f2")
        await console.let_pass(1)
        lines = console.picture.splitlines()
        second = next(y for y, line in enumerate(lines) if "cancels everything that works" in line)
        await console.click(30, second + 1)
        await console.pilot.pause()
        assert "▸ +" in console.picture
        await console.click(30, second)
        await console.pilot.pause()
        assert "▸ F12" in console.picture


async def test_what_a_row_has_no_room_for_gives_way_to_what_is_said_and_to_what_is_typed() -> None:
    async with running(FakeEngine(worst_view()), (80, 24)) as console:
        await console.press("3")
        await settle(console)
        assert "Time 12:47:30" in console.picture
        console.screen.say("Something happened.", Level.WARNING)
        await settle(console)
        assert "Something happened." in console.picture
        assert "Time 12:47:30" not in console.picture
        await console.press("colon")
        await console.type("buy")
        await settle(console)
        assert "Time 12:47:30" not in console.picture
        await console.press("escape", "escape")
        await settle(console)
        assert "Time 12:47:30" in console.picture
