"""The pages of backtests: the list, a report and its tabs, two side by side; in the sizes people have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from console.backtest.kept import carry_out
from console.backtest.report import report
from console.backtest.terms import Terms, job_of
from console.screens.backtests.comparison import ComparisonPage
from console.screens.backtests.drawings import bar_of, bins, distribution, months, signed
from console.screens.backtests.listing import BacktestTable
from console.screens.backtests.report import TABS, BacktestPage
from console.screens.backtests.trades import TripTable
from engine.model.settings import Settings
from storage.backtests import backtest_rows
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from tests.console.kept_backtests import keep, keep_as
from widgets.cells import Cell, length
from widgets.document import Document

SIZES = pytest.mark.parametrize("size", [SMALL, WIDE, (200, 60)], ids=["80x24", "120x36", "200x60"])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with three of them."""
    path = tmp_path_factory.mktemp("kept") / "backtests.sqlite"
    keep(path)
    keep(path, "sma_cross", {"fast": 5})
    keep(path, "rsi_reversion", {}, "IBM")
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, written: bytes) -> Path:
    path = tmp_path / "backtests.sqlite"
    path.write_bytes(written)
    return path


@asynccontextmanager
async def listed(path: Path, size: tuple[int, int] = WIDE) -> AsyncIterator[Console]:
    async with running(FakeEngine(), size, backtests=path) as console:
        await console.press("B")
        await console.shows("rsi_reversion")
        yield console


def tells(console: Console, words: Iterable[str]) -> bool:
    told = "\n".join(lines_of(console))
    return all(word in told for word in words)


def lines_of(console: Console) -> list[str]:
    """All lines of the text on the page, those out of sight too."""
    lines = console.app.screen.query_one(Document)._lines
    return ["".join(cell.text for cell in line) for line in lines]


@SIZES
async def test_the_list_has_the_newest_first_and_leads_to_a_report(path: Path, size: tuple[int, int]) -> None:
    async with listed(path, size) as console:
        table = console.app.screen.query_one(BacktestTable)
        assert [row.number for row in table.rows] == [3, 2, 1]
        assert "▲ +" in console.picture
        assert "n new" in console.picture
        await console.press("down", "enter")
        await console.shows("Final value")
        assert isinstance(console.app.screen, BacktestPage)
        assert "#2 sma_cross on AAPL, MSFT" in console.picture
        await console.press("escape")
        assert console.app.screen.query(BacktestTable)


@SIZES
async def test_a_report_has_a_curve_figures_months_trades_their_distribution_and_how_it_was_run(path: Path, size: tuple[int, int]) -> None:
    async with listed(path, size) as console:
        await console.press("enter")
        await console.until(lambda: any("⠀" < character <= "⣿" for character in console.picture))
        await console.shows("held ▲ +")
        expected = {
            "Report": ("Sharpe", "Jan", "By symbol", "Results of the round trips"),
            "Figures": ("compound: the same each year", "Average MFE"),
            "Months": ("2008",),
            "Distribution": ("0.00% to ", "█"),
            "Setup": ("IBM", "rsi_reversion", "slippage 1 bp", "no limits"),
        }
        for place, tab in enumerate(TABS, 1):
            await console.press(str(place))
            if tab == "Trades":
                assert console.app.screen.query_one(TripTable).has_focus
                await console.shows("Entered")
                continue
            await console.until(partial(tells, console, expected[tab]))
            width = console.app.screen.query_one(Document).inner_width
            assert max(map(len, lines_of(console))) <= width


async def test_a_wide_screen_tells_of_the_backtest_under_the_cursor_beside_the_list(path: Path) -> None:
    async with listed(path, (200, 60)) as console:
        await console.until(lambda: tells(console, ("Final value", "Expectancy", "Months", "2004")))
        await console.shows("#3 rsi_reversion")
        await console.until(lambda: any("⠀" < character <= "⣿" for character in console.picture))
        await console.press("down")
        await console.shows("#2 sma_cross")
        assert console.app.screen.query_one(BacktestTable).has_focus
        await console.pilot.resize_terminal(*WIDE)
        await console.until(lambda: "Expectancy" not in console.picture)


async def test_a_wide_screen_tells_of_the_round_trip_under_the_cursor_beside_the_list(path: Path) -> None:
    async with listed(path, (200, 60)) as console:
        await console.press("enter", "4")
        await console.shows("─ Round trip 1: IBM")
        await console.shows("the farthest the market went against it")
        await console.press("down")
        await console.shows("─ Round trip 2: IBM")
        await console.press("1")
        await console.until(lambda: "the farthest the market" not in console.picture)


async def test_a_usual_screen_reads_no_backtest_that_nobody_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr("console.screens.backtests.listing.read_report", lambda path, number: read.append(number))
    async with listed(path) as console:
        await console.press("down")
        await console.pilot.pause(0.2)
        assert read == []


