"""Which rows a table shows and in which order, without any drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from widgets.columns import Arrangement, Column, ordered, shown
from widgets.rows import RECHECKED, RESORT_S, Ring, Rows
from widgets.words import Words


@dataclass(frozen=True)
class Row:
    key: str
    size: float | None = 0.0
    word: str = ""


def rows_of(*rows: Row, section: bool = False) -> Rows[Row]:
    model: Rows[Row] = Rows(
        lambda row: row.key, lambda row: f"{row.key} {row.word}".casefold(), (lambda row: int(row.word == "last")) if section else None
    )
    model.put(rows)
    model.arrange(0, False)
    return model


def keys(model: Rows[Row]) -> str:
    return "".join(row.key for row in model.shown)


def size(row: Row) -> float | None:
    return row.size


@pytest.mark.parametrize(
    ("typed", "text", "holds"),
    [
        ("", "anything", True),
        ("Msft LMT", "buy 5 msft lmt 3", True),
        ("msft stp", "buy 5 msft lmt 3", False),
        ("-msft", "buy 5 msft", False),
        ("buy -msft", "buy 5 aapl", True),
        ("-", "anything", True),
    ],
)
def test_a_filter_holds_where_all_words_occur_and_none_with_a_minus(typed: str, text: str, holds: bool) -> None:
    assert Words.of(typed).hold_in(text) is holds


def test_rows_are_sorted_both_ways_and_what_has_nothing_to_compare_is_last() -> None:
    model = rows_of(Row("a", 2), Row("b", None), Row("c", 3), Row("d", float("nan")), Row("e", 1))
    model.sort(size, False)
    assert model.arrange(0, False)
    assert keys(model) == "eacbd"
    model.sort(size, True)
    model.arrange(0, False)
    assert keys(model) == "caebd"
    model.sort(None, False)
    model.arrange(0, False)
    assert keys(model) == "abcde"


def test_sorted_rows_hold_still_for_a_moment_and_while_somebody_is_about_to_act() -> None:
    model = rows_of(Row("a", 1), Row("b", 2))
    model.sort(size, True)
    model.arrange(0, False)
    model.put((Row("a", 9), Row("b", 2)))
    assert not model.arrange(RESORT_S / 2, False)
    assert (keys(model), model.shown[1].size, model.unsettled) == ("ba", 9, True)
    assert not model.arrange(RESORT_S * 5, True)
    assert model.arrange(RESORT_S * 5, False)
    assert (keys(model), model.unsettled) == ("ab", False)


def test_a_new_row_takes_its_place_at_once_among_rows_that_hold_still() -> None:
    model = rows_of(Row("a", 1), Row("b", 5))
    model.sort(size, False)
    model.arrange(0, False)
    model.put((Row("new", 3), Row("a", 9), Row("b", 5)))
    assert model.arrange(0.1, True)
    assert [row.key for row in model.shown] == ["a", "new", "b"]


def test_rows_whose_order_did_not_change_are_not_ordered_again() -> None:
    model = rows_of(Row("a", 1), Row("b", 2))
    compared: list[str] = []

    class Watched(float):
        def __lt__(self, other: float) -> bool:
            compared.append("")
            return super().__lt__(other)

    model.sort(lambda row: Watched(row.size or 0), False)
    model.arrange(0, False)
    compared.clear()
    model.put((Row("a", 1), Row("b", 2)))
    model.arrange(RESORT_S * 2, False)
    assert compared == []


def test_sections_stay_apart_whatever_they_are_sorted_by() -> None:
    model = rows_of(Row("a", 1, "last"), Row("b", 2), Row("c", 3), section=True)
    assert keys(model) == "bca"
    model.sort(size, False)
    model.arrange(0, False)
    assert keys(model) == "bca"


def test_a_filter_looks_at_every_new_row_at_once_and_at_changed_ones_a_few_at_a_time() -> None:
    count = RECHECKED * 2 + 10
    model = rows_of(*(Row(f"k{n}", word="old") for n in range(count)))
    model.narrow(Words.of("old"), None)
    model.arrange(0, False)
    assert len(model.shown) == count
    model.put([Row(f"k{n}", word="new") for n in range(count)])
    model.arrange(0, False)
    assert (len(model.shown), model.unsettled) == (count - RECHECKED, True)
    model.arrange(0, False)
    model.arrange(0, False)
    assert (len(model.shown), model.unsettled) == (0, False)


def test_a_subset_is_right_at_once_however_many_rows_changed() -> None:
    count = RECHECKED * 3
    model = rows_of(*(Row(f"k{n}", word="old") for n in range(count)))
    model.narrow(Words(), lambda row: row.word == "new")
    model.put([Row(f"k{n}", word="new") for n in range(count)])
    model.arrange(0, False)
    assert len(model.shown) == count


# ---- the ring


@dataclass(frozen=True)
class Numbered:
    number: int
    text: str


def told(*numbers: int) -> list[Numbered]:
    return [Numbered(number, "odd" if number % 2 else "even") for number in numbers]


def numbers(rows: Sequence[Numbered]) -> list[int]:
    return [row.number for row in rows]


def ring(kept: int = 5) -> Ring[Numbered]:
    return Ring(kept, lambda row: row.number, lambda row: row.text)


def test_a_ring_keeps_the_newest_and_finds_each_by_its_number() -> None:
    rows = ring()
    rows.append(told(*range(4)))
    assert rows.append(told(4, 5, 6)) == (3, 2, told(0, 1))
    assert numbers(rows.shown) == [2, 3, 4, 5, 6]
    assert (rows.index("4"), rows.index("1"), rows.key(0)) == (2, None, "2")
    assert rows.living({"1", "6"}, lambda row: True) == {"6"}


def test_a_filtered_ring_takes_and_drops_only_what_is_shown() -> None:
    rows = ring()
    rows.append(told(*range(5)))
    rows.narrow(Words.of("odd"), None)
    assert numbers(rows.shown) == [1, 3]
    assert rows.append(told(5, 6)) == (1, 1, told(0, 1))
    assert numbers(rows.shown) == [3, 5]
    assert (rows.index("4"), rows.index("5"), len(rows.all)) == (None, 1, 5)
    rows.narrow(Words(), None)
    assert numbers(rows.shown) == [2, 3, 4, 5, 6]


# ---- columns

COLUMNS = tuple(Column[Row](title, lambda row: (), 5) for title in ("a", "b", "c"))


def test_columns_stand_as_arranged_and_names_that_are_not_known_are_ignored() -> None:
    assert [column.title for column in ordered(COLUMNS, ["c", "gone", "a", "c"])] == ["c", "a", "b"]
    assert [column.title for column in ordered(COLUMNS, [])] == ["a", "b", "c"]
    assert [column.title for column in shown(COLUMNS, Arrangement(["c"], ["a", "gone"]))] == ["b", "c"]


def test_a_table_never_loses_its_last_column() -> None:
    assert len(shown(COLUMNS, Arrangement(hidden=["a", "b", "c"]))) == 3
