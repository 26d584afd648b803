"""Symbols are checked, and outside text is safe to show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.feeds.names import is_symbol, listed, shown


@pytest.mark.parametrize("symbol", ["A", "BRK.B", "BF-A", "BTC/USD", "600519", "ABCDEFGHIJKL", "BP."])
def test_a_symbol_is_capitals_digits_and_a_few_signs(symbol: str) -> None:
    assert is_symbol(symbol)


@pytest.mark.parametrize(
    "text", ["", "aapl", "A B", "A\n", "ABCDEFGHIJKLM", "[RED]", "Ä", "A\x1b", "٣", ".", "..", "/ETC", "../A", "A/../B", "A//B", "-", "ß"]
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_symbol(text)


@given(st.text())
def test_what_is_shown_is_one_short_line_without_a_control_character(text: str) -> None:
    line = shown(text)
    assert line.isprintable()
    assert len(line) <= 120


def test_words_are_listed_as_a_person_would() -> None:
    assert [listed(words) for words in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == ["", "A", "A and B", "A, B and C"]


def test_opening_a_feed_imports_nothing_heavy() -> None:
    code = "import sys, engine.feeds.open; print([m for m in ('numpy', 'pandas', 'alpaca', 'ib_insync', 'yfinance') if m in sys.modules])"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout == "[]\n"