async def test_a_run_of_one_bar_says_why_it_has_no_curve(tmp_path: Path) -> None:
    file = tmp_path / "backtests.sqlite"
    finished = carry_out(job_of(Terms("sma_cross", symbols=("IBM",), start=date(2013, 3, 1)), Settings()))
    keep_as(file, finished, finished.stored)
    assert "  sample, 2013-03-01 to 2013-03-01, 1 bar of 1d" in list(report(finished.summary))
    async with running(FakeEngine(), WIDE, backtests=file) as console:
        await console.press("B")
        await console.shows("sma_cross")
        await console.press("enter")
        await console.shows("One bar is no curve yet.")


async def test_round_trips_are_sorted_and_each_is_told(path: Path) -> None:
    async with listed(path) as console:
        await console.press("down", "enter")
        await console.shows("Final value")
        await console.press("4")
        table = console.app.screen.query_one(TripTable)
        by_exit = [trip.place for trip in table.rows]
        assert by_exit == sorted(by_exit)
        while table.sorted_by is None or table.sorted_by.title != "Profit":
            await console.press("o")
        profits = [trip.trade.profit for trip in table.rows]
        assert profits == sorted(profits, reverse=True)
        await console.press("O")
        assert [trip.trade.profit for trip in table.rows] == sorted(profits)
        await console.press("g")
        worst = table.rows[0]
        await console.press("enter")
        await console.shows(f"Round trip {worst.place}: {worst.trade.symbol}")
        assert "the farthest the market went against it" in console.picture
        await console.press("escape", "escape")
        assert console.app.screen.query(BacktestTable)


async def test_the_points_of_prices_stand_under_each_other(path: Path) -> None:
    async with listed(path) as console:
        await console.press("enter")
        await console.shows("Final value")
        await console.press("4")
        table = console.app.screen.query_one(TripTable)
        cells = [column.cell(trip) for column in table.COLUMNS if column.title in ("At", "For") for trip in table.rows]
        prices = [cell.text for cell in cells if isinstance(cell, Cell)]
        assert len({len(price.partition(".")[2]) for price in prices}) == 1
        assert [float(price.replace(",", "")) for price in prices[: len(table.rows)]] == [round(t.trade.entry, 6) for t in table.rows]


async def test_buying_and_holding_is_drawn_where_it_would_not_dwarf_the_rest(path: Path) -> None:
    async with listed(path) as console:
        await console.press("enter")
        await console.shows("Final value")
        before = console.picture
        await console.press("b")
        assert console.picture != before
        await console.press("b")
        assert console.picture == before


@SIZES
async def test_marked_ones_stand_side_by_side_and_what_differs_is_marked(path: Path, size: tuple[int, int]) -> None:
    async with listed(path, size) as console:
        await console.press("c")
        await console.shows("Mark two to 6 backtests with Space; 0 are marked.")
        await console.press("down", "space", "space")
        marked = {row.number for row in console.app.screen.query_one(BacktestTable).marks.rows}
        assert marked == {1, 2}
        await console.press("c")
        await console.shows("Commission")
        assert isinstance(console.app.screen, ComparisonPage)
        told = {line[2:].split("  ")[0].strip(): line for line in lines_of(console)}
        assert told["fast"].startswith("≠")
        assert told["fast"].split()[-2:] == ["10", "5"]
        assert not told["slow"].startswith("≠")
        assert max(map(len, lines_of(console))) <= size[0]


@asynccontextmanager
async def compared(path: Path, size: tuple[int, int]) -> AsyncIterator[Console]:
    async with listed(path, size) as console:
        await console.press("space", "space", "space", "c")
        await console.shows("Commission")
        yield console


def has_curves(console: Console) -> bool:
    return any("⠀" < character <= "⣿" for character in console.picture)


async def test_beside_the_comparison_lie_the_curves_over_one_another_and_the_years(path: Path) -> None:
    async with compared(path, (200, 60)) as console:
        await console.until(lambda: has_curves(console))
        await console.shows("◂ is the best of that year.")
        await console.shows("━━ #3")
        rows = console.picture.splitlines()
        curve = next(row for row in rows if "#3 rsi_reversion" in row)
        assert curve.index("━━ #3") > max(row.index("Commission") for row in rows if "Commission" in row)
        year = next(row for row in rows if "2005 " in row and "◂" in row)
        assert year.count("◂") == 1
        await console.until(lambda: "v curves" not in console.picture)


