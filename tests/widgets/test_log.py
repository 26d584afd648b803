"""What the log shows of its lines, and where it stands."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.modes import Level
from engine.model.views import LogLine
from tests.views import (
    NOW,
    order,
    sample_health,
    sample_view,
)
from tests.widgets.harness import Harness, drawn, text_of
from widgets import numbers
from widgets.log import KEPT, Log
from widgets.orders import Orders
from widgets.signals import Signals


def line(number: int, level: Level = Level.INFO) -> LogLine:
    return LogLine(number, NOW, level, "test", f"line {number}")


async def test_the_log_follows_its_end_until_somebody_scrolls_up() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test(size=(60, 8)) as pilot:
        app.show(sample_view(log=tuple(map(line, range(50)))))
        await pilot.pause()
        assert "line 49" in text_of(log)
        log.focus()
        await pilot.press("g")
        app.show(sample_view(log=tuple(map(line, range(40, 60)))))
        await pilot.pause()
        assert "line 0" in text_of(log)
        assert "10 new below" in log.summary_text
        await pilot.press("G")
        await pilot.pause()
        assert "line 59" in text_of(log)
        app.show(sample_view(log=tuple(map(line, range(55, 61)))))
        await pilot.pause()
        assert "line 60" in text_of(log)


async def test_a_log_that_follows_is_at_its_end_again_after_a_look_at_a_part_of_it() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test(size=(60, 8)) as pilot:
        app.show(sample_view(log=(line(0, Level.WARNING), *map(line, range(1, 50)))))
        await pilot.pause()
        log.focus()
        for part in ("warnings", "errors", "all"):
            log.look_at(part)
            await pilot.pause()
            assert log.summary_text == "follows"
        assert "line 49" in text_of(log)
        log.look_at("warnings")
        await pilot.press("g")
        log.look_at("errors")
        log.look_at("all")
        await pilot.pause()
        assert "line 49" in text_of(log), "with nothing in between there is nothing to stay at"


async def test_a_log_says_that_it_follows_only_where_its_end_is_seen() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test(size=(60, 8)) as pilot:
        app.show(sample_view(log=(line(0, Level.WARNING), *(line(number, Level.WARNING) for number in (1, 2)), *map(line, range(3, 50)))))
        await pilot.pause()
        log.focus()
        log.look_at("warnings")
        await pilot.press("g")
        log.look_at("all")
        await pilot.pause()
        assert "line 0" in text_of(log)
        assert "to the end" in log.summary_text


async def test_a_log_that_was_out_of_sight_shows_its_end() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test(size=(60, 8)) as pilot:
        log.display = False
        await pilot.pause()
        app.show(sample_view(log=tuple(map(line, range(50)))))
        app.show(sample_view(log=tuple(map(line, range(50, 70)))))
        log.display = True
        await pilot.pause()
        assert "line 69" in text_of(log)


async def test_the_log_keeps_so_many_lines_and_each_once() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test(size=(60, 8)):
        for start in range(0, KEPT + 3000, 500):
            app.show(sample_view(log=tuple(map(line, range(start, start + 700)))))
        numbers = [row.number for row in log.rows]
        assert numbers == list(range(numbers[-1] - KEPT + 1, numbers[-1] + 1))


async def test_a_loud_line_is_marked_by_more_than_its_colour() -> None:
    said = await drawn(Log(), sample_view(log=(line(1), line(2, Level.WARNING), line(3, Level.ERROR))))
    plain, warning, error = (text for text in said.splitlines() if "line" in text and "lines" not in text)
    assert "!" not in plain
    assert "!" in warning
    assert "✗ test error: line 3" in error
    assert "test" in plain


async def test_the_log_has_the_clock_of_the_header() -> None:
    a_year_ago = NOW - 365 * 24 * 3600 * 10**9 - 17 * 10**9
    said = await drawn(Log(), sample_view(log=(line(1), replace(line(2), at=a_year_ago), replace(line(3), at=0))))
    now, played, not_yet = (text for text in said.splitlines() if "line" in text and "lines" not in text)
    assert numbers.market_time(NOW) in now
    assert numbers.market_time(a_year_ago, "%Y-%m-%d") in played
    assert numbers.market_time(NOW) in not_yet


@pytest.mark.parametrize(
    ("days", "pattern"), [(0, "%H:%M:%S"), (3, "%m-%d %H:%M"), (400, "%Y-%m-%d")], ids=["today", "this year", "years ago"]
)
async def test_orders_signals_and_lines_of_the_log_that_are_not_of_today_say_their_day(days: int, pattern: str) -> None:
    then = NOW - days * 24 * 3600 * 10**9
    decided = replace(sample_view().signals[-1], raised_at=then)
    view = sample_view(log=(replace(line(1), at=then),), orders=(order(1, created_at=then),), signals=(decided,))
    assert numbers.market_time(then, pattern) in await drawn(Log(), view)
    assert numbers.market_time(then, pattern) in await drawn(Orders(), view, 200)
    assert numbers.market_time(then, pattern.removesuffix(":%S")) in await drawn(Signals(), view, 200)


async def test_what_was_of_today_says_its_day_when_the_next_one_begins() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test() as pilot:
        app.show(sample_view(log=(line(1),)))
        await pilot.pause()
        app.show(sample_view(log=(line(1),), health=sample_health(market_time=NOW + 24 * 3600 * 10**9)))
        await pilot.pause()
        assert numbers.market_time(NOW, "%m-%d %H:%M") in text_of(log)


async def test_a_narrow_log_shows_what_happened_rather_than_who_says_so() -> None:
    told = LogLine(1, NOW, Level.INFO, "a_strategy_of_a_long_name", "signal 2: BUY 147 MSFT")
    assert "signal 2: BUY 147 MSFT" in await drawn(Log(), sample_view(log=(told,)), 40)
