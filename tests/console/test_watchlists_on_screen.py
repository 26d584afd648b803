"""Watchlists on the screen: what the keys and the mouse do to them."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace
from textual.message import Message

from console.screens.trading import TradingScreen
from console.screens.watch_lists import ListsDialog
from engine.model.views import View
from tests.console.driving import running
from tests.console.fake_engine import FakeEngine
from tests.console.watchlist_driving import BOTH, begin_list, fill_list, kept, lists, panel_of, symbols
from tests.views import sample_view
from widgets.watchlist import WatchedRow, Watchlist


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


# ---- the panel


@BOTH
async def test_a_list_is_begun_filled_sorted_by_hand_and_emptied(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await begin_list(console, "Tech")
        await console.shows("This list is empty. + adds a")
        for text in ("MSFT", "app"):
            await console.press("plus")
            await console.type(text)
            await console.press("enter")
        assert symbols(console) == ["MSFT", "AAPL"]
        await console.shows("Tech 2/2")
        # The cursor stands on what was added.
        await console.press("K")
        assert symbols(console) == ["AAPL", "MSFT"]
        await console.press("J")
        await console.let_pass(1)
        await console.press("minus")
        assert symbols(console) == ["MSFT"]
        assert engine.sent() == []
        await console.shows("AAPL is out of Tech")


async def test_a_symbol_that_is_not_watched_yet_is_watched_and_joins_the_list(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await begin_list(console, "Cars")
        await console.press("plus")
        await console.type("nvid")
        await console.press("enter")
        await console.until(lambda: symbols(console) == ["NVDA"])
        assert engine.sent() == [("watch", "NVDA")]
        assert panel_of(console).cursor_key == "NVDA"


async def test_a_symbol_that_the_engine_refuses_joins_no_list_and_the_words_are_shown(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await begin_list(console, "Cars")
        engine.refuses = "500 symbols were added already"
        await console.press("plus")
        await console.type("nvid")
        await console.press("enter")
        await console.shows("watch NVDA: 500 symbols were added already")
        assert symbols(console) == []


async def test_a_burst_of_keys_adds_the_symbol_that_was_typed(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("+", "NVDA", "enter")
        await console.until(lambda: "NVDA" in symbols(console))
        assert engine.sent() == [("watch", "NVDA")]


async def test_the_search_says_how_many_of_all_symbols_it_found(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("plus")
        await console.shows("4 symbols")
        await console.type("a")
        await console.shows("3 found of 4 symbols")


async def test_a_held_enter_adds_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("plus", "enter", "enter")
        await console.shows("Type a symbol or a name")
        await console.press("escape")
        assert engine.sent() == []


async def test_the_search_waits_for_what_the_feed_offers(engine: FakeEngine) -> None:
    offered, engine.offered = engine.offered, None
    async with running(engine) as console:
        await console.press("plus")
        await console.type("tes")
        await console.shows("Looking up")
        engine.offered = offered
        await console.shows("Tesla")


async def test_a_symbol_taken_out_of_all_is_let_go_by_the_engine_unless_something_needs_it(engine: FakeEngine) -> None:
    engine.change(watch=engine.current.watch[:1])
    async with running(engine) as console:
        await console.press("minus")
        await console.until(lambda: symbols(console) == [])
        assert engine.sent() == [("unwatch", "AAPL")]
        await console.shows("Nothing is watched yet. + adds a symbol.")


async def test_while_the_engine_starts_the_watchlist_says_that_the_feed_is_asked_and_where_it_fails_so(engine: FakeEngine) -> None:
    health = engine.current.health
    engine.change(health=replace(health, ready=False), watch=())
    async with running(engine) as console:
        await console.shows("The feed is being asked.")
        engine.change(health=replace(health, ready=False, failed=True, problem="no keys"))
        await console.shows("The engine did not start:")
        engine.change(health=health)
        await console.shows("Nothing is watched yet. + adds a symbol.")


async def test_a_symbol_in_a_list_or_with_an_alert_is_not_let_go(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await begin_list(console, "Tech")
        await console.burst("+", "AAPL", "enter")
        await console.press("right_square_bracket", "g")
        await console.let_pass(1)
        await console.press("minus")
        await console.shows("AAPL is in Tech: take it out there first.")
        await console.press("down", "exclamation_mark")
        await console.type("> 900")
        await console.press("enter", "escape")
        await console.let_pass(1)
        await console.press("minus")
        await console.shows("MSFT has an alert: delete that first.")
        assert engine.sent() == []


@BOTH
async def test_lists_are_switched_by_keys_and_by_a_click_on_the_name(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("right_square_bracket")
        await console.shows("There is no other list yet. w begins one.")
        await begin_list(console, "Tech")
        await begin_list(console, "Banks")
        await console.press("left_square_bracket")
        await console.shows("Tech 2/3")
        await console.press("right_square_bracket", "right_square_bracket")
        await console.shows("All 1/3")
        await console.pilot.click(panel_of(console), offset=(5, 0))
        await console.shows("Tech 2/3")


async def test_a_list_is_renamed_and_deleted_after_a_question(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await begin_list(console, "Tech")
        await console.press("w", "r", "ctrl+u")
        await console.type("Chips")
        await console.press("enter", "d")
        await console.shows("Delete Chips with its 0 symbols?")
        await console.press("enter")
        await console.press("escape")
        await console.shows("Chips 2/2")
        await console.press("w", "d")
        await console.let_pass(1)
        await console.press("y", "escape")
        await console.until(lambda: "Chips" not in console.picture)
        await console.press("w", "g", "d")


async def test_while_a_list_is_named_its_cursor_alone_is_lit_and_no_arrow_or_click_leads_to_another(engine: FakeEngine) -> None:
    async with running(engine) as console:
        for name in ("Tech", "Cars"):
            await begin_list(console, name)
        await console.press("w", "n")
        await console.shows("The new list's name")
        dialog = cast(ListsDialog, console.app.screen)

        def lit() -> list[str]:
            return [cell.text for line in dialog.body(70) for cell in line if cell.role == "title-focus"]

        assert lit() == [" "]
        assert "▸" not in console.picture.split("Watchlists")[1].split("╯")[0]
        await console.press("escape")
        await console.until(lambda: [text.strip() for text in lit()] == ["Cars"])
        await console.press("r", "up")
        await console.let_pass(1)
        row = next(y for y, line in enumerate(console.picture.split("\n")) if " Tech  " in line)
        await console.click(50, row)
        await console.shows("Another name for Cars")
        await console.press("ctrl+u")
        await console.type("Old cars")
        await console.press("enter", "escape")
        await console.shows("Old cars 3/3")


async def test_a_yes_in_the_same_breath_as_what_asked_for_it_deletes_no_list(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await begin_list(console, "Tech")
        await console.press("w")
        await console.burst("dyy")
        await console.shows("Too soon after another key. Delete Tech with its 0 symbols?")
        await console.let_pass(1)
        console.app.silence = 0.0
        cast(ListsDialog, console.app.screen).take_key("y", "y", Message().time)
        await console.shows("Too soon after another key.")
        await console.press("n", "escape")
        await console.shows("Tech 2/2")


async def test_all_can_be_neither_renamed_nor_deleted(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("w", "d")
        await console.shows("All is always there")
        await console.press("r")
        await console.shows("All is always there")


async def test_lists_are_moved_in_the_dialog_and_all_stays_first(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await begin_list(console, "Tech")
        await begin_list(console, "Banks")
        await console.press("w", "K", "K", "escape")
        await console.shows("Banks 2/3")
        await console.press("w", "J", "J", "escape")
        await console.shows("Banks 3/3")
        await console.press("w", "up", "up", "J")
        await console.shows("All is always there, and first")


async def test_what_was_wrong_with_a_name_goes_with_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("w", "n", "enter")
        await console.shows("A list needs a name.")
        await console.press("escape")
        await console.until(lambda: "A list needs a name." not in console.picture)


async def test_a_click_in_the_dialog_of_lists_marks_and_a_double_click_shows(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await begin_list(console, "Tech")
        await console.press("w")
        await console.shows("all that is watched")
        await console.let_pass(1)
        row = next(y for y, line in enumerate(console.picture.split("\n")) if "all that is watched" in line)
        await console.click(50, row, 2)
        await console.until(lambda: isinstance(console.app.screen, TradingScreen))
        await console.shows("All 1/2")


async def test_a_row_of_a_sorted_list_is_moved_in_the_lists_own_order_and_that_is_said(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await fill_list(console, "AAPL", "MSFT", "TSLA")
        await console.press("o", "O")
        await console.until(lambda: symbols(console) == ["TSLA", "MSFT", "AAPL"])
        assert panel_of(console).select("AAPL")
        await console.press("J")
        await console.shows("It was sorted by Symbol, and stands in the list's own order now. J moves AAPL.")
        assert symbols(console) == ["AAPL", "MSFT", "TSLA"]
        await console.press("J")
        assert symbols(console) == ["MSFT", "AAPL", "TSLA"]


async def test_a_row_is_moved_past_the_next_that_is_seen(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await fill_list(console, "AAPL", "MSFT", "TSLA")
        await console.burst("/", "-msft", "enter")
        assert panel_of(console).select("AAPL")
        await console.press("J")
        assert symbols(console) == ["TSLA", "AAPL"]
        await console.press("escape")
        assert symbols(console) == ["MSFT", "TSLA", "AAPL"]


async def test_rows_of_all_are_not_moved(engine: FakeEngine) -> None:
    async with running(engine) as console:
        before = symbols(console)
        await console.press("J", "K")
        assert symbols(console) == before
        await console.shows("begins a list of your own")


async def test_what_the_feed_does_not_have_stays_in_its_list_and_says_so(engine: FakeEngine, tmp_path: Path) -> None:
    keep = kept(tmp_path)
    made = lists("Tech", keep=keep)
    made.add("AAPL")
    made.add("ZZZZ")
    keep.close()
    engine.refuses = "sim has no ZZZZ"
    async with running(engine, kept=tmp_path) as console:
        await console.until(lambda: symbols(console) == ["AAPL", "ZZZZ"])
        await console.shows("no price")
        await console.until(lambda: engine.sent() == [("watch", "ZZZZ")])
        # Nobody asked for it now: nothing is said about it over the order line.
        assert "sim has no ZZZZ" not in console.picture


# ---- the widget


def test_a_row_with_a_mark_is_the_same_object_while_nothing_changes() -> None:
    panel = Watchlist()
    view: View = sample_view()
    panel._symbols, panel._marks = ("MSFT", "ZZZZ", "AAPL"), {"MSFT": "armed"}
    first, second = panel._listed(view), panel._listed(view)
    assert [one is other for one, other in zip(first, second, strict=True)] == [True] * 3
    assert [row.symbol for row in first] == ["MSFT", "ZZZZ", "AAPL"]
    assert isinstance(first[0], WatchedRow)
    assert isinstance(first[1], WatchedRow)
    assert (first[0].alert, first[1].watched) == ("armed", False)
    moved = replace(view, watch=tuple(replace(row, last=1.0) for row in view.watch))
    assert panel._listed(moved)[0].last == 1.0
