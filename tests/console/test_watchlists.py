"""Watchlists: what can be done with them, what is kept, and how a symbol is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.kept import Kept
from console.screens.watch_lists import found
from console.watchlists import ALL, MOST_LISTS, Watchlists
from engine.model.market import Listing
from engine.model.settings import is_symbol
from tests.console.watchlist_driving import kept, lists

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
    made.move_list("Banks", -1)
    keep.close()
    again = Watchlists(kept(tmp_path))
    again.load()
    assert (again.names, again.shown, again.symbols) == ((ALL, "Banks", "Tech"), "Tech", ("AAPL",))
    assert again.every_symbol == ("JPM", "AAPL")
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
