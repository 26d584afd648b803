"""A table whose rows take the lines they need: each is whole, the newest stays in view, and what is painted is what is there."""

from __future__ import annotations

import random

import pytest
from textual.pilot import Pilot

from engine.model.modes import Level
from engine.model.views import LogLine
from tests.views import NOW, sample_view
from tests.widgets.harness import Harness, lines_of, text_of
from widgets.log import KEPT, Log

WORDS = ("the", "gate", "denied", "an", "order", "of", "1,234.50", "because", "exposure", "is", "at", "92%,", "limit", "80%")
SIZE = (60, 9)


def line(number: int, words: int = 3) -> LogLine:
    text = " ".join(WORDS[place % len(WORDS)] for place in range(words))
    return LogLine(number, NOW, Level.INFO, "gate", f"{text} END{number}")


async def show(log: Log, pilot: Pilot[None], *rows: LogLine) -> None:
    log.show(sample_view(log=rows))
    await pilot.pause()


def content(log: Log) -> list[str]:
    """The lines within the frame."""
    return [text[1:-1] for text in lines_of(log)[1:-1]]


def said(log: Log) -> str:
    return " ".join(" ".join(content(log)).split())


async def test_a_message_goes_on_below_until_all_of_it_is_said() -> None:
    log = Log()
    async with Harness(log).run_test(size=(70, 9)) as pilot:
        long = line(2, 30)
        await show(log, pilot, line(1), long, line(3))
        assert long.text in said(log)
        under = next(text for text in content(log) if "END2" in text)
        assert under.startswith(" " * 10), "it stays clear of the time"
        assert "…" not in text_of(log)


async def test_the_newest_is_whole_in_view_however_long_it_is() -> None:
    log = Log()
    async with Harness(log).run_test(size=SIZE) as pilot:
        for number, words in enumerate((3, 40, 3, 25, 40, 3, 3, 30), 1):
            await show(log, pilot, line(number, words))
            assert line(number, words).text in said(log)
            assert log.summary_text == "follows"


@pytest.mark.parametrize("last", [3, 30, 60])
async def test_a_log_whose_room_changes_follows_on(last: int) -> None:
    log = Log()
    async with Harness(log).run_test(size=(60, 5)) as pilot:
        await show(log, pilot, *(line(number, chosen) for number, chosen in enumerate((3, 40, 3, 3, 40, 3, 25, last), 1)))
        for height in (4, 5, 6, 7, 12, 5, 7, 4, 6):
            await pilot.resize_terminal(60, height)
            await pilot.pause()
            assert log.summary_text == "follows", height
            assert log.scroll_offset.y == log.last_top, height


async def test_a_log_that_somebody_reads_stays_where_it_is_when_its_room_changes() -> None:
    log = Log()
    async with Harness(log).run_test(size=(60, 5)) as pilot:
        log.focus()
        await show(log, pilot, *(line(number, 40) for number in range(1, 9)))
        log.action_cursor(-1)
        log.action_cursor(-1)
        await pilot.resize_terminal(60, 7)
        await pilot.pause()
        await show(log, pilot, line(9))
        assert log.cursor_key == "6"
        assert "1 new below" in log.summary_text


async def test_what_is_longer_than_the_panel_is_cut_and_told_under_the_line() -> None:
    log = Log()
    async with Harness(log).run_test(size=(60, 5)) as pilot:
        log.focus()
        await show(log, pilot, line(1, 60))
        assert content(log)[-1].rstrip().endswith("…")
        assert [text for _, text in log.left_out()] == [f"{line(1, 60).text}  gate"]
        await pilot.resize_terminal(60, 14)
        await pilot.pause()
        assert log.left_out() == ()
        assert line(1, 60).text in said(log)


async def test_a_click_on_any_line_of_a_row_goes_to_it_and_one_below_all_of_them_nowhere() -> None:
    log = Log()
    async with Harness(log).run_test(size=SIZE) as pilot:
        log.focus()
        await show(log, pilot, line(1), line(2, 30), line(3))
        second = next(y for y, text in enumerate(lines_of(log)) if "END2" in text)
        await pilot.click(offset=(20, second))
        assert log.cursor_key == "2"
        await pilot.click(offset=(20, SIZE[1] - 2))
        assert log.cursor_key == "2"
        assert log.cursor_line == second - len(log._lines_of(1)) + 1


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_painted_is_what_is_there_after_anything_that_may_happen(seed: int) -> None:
    chance = random.Random(seed)
    log = Log()
    app = Harness(log)
    async with app.run_test(size=SIZE) as pilot:
        log.focus()
        number = 0
        for _ in range(60):
            match chance.choice(("add", "add", "add", "up", "up", "down", "page", "first", "last", "mark", "subset", "size")):
                case "add":
                    fresh = [line(number + more, chance.choice((2, 8, 20, 60))) for more in range(1, chance.choice((2, 4, 9)))]
                    number = fresh[-1].number
                    log.show(sample_view(log=tuple(fresh)))
                case "up" | "down" as way:
                    log.action_cursor(1 if way == "down" else -1)
                case "page":
                    log.action_page(chance.choice((-1, 1)))
                case "first":
                    log.action_first()
                case "last":
                    log.action_last()
                case "mark":
                    log.action_mark()
                case "subset":
                    log.next_subset()
                case "size":
                    await pilot.resize_terminal(chance.choice((30, 60, 100)), chance.choice((5, 9, 16)))
            await pilot.pause()
            painted = [strip.text[: app.size.width] for strip in app.screen._compositor.render_strips()]
            assert painted == lines_of(log)
            starts = log._starts()
            assert 0 <= log.scroll_offset.y <= log.last_top
            if log.rows:
                cursor = log.cursor_line
                assert cursor is None or content(log)[cursor - 1][0] in "▸●"
                assert starts == sorted(set(starts))


async def test_a_hundred_thousand_lines_cost_no_more_than_those_in_view(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    async with Harness(log).run_test(size=SIZE) as pilot:
        await show(log, pilot, *(line(number, 20) for number in range(KEPT)))
        looked = 0
        before = log._painter.tall

        def counted(*given: object) -> object:
            nonlocal looked
            looked += 1
            return before(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(log._painter, "tall", counted)
        log._lines.clear()
        await pilot.resize_terminal(70, 12)
        await show(log, pilot, line(KEPT + 1))
        assert 0 < looked < 60
