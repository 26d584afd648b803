"""A kept backtest watched in the console: opened, played, stepped through, asked why; nothing of it trades, and nothing is told early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from console.backtest.job import Job
from console.backtest.kept import Finished, carry_out, delete, keep
from console.replay.backtests import key_of, open_kept, recordings
from console.replay.player import SPEEDS
from console.screens.backtests.listing import BacktestsPage
from console.screens.replay.page import PAST, ReplayPage
from console.screens.replay.questions import moment_of
from engine.backtest.profile import Profile
from engine.model.settings import FeedSettings, PaperSettings, StrategySettings
from storage.recordings import BacktestFiles
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from widgets import numbers
from widgets.past_rows import pattern_for, pattern_of_ends
from widgets.risk import STRATEGIES, SYMBOLS, Risk, Row
from widgets.scrubber import Scrubber


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A year of crosses on one symbol, kept with its recording."""
    database = tmp_path_factory.mktemp("kept") / "backtests.sqlite"
    profile = Profile((StrategySettings("sma_cross", params={"fast": 5, "slow": 20}),), PaperSettings())
    finished = carry_out(Job(FeedSettings("sample"), profile, ("AAPL", "MSFT"), date(2005, 1, 3), date(2005, 12, 30)))
    assert keep(database, finished) == (1, "")
    return database, finished


@asynccontextmanager
async def replaying(
    kept: tuple[Path, Finished], size: tuple[int, int] = WIDE, engine: FakeEngine | None = None
) -> AsyncIterator[tuple[Console, ReplayPage]]:
    async with running(engine or FakeEngine(), size, backtests=kept[0]) as console:
        console.screen.backtests.replay(1)
        await console.until(lambda: isinstance(console.app.screen, ReplayPage))
        page = console.app.screen
        assert isinstance(page, ReplayPage)
        await console.until(lambda: page._moment is not None and page.is_mounted)
        try:
            yield console, page
        finally:
            page.player.close()


async def at(console: Console, page: ReplayPage, step: int) -> None:
    """Until the screen shows the moment after `step`."""
    await console.until(lambda: page._moment is not None and page._moment.step == step and page.player.moment is page._moment)
    await console.pilot.pause()


def step_of(page: ReplayPage) -> int:
    assert page._moment is not None
    return page._moment.step


async def test_it_opens_from_the_list_and_says_that_it_is_the_past(kept: tuple[Path, Finished]) -> None:
    async with running(FakeEngine(), backtests=kept[0]) as console:
        await console.press("B")
        await console.until(lambda: isinstance(console.app.screen, BacktestsPage))
        await console.shows("sma_cross")
        await console.press("r")
        await console.shows("◀◀ REPLAY   #1 sma_cross on AAPL, MSFT")
        await console.shows("before the first bar")
        await console.press("q")
        await console.until(lambda: isinstance(console.app.screen, BacktestsPage))


