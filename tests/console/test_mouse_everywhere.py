"""The mouse does what keys do, in every dialog, page and panel; and no more: what a key asks first, a click asks, too."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual import events

from console.config import load
from console.config_file import ConfigFile
from console.screens.dialog import Dialog
from console.screens.page import Page
from console.screens.preferences import PreferencesPage
from engine.model import Mode, Side, TradingState
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.everywhere import PLACES, backtests_beside, go, go_back, history
from tests.console.fake_engine import FakeEngine
from tests.console.test_mouse_and_keys import at_once, click, place_of
from tests.views import order, position, sample_view
from widgets.hints import HintLine
from widgets.table import LiveTable

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


ONE_STEP = frozenset({"ticket asked", "new alert", "new watchlist", "preference", "history narrowed"})
"""Here Escape leaves what is typed or asked, and not yet the dialog."""


async def click_on(console: Console, text: str, times: int = 1, beside: int = 1) -> None:
    x, y = place_of(console, text)
    await at_once(console, *click(x + beside, y, times))


async def hint(console: Console, text: str) -> None:
    y = console.app.screen.query_one(HintLine).region.y
    x = console.picture.split("\n")[y].index(text)
    await at_once(console, *click(x, y))


async def wheel(console: Console, x: int, y: int, notches: int) -> None:
    kind = events.MouseScrollDown if notches > 0 else events.MouseScrollUp
    await at_once(console, *[kind(None, x, y, 0, 0, 0, False, False, False, screen_x=x, screen_y=y) for _ in range(abs(notches))])


# ---- questions


@BOTH
async def test_a_click_marks_a_mode_and_a_double_click_takes_it(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("m")
        await console.let_pass(1)
        await click_on(console, "RESEARCH")
        assert engine.sent() == []
        assert "▸ r  RESEARCH" in console.picture
        await click_on(console, "MANUAL  ", 2)
        assert engine.sent() == [("set_mode", Mode.MANUAL)]


async def test_a_mode_that_asks_for_its_name_asks_after_a_double_click_too(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("m")
        await console.let_pass(1)
        await click_on(console, "FULL_AUTO", 2)
        await console.shows("Type FULL_AUTO to go on")
        assert engine.sent() == []


@BOTH
async def test_a_position_is_closed_by_the_mouse_after_the_question_that_its_key_asks(size: tuple[int, int]) -> None:
    engine = FakeEngine(sample_view(orders=(), positions=(position("AAPL", 100),)))
    async with running(engine, size) as console:
        await console.press("2")
        await console.let_pass(1)
        await console.press("X")
        await console.shows("Close the position?")
        await click_on(console, "y  Close", 2)
        assert engine.sent() == []  # nobody has read the question yet
        await console.let_pass(1)
        await click_on(console, "n  Stay", 1)
        await click_on(console, "y  Close", 1)
        assert engine.sent() == []
        await click_on(console, "y  Close", 2)
        assert engine.sent() == [("close_position", "AAPL", Side.SELL, Decimal(100))]


async def test_the_field_that_is_clicked_is_typed_into(engine: FakeEngine) -> None:
    engine.change(account=replace(engine.current.account, state=TradingState.HALTED, mode=Mode.EMERGENCY, reason="stop key"))
    async with running(engine) as console:
        await console.press("m")
        await console.let_pass(1)
        await click_on(console, "Why? It goes to the audit log")
        await console.type("all is well")
        await click_on(console, "Type RESUME")
        await console.type("RESUME")
        await console.press("enter", "enter")
        assert engine.sent()[-1] == ("resume", "all is well")


# ---- lists and choices


@BOTH
async def test_columns_are_shown_hidden_and_moved_by_the_mouse(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("3", "v")
        await console.let_pass(1)
        await click_on(console, "[x]  Qty", beside=0)
        assert "[ ]  Qty" in console.picture
        await click_on(console, "▲ ▼", beside=0)
        lines = console.picture.split("\n")
        assert next(y for y, line in enumerate(lines) if "  Qty " in line) < next(y for y, line in enumerate(lines) if "[x]  Side" in line)
        await click_on(console, "[x]  Side", 2, beside=6)
        assert "[ ]  Side" in console.picture
        await hint(console, "Enter keep")
        table = console.screen.panels["orders"]
        assert isinstance(table, LiveTable)
        assert table.arrangement.hidden == ["Qty", "Side"]
        assert table.arrangement.columns[:3] == ["#", "Qty", "Side"]


async def test_a_watchlist_is_begun_renamed_and_deleted_by_hints(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("w")
        await console.let_pass(1)
        await hint(console, "n new")
        await console.type("Cars")
        await hint(console, "Enter")
        await console.shows("Cars")
        await hint(console, "d delete")
        await console.shows("Delete Cars")
        await hint(console, "Esc keep it")
        assert "Cars" in console.screen.watchlists._lists.names
        await hint(console, "d delete")
        await console.let_pass(1)
        await hint(console, "y delete it")
        assert console.screen.watchlists._lists.names == ("All",)


@pytest.mark.parametrize("place", ["palette", "themes", "mode", "columns", "alerts", "watchlists", "search for a symbol"])
async def test_the_wheel_chooses_where_up_and_down_do(engine: FakeEngine, place: str) -> None:
    async with running(engine) as console:
        await go(console, place)
        if place == "search for a symbol":
            await console.press("backspace")
        before = console.picture
        # In the dialog: the table below marks a row, too.
        y, line = next((y, line) for y, line in enumerate(before.split("\n")) if "│  ▸ " in line or place in ("alerts", "watchlists"))
        x = line.find("▸ ") if "▸ " in line else 40
        await wheel(console, x + 2, y, 2)
        down = console.picture
        await wheel(console, x + 2, y, -3)
        assert (down != before) is (place not in ("alerts", "watchlists"))
        assert isinstance(console.app.screen, Dialog)
        assert engine.sent() == []


async def test_the_wheel_scrolls_what_is_read_and_every_panel_with_more_rows_than_room(engine: FakeEngine) -> None:
    engine.change(orders=tuple(order(number) for number in range(60, 0, -1)))
    async with running(engine) as console:
        await go(console, "help")
        before = console.picture
        await wheel(console, 50, 18, 3)
        await console.until(lambda: console.picture != before)
        await go_back(console)
        x, y = place_of(console, "#58")
        await wheel(console, x, y, 3)
        await console.until(lambda: "#60" not in console.picture)


async def test_preferences_are_gone_through_by_the_wheel_and_clicks(engine: FakeEngine, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("theme: dark\n")
    async with running(engine, config=ConfigFile(file, load(file))) as console:
        await console.press("comma")
        x, y = place_of(console, "layout")
        await wheel(console, x, y, 2)
        assert isinstance(console.app.screen, PreferencesPage)
        assert "▸  refresh" in console.picture
        await wheel(console, x, y, -1)
        assert "▸  layout" in console.picture
        await click_on(console, "bell ", 2)
        await console.shows("bell off → on: holds now")


# ---- the trading screen


@BOTH
async def test_a_double_click_on_a_panels_digit_gives_it_the_screen_and_takes_it_back(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("3")
        for zoomed in (True, False):
            x, y = place_of(console, "╭─ 3 Orders")
            await at_once(console, *click(x + 3, y, 2))
            assert (console.screen.panel, console.screen.zoomed) == ("orders", zoomed)


async def test_a_candidate_that_tab_lists_is_put_into_the_line_by_a_click(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.type(":c")
        await console.press("tab")
        await console.shows("cancel")
        await click_on(console, "cancel")
        assert console.screen.order_line.text == "cancel"


@BOTH
async def test_a_click_on_what_the_banner_says_of_the_flatten_asks_for_its_word(engine: FakeEngine, size: tuple[int, int]) -> None:
    engine.change(account=replace(sample_view().account, state=TradingState.HALTED, reason="stop key"))
    async with running(engine, size) as console:
        await console.shows("F9 flattens")
        await click_on(console, "F9 flattens")
        await console.shows("FLATTEN")
        assert engine.sent() == []


async def test_a_click_elsewhere_on_the_banner_or_on_the_stops_hint_does_nothing(engine: FakeEngine) -> None:
    """One slip of the mouse must neither flatten nor stop."""
    engine.change(account=replace(sample_view().account, state=TradingState.HALTED, reason="stop key"))
    async with running(engine) as console:
        await console.shows("F9 flattens")
        await click_on(console, "HALTED: stop key")
        await click_on(console, "F12 / ^G EMERGENCY STOP")
        assert console.app.screen is console.screen
        assert engine.sent() == []


async def test_a_click_in_the_order_line_puts_the_cursor_there(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 10 AAPL")
        await console.press("escape", "colon") if not console.line.text else None
        x, y = place_of(console, "buy 10 AAPL")
        await at_once(console, *click(x + 6, y))
        await console.type("0")
        assert console.line.text == "buy 100 AAPL"
        assert engine.sent() == []
        await at_once(console, *click(x + 60, y))
        await console.type("X")
        assert console.line.text == "buy 100 AAPLX"


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
async def test_whatever_is_open_is_left_by_a_click_on_its_hint(engine: FakeEngine, size: tuple[int, int], tmp_path: Path) -> None:
    async with running(engine, size, database=history(tmp_path)) as console:
        for place in PLACES:
            await go(console, place)
            opened = console.app.screen
            hints = opened.hints() if isinstance(opened, Dialog | Page) else ()
            if ("Esc" in [key for key, _ in hints]) and place not in ONE_STEP:
                await hint(console, "Esc ")
                assert console.app.screen is not opened, place
            await go_back(console)
        assert engine.sent() == []


@BOTH
async def test_a_click_leads_from_every_table_to_all_that_keys_do(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        for panel in "123456":
            await console.press(panel)
            await hint(console, "F2 find")
            await console.shows("Find an action")
            await go_back(console)


async def test_the_wheel_over_the_hints_brings_those_that_have_no_room_and_back_and_a_click_is_their_key(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        await console.press("7")
        y = console.app.screen.query_one(HintLine).region.y
        line = console.picture.split("\n")[y]
        assert "m mode" not in line
        await wheel(console, 5, y, 40)
        rolled = console.picture.split("\n")[y]
        assert "i notices" in rolled, "no further than until the last is there"
        assert "F12 / ^G STOP" in rolled
        await wheel(console, 5, y, -40)
        assert console.picture.split("\n")[y] == line
        await wheel(console, 5, y, 9)
        await hint(console, "m mode")
        await console.shows("Execution mode")
        await console.press("escape", "1")
        assert console.picture.split("\n")[y].startswith(" + add"), "another panel's hints begin with their first"
        assert engine.sent() == []


async def test_a_click_on_how_many_are_marked_does_nothing(engine: FakeEngine) -> None:
    engine.change(orders=(order(3, symbol="AAPL"),))
    async with running(engine) as console:
        await console.press("3", "space")
        await hint(console, "● 1 marked")
        await console.pilot.pause()
        await console.press("1")
        assert "failed" not in console.picture
        await console.press("3")
        await console.shows("● 1 marked")


async def test_the_way_out_stays_however_far_hints_are_rolled(engine: FakeEngine, tmp_path: Path) -> None:
    async with running(engine, SMALL, database=history(tmp_path), backtests=backtests_beside(tmp_path / "paper.db")) as console:
        await go(console, "replay")
        page = console.app.screen
        await wheel(console, 5, page.query_one(HintLine).region.y, 40)
        assert "g go to" in console.picture
        await hint(console, "Esc ")
        assert console.app.screen is not page
