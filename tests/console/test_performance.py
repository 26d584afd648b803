"""The performance: its figures by hand, over a real history, and on the screen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from console.performance import Account, Mark, Period, Session, ask, curve, figures, results, together
from console.screens.performance import PerformancePage
from engine.model.metrics import MetricsView, Percentiles
from engine.model.records import CashMoved, EquityMarked, Record, SessionOpened
from engine.model.views import ExposureRow
from storage.history import open_history
from storage.rows import TotalRow
from tests.console.driving import SMALL, WIDE, running
from tests.console.fake_engine import FakeEngine
from tests.console.histories import DAY, MONDAY, SECOND, trades, write
from tests.views import sample_health, sample_view
from widgets.curve import thinned

D = Decimal
SIZES = pytest.mark.parametrize("size", [SMALL, WIDE, (200, 60)], ids=["80x24", "120x36", "200x60"])


def account(*equities: int, flows: tuple[tuple[int, Decimal], ...] = ()) -> Account:
    marks = tuple(Mark(at, D(equity)) for at, equity in enumerate(equities))
    sessions = tuple(
        Session(f"2025-06-{day + 2:02}", began.equity, ended.equity) for day, (began, ended) in enumerate(itertools.pairwise(marks))
    )
    return Account(sessions[-1].name if sessions else "", marks, sessions, flows, ())


def test_the_drawdown_is_the_largest_fall_from_the_highest_before_it() -> None:
    told = figures(account(100, 120, 90, 110, 130, 117), None)
    assert told.drawdown == 0.25
    assert told.fell == 30
    assert (told.best, told.worst) == (("2025-06-02", D(20)), ("2025-06-03", D(-30)))
    assert told.profit == 17
    assert told.total == pytest.approx(0.17)


def test_a_deposit_is_no_gain_and_a_withdrawal_no_drawdown() -> None:
    sessions = (Session("2025-06-02", D(100), D(210), D(100)), Session("2025-06-03", D(210), D(105), D(-105)))
    marks = (Mark(0, D(100)), Mark(1, D(110)), Mark(3, D(210)), Mark(5, D(105)))
    told = Account("2025-06-03", marks, sessions, ((2, D(100)), (4, D(-105))), ())
    assert [mark.equity for mark in curve(told, None)] == [100, 110, 110, 110]
    now = figures(told, None)
    assert (now.profit, now.fell) == (D(10), D(0))
    assert now.total == pytest.approx(0.1)


def test_what_the_account_is_worth_now_is_the_last_point() -> None:
    told = figures(account(100, 120), D(126))
    assert (told.equity, told.profit) == (D(126), D(26))
    assert told.total == pytest.approx(0.26)


def test_an_empty_account_divides_by_nothing() -> None:
    told = figures(Account("", (), (), (), ()), None)
    assert (told.equity, told.profit, told.total, told.best, told.worst, told.drawdown) == (None, None, None, None, None, 0.0)
    nothing = together([])
    assert (nothing.win_rate, nothing.profit_factor, nothing.profit) == (None, None, D(0))
    assert figures(account(0, 0, 0), D(0)).total == 0


def row(symbol: str, strategy: str, realised: int, wins: int = 0, losses: int = 0, gained: int = 0, lost: int = 0) -> TotalRow:
    return TotalRow(symbol, strategy, 2, D(10), D(realised), D(1), wins, losses, D(gained), D(lost))


def test_results_add_up_by_symbol_and_by_strategy_the_best_first() -> None:
    rows = [row("AAPL", "", 5, 1, 0, 5), row("AAPL", "rsi", -20, 0, 2, 0, 20), row("IBM", "rsi", 7, 2, 1, 9, 2)]
    by_symbol = results(rows, "symbol", {"IBM": D(-30), "MSFT": D(1)})
    assert [(each.name, int(each.profit)) for each in by_symbol] == [("MSFT", 1), ("AAPL", -15), ("IBM", -23)]
    by_strategy = results(rows, "strategy", {})
    assert [(each.name, each.wins, each.losses, each.win_rate) for each in by_strategy] == [("", 1, 0, 1.0), ("rsi", 2, 3, 0.4)]
    assert by_strategy[0].profit_factor is None
    assert by_strategy[1].profit_factor == pytest.approx(9 / 22)
    assert together(rows).realised == sum(each.realised for each in by_symbol)


def history() -> Iterator[Record]:
    """Four weeks of trades, equity marked at each session's begin and end, and a deposit of 1,000 on the last day."""
    equity = D(100_000)
    for record in trades(200):
        if isinstance(record, SessionOpened):
            yield EquityMarked(equity, equity, D(0), D(0), record.at - SECOND)
        yield record
        if isinstance(record, SessionOpened):
            equity += D(100) if len(record.session) and int(record.session[-2:]) % 3 else D(-50)
            yield EquityMarked(equity, equity, D(0), D(0), record.at + 3_600 * SECOND)
    yield CashMoved(D(1_000), "deposit", MONDAY + 19 * DAY + 7_200 * SECOND)
    yield EquityMarked(equity + 1_000, equity, D(0), D(0), MONDAY + 19 * DAY + 10_800 * SECOND)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("performance") / "paper.db", list(history()))


