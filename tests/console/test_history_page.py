"""The history on the screen: a tab for each kind of row, page by page, narrowed by symbol and day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from console.pager import PAGE, WINDOW
from console.screens.details.order import OrderDetail
from console.screens.details.signal import SignalDetail
from console.screens.history import HistoryPage
from console.screens.reading import Reading
from console.screens.trading import TradingScreen
from engine.model import Level
from engine.model.orders import Fill, Side
from engine.model.records import FillBooked, Noted, Record, RunStarted
from storage.history import FEW
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from tests.console.histories import MONDAY, D, placed, signals, trades, write
from tests.storage.conftest import note

SIZES = pytest.mark.parametrize("size", [SMALL, WIDE, (200, 60)], ids=["80x24", "120x36", "200x60"])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,500 orders of 250 sessions, and 5 signals."""
    return write(tmp_path_factory.mktemp("history") / "paper.db", [*trades(2_500), *signals(5)])


def page(console: Console) -> HistoryPage:
    top = console.app.screen
    assert isinstance(top, HistoryPage)
    return top


async def opened(console: Console, tab: str = "1") -> HistoryPage:
    await console.press("h")
    await console.press(tab)
    await console.until(lambda: page(console).table.rows)
    return page(console)


def cursor(console: Console) -> Any:
    return page(console).table.cursor_row


def on_top(console: Console, kind: type[Screen[Any]]) -> bool:
    return isinstance(console.app.screen, kind)


async def next_page(console: Console, key: str) -> None:
    """To the end of what is held, until there is more."""
    pager = page(console)._pagers[0]
    rows = pager.rows
    await console.press(key)
    await console.until(lambda: pager.rows is not rows)


@SIZES
async def test_every_tab_shows_its_newest_rows(database: Path, size: tuple[int, int]) -> None:
    async with running(FakeEngine(), size, database=database) as console:
        await opened(console)
        await console.shows("SELL")
        for tab, text in (("2", "Realised"), ("3", "rejected by you"), ("4", "2026-02-"), ("5", "run-1"), ("6", "Run run-1 began")):
            await console.press(tab)
            await console.shows(text)
        await console.press("tab")
        await console.until(lambda: page(console).table.NAME == "Orders")
        await console.press("left")
        await console.until(lambda: page(console).table.NAME == "Audit")
        await console.press("q")
        assert on_top(console, TradingScreen)


async def test_scrolling_reads_page_after_page_to_the_oldest_row_and_back(database: Path) -> None:
    async with running(FakeEngine(), database=database) as console:
        history = await opened(console)
        pager = history._pagers[0]
        while not pager.whole:
            await next_page(console, "G")
            assert len(history.table.rows) <= WINDOW * PAGE
        await console.press("G")
        await console.shows("#1 ")
        await console.shows("2,500 rows")
        assert cursor(console).number == 1
        while not pager.at_top:
            await next_page(console, "g")
            assert len(history.table.rows) <= WINDOW * PAGE
        await console.press("g")
        await console.shows("#2500")


async def test_what_a_person_reads_stays_where_it_is_when_the_window_moves(database: Path) -> None:
    async with running(FakeEngine(), database=database) as console:
        history = await opened(console)
        pager, table = history._pagers[0], history.table
        for _ in range(60):
            await console.press("pagedown")
            await console.until(lambda: pager.wanted(table.scroll_offset.y, table.scroll_offset.y + table.shown_rows) is None)
            line = history.table.rows.index(history.table.cursor_row) - history.table.scroll_offset.y
            assert 0 <= line < history.table.shown_rows
        numbers = [row.number for row in history.table.rows]
        assert numbers == list(range(numbers[0], numbers[-1] - 1, -1))
        assert cursor(console).number < 2_500 - WINDOW * PAGE


