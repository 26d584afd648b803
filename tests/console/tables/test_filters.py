"""What a table shows of its rows: filters as they are typed, and subsets."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual import events

from engine.model import OrderState
from tests.console.driving import SMALL, go_to, running
from tests.console.fake_engine import FakeEngine
from tests.console.tables.rows import BOTH, ORDERS, click, keys_of, table_of

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
        head = next(line for line in console.picture.splitlines() if "2 Positions" in line and " held" in line)
        assert "2 of 3 held  ▼ -20.00" in head


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
