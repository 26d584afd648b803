"""A table's order, columns and copies, by keys and by the mouse."""

from __future__ import annotations

import base64
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace
from textual import events

from engine.model.signals import SignalState
from tests.console.driving import SMALL, go_to, running
from tests.console.fake_engine import FakeEngine
from tests.console.tables.rows import HELD, click, keys_of, table_of
from tests.views import order, position, signal

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
