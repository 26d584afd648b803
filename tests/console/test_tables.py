"""Tables under a person's hands: sorted, filtered, marked, copied, and what then reaches the engine."""

from __future__ import annotations

import base64
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace
from textual import events

from engine.model import Level, OrderState, Side
from engine.model.signals import SignalState
from engine.model.views import LogLine
from tests.console.driving import SMALL, WIDE, Console, go_to, running
from tests.console.fake_engine import FakeEngine
from tests.views import NOW, order, position, signal
from widgets.log import Log
from widgets.table import LiveTable

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
SYMBOLS = ("AAPL", "MSFT", "IBM", "NVDA")
ORDERS = tuple(order(9 - n, symbol=symbol) for n, symbol in enumerate(SYMBOLS))
HELD = tuple(
    position(symbol, quantity, unrealised=Decimal(made), day=Decimal(made), value=Decimal(1000))
    for symbol, quantity, made in (("AAPL", 100, 30), ("IBM", -200, -50), ("MSFT", 10, 70))
)


@pytest.fixture
def engine() -> FakeEngine:
    fake = FakeEngine()
    fake.change(
        orders=(*ORDERS, order(1, symbol="AAPL", state=OrderState.FILLED), order(0, symbol="IBM", state=OrderState.CANCELED)),
        positions=HELD,
        signals=tuple(signal(n, symbol=symbol) for n, symbol in enumerate(SYMBOLS)),
    )
    return fake


def table_of(console: Console, name: str) -> LiveTable[Any]:
    return cast(LiveTable[Any], console.screen.panels[name])


def keys_of(console: Console, name: str) -> list[str]:
    table = table_of(console, name)
    return [table.key_of(row) for row in table.rows]


async def click(console: Console, name: str, x: int, y: int, times: int = 1) -> None:
    await console.pilot.click(f"#{name}", offset=(x, y), times=times)


# ---- sorting


async def test_o_sorts_by_one_column_after_another_and_at_last_as_rows_come(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "2")
        await console.press("o")
        assert (table_of(console, "positions").arrangement.sort, keys_of(console, "positions")) == ("Symbol", ["AAPL", "IBM", "MSFT"])
        await console.shows("Symbol↑")
        await console.press("O")
        assert keys_of(console, "positions") == ["MSFT", "IBM", "AAPL"]
        await console.press("o")
        assert keys_of(console, "positions") == ["AAPL", "MSFT", "IBM"], "by quantity, the largest first"
        await console.press(*["o"] * 8)
        assert (table_of(console, "positions").arrangement.sort, keys_of(console, "positions")) == ("", ["AAPL", "IBM", "MSFT"])


async def test_a_click_on_a_head_sorts_then_the_other_way_then_not_at_all(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "2")
        head = console.picture.splitlines()[table_of(console, "positions").region.y + 1].index("Unrealised")
        seen = []
        for _ in range(3):
            await click(console, "positions", head + 1, 1)
            seen.append(keys_of(console, "positions"))
        assert seen == [["MSFT", "AAPL", "IBM"], ["IBM", "AAPL", "MSFT"], ["AAPL", "IBM", "MSFT"]]


async def test_the_cursor_stays_on_its_row_when_the_table_is_sorted_and_when_prices_move_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "2")
        await console.press("j", *["o"] * 5)
        table = table_of(console, "positions")
        assert (table.arrangement.sort, table.cursor_key) == ("Unrealised", "IBM")
        engine.change(positions=(HELD[0], replace(HELD[1], unrealised=Decimal(900)), HELD[2]))
        await console.until(lambda: table.rows[-1].unrealised == 900)
        await console.let_pass(5)
        engine.change(positions=(HELD[0], replace(HELD[1], unrealised=Decimal(901)), HELD[2]))
        await console.until(lambda: keys_of(console, "positions") == ["IBM", "MSFT", "AAPL"])
        assert table.cursor_key == "IBM"


