"""What acts on rows acts on those marked, as far as they are seen."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model import OrderState, Side
from engine.model.signals import SignalState
from tests.console.driving import go_to, running
from tests.console.fake_engine import FakeEngine
from tests.console.tables.rows import BOTH, ORDERS, click, keys_of, table_of
from tests.views import position

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


async def test_a_row_that_cannot_be_marked_says_which_can(engine: FakeEngine) -> None:
    engine.change(signals=(replace(engine.current.signals[0], state=SignalState.SENT, expires_in_s=None),))
    async with running(engine) as console:
        await go_to(console, "4")
        await console.press("space")
        await console.shows("Only signals that wait can be marked.")
        assert "●" not in console.picture


@BOTH
async def test_ended_orders_are_marked_to_be_copied_and_c_lets_them_and_the_row_under_the_cursor_be(
    engine: FakeEngine, size: tuple[int, int]
) -> None:
    ended = [replace(row, state=OrderState.FILLED) for row in ORDERS[:2]]
    engine.change(orders=(*ended, *ORDERS[2:]))
    async with running(engine, size) as console:
        await go_to(console, "3")
        await console.press("space", "space", "y")
        await console.shows("Copied to the clipboard: 2 rows of Orders")
        await console.press("c")
        await console.shows("All 2 marked orders have ended: there is nothing to cancel in them.")
        assert engine.sent() == []


async def test_of_marked_orders_c_cancels_those_that_work_and_says_how_many_had_ended(engine: FakeEngine) -> None:
    engine.change(orders=(replace(ORDERS[0], state=OrderState.FILLED), *ORDERS[1:]))
    async with running(engine) as console:
        await go_to(console, "3")
        await console.press("space", "space", "c")
        await console.shows("cancel #8 (1 of those marked had ended): done")
        assert engine.sent() == [("cancel", "t1-8", "")]


async def test_x_rejects_the_marked_signals_with_one_reason(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "4")
        await console.press("space", "space", "x")
        await console.shows("Reject 2 signals")
        await console.let_pass(1)
        await console.type("too late")
        await console.press("enter")
        assert engine.sent() == [("reject", "s0", "too late"), ("reject", "s1", "too late")]


async def test_marks_outlive_a_question_that_is_answered_with_no_and_go_with_what_is_done(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await go_to(console, "4")
        await console.press("space", "space")
        await console.shows("● 2 marked  A approve them  a approve")
        await console.press("x")
        await console.shows("Reject 2 signals")
        await console.press("escape")
        await console.shows("● 2 marked")
        await console.let_pass(1)
        await console.press("x")
        await console.let_pass(1)
        await console.press("enter")
        await console.until(lambda: "marked" not in console.picture)
        assert engine.sent() == [("reject", "s0", ""), ("reject", "s1", "")]


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
        assert table_of(console, "orders").marks.keys == ("t1-8",)


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