async def test_each_period_reaches_as_far_back_as_it_says(database: Path) -> None:
    async with await open_history(database) as read:
        sessions = {period: [each.name for each in (await ask(read, period)).sessions] for period in Period}
        everything = await ask(read, Period.ALL)
        day = await ask(read, Period.DAY)
        totals = together(await read.totals())
    assert sessions[Period.DAY] == ["2025-06-21"]
    assert sessions[Period.WEEK] == [f"2025-06-{number}" for number in range(15, 22)]
    assert len(sessions[Period.MONTH]) == len(sessions[Period.YEAR]) == len(sessions[Period.ALL]) - 1 == 20
    assert together(everything.earned) == totals
    assert together(day.earned).fills == 10
    assert figures(day, None).profit == sum((each.profit for each in day.sessions), D(0))
    # The deposit is in equity, and in no profit.
    total = figures(everything, None)
    assert total.profit is not None
    assert everything.sessions[-1].ended - everything.sessions[0].began - 1_000 == total.profit


@SIZES
async def test_the_page_shows_curve_figures_results_and_metrics(database: Path, size: tuple[int, int]) -> None:
    window = Percentiles(100, 1.5, 4.0, 9.9)
    engine = FakeEngine(
        sample_view(
            metrics=MetricsView(submitted=10, filled=7, rejected=1, slippage=D("3.50"), slippage_bps=1.2, order_path=window),
            exposure_by_symbol=(ExposureRow("AAPL", D(10), D(10), D(0), D("12.34"), D(0)),),
            health=sample_health(ready=False),
        )
    )
    async with running(engine, size, database=database) as console:
        await console.press("p", "5")
        await console.until(lambda: any("\u2800" < character <= "\u28ff" for character in console.picture))
        await console.shows("max drawdown")
        page = console.app.screen
        assert isinstance(page, PerformancePage)
        text = "\n".join("".join(cell.text for cell in line) for line in page._document._lines)
        for words in ("profit factor", "win rate", "By symbol", "MSFT", "By strategy", "by hand", "fill rate", "70.0%", "9.9", "+1.2 bps"):
            assert words in text
        for keys, period in (("1", "Day"), ("right", "7 days"), ("tab", "30 days"), ("left", "7 days"), ("4", "Year to date")):
            await console.press(keys)
            assert page._period.value == period
            await console.until(lambda: not page._asked.waiting)
        await console.press("q")
        assert console.app.screen is console.screen


@SIZES
async def test_an_empty_account_says_what_would_fill_it(tmp_path: Path, size: tuple[int, int]) -> None:
    database = write(tmp_path / "paper.db", [])
    async with running(FakeEngine(), size, database=database) as console:
        await console.press("p")
        await console.shows("Nothing to draw yet")
        for period in "12345":
            await console.press(period)
            await console.pilot.pause(0.05)
        await console.shows("Nothing to draw yet")


async def test_no_history_is_said_and_the_stop_works() -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await console.press("p")
        await console.shows("No history is kept here.")
        await console.press("f12")
        assert engine.sent() == [("emergency_stop", "stop key")]


@pytest.mark.parametrize(("count", "room"), [(1, 10), (10, 10), (1_000, 7), (3, 200)])
def test_every_point_falls_on_one_column(count: int, room: int) -> None:
    columns = thinned(count, room)
    assert [index for span in columns for index in span] == list(range(count))
    assert len(columns) == min(count, room)
    assert all(columns)


async def test_in_plain_text_the_curve_is_written(database: Path) -> None:
    async with running(FakeEngine(), database=database, plain=True) as console:
        await console.press("p", "5")
        await console.shows("highest 1")
        await console.shows("deepest")
        assert not any("\u2800" < character <= "\u28ff" for character in console.picture)


async def test_a_click_on_a_hint_is_its_key() -> None:
    async with running(FakeEngine()) as console:
        await console.press("p")
        await console.shows("Esc back")
        await console.click(2, console.app.size.height - 1)
        await console.until(lambda: console.app.screen is console.screen)