async def test_before_anything_happened_there_are_dashes_and_words_for_it(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await at(console, page, -1)
        await console.shows("Equity -   Day -   Exposure -   Cash -")
        await console.shows("nothing has happened yet")
        await console.shows("Nothing is held at this")
        assert "nan" not in console.picture
        await console.press("full_stop")
        await at(console, page, 0)
        await console.shows("Equity 100,000.00")
        assert "nothing has happened yet" not in console.picture


async def test_times_are_days_where_bars_are_days(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press("n")
        await console.until(lambda: page._moment is not None and page._moment.view.orders)
        moment = page._moment
        assert moment is not None
        day = numbers.market_time(moment.view.orders[0].created_at, "%Y-%m-%d")
        for panel in ("3", "4", "6"):
            await console.press(panel, "z")
            await console.shows(f"╭─ {panel} ")
            assert any(day in line and "16:00" not in line for line in console.picture.splitlines()[4:-4]), panel
            await console.press("z")


@pytest.mark.parametrize(
    ("timeframe", "last", "written"),
    [("1d", "2005-01-03 16:00", "2005-01-03"), ("1m", "2005-01-03 16:00", "09:30:00"), ("1m", "2005-02-01", "01-03 09:30")],
)
def test_a_moment_is_written_with_as_much_as_tells_it_apart(timeframe: str, last: str, written: str) -> None:
    first = moment_of("2005-01-03 09:30")
    assert numbers.market_time(first, pattern_of_ends(first, moment_of("2005-01-03 16:00"))) == "09:30:00"
    assert numbers.market_time(first, pattern_of_ends(first, moment_of("2005-02-01"))) == "2005-01-03"
    assert numbers.market_time(first, pattern_for(timeframe, first, moment_of(last))) == written


async def test_it_steps_forward_and_back_and_pauses_at_trades(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press("full_stop", "full_stop", "full_stop")
        await at(console, page, 2)
        await console.press("comma")
        await at(console, page, 1)
        about = page.player.about
        assert about is not None
        first, second = sorted({mark.step for mark in about.trades})[:2]
        await console.press("n", "n")
        await at(console, page, second)
        await console.press("N")
        await at(console, page, first)
        assert "bought" in console.picture or "sold" in console.picture


async def test_its_end_is_the_backtests_own(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press("end")
        about = page.player.about
        assert about is not None
        await at(console, page, about.span.steps - 1)
        moment = page._moment
        assert moment is not None
        assert moment.view.account.equity == kept[1].result.final_value
        held = [(row.symbol, row.quantity, row.average) for row in moment.view.positions]
        assert held == [(each.symbol, each.quantity, each.average) for each in kept[1].result.held]
        assert f"{kept[1].result.final_value:,.2f}" in console.picture


async def test_played_at_the_highest_speed_it_ends_where_stepping_ends(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press(*["right_square_bracket"] * len(SPEEDS), "space")
        await console.until(lambda: page._moment is not None and page._moment.step == 251 and not page._moment.playing)
        played = page._moment
        assert played is not None
        await console.press("comma", "full_stop")
        await at(console, page, 251)
        stepped = page._moment
        assert stepped is not None
        assert replace(stepped.view, revision=0) == replace(played.view, revision=0)


async def test_it_plays_by_the_clock_and_stands_still_when_paused(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press("space")
        await console.shows("▶ x10")
        await console.let_pass(0.35)
        await at(console, page, 2)
        await console.press("space")
        await console.shows("❚❚ paused")
        await console.let_pass(5)
        await console.press("full_stop")
        await at(console, page, 3)


def _words(console: Console) -> list[str]:
    """What is shown, apart from how wide columns are, which only grow."""
    return ["".join(line.split()) for line in console.picture.splitlines()]


async def test_going_back_takes_everything_with_it(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press("n")
        await console.until(lambda: page._moment is not None and page._moment.view.positions)
        before = step_of(page)
        await at(console, page, before)
        here = _words(console)
        await console.press("end")
        await at(console, page, 251)
        await console.press("home")
        await at(console, page, -1)
        assert not page.panels["log"].rows  # type: ignore[attr-defined]
        await console.press("n")
        await at(console, page, before)
        assert _words(console) == here


async def test_enter_says_why_it_was_bought(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press("n")
        await console.until(lambda: page._moment is not None and page._moment.view.positions)
        await console.press("enter")
        for text in ("Why:", "It filled in full", "sma_cross BUY", "passes every rule", "filled BUY"):
            await console.shows(text)
        await console.press("escape")
        await console.press("3", "enter")
        await console.shows("It filled in full")


async def test_enter_on_the_risk_of_that_moment_says_of_a_symbol_why_and_of_a_strategy_what_it_holds(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press("n")
        await console.until(lambda: page._moment is not None and page._moment.view.positions)
        assert page._moment is not None
        risk = cast(Risk, page.panels["risk"])
        symbol = page._moment.view.positions[0].symbol
        await console.press("5")
        for section, name, told in ((SYMBOLS, symbol, f"Why: {symbol}, now"), (STRATEGIES, "sma_cross", "Exposure sma_cross")):
            key = f"exposure {section} {name}"
            keys = [risk.key_of(row) for row in risk.rows]
            await console.press(*["j"] * (keys.index(key) - keys.index(risk.key_of(cast(Row, risk.cursor_row)))))
            await console.press("enter")
            await console.shows(told)
            await console.press("escape")
        await console.press(*["k"] * len(risk.rows), "enter")
        await console.shows("That row says all that is known of it.")


async def test_enter_on_a_bar_at_which_nothing_was_proposed_says_what_was_seen(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press("full_stop", "full_stop")
        await at(console, page, 1)
        await console.press("enter")
        for text in (
            "Nobody proposed anything at it",
            "open ",
            ", volume ",
            "no order, and no signal",
            "What they saw",
            "· sma_cross: SMA5 ",
            ", SMA20 ",
            "It was not asked.",
        ):
            await console.shows(text)


async def test_it_goes_to_a_day_and_says_what_is_none(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, _):
        await console.press("g")
        await console.type("2005-13-01")
        await console.let_pass(1)
        await console.press("enter")
        await console.shows("is no day")
        await console.press(*["backspace"] * 10)
        await console.type("2005-06-04")
        await console.press("enter")
        await console.shows("Mon 2005-06-06 16:00")


def test_a_month_or_a_year_is_its_first_day() -> None:
    assert moment_of("2005") == moment_of("2005-01") == moment_of("2005-1-1") == 1_104_555_600_000_000_000
    assert moment_of("2005-07-01 10:30") == 1_120_228_200_000_000_000


async def test_what_trades_does_nothing_here(kept: tuple[Path, Finished]) -> None:
    engine = FakeEngine()
    async with replaying(kept, engine=engine) as (console, page):
        for key in ("b", "s", "a", "x", "e", "c", "C", "X", "m", "colon", "f9", "A", "exclamation_mark"):
            await console.press("full_stop")
            await console.press(key)
            assert PAST in console.picture, key
            assert console.app.screen is page
    assert engine.sent() == []


async def test_the_stop_stops_the_session_of_now_and_says_so(kept: tuple[Path, Finished]) -> None:
    engine = FakeEngine()
    async with replaying(kept, engine=engine) as (console, _):
        await console.press("f12")
        await console.shows("The session of now: EMERGENCY STOP")
    assert ("emergency_stop", "stop key") in engine.sent()


async def test_a_signal_that_waits_now_is_told(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, _):
        await console.shows("1 signal waits for you")


async def test_the_scrubber_is_dragged_to_any_moment(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        scrubber = page.query_one(Scrubber)
        start, room = scrubber._track(scrubber.size.width)
        await console.pilot.mouse_down(scrubber, offset=(start, 1))
        await at(console, page, -1)
        await console.pilot.hover(scrubber, offset=(start + room - 1, 1))
        await console.pilot.mouse_up(scrubber, offset=(start + room - 1, 1))
        await at(console, page, 251)


async def test_every_panel_can_be_gone_to_in_80_columns(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept, SMALL) as (console, _):
        await console.press("n")
        for digit, title in enumerate(("Watchlist", "Positions", "Orders", "Signals", "Risk", "Log"), 1):
            await console.press(str(digit))
            await console.shows(f"╭─ {digit} {title}")
        await console.press("7")
        await console.shows("╭─ 8 Equity")


async def test_the_key_that_tells_why_has_room_among_the_hints_of_80_columns(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept, SMALL) as (console, _):
        await console.shows("Space play, pause  Enter why  . bar on  n next trade  Esc back")


async def test_a_resize_in_the_middle_keeps_the_moment_and_the_panel(kept: tuple[Path, Finished]) -> None:
    async with replaying(kept) as (console, page):
        await console.press("n", "3")
        step = step_of(page)
        for size in ((80, 24), (100, 30), (200, 60), (60, 15), (120, 36)):
            await console.pilot.resize_terminal(*size)
            await console.shows("◀◀ REPLAY")
            assert page.panels["orders"].has_focus
        await console.shows("╭─ 3 Orders")
        assert step <= step_of(page)


async def test_what_has_no_recording_says_so_and_how_to_get_one(kept: tuple[Path, Finished], tmp_path: Path) -> None:
    database = tmp_path / "backtests.sqlite"
    keep(database, kept[1])
    row = replace(kept[1].stored.row, number=1)
    BacktestFiles(recordings(database))._file(key_of(row), ".backtest").unlink()
    async with running(FakeEngine(), backtests=database) as console:
        console.screen.backtests.replay(1)
        await console.shows("╭─ Cannot be replayed")
        await console.shows("✗ Backtest #1 cannot be replayed.")
        await console.shows("has no recording")
        await console.shows("`tradeconsole")
        await console.press("space", "q")
        await console.until(lambda: console.app.screen is console.screen)


def test_a_second_replay_needs_not_work_it_out_again(kept: tuple[Path, Finished]) -> None:
    open_kept(kept[0], 1)
    assert list(recordings(kept[0]).glob("*.effects"))


def test_deleting_a_backtest_takes_its_recording_along_unless_another_is_the_same_run(kept: tuple[Path, Finished], tmp_path: Path) -> None:
    database = tmp_path / "backtests.sqlite"
    keep(database, kept[1])
    keep(database, kept[1])
    open_kept(database, 1)
    assert delete(database, [1]) == 1
    assert open_kept(database, 2).steps == 252
    assert delete(database, [2]) == 1
    assert [path for path in recordings(database).rglob("*") if path.is_file()] == []
