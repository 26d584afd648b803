"""Watchlists: what can be done with them, what is kept, and what the keys do to them."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.message import Message

from console.kept import Kept
from console.screens.trading import TradingScreen
from console.screens.watch_lists import ListsDialog, found
from console.watchlists import ALL, MOST_LISTS, Watchlists
from engine.model.market import Listing, Quote
from engine.model.settings import is_symbol
from engine.model.views import View
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from tests.views import sample_view
from widgets.watchlist import WatchedRow, Watchlist

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])


def kept(folder: Path | None = None) -> Kept:
    return Kept(folder, lambda text: None)


def lists(*names: str, keep: Kept | None = None) -> Watchlists:
    made = Watchlists(keep or kept())
    for name in names:
        assert made.new(name) == ""
    return made


# ---- the lists themselves


def test_all_is_always_there_and_none_of_a_persons_own() -> None:
    made = lists()
    assert made.names == (ALL,)
    assert (made.shown, made.symbols) == (ALL, None)
    made.step(1)
    assert made.shown == ALL
    assert made.new("all") == "There is a list all already."


def test_symbols_are_added_once_moved_and_removed() -> None:
    made = lists("Tech")
    for symbol in ("AAPL", "MSFT", "IBM"):
        assert made.add(symbol) == ""
    assert made.add("IBM") == "IBM is in Tech already."
    made.move("IBM", -1)
    assert made.symbols == ("AAPL", "IBM", "MSFT")
    made.move("AAPL", -1)
    made.move("MSFT", 1)
    assert made.symbols == ("AAPL", "IBM", "MSFT")


def test_a_symbol_is_taken_out_and_one_that_is_not_there_is_no_matter() -> None:
    made = lists("Tech")
    for symbol in ("AAPL", "IBM", "MSFT"):
        made.add(symbol)
    made.remove("IBM")
    made.remove("NOPE")
    assert made.symbols == ("AAPL", "MSFT")


def test_lists_are_stepped_through_renamed_and_deleted() -> None:
    made = lists("Tech", "Banks")
    assert (made.shown, made.place) == ("Banks", 2)
    made.step(1)
    assert made.shown == ALL
    made.step(-1)
    assert made.rename("Banks", "Old money") == ""
    assert made.rename("Old money", "tech") == "There is a list tech already."
    assert made.rename("Old money", "OLD MONEY") == ""
    made.delete("Tech")
    assert made.names == (ALL, "OLD MONEY")
    assert made.shown == "OLD MONEY"
    made.delete("OLD MONEY")
    assert made.shown == ALL


@pytest.mark.parametrize("name", ["", "   ", "x" * 21, "\x1b\x07"])
def test_a_list_needs_a_name_that_can_be_read(name: str) -> None:
    assert lists().new(name)


def test_there_may_be_so_many_lists() -> None:
    made = lists(*(f"list {number}" for number in range(MOST_LISTS)))
    assert "delete one first" in made.new("one more")


def test_a_restart_finds_the_lists_and_the_one_that_was_shown(tmp_path: Path) -> None:
    keep = kept(tmp_path)
    made = lists("Tech", "Banks", keep=keep)
    made.add("JPM")
    made.choose("Tech")
    made.add("AAPL")
    keep.close()
    again = Watchlists(kept(tmp_path))
    again.load()
    assert (again.names, again.shown, again.symbols) == ((ALL, "Tech", "Banks"), "Tech", ("AAPL",))
    assert again.every_symbol == ("AAPL", "JPM")
    assert again.holding("JPM") == ["Banks"]


@given(st.lists(st.tuples(st.text(), st.lists(st.text() | st.sampled_from(["AAPL", "\x1b[2J", "[red]"]))), max_size=5), st.text())
def test_whatever_the_file_says_names_are_clean_and_symbols_are_symbols(content: list[tuple[str, list[str]]], shown: str) -> None:
    class Spoilt(Kept):
        def load(self, name: str, kind: type, default: object) -> object:  # type: ignore[override]
            from console.watchlists import KeptList, KeptLists

            return KeptLists([KeptList(*one) for one in content], shown)

    made = Watchlists(Spoilt(None, lambda text: None))
    made.load()
    assert all(name.isprintable() and 0 < len(name) <= 20 for name in made.names)
    assert len({name.casefold() for name in made.names}) == len(made.names)
    assert all(is_symbol(symbol) for symbol in made.every_symbol)
    assert made.shown in made.names


# ---- the search

OFFERED = tuple(
    Listing(symbol, name)
    for symbol, name in (("A", ""), ("AAPL", "Apple"), ("AAP", ""), ("MSFT", "Microsoft"), ("IBM", "International Business Machines"))
)


@pytest.mark.parametrize(
    ("typed", "first"),
    [("aapl", ["AAPL"]), ("aa", ["AAP", "AAPL"]), ("micro", ["MSFT"]), ("business", ["IBM"]), ("chines", ["IBM"]), ("MFST", ["MSFT"])],
)
def test_a_symbol_is_found_by_its_letters_its_name_and_nearly(typed: str, first: list[str]) -> None:
    assert [listing.symbol for listing in found(OFFERED, typed)][: len(first)] == first


def test_nothing_typed_shows_what_there_is_and_nonsense_nothing() -> None:
    assert found(OFFERED, "") == list(OFFERED)
    assert found(OFFERED, "\x1b[0m") == []


# ---- the panel


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


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


# ---- alerts


@BOTH
async def test_an_alert_is_set_on_the_row_fires_on_a_quote_and_is_marked(engine: FakeEngine, size: tuple[int, int]) -> None:
    engine.change(log=())
    async with running(engine, size) as console:
        await console.press("exclamation_mark")
        await console.type("> 190")
        await console.press("enter")
        await console.shows("Set: AAPL > 190, once.")
        await console.press("escape")
        await console.shows("AAPL ◇")
        engine.tell(Quote("AAPL", 1, 188.0, 188.1, 1, 1, 188.0))
        engine.tell(Quote("AAPL", 2, 190.0, 190.1, 1, 1, 190.02))
        engine.tell(Quote("AAPL", 3, 190.0, 190.1, 1, 1, 190.05))
        assert [(line.source, line.text) for line in engine.current.log] == [("alert", "AAPL 190.02 is above 190")]
        await console.shows("1 notice ")
        await console.shows("AAPL ◆")
        assert engine.sent() == []


async def test_a_complaint_is_read_below_however_many_alerts_there_are(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        await console.press("exclamation_mark")
        for number in range(15):
            await console.type(f"> {1000 + number}")
            await console.press("enter")
        await console.type("> 1")
        await console.press("enter")
        await console.shows("Write a level it has not reached")
        assert "alert: > 1 " in console.picture


async def test_an_alert_beyond_the_price_is_refused_and_one_is_edited_and_deleted(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("exclamation_mark")
        await console.type("> 100")
        await console.press("enter")
        await console.shows("AAPL is at 187.52, above 100 already.")
        await console.press("ctrl+u")
        await console.type("-3% repeat")
        await console.press("enter")
        await console.shows("Set: AAPL -3% repeat, each time it comes there.")
        await console.press("down", "enter", "ctrl+u")
        await console.shows("Edit the alert -3% repeat on AAPL")
        await console.type("< 150")
        await console.press("enter")
        await console.until(lambda: "-3% repeat" not in console.picture)
        await console.press("down", "delete")
        await console.shows("Deleted: AAPL < 150.")


async def test_alerts_and_lists_are_there_again_after_a_restart(engine: FakeEngine, tmp_path: Path) -> None:
    async with running(engine, kept=tmp_path) as console:
        await begin_list(console, "Tech")
        await console.burst("+", "MSFT", "enter")
        await console.burst("!", "< 100", "enter", "escape")
        console.app.kept.close()
    again = FakeEngine()
    async with running(again, kept=tmp_path) as console:
        await console.shows("Tech 2/2")
        await console.shows("MSFT ◇")
        again.tell(Quote("MSFT", 2, 98, 99, 1, 1, 99.0))
        await console.shows("MSFT 99.00 is below 100")


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
