"""Text from a strategy is harmless before anybody stores it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.text import many_lines, one_line


@given(st.text(st.characters(), max_size=300), st.integers(1, 50))
def test_one_line_is_one_printable_line_of_bounded_length(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert line.isprintable()


@given(st.text(st.characters(), max_size=300), st.integers(1, 50))
def test_many_lines_hold_nothing_but_printable_characters_and_line_breaks(text: str, limit: int) -> None:
    lines = many_lines(text, limit)
    assert all(char == "\n" or char.isprintable() for char in lines)
    assert len(lines.replace("    ", "\t")) <= limit + 1


def test_an_escape_sequence_is_disarmed_and_markup_stays_text() -> None:
    assert one_line("\x1b[2J\x9b31mAAPL[/]\u202e\n next") == "[2J31mAAPL[/] next"


def test_the_end_of_a_long_traceback_is_what_stays() -> None:
    assert many_lines("Traceback\n" + "x" * 100 + "\nValueError: bad", 20).endswith("ValueError: bad")


def test_a_long_line_says_that_it_was_cut() -> None:
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("a" + " " * 100, 4) == "a…"