async def test_a_symbol_and_days_narrow_it_down_and_an_empty_line_shows_all(database: Path) -> None:
    async with running(FakeEngine(), database=database) as console:
        history = await opened(console)
        await console.press("slash")
        await console.type("msft 2025-06-03..2025-06-04")
        await console.press("enter")
        await console.until(lambda: history.table.rows)
        assert {row.symbol for row in history.table.rows} == {"MSFT"}
        assert {row.number for row in history.table.rows} == {11, 12, 15, 16, 19, 20, 23, 24, 27, 28}
        await console.shows("MSFT from 2025-06-03 to 2025-06-04")
        await console.press("4")
        await console.shows("2025-06-04")
        await console.shows("every symbol")
        await console.until(lambda: [row.session for row in history.table.rows] == ["2025-06-04", "2025-06-03"])
        await console.press("3")
        await console.shows("Nothing here for MSFT from 2025-06-03 to 2025-06-04")
        await console.press("1", "slash", "ctrl+u", "enter")
        await console.until(lambda: len(history.table.rows) >= PAGE)


async def test_a_mistake_in_the_filter_is_said_and_escape_leaves_the_line_alone(database: Path) -> None:
    async with running(FakeEngine(), database=database) as console:
        history = await opened(console)
        await console.press("slash")
        await console.type("2025-02-31")
        await console.press("enter")
        await console.shows("There is no day 2025-02-31")
        await console.press("escape")
        assert page(console) is history
        await console.press("slash")
        await console.type("q")
        assert page(console) is history, "q is a letter while one types"
        await console.press("escape", "escape")
        assert on_top(console, TradingScreen)


async def test_enter_tells_all_about_a_row_and_y_copies_it(database: Path) -> None:
    async with running(FakeEngine(), database=database) as console:
        await opened(console)
        await console.press("enter")
        assert on_top(console, OrderDetail)
        await console.shows("B2500")
        await console.press("q", "3")
        await console.shows("rejected by you")
        await console.press("enter")
        assert on_top(console, SignalDetail)
        await console.shows("earnings tonight")
        await console.press("q", "2")
        await console.until(lambda: page(console).table.rows)
        await console.press("enter")
        await console.until(lambda: on_top(console, OrderDetail))
        for tab, told in (("4", "opening equity"), ("5", "prices from"), ("6", "on your clock")):
            await console.press("q", tab)
            await console.until(lambda: page(console).table.rows)
            await console.press("enter")
            await console.shows(told)
        await console.press("escape", "1", "y")
        await console.shows("Copied:")
        assert console.app.clipboard.split("\t")[1:5] == ["#2500", "SELL", "10", "MSFT"]


async def test_a_wide_screen_tells_all_about_the_row_under_the_cursor_beside_the_list(database: Path) -> None:
    async with running(FakeEngine(), (200, 60), database=database) as console:
        await opened(console)
        await console.until(lambda: all(text in beside(console) for text in ("#2500 SELL 10 MSFT", "B2500", "Its life", "filled whole")))
        await console.press("down")
        await console.until(lambda: "B2499" in beside(console))
        assert page(console).table.has_focus
        for tab, texts in (
            ("2", ("market-quote", "B2500", "Its life")),
            ("3", ("earnings tonight", "Votes")),
            ("4", ("opening equity 100,000.00", "win rate", "MSFT", "by hand")),
            ("5", ("prices from sim", "r plays it back")),
            ("6", ("earnings tonight", "you")),
        ):
            await console.press(tab)
            await console.until(lambda texts=texts: all(text in beside(console) for text in texts))  # type: ignore[misc]
        await console.press("slash")
        await console.type("nothing")
        await console.press("enter")
        await console.until(lambda: "All about the row under the cursor" in beside(console))
        await console.pilot.resize_terminal(*WIDE)
        await console.until(lambda: not page(console)._beside.display)
        assert page(console)._told_beside._dossier is None, "nobody reads it, and nothing is asked"


def beside(console: Console) -> str:
    """What is told beside the list, in one line."""
    lines = page(console)._beside.document._lines
    return " ".join(" ".join("".join(cell.text for cell in line).split()) for line in lines)


async def test_a_fill_of_no_order_of_ours_tells_its_own_fields(tmp_path: Path) -> None:
    fill = Fill("f-1", "elsewhere", "AAPL", Side.BUY, D(1), D(100), D(100), D(0), MONDAY)
    database = write(tmp_path / "paper.db", [FillBooked(fill)])
    async with running(FakeEngine(), database=database) as console:
        await opened(console, "2")
        await console.press("enter")
        await console.shows("The history has no order of it.")


