"""The order line as it is drawn: the word that is wrong is underlined, and nothing overflows; its history, and what Tab offers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from engine.model import Level, Outcome
from engine.model.effects import Reply
from engine.model.verdicts import Verdict
from tests.widgets.harness import Harness, lines_of
from widgets.line_history import MOST, LineHistory
from widgets.line_notes import Reading, meaning, mistake, offers, unfinished
from widgets.order_line import BURST_S, STANDS_S, Entered, Left, OrderLine

NUMBERS = [(f"#{n}", f"SELL {n} AAPL limit 190.00") for n in range(1, 30)]


def interpret(text: str) -> Reading:
    """A grammar of its own: whatever holds `wrong` is wrong there, what ends in `ok` is a command, all else is unfinished."""
    if "wrong" in text:
        start = text.index("wrong")
        return Reading(start=start, end=start + 5, message="not known here: wrong", right=("right", "also right"))
    if text.endswith("ok"):
        return Reading(command=text, normal=text.upper())
    return Reading(start=len(text), end=len(text), message="more", unfinished=True)


def complete(text: str) -> tuple[int, Sequence[tuple[str, str]]]:
    start = text.rfind(" ") + 1
    words = [("alpha", "the first"), ("beta", ""), *NUMBERS]
    return start, [(word, about) for word, about in words if word.startswith(text[start:])]


def keys(line: OrderLine, *names: str) -> Entered | Left | None:
    outcome = None
    for name in names:
        if len(name) == 1 or name in ("enter", "tab", "shift+tab", "up", "down", "left", "home", "end", "escape", "backspace"):
            outcome = line.take_key(name, name if len(name) == 1 else None)
        else:
            for character in name:
                outcome = line.take_key(character, character)
    return outcome


async def drawn(line: OrderLine, *names: str, width: int = 80) -> list[str]:
    async with Harness(line).run_test(size=(width, 5)) as pilot:
        line.focus()
        await pilot.pause()
        keys(line, *names)
        return lines_of(line)


# ---- where a mistake stands


async def test_a_wrong_word_is_underlined_with_what_would_be_right_beside_it() -> None:
    line, note, rest = await drawn(OrderLine(interpret, complete), "buy wrong")
    assert line.rstrip() == " > buy wrong"
    assert note.rstrip() == "       ^^^^^ not known here: wrong. Right: right  also right"
    assert not rest.strip()


async def test_a_word_far_to_the_right_is_still_underlined_where_it_stands() -> None:
    line, note, rest = await drawn(OrderLine(interpret, complete), "x" * 60 + " wrong")
    assert line.index("wrong") == note.index("^^^^^")
    assert note.rstrip().endswith("not known here: wrong ^^^^^")
    assert "Right: right  also right" in rest


async def test_a_word_after_wide_letters_is_underlined_where_it_stands() -> None:
    line, note, _ = await drawn(OrderLine(interpret, complete), "買い注文 wrong")
    assert cell_len(line[: line.index("wrong")]) == note.index("^^^^^")


async def test_a_word_in_a_line_that_is_longer_than_the_screen_is_underlined_where_it_stands() -> None:
    line, note, _ = await drawn(OrderLine(interpret, complete), "x" * 90 + " wrong" + " y" * 10)
    assert line.startswith(" > …x")
    assert line.index("wrong") == note.index("^^^^^")


async def test_a_line_longer_than_the_screen_shows_that_it_goes_on() -> None:
    line, *_ = await drawn(OrderLine(interpret, complete), "x" * 100, "home")
    assert line.rstrip().endswith("x…")
    assert len(line.rstrip()) == 79


async def test_an_unfinished_line_is_a_mistake_once_enter_insists_and_stays_one_while_the_market_moves() -> None:
    line = OrderLine(interpret, complete)
    assert "^ still missing: more" in (await drawn(line, "buy", "enter"))[1]
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "enter")
        line.reread()
        assert "still missing: more" in lines_of(line)[1]
        keys(line, "x")
        assert "still missing" not in lines_of(line)[1]


words = st.text(st.characters(codec="utf-8"), max_size=40)


@given(words, st.lists(words, max_size=8), st.integers(0, 200), st.integers(1, 200), st.sampled_from([30, 75, 116]))
@settings(max_examples=300, deadline=None)
def test_nothing_that_is_said_is_wider_than_the_screen_by_more_than_an_ellipsis_shows(
    message: str, right: list[str], column: int, size: int, width: int
) -> None:
    reading = Reading(message=message, right=tuple(right))
    rows = mistake(reading, column, size, width)
    assert len(rows) <= 2
    marks = next(cell for cell in rows[0] if cell.text.strip().startswith("^") or "^" in cell.text)
    assert "^" in marks.text
    assert cell_len("".join(cell.text for cell in rows[0][:1])) < width
    for row in unfinished(reading, column, width):
        assert cell_len("".join(cell.text for cell in row)) <= width
    for row in offers([(word, word) for word in right], None, width, 2):
        assert all(character.isprintable() for cell in row for character in cell.text)


@given(st.text(max_size=300), st.sampled_from([40, 80]))
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_the_picture(text: str, width: int) -> None:
    import asyncio

    async def picture() -> None:
        line = OrderLine(interpret, complete)
        async with Harness(line).run_test(size=(width, 5)):
            line.take_paste(text)
            for character in text[:50]:
                line.take_key(character, character)
            for row in lines_of(line):
                assert cell_len(row) == width
                assert row.isprintable()

    asyncio.run(picture())


# ---- what the line holds


async def test_a_paste_of_several_lines_is_the_first_one_and_says_so() -> None:
    line = OrderLine(interpret, complete)
    async with Harness(line).run_test(size=(80, 5)):
        line.take_paste("buy ok\r\nsell ok\r\n")
        assert (line.text, line.said) == ("buy ok", "Only the first of the 2 pasted lines is here.")


async def test_a_paste_that_does_not_fit_is_not_taken_for_cut_off_it_would_mean_something_else() -> None:
    line = OrderLine(interpret, complete)
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "buy ")
        line.take_paste("1" * 198)
        assert (line.text, line.said) == ("buy ", "Not pasted: the line holds 200 characters.")


# ---- history


@pytest.fixture
def saved() -> list[list[str]]:
    return []


def with_history(saved: list[list[str]], *lines: str) -> OrderLine:
    line = OrderLine(interpret, complete)
    line.keep_history(lines, saved.append)
    return line


async def test_up_goes_back_through_the_lines_that_begin_as_what_was_typed(saved: list[list[str]]) -> None:
    line = with_history(saved, "buy 1 ok", "sell 2 ok", "buy 3 ok", "buy 3 ok")
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "buy", "up")
        assert line.text == "buy 3 ok"
        keys(line, "up")
        assert line.text == "buy 1 ok"
        keys(line, "up")
        assert line.text == "buy 1 ok"
        keys(line, "down")
        assert line.text == "buy 3 ok"
        keys(line, "down")
        assert line.text == "buy"
        keys(line, "down")
        assert line.text == "buy"


async def test_only_what_stands_before_the_cursor_is_looked_for(saved: list[list[str]]) -> None:
    line = with_history(saved, "buy 1 AAPL ok", "sell 2 ok")
    async with Harness(line).run_test(size=(80, 5)):
        line.prefill("buy  MSFT", 4)
        keys(line, "up")
        assert line.text == "buy 1 AAPL ok"
        keys(line, "down")
        assert line.text == "buy  MSFT"


async def test_where_no_line_begins_so_it_is_said(saved: list[list[str]]) -> None:
    line = with_history(saved, "buy 1 ok")
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "s", "up")
        assert (line.text, line.said) == ("s", "No earlier line begins like this.")


async def test_a_full_line_says_that_it_is() -> None:
    line = OrderLine(interpret, complete)
    async with Harness(line).run_test(size=(80, 5)):
        line.take_paste("x" * 200)
        keys(line, "y")
        assert (len(line.text), line.said) == (200, "The line holds 200 characters.")
        keys(line, "left", "backspace", "z")
        assert (line.text[-2:], line.said) == ("zx", "")


async def test_a_recalled_line_sends_nothing_by_itself(saved: list[list[str]]) -> None:
    line = with_history(saved, "buy ok")
    async with Harness(line).run_test(size=(80, 5)):
        assert keys(line, "up") is None
        assert keys(line, "enter") == Entered("buy ok", "BUY OK")


async def test_a_line_that_is_edited_begins_another_search(saved: list[list[str]]) -> None:
    line = with_history(saved, "buy 1 ok", "sell 2 ok")
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "up", "backspace", "up")
        assert line.text == "sell 2 ok"


async def test_entered_lines_are_kept_without_the_same_twice_in_a_row(saved: list[list[str]]) -> None:
    line = with_history(saved)
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "a ok", "enter", "a ok", "enter", "b ok", "enter", "a ok", "enter")
    assert saved == [["a ok"], ["a ok", "b ok"], ["a ok", "b ok", "a ok"]]


def test_no_more_lines_are_kept_than_a_person_goes_back_through() -> None:
    kept: list[list[str]] = []
    history = LineHistory([f"{n} ok" for n in range(700)], kept.append)
    history.add("last")
    assert (len(kept[0]), kept[0][0], kept[0][-1]) == (MOST, "201 ok", "last")


def test_lines_from_the_file_are_only_text() -> None:
    history = LineHistory(["\x1b[2Jbuy", "", "x" * 300], None)
    assert history.step(True, "", 0) == "[2Jbuy"
    assert history.step(True, "[2Jbuy", 7) is None


# ---- completion


async def test_tab_lists_what_could_come_and_then_puts_in_one_after_another() -> None:
    line = OrderLine(interpret, complete)
    _, first, second = await drawn(line, "buy #", "tab")
    assert first.strip().startswith("#1 SELL 1 AAPL limit 190.00   #2 SELL 2 AAPL limit 190.00")
    assert second.rstrip().endswith("and 25 more")
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "tab")
        assert line.text == "buy #1"
        keys(line, "tab", "tab")
        assert line.text == "buy #3"
        keys(line, "shift+tab")
        assert line.text == "buy #2"
        keys(line, " ")
        assert line.text == "buy #2 "


async def test_the_chosen_word_is_always_among_those_that_are_shown() -> None:
    line = OrderLine(interpret, complete)
    rows = await drawn(line, "buy #", *["tab"] * 20)
    assert line.text == "buy #19"
    assert "#19 SELL 19 AAPL" in rows[1] + rows[2]


async def test_tab_puts_in_the_only_word_there_is() -> None:
    line = OrderLine(interpret, complete)
    await drawn(line, "buy a", "tab")
    assert line.text == "buy alpha "


# ---- what it means


def test_a_note_stands_with_what_the_line_means() -> None:
    rows = meaning(Reading(command=1, normal="REPLACE #12 50 limit 188.00", note="#12 SELL AAPL: 100 -> 50"), None, 76, 2)
    assert ["".join(cell.text for cell in row) for row in rows] == ["REPLACE #12 50 limit 188.00", "#12 SELL AAPL: 100 -> 50"]


def test_a_long_no_is_whole_before_the_normal_form_has_room() -> None:
    reading = Reading(command=1, normal="BUY 1,000 ABCDEFGH.IJK stop 1,187.52 limit 1,188.00 GTC tp +4% sl -2%")
    for words in ("no shares to borrow", "no shares to borrow " * 3, "no shares to borrow " * 6, "no shares to borrow " * 30):
        text = words.strip()
        reply = Reply("c", ok=False, text=text, verdict=Verdict(Outcome.DENY, "broker", "", "", text))
        rows = ["".join(cell.text for cell in row) for row in meaning(reading, reply, 75, 2)]
        said = " ".join(" ".join(rows).split())
        assert len(rows) <= 2
        assert all(len(row) <= 75 for row in rows)
        assert text in said or said.endswith("…")
        assert (reading.normal in said) is (len(text) < 70)
        assert ("…" in said) is (len(text) > 150)


async def test_what_was_said_stays_until_the_next_key() -> None:
    line = OrderLine(interpret, complete)
    async with Harness(line).run_test(size=(80, 5)):
        line.say("sent", Level.INFO)
        assert "sent" in lines_of(line)[1]
        keys(line, "x")
        assert "sent" not in lines_of(line)[1]


async def test_what_went_wrong_stands_in_a_burst_of_text_until_it_can_have_been_read() -> None:
    now = 0.0
    line = OrderLine(interpret, complete, lambda: now)
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "b")
        line.say("denied", Level.ERROR)
        keys(line, "x")
        assert "denied" in lines_of(line)[1]
        while now + BURST_S / 2 < STANDS_S:
            now += BURST_S / 2
            keys(line, "y")
            assert "denied" in lines_of(line)[1]
        now = STANDS_S
        keys(line, "y")
        assert "denied" not in lines_of(line)[1]
        line.say("denied", Level.ERROR)
        keys(line, "backspace")
        assert "denied" not in lines_of(line)[1]


async def test_what_went_wrong_is_gone_with_the_first_key_behind_a_pause() -> None:
    now = 0.0
    line = OrderLine(interpret, complete, lambda: now)
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "b")
        line.say("denied", Level.ERROR)
        now = BURST_S
        keys(line, "x")
        assert "denied" not in lines_of(line)[1]


async def test_what_is_typed_in_a_burst_is_understood_in_sight_beside_what_went_wrong() -> None:
    line = OrderLine(interpret, complete, lambda: 0.0)
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "b")
        line.say("denied", Level.ERROR)
        keys(line, *"uy 1")
        drawn = lines_of(line)
        assert drawn[1].strip() == "denied"
        line.hush()
        assert lines_of(line)[1].strip() == drawn[2].strip() != ""


async def test_what_went_wrong_at_length_is_whole_in_two_rows_or_ends_in_an_ellipsis() -> None:
    line = OrderLine(interpret, complete, lambda: 0.0)
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, "b")
        line.say("denied, " * 12 + "and what to do", Level.ERROR)
        keys(line, *"uy 1")
        assert lines_of(line)[2].rstrip().endswith("and what to do")
        line.say("denied, " * 30, Level.ERROR)
        assert lines_of(line)[2].rstrip().endswith("…")


async def test_a_colon_on_the_empty_line_is_the_key_that_opened_it() -> None:
    line = OrderLine(interpret, complete)
    async with Harness(line).run_test(size=(80, 5)):
        keys(line, ":")
        assert line.text == ""
        keys(line, "a", ":")
        assert line.text == "a:"
