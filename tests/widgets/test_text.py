"""Text from outside: what is taken out, what stays, and how it is cut."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.cells import Cell, fit_cells
from widgets.text import balanced, clean, cut, fit, width_of, without_hidden, wrap, wrap_phrases


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("AAPL", "AAPL"),
        ("AAPL[/]", "AAPL[/]"),
        ("a\x1b[31mred\x1b[0m", "a�[31mred�[0m"),
        ("c1\x9b31m", "c1�31m"),
        ("ab\u202ecd\u2066", "ab�cd�"),
        ("A\u200bA\u200dP\ufeffL", "A�A�P�L"),
        ("A\u200b\u200c\u202eAPL", "A�APL"),
        ("AAPL\U000e0041", "AAPL�"),
        ("⚠\ufe0f overbought", "⚠ overbought"),
        ("two\r\nlines\tand a tab", "two  lines and a tab"),
        ("e\u0301a\u0300\u0316\u0317", "éà�"),
        ("hidden\u3164letter\u2800", "hidden�letter�"),
        ("half\ud800pair", "half�pair"),
        ("nbsp\u00a0here\u2028", "nbsp here "),
        ("東証 ▲ +0.84%", "東証 ▲ +0.84%"),
    ],
)
def test_what_is_shown_of_a_text(raw: str, shown: str) -> None:
    assert clean(raw) == shown


HIDDEN = "\x00\x1b\x9b\xad\u034f\u061c\u115f\u180e\u200b\u200e\u202e\u2060\u2066\u2800\ufeff\ufe0f\uffa0\U000e0041"


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("at", range(5))
def test_no_symbol_passes_for_another_by_what_cannot_be_seen(hidden: str, at: int) -> None:
    assert clean("AAPL"[:at] + hidden + "AAPL"[at:]) != "AAPL"


@given(st.text(max_size=80))
def test_a_clean_text_stays_as_it_is(raw: str) -> None:
    assert clean(clean(raw)) == clean(raw)


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


def test_what_is_pasted_brings_along_nothing_that_cannot_be_seen() -> None:
    assert without_hidden("\ufeffbuy 100 A\u200bAPL\x1b[0m") == "buy 100 AAPL[0m"


def test_only_what_can_be_seen_is_cut_with_an_ellipsis() -> None:
    def fitted(*texts: str, width: int) -> str:
        return "".join(cell.text for cell in fit_cells([Cell(text) for text in texts], width))

    assert fitted("filled", "   ", width=7) == "filled "
    assert fitted("filled   ", "  ", width=6) == "filled"
    assert fitted("filled", "  ", "x", width=7) == "filled…"


def test_the_words_of_an_order_stay_on_one_line() -> None:
    text = "Not at rest: #31 BUY 50 MSFT is being cancelled; #30 BUY 10 of 20 BRK.B @ 412.50 is unknown; -1,250,000 SNDL is still held"
    for width in range(30, 90):
        lines = wrap(text, width)
        assert " ".join(lines) == text
        assert max(map(len, lines)) <= width
        for whole in ("#31 BUY 50 MSFT", "#30 BUY 10 of 20 BRK.B @ 412.50", "-1,250,000 SNDL"):
            assert len(whole) > width or any(whole in line for line in lines)


def test_a_phrase_is_broken_only_where_it_takes_more_than_a_line() -> None:
    text = "Without protection: AAPL 100, IBM -200, SNDL -1,250,000, F 500. F9 flattens."
    assert wrap_phrases(text, 70) == ["Without protection: AAPL 100, IBM -200, SNDL -1,250,000, F 500.", "F9 flattens."]
    assert wrap_phrases("Not sent: the limit is ten", 12) == ["Not sent:", "the limit is", "ten"]
    assert wrap_phrases("x" * 30, 12) == ["x" * 12, "x" * 12, "x" * 6]
