"""Editing one line by keys, and what a paste may put into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.line_editor import LineEditor


def edited(text: str, *keys: str, cursor: int | None = None) -> tuple[str, int]:
    editor = LineEditor()
    editor.put(text, cursor)
    for key in keys:
        editor.key(key, key if len(key) == 1 else None)
    return editor.text, editor.cursor


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        (["x"], "buy 100x AAPL", 8),
        (["left", "x"], "buy 10x0 AAPL", 7),
        (["right", "x"], "buy 100 xAAPL", 9),
        (["home", "x"], "xbuy 100 AAPL", 1),
        (["ctrl+e", "x"], "buy 100 AAPLx", 13),
        (["backspace"], "buy 10 AAPL", 6),
        (["delete"], "buy 100AAPL", 7),
        (["ctrl+w"], "buy  AAPL", 4),
        (["ctrl+u"], " AAPL", 0),
        (["ctrl+k"], "buy 100", 7),
        (["ctrl+left", "ctrl+left", "x"], "xbuy 100 AAPL", 1),
        (["ctrl+right"], "buy 100 AAPL", 12),
    ],
)
def test_a_key_edits_at_the_cursor(keys: list[str], text: str, cursor: int) -> None:
    assert edited("buy 100 AAPL", *keys, cursor=7) == (text, cursor)


def test_a_key_that_edits_nothing_is_left_to_others() -> None:
    editor = LineEditor()
    assert not editor.key("f5", None)
    assert not editor.key("enter", "\r")
    assert editor.key("space", " ")


@given(
    st.text(max_size=50), st.lists(st.sampled_from(["left", "right", "home", "end", "backspace", "delete", "ctrl+w", "ctrl+u", "x", " "]))
)
def test_the_cursor_never_leaves_the_line(text: str, keys: list[str]) -> None:
    after, cursor = edited(text, *keys)
    assert 0 <= cursor <= len(after)


@given(st.text())
def test_a_paste_is_one_line_of_printable_text_and_never_too_long(text: str) -> None:
    editor = LineEditor(longest=40)
    editor.put("buy ")
    editor.paste(text)
    assert editor.text.isprintable()
    assert len(editor.text) <= 40


def test_what_is_drawn_marks_the_sign_under_the_cursor_or_a_blank_behind_the_last() -> None:
    editor = LineEditor()
    editor.put("buy")
    assert [cell.text for cell in editor.cells] == ["buy", " ", ""]
    editor.key("home", None)
    assert [(cell.text, cell.role) for cell in editor.cells] == [("", ""), ("b", "title-focus"), ("uy ", "")]
