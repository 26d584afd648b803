"""Text from outside: what is taken out, what stays, and how it is cut."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.text import balanced, clean, cut, fit, width_of, wrap


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("AAPL", "AAPL"),
        ("AAPL[/]", "AAPL[/]"),
        ("a\x1b[31mred\x1b[0m", "a[31mred[0m"),
        ("c1\x9b31m", "c131m"),
        ("ab\u202ecd\u2066", "abcd"),
        ("A\u200bA\u200dP\ufeffL", "AAPL"),
        ("two\r\nlines\tand a tab", "two  lines and a tab"),
        ("e\u0301a\u0300\u0316\u0317", "éà"),
        ("hidden\u3164letter\u2800", "hiddenletter"),
        ("half\ud800pair", "halfpair"),
        ("nbsp\u00a0here\u2028", "nbsp here "),
        ("東証 ▲ +0.84%", "東証 ▲ +0.84%"),
    ],
)
def test_what_is_shown_of_a_text(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(st.text(max_size=80))
def test_nothing_of_a_clean_text_can_steer_a_terminal_or_hide(raw: str) -> None:
    for character in clean(raw):
        assert unicodedata.category(character)[0] != "C"
        assert unicodedata.category(character) not in {"Mn", "Me", "Zl", "Zp"}
        assert width_of(character) >= 1


@given(st.text(max_size=80), st.integers(0, 40), st.booleans())
def test_a_fitted_text_takes_exactly_its_cells(raw: str, width: int, right: bool) -> None:
    text = clean(raw)
    assert width_of(fit(text, width, right=right)) == width
    assert width_of(cut(text, width)) <= width


@given(st.text(max_size=200), st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_no_letter(raw: str, width: int) -> None:
    text = clean(raw)
    lines = wrap(text, width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_balanced_lines_leave_no_word_alone() -> None:
    assert balanced("No positions. b buys, : opens the order line.", 43) == ("No positions. b buys, :", "opens the order line.")
    assert balanced("short", 40) == ("short",)
    assert balanced("", 40) == ("",)