async def test_a_key_right_after_the_rows_changed_places_acts_on_none(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.burst("o", "O", "k", "c")
        assert engine.sent() == []


# ---- filter


@BOTH
async def test_a_filter_shows_its_rows_as_it_is_typed_and_no_letter_acts(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await go_to(console, "3")
        await console.burst("/", "cxaAqmzCX 1")
        assert (engine.sent(), table_of(console, "orders").filter_text) == ([], "cxaAqmzCX 1")
        await console.press("ctrl+u")
        await console.type("msft")
        assert keys_of(console, "orders") == ["t1-8"]
        await console.shows("1 of 6")
        await console.press("enter")
        await console.shows("1 of 6, filter: msft")
        await console.let_pass(1)
        await console.press("c")
        assert engine.sent() == [("cancel", "t1-8", "")]
        await console.press("escape")
        assert len(keys_of(console, "orders")) == 6


async def test_escape_while_typing_shows_all_rows_again(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.burst("/", "-aapl -ibm")
        assert keys_of(console, "orders") == ["t1-8", "t1-6"]
        await console.press("escape")
        assert (len(keys_of(console, "orders")), table_of(console, "orders").typing) == (6, False)


@pytest.mark.parametrize("key", ["f12", "ctrl+g"])
async def test_the_stop_works_while_a_filter_is_typed(engine: FakeEngine, key: str) -> None:
    async with running(engine) as console:
        await console.press("3")
        await console.burst("/", "ms")
        await console.press(key)
        assert (engine.sent(), table_of(console, "orders").filter_text) == ([("emergency_stop", "stop key")], "ms")


async def test_a_row_that_a_filter_brought_under_the_cursor_is_not_acted_on_before_it_was_seen(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.burst("/", "msft", "enter", "c")
        assert engine.sent() == []


async def test_what_is_pasted_into_a_filter_presses_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.press("slash")
        console.app.post_message(events.Paste("msft\nc\x1b[2J"))
        await console.until(lambda: table_of(console, "orders").filter_text == "msft")
        assert (table_of(console, "orders").typing, engine.sent()) == (True, [])


async def test_the_arrows_move_while_a_filter_is_typed_and_a_click_on_the_filter_clears_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.burst("/", "aapl", "down")
        table = table_of(console, "orders")
        assert (table.typing, table.cursor_key) == (True, "t1-1")
        await console.press("enter")
        await click(console, "orders", 6, table.size.height - 1)
        assert (table.filter_text, len(table.rows)) == ("", 6)


async def test_going_to_another_panel_ends_the_typing_and_keeps_the_filter(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.burst("/", "msft")
        await click(console, "positions", 5, 3)
        await console.until(lambda: not table_of(console, "orders").typing)
        assert keys_of(console, "orders") == ["t1-8"]


async def test_the_totals_follow_the_filter(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        await go_to(console, "2")
        total = next(line for line in console.picture.splitlines() if "Total" in line)
        assert "▲ +50.00" in total
        await console.burst("/", "-msft", "enter")
        total = next(line for line in console.picture.splitlines() if "Total" in line)
        assert ("▼ -20.00" in total, "2,000.00" in total) == (True, True)


# ---- subsets


async def test_w_goes_through_the_orders_by_what_became_of_them(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        await go_to(console, "3")
        await console.shows("[all 6] working 4  filled 1  ended 1")
        seen = []
        for _ in range(4):
            await console.press("w")
            seen.append(keys_of(console, "orders"))
        assert seen[:3] == [["t1-9", "t1-8", "t1-7", "t1-6"], ["t1-1"], ["t1-0"]]
        assert len(seen[3]) == 6


async def test_a_click_on_a_subset_looks_at_it(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        await go_to(console, "3")
        y = table_of(console, "orders").region.y
        await console.click(console.picture.splitlines()[y].index("filled") + 1, y)
        assert keys_of(console, "orders") == ["t1-1"]


async def test_an_order_that_fills_leaves_the_working_ones_and_the_next_is_not_cancelled_unseen(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.press("w")
        await console.let_pass(1)
        engine.change(orders=(replace(ORDERS[0], state=OrderState.FILLED), *ORDERS[1:]))
        await console.until(lambda: len(keys_of(console, "orders")) == 3)
        await console.press("c")
        assert engine.sent() == []


# ---- marks


@BOTH
async def test_c_cancels_the_marked_orders_and_a_held_c_nothing_else(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await go_to(console, "3")
        await console.press("space", "j", "space")
        await console.shows("● 2 marked")
        await console.burst(*"cccc")
        assert engine.sent() == [("cancel", "t1-9", ""), ("cancel", "t1-7", "")]
        assert "marked" not in console.picture


async def test_in_the_detail_of_an_order_c_is_about_that_order_alone(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.press("space", "space", "enter")
        await console.until(lambda: console.app.screen is not console.screen)
        await console.let_pass(1)
        await console.press("c")
        assert engine.sent() == [("cancel", "t1-7", "")]


async def test_x_rejects_the_marked_signals_with_one_reason(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "4")
        await console.press("space", "space", "x")
        await console.shows("Reject 2 signals")
        await console.let_pass(1)
        await console.type("too late")
        await console.press("enter")
        assert engine.sent() == [("reject", "s0", "too late"), ("reject", "s1", "too late")]


async def test_a_row_that_just_came_under_the_cursor_is_not_marked(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "4")
        engine.change(signals=engine.current.signals[1:])
        await console.until(lambda: keys_of(console, "signals") == ["s1", "s2", "s3"])
        await console.burst("space", "A")
        assert engine.sent() == []


async def test_what_a_filter_hides_keeps_its_mark_and_is_not_acted_on(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.press("space", "space")
        await console.burst("/", "msft", "enter")
        await console.shows("1 marked, 1 hidden")
        await console.press("c")
        assert engine.sent() == [("cancel", "t1-8", "")]


async def test_the_mark_of_a_hidden_row_outlives_what_was_done_to_those_that_are_shown(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.press("space", "space")
        await console.burst("/", "msft", "enter")
        await console.press("c", "escape", "c")
        assert engine.sent() == [("cancel", "t1-8", ""), ("cancel", "t1-9", "")]


@pytest.mark.parametrize(("panel", "keys"), [("3", "cy"), ("4", "Axy"), ("2", "Xy")])
async def test_where_all_marked_rows_are_hidden_nothing_is_done_to_the_row_under_the_cursor(
    engine: FakeEngine, panel: str, keys: str
) -> None:
    copied: list[str] = []
    async with running(engine) as console:
        console.app.copy_to_clipboard = copied.append  # type: ignore[assignment, method-assign]
        await go_to(console, panel)
        await console.press("space")
        await console.burst("/", "-aapl", "enter")
        await console.shows("0 marked, 1 hidden")
        await console.let_pass(1)
        assert console.screen.subject.row() is not None
        for key in keys:
            console.line.hush()
            await console.press(key)
            await console.shows("hidden by the filter: Esc shows it. Nothing was done.")
        assert (engine.sent(), copied, console.app.screen) == ([], [], console.screen)


async def test_marked_rows_that_are_out_of_what_is_looked_at_are_told_of_by_their_own_key(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.press("space", "space", "w", "w", "c")
        await console.shows("2 marked rows of Orders are not among those shown: w shows the others. Nothing was done.")
        assert engine.sent() == []


async def test_a_mark_ends_with_its_order(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await console.press("space", "space")
        engine.change(orders=(replace(ORDERS[0], state=OrderState.FILLED), *ORDERS[1:]))
        await console.shows("● 1 marked")
        await console.press("c")
        assert engine.sent() == [("cancel", "t1-8", "")]


async def test_a_click_in_the_first_column_marks(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "3")
        await click(console, "orders", 1, 3)
        assert table_of(console, "orders").marked == ("t1-8",)


# ---- closing


@BOTH
async def test_capital_x_closes_the_position_after_a_yes(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await go_to(console, "2")
        await console.press("j", "X")
        await console.shows("BUY 200 IBM")
        await console.let_pass(1)
        await console.press("y", "enter")
        assert engine.sent() == [("close_position", "IBM", Side.BUY, Decimal(200))]


async def test_enter_on_the_question_closes_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "2")
        await console.press("X")
        await console.let_pass(1)
        await console.press("enter")
        assert engine.sent() == []


async def test_marked_positions_are_closed_for_what_is_held_by_then_and_never_for_more(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "2")
        await console.press("space", "space", "space", "X")
        await console.shows("Close 3 positions?")
        engine.change(positions=(position("AAPL", 40), position("IBM", 5), position("MSFT", 900)))
        await console.let_pass(1)
        await console.press("y", "enter")
        assert engine.sent() == [
            ("close_position", "AAPL", Side.SELL, Decimal(40)),
            ("close_position", "MSFT", Side.SELL, Decimal(10)),
        ]


async def test_the_question_names_the_orders_that_are_cancelled_for_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "2")
        await console.press("X")
        await console.shows("#9, at work to close it, is cancelled first")


# ---- columns


async def test_columns_are_hidden_moved_and_kept_over_a_restart_together_with_the_order(engine: FakeEngine, tmp_path: Path) -> None:
    async with running(engine, SMALL, kept=tmp_path) as console:
        await go_to(console, "2")
        await console.press("o", "O", "v")
        await console.let_pass(1)
        await console.press("j", "space", "j", "K", "K", "enter")
        assert table_of(console, "positions").column_choice()[:3] == (("Average", True), ("Symbol", True), ("Qty", False))
        assert "Qty" not in console.picture
        console.app.kept.close()
    async with running(engine, SMALL, kept=tmp_path) as console:
        await go_to(console, "2")
        await console.until(lambda: keys_of(console, "positions") == ["MSFT", "IBM", "AAPL"])
        assert table_of(console, "positions").column_choice()[:3] == (("Average", True), ("Symbol", True), ("Qty", False))


async def test_a_kept_file_that_names_unknown_columns_and_panels_costs_nothing(engine: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "tables.json").write_text(
        '{"positions": {"columns": ["Gone", "Qty"], "hidden": ["Also gone", "Last"], "sort": "Never", "descending": true}, "attic": {}}'
    )
    async with running(engine, SMALL, kept=tmp_path) as console:
        await go_to(console, "2")
        await console.until(lambda: table_of(console, "positions").column_choice()[3] == ("Last", False))
        assert keys_of(console, "positions") == ["AAPL", "IBM", "MSFT"]
        assert "Last" not in console.picture


async def test_the_last_column_cannot_be_hidden_and_escape_changes_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "6")
        await console.press("v")
        await console.let_pass(1)
        await console.press("space", "j", "space")
        await console.shows("One column stays")
        await console.press("escape")
        assert table_of(console, "log").column_choice() == (("Time", True), ("What", True))


# ---- copying


async def test_y_copies_the_row_or_those_marked_as_tabs_and_lines_without_control_characters(engine: FakeEngine) -> None:
    engine.change(positions=(position("AAPL", 100), position("IB\x1b]52;c;eA==\x07M", -200)))
    async with running(engine) as console:
        await go_to(console, "2")
        await console.press("y")
        copied = console.app.clipboard
        assert copied.split("\t")[:4] == ["AAPL", "100", "187.20", "187.52"]
        await console.shows("Copied to the clipboard: AAPL 100")
        await console.press("space", "space", "y")
        lines = console.app.clipboard.split("\n")
        assert len(lines) == 2
        assert all(character.isprintable() or character in "\t\n" for character in console.app.clipboard)
        await console.shows("Copied to the clipboard: 2 rows of Positions")


async def test_a_copy_reaches_the_terminal_as_one_sequence(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "2")
        written: list[str] = []
        driver = console.app._driver
        assert driver is not None
        driver.write = written.append  # type: ignore[method-assign, assignment]
        await console.press("y")
        sequences = [text for text in written if text.startswith("\x1b]52;")]
        assert [base64.b64decode(text[7:-1]).decode().split("\t")[0] for text in sequences] == ["AAPL"]


# ---- log


def lines(*numbers: int) -> tuple[LogLine, ...]:
    levels = (Level.INFO, Level.WARNING, Level.ERROR)
    return tuple(LogLine(number, NOW, levels[number % 3], "test", f"line {number}") for number in numbers)


async def test_the_log_shows_warnings_and_errors_alone_and_opens_a_line_whole(engine: FakeEngine) -> None:
    engine.change(log=lines(*range(9)))
    async with running(engine, SMALL) as console:
        await go_to(console, "6")
        await console.shows("[all 9] warnings 6  errors 3")
        await console.press("w")
        assert keys_of(console, "log") == ["1", "2", "4", "5", "7", "8"]
        await console.press("w")
        assert keys_of(console, "log") == ["2", "5", "8"]
        await console.press("enter")
        await console.shows("line 8")


async def test_a_filtered_log_says_how_many_of_its_lines_are_new_below(engine: FakeEngine) -> None:
    engine.change(log=lines(*range(90)))
    async with running(engine, SMALL) as console:
        await go_to(console, "6")
        await console.press("w", "g")
        engine.change(log=lines(*range(80, 96)))
        await console.shows("4 new below")
        log = cast(Log, console.screen.panels["log"])
        await click(console, "log", log.size.width - 8, 0)
        await console.shows("follows")
        assert log.cursor_key == "95"


# ---- the mouse


async def test_the_wheel_scrolls_and_a_double_click_opens(engine: FakeEngine) -> None:
    engine.change(orders=tuple(order(n) for n in range(60, 0, -1)))
    async with running(engine, SMALL) as console:
        await go_to(console, "3")
        table = table_of(console, "orders")
        for _ in range(3):
            await console.pilot._post_mouse_events([events.MouseScrollDown], "#orders", offset=(10, 5))
        await console.until(lambda: table.scroll_offset.y > 0)
        await click(console, "orders", 10, 4, times=2)
        await console.until(lambda: console.app.screen is not console.screen)


async def test_signals_that_were_decided_stay_below_those_that_wait_however_they_are_sorted(engine: FakeEngine) -> None:
    decided = signal(9, symbol="AAA", state=SignalState.SENT, expires_in_s=None)
    engine.change(signals=(*engine.current.signals, decided))
    async with running(engine) as console:
        await go_to(console, "4")
        await console.press(*["o"] * 4)
        assert table_of(console, "signals").arrangement.sort == "Symbol"
        assert keys_of(console, "signals") == ["s0", "s2", "s1", "s3", "s9"]
