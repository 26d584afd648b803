"""What narrows the history: a symbol, a day, days."""

from __future__ import annotations

from datetime import date

import pytest

from console.day_filter import Narrowed, read


@pytest.mark.parametrize(
    ("text", "narrowed"),
    [
        ("", Narrowed()),
        ("aapl", Narrowed("AAPL")),
        ("2025-06-01", Narrowed("", date(2025, 6, 1), date(2025, 6, 1))),
        ("2025-06-01..2025-06-12 BRK.B", Narrowed("BRK.B", date(2025, 6, 1), date(2025, 6, 12))),
        ("IBM 2025-06-01..", Narrowed("IBM", date(2025, 6, 1))),
        ("..2025-06-12", Narrowed("", None, date(2025, 6, 12))),
    ],
)
def test_a_symbol_and_days_are_read_in_any_order(text: str, narrowed: Narrowed) -> None:
    assert read(text) == narrowed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("AAPL MSFT", "'MSFT' is one too many"),
        ("2025-02-30", "There is no day 2025-02-30"),
        ("2025-06-12..2025-06-01", "is after"),
        ("\x1b[2J", "not understood"),
        ("2025-06-01 2025-06-02", "one too many"),
        ("..", "not understood"),
    ],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(text)


def test_a_day_is_new_yorks_whole_day() -> None:
    narrowed = read("2025-11-02")  # the day on which the clocks went back
    assert narrowed.since is not None
    assert narrowed.until is not None
    assert (narrowed.until - narrowed.since) / 3_600e9 == 25


@pytest.mark.parametrize("text", ["AAPL", "IBM 2025-06-01", "from nothing", "..2025-06-12"])
def test_what_it_says_of_itself_names_days(text: str) -> None:
    if text == "from nothing":
        assert str(Narrowed()) == ""
    else:
        assert str(read(text)) in {"AAPL", "IBM 2025-06-01", "to 2025-06-12"}