async def test_on_a_high_and_narrow_screen_the_curves_stand_above_the_comparison(path: Path) -> None:
    async with compared(path, (110, 60)) as console:
        await console.until(lambda: has_curves(console))
        await console.pilot.resize_terminal(200, 60)
        await console.shows("Year by year")
        await console.pilot.resize_terminal(110, 60)
        await console.until(lambda: "Year by year" not in console.picture)
        assert has_curves(console)
        assert "Commission" in console.picture


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["80x24", "120x36"])
async def test_where_there_is_no_room_for_both_a_key_goes_from_the_comparison_to_the_curves(path: Path, size: tuple[int, int]) -> None:
    async with compared(path, size) as console:
        assert not has_curves(console)
        assert "v curves" in console.picture
        await console.press("v")
        await console.until(lambda: has_curves(console))
        assert "Commission" not in console.picture
        await console.press("v")
        await console.shows("Commission")


async def test_in_plain_text_the_curves_are_told_in_words(path: Path) -> None:
    async with running(FakeEngine(), WIDE, backtests=path, plain=True) as console:
        await console.press("B")
        await console.shows("rsi_reversion")
        await console.press("space", "space", "space", "c")
        await console.shows("Commission")
        await console.press("v")
        await console.shows("2004-06-01 to 2009-03-31, highest ")


async def test_deleting_asks_for_the_word(path: Path) -> None:
    async with listed(path) as console:
        await console.press("d")
        await console.let_pass(1)
        await console.shows("Type DELETE to go on")
        await console.type("delete")
        await console.press("enter")
        await console.shows("That is not the word")
        assert len(backtest_rows(path)) == 3
        await console.press("escape", "d")
        await console.let_pass(1)
        await console.type("DELETE")
        await console.press("enter")
        await console.shows("Deleted: 1.")
        await console.until(lambda: len(console.app.screen.query_one(BacktestTable).rows) == 2)
        assert [row.number for row in backtest_rows(path)] == [2, 1]


async def test_a_file_that_is_no_database_is_told_on_the_page(tmp_path: Path) -> None:
    path = tmp_path / "backtests.sqlite"
    path.write_bytes(b"no database at all, no database at all" * 50)
    async with running(FakeEngine(), WIDE, backtests=path) as console:
        await console.press("B")
        await console.shows("cannot be read or written")


async def test_without_a_place_to_keep_them_it_is_said() -> None:
    async with running(FakeEngine(), WIDE) as console:
        await console.press("B")
        await console.shows("No backtests are kept here.")


async def test_the_first_one_is_told_how_to_begin(tmp_path: Path) -> None:
    async with running(FakeEngine(), WIDE, backtests=tmp_path / "none.sqlite") as console:
        await console.press("B")
        await console.shows("No backtest is kept yet. n begins one here")


# ---- the drawings


@pytest.mark.parametrize("most", [4, 16, 30])
@pytest.mark.parametrize(
    "values", [[0.0], [-0.031, 0.0, 0.002, 0.049, 0.05], [12.5], [-3.0, -3.0], [1e-9, 2e-9], [0.01 * n - 0.5 for n in range(90)]]
)
def test_every_result_is_counted_once_in_even_ranges_with_a_limit_at_zero(values: list[float], most: int) -> None:
    found = bins(values, most)
    assert sum(count for _, _, count in found) == len(values)
    assert len(found) <= most + 2
    steps = {round(end - begin, 12) for begin, end, _ in found}
    assert len(steps) == 1
    for begin, end, _ in found:
        assert begin * end >= -1e-18
    for value in values:
        assert any(begin - 1e-9 <= value <= end + 1e-9 and count for begin, end, count in found)


def test_nothing_is_no_distribution() -> None:
    assert bins([], 10) == []
    assert "nothing to count" in "".join(cell.text for line in distribution([], 60) for cell in line)


def test_something_is_never_drawn_as_nothing() -> None:
    assert bar_of(1e-9, 20) == "▏"
    assert bar_of(0.0, 20) == ""
    assert bar_of(1.0, 20) == "█" * 20


@pytest.mark.parametrize(
    ("gain", "text"),
    [(0.0123, "+1.2"), (-0.0123, "-1.2"), (0.0, "0.0"), (0.2, "+20"), (-0.1234, "-12"), (25.0, "+2500"), (None, "-"), (float("nan"), "-")],
)
def test_a_month_has_its_sign(gain: float | None, text: str) -> None:
    assert signed(gain) == text


@pytest.mark.parametrize("width", [73, 76, 100, 180])
def test_months_fit_and_say_the_sign_beside_the_colour(path: Path, width: int) -> None:
    from console.backtest.kept import read_kept

    run = read_kept(path, 1).summary
    lines = months(run, width)
    assert max(length(line) for line in lines) <= width
    for line in lines[1:]:
        for cell in line:
            if cell.role == "up":
                assert "+" in cell.text
            if cell.role == "down":
                assert "-" in cell.text