async def test_new_rows_come_in_on_top_while_one_looks(tmp_path: Path) -> None:
    database = write(tmp_path / "paper.db", list(trades(3)))
    async with running(FakeEngine(), database=database) as console:
        history = await opened(console)
        assert len(history.table.rows) == 3
        write(database, [placed("r-4", "IBM", Side.BUY, MONDAY + 1)])
        await console.let_pass(3)
        await console.shows("IBM")
        assert [row.number for row in history.table.rows] == [4, 3, 2, 1]
        assert cursor(console).number == 3, "the cursor stays on its row"


async def test_a_history_that_catches_up_says_so(tmp_path: Path) -> None:
    database = write(tmp_path / "paper.db", list(trades(3)))
    write(database, [note(number) for number in range(FEW + 1)], folded=False)
    async with running(FakeEngine(), database=database) as console:
        await opened(console)
        await console.shows("The history is catching up: 14 of")


async def test_an_empty_history_says_what_would_fill_it(tmp_path: Path) -> None:
    database = write(tmp_path / "paper.db", [RunStarted("run-1", "paper", "sim", D(1), MONDAY)])
    async with running(FakeEngine(), database=database) as console:
        await console.press("h")
        await console.shows("One stands here as soon as it is on disk")
        await console.press("3")
        await console.shows("What strategies propose stands here")
        await console.press("enter", "y")
        await console.shows("There is no row to copy.")


async def test_no_database_yet_is_said_and_looked_for_again(tmp_path: Path) -> None:
    async with running(FakeEngine(), database=tmp_path / "paper.db") as console:
        await console.press("h")
        await console.shows("It is made when tradeconsole first trades on it.")
        write(tmp_path / "paper.db", list(trades(2)))
        await console.let_pass(3)
        await console.shows("2 rows")


async def test_the_stop_works_while_one_types_a_filter(database: Path) -> None:
    engine = FakeEngine()
    async with running(engine, database=database) as console:
        await opened(console)
        await console.press("slash", "f12")
        assert engine.sent() == [("emergency_stop", "stop key")]


EVIL = "[bold]A[/] [/] \x1b]0;owned\x07\x9b2J\n"


@pytest.mark.parametrize("size", [SMALL, (200, 60)])
async def test_hostile_text_is_data_in_every_tab_and_in_what_is_copied(tmp_path: Path, size: tuple[int, int]) -> None:
    records: list[Record] = [
        RunStarted(EVIL, EVIL, EVIL, None, MONDAY),
        placed("r-1", EVIL, Side.BUY, MONDAY, EVIL),
        FillBooked(Fill(EVIL, "r-1", EVIL, Side.BUY, D(1), D(1), D(1), D(0), MONDAY, EVIL)),
        *signals(1, symbol=EVIL, strategy=EVIL, reason=EVIL),
        Noted(note(1).level, EVIL, EVIL, EVIL, MONDAY),
    ]
    database = write(tmp_path / "paper.db", records)
    async with running(FakeEngine(), size, database=database) as console:
        for tab in ("1", "2", "3", "5", "6"):
            await opened(console, tab)
            for keys in ((), ("y",), ("enter",)):
                await console.press(*keys)
                await console.let_pass(1)
                assert not set(console.picture) & {"\x1b", "\x07", "\x9b"}
            assert not set(console.app.clipboard) & {"\x1b", "\x07", "\x9b", "\n"}
            while not on_top(console, TradingScreen):
                await console.press("escape")


# ---- what has no room


@SIZES
async def test_what_a_page_cuts_ends_in_its_sign_and_is_read_whole_by_one_key(size: tuple[int, int], tmp_path: Path) -> None:
    database = write(tmp_path / "paper.db", [note(1, "it broke")])
    async with running(FakeEngine(), size, database=database) as console:
        await opened(console, "6")
        told = " ".join(f"sentence {number} of what the broker said." for number in range(60))
        page(console).say(told, Level.WARNING)
        await console.shows("F7 all of it")
        assert "sentence 0 of" in console.picture
        assert "…" in console.picture
        await console.press("f7")
        await console.until(lambda: on_top(console, Reading))
        await console.press("end")
        await console.shows("sentence 59 of what the broker said.")
        await console.press("escape")
        await console.until(lambda: on_top(console, HistoryPage))
        assert "sentence 0 of" in console.picture, "it was to be read, and is still there"
        await console.press("j")
        await console.until(lambda: "sentence 0 of" not in console.picture and "F7 all of it" not in console.picture)
