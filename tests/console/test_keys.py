"""The one table of keys: what each means where, what the hint line says, and that README, page and screen follow it."""

from __future__ import annotations

import string

import pytest
from msgspec.structs import replace
from textual.keys import _character_to_key

from console.key_names import PUNCTUATION, key_named, shown
from console.keys import ACTIONS, FIXED, PANELS, STOP, Action, KeyMap
from tests.keys_page import PAGE, page
from widgets.hints import STOP as STOP_HINTS
from widgets.hints import HintLine


@pytest.mark.parametrize("character", string.punctuation)
def test_a_sign_is_called_as_textual_calls_it(character: str) -> None:
    assert PUNCTUATION[character] == _character_to_key(character)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("b", "b"),
        ("B", "B"),
        ("7", "7"),
        ("?", "question_mark"),
        ("^g", "ctrl+g"),
        ("Ctrl+G", "ctrl+g"),
        ("ctrl-p", "ctrl+p"),
        ("F2", "f2"),
        ("PgUp", "pageup"),
        ("Esc", "escape"),
        ("shift+tab", "shift+tab"),
        ("question_mark", "question_mark"),
        (" ", "space"),
    ],
)
def test_a_key_may_be_written_as_people_do(written: str, key: str) -> None:
    assert key_named(written) == key


@pytest.mark.parametrize(
    ("written", "why"),
    [
        *((f"ctrl+{letter}", rf"does not reach a program everywhere: \^{letter.upper()}") for letter in "sqbahijmz"),
        ("alt+x", "a chord with Alt arrives as two keys"),
        ("ctrl+shift+x", r"do not tell Ctrl\+Shift from Ctrl"),
        ("ctrl+f2", "with Ctrl only letters do"),
        ("ctrl+up", "with Ctrl only letters do"),
        ("shift+f2", "do not tell Shift"),
        ("shift+b", "written as it is typed: B"),
        ("f13", "terminals know F1 to F12"),
        ("hoch", "no key of that name"),
        ("x+y", "no key of that name"),
        ("", "no key of that name"),
    ],
)
def test_a_key_that_does_not_survive_terminals_is_refused_with_the_reason(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        key_named(written)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_key_of_the_table_survives_terminals_and_is_read_back(action: Action) -> None:
    assert [key_named(key) for key in action.keys] == list(action.keys)


def test_actions_have_names_of_their_own() -> None:
    names = [action.id for action in (*ACTIONS, *FIXED)]
    assert len(names) == len(set(names))


def test_a_key_with_two_meanings_is_an_error_that_names_both() -> None:
    with pytest.raises(ValueError, match=r"The key b means both buy \(.*\) and again"):
        KeyMap((*ACTIONS, Action("again", ("b",), "once more")))


def test_one_key_may_mean_two_things_in_two_panels() -> None:
    here, there = Action("here", ("ctrl+r",), "", panels=frozenset({"risk"})), Action("there", ("ctrl+r",), "", panels=frozenset({"log"}))
    keys = KeyMap((here, there), ())
    assert (keys.find("ctrl+r", "risk"), keys.find("ctrl+r", "log"), keys.find("ctrl+r", "watch")) == (here, there, None)


def test_a_key_of_the_order_line_is_free_for_panels_but_not_for_what_works_while_typing() -> None:
    KeyMap((Action("up", ("up",), ""),))
    with pytest.raises(ValueError, match="both recall"):
        KeyMap((Action("up", ("up",), "", typing=True),))


def test_the_stop_is_kept_free_everywhere_even_in_dialogs() -> None:
    with pytest.raises(ValueError, match="emergency_stop"):
        KeyMap(ACTIONS, (*FIXED, Action("mine", ("f12",), "", panels=frozenset({"word"}))))


def test_hints_begin_with_what_only_this_panel_has_and_leave_out_what_has_no_key() -> None:
    keys = KeyMap(tuple(replace(action, keys=()) if action.name == "mode" else action for action in ACTIONS))
    assert keys.hints("signals")[:2] == (("a", "approve"), ("x", "reject"))
    assert keys.hints("orders")[0] == ("c", "cancel")
    assert "mode" not in dict(map(reversed, keys.hints("watch")))  # type: ignore[arg-type]


def test_the_order_line_is_hinted_by_keys_that_do_not_type() -> None:
    hints = KeyMap().hints("line")
    assert hints[0] == ("Enter", "send")
    assert ("F1", "help") in hints
    assert all(len(key) > 1 or key in "↑↓" for key, _ in hints)


@pytest.mark.parametrize("place", [*PANELS, "line", "choice", "word", "text", "help"])
def test_the_hint_line_fits_any_width_in_whole_hints_with_the_stop_at_the_right(place: str) -> None:
    line = HintLine()
    line.show(KeyMap().hints(place))
    hints = [f"{key} {text}" for key, text in KeyMap().hints(place)]
    for width in range(8, 220):
        text = "".join(cell.text for cell in line.draw(width)[0][1])
        assert len(text) <= width
        said = text[: text.rindex("F12")].strip()
        assert text.rstrip().endswith("STOP")
        # The first hints, and the way out behind them where it would be left out; the first alone where only one has room.
        assert said in [
            hints[0],
            *("  ".join([*hints[:n], *[hint for hint in hints[n:] if n and hint.startswith("Esc ")][:1]]) for n in range(len(hints) + 1)),
        ]
        if width >= 80:
            assert said


def test_the_hint_line_names_the_stop_as_the_table_does() -> None:
    assert STOP_HINTS[0].text.startswith(" / ".join(map(shown, STOP.keys)))


def test_the_page_of_keys_is_in_step_with_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make readme"
