"""LiveTable from the outside: what it says, where its cursor stays, and how little it paints."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from rich.segment import Segment
from textual.pilot import Pilot

from engine.model.signals import SignalState
from engine.model.views import PositionRow
from tests.views import order, position, sample_signals, sample_view, signal
from tests.widgets.harness import Harness, lines_of, text_of
from widgets.columns import Column, place
from widgets.orders import Orders
from widgets.positions import Positions
from widgets.signals import Signals


class Watched(Positions):
    """Positions that counts the lines it is asked to draw."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[int] = []

    def content_line(self, y: int, width: int) -> list[Segment]:
        self.drawn.append(y)
        return super().content_line(y, width)


def held(count: int) -> tuple[PositionRow, ...]:
    return tuple(position(f"S{i:04}", i + 1) for i in range(count))


async def started(table: Any, pilot: Pilot[None]) -> None:
    table.focus()
    await pilot.pause()


async def test_the_first_row_is_highlighted_and_can_be_chosen() -> None:
    table = Watched()
    app = Harness(table)
    async with app.run_test(size=(80, 12)) as pilot:
        table.show_rows(held(3))
        await started(table, pilot)
        await pilot.press("enter")
        assert app.said == [("RowHighlighted", "S0000"), ("RowChosen", "S0000")]


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        (["j"], "S0001"),
        (["down", "down", "k"], "S0001"),
        (["G"], "S0049"),
        (["end", "g"], "S0000"),
        (["pagedown"], "S0007"),
        (["pagedown", "pageup"], "S0000"),
        (["up"], "S0000"),
        (["G", "j"], "S0049"),
    ],
)
async def test_keys_move_the_cursor_and_keep_it_in_view(keys: list[str], key: str) -> None:
    table = Watched()
    async with Harness(table).run_test(size=(80, 12)) as pilot:
        table.show_rows(held(50))
        await started(table, pilot)
        await pilot.press(*keys)
        assert table.cursor_key == key
        assert f"▸ {key}" in text_of(table).replace("▸", "▸ ")


async def test_the_cursor_goes_where_its_row_goes() -> None:
    table = Watched()
    app = Harness(table)
    async with app.run_test(size=(80, 12)) as pilot:
        rows = held(5)
        table.show_rows(rows)
        await started(table, pilot)
        await pilot.press("j", "j")
        app.said.clear()
        table.show_rows((position("NEW"), *reversed(rows)))
        await pilot.pause()
        assert table.cursor_key == "S0002"
        assert app.said == []


async def test_orders_that_nobody_is_in_show_the_newest_and_one_who_reads_on_is_left_on_the_row() -> None:
    table, other = Orders(), Positions()
    app = Harness(table, other)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(other, pilot)
        for newest in range(1, 40):
            table.show_rows(tuple(order(number) for number in range(newest, 0, -1)))
        await pilot.pause()
        assert (table.cursor_key, table.scroll_offset.y) == ("t1-39", 0)
        await started(table, pilot)
        await pilot.press("j", "j")
        table.show_rows(tuple(order(number) for number in range(80, 0, -1)))
        await pilot.pause()
        assert table.cursor_key == "t1-37"


async def test_what_waits_is_in_sight_once_a_person_has_left_the_row_of_a_decided_signal() -> None:
    table, other = Signals(), Positions()
    app = Harness(table, other)
    async with app.run_test(size=(80, 24)) as pilot:
        decided = [signal(number, state=SignalState.SENT, expires_in_s=None, decided_by="you") for number in range(30, 0, -1)]
        table.show_rows((signal(32), signal(31), *decided))
        await started(table, pilot)
        await pilot.press("G")
        assert table.scroll_offset.y
        await started(other, pilot)
        assert (table.cursor_key, table.scroll_offset.y) == ("s32", 0)
        await started(table, pilot)
        assert not table.reveal(), "it came under the cursor by itself, so the next key must not act on it yet"
        await pilot.press("j")
        await started(other, pilot)
        assert table.cursor_key == "s31", "one that waits is where the cursor was left"


async def test_a_signal_that_was_decided_lets_go_of_the_cursor_and_one_that_waits_does_not() -> None:
    table = Signals()
    app = Harness(table)
    async with app.run_test(size=(80, 24)) as pilot:
        table.show_rows((signal(5), signal(4)))
        await started(table, pilot)
        await pilot.press("j")
        table.show_rows((signal(6), signal(5), signal(4)))
        await pilot.pause()
        assert table.cursor_key == "s4"
        decided = signal(4, state=SignalState.SENT, expires_in_s=None, decided_by="you")
        table.show_rows((signal(7), signal(6), signal(5), decided))
        await pilot.pause()
        assert table.cursor_key == "s7"
        assert not table.reveal(), "it came under the cursor by itself, so the next key must not act on it yet"


async def test_the_last_signal_that_waited_lets_go_of_the_cursor_although_it_keeps_its_place() -> None:
    table = Signals()
    app = Harness(table)
    async with app.run_test(size=(80, 24)) as pilot:
        table.show_rows((signal(5), signal(4)))
        await started(table, pilot)
        await pilot.press("j")
        table.show_rows((signal(5), signal(4, state=SignalState.REJECTED, expires_in_s=None, decided_by="you")))
        await pilot.pause()
        assert table.cursor_key == "s5"
        assert not table.reveal(), "it came under the cursor by itself, so the next key must not act on it yet"


async def test_what_waits_next_comes_under_a_cursor_at_the_top_and_leaves_one_that_was_moved_where_it_is() -> None:
    table = Signals()
    app = Harness(table)
    decided = [signal(number, state=SignalState.SENT, expires_in_s=None, decided_by="you") for number in (5, 4)]
    async with app.run_test(size=(80, 24)) as pilot:
        table.show_rows(decided)
        await started(table, pilot)
        table.show_rows((signal(6), *decided))
        await pilot.pause()
        assert (table.cursor_key, table.reveal()) == ("s6", False)
        await pilot.press("j")
        table.show_rows((signal(7), signal(6), *decided))
        await pilot.pause()
        assert table.cursor_key == "s5"


async def test_the_cursor_takes_the_next_row_when_its_own_is_gone() -> None:
    table = Watched()
    app = Harness(table)
    async with app.run_test(size=(80, 12)) as pilot:
        rows = held(4)
        table.show_rows(rows)
        await started(table, pilot)
        await pilot.press("j")
        table.show_rows(rows[:1] + rows[2:])
        await pilot.pause()
        assert table.cursor_key == "S0002"
        assert app.said[-1] == ("RowHighlighted", "S0002")
        table.show_rows(())
        await pilot.pause()
        assert table.cursor_key is None


async def test_only_the_line_of_a_changed_row_is_drawn_again() -> None:
    table = Watched()
    async with Harness(table).run_test(size=(80, 24)) as pilot:
        rows = held(15)
        table.show_rows(rows)
        await pilot.pause()
        table.drawn.clear()
        table.show_rows((*rows[:7], replace(rows[7], last=200.0), *rows[8:]))
        await pilot.pause()
        assert table.drawn == [8]


async def test_nothing_is_drawn_for_rows_that_did_not_change_or_are_out_of_view() -> None:
    table = Watched()
    async with Harness(table).run_test(size=(80, 24)) as pilot:
        rows = held(500)
        table.show_rows(rows)
        await pilot.pause()
        table.drawn.clear()
        table.show_rows(tuple(rows))
        table.show_rows((*rows[:400], replace(rows[400], last=200.0), *rows[401:]))
        await pilot.pause()
        assert table.drawn == []


async def test_the_cursor_moving_draws_two_lines() -> None:
    table = Watched()
    async with Harness(table).run_test(size=(80, 24)) as pilot:
        table.show_rows(held(15))
        await started(table, pilot)
        table.drawn.clear()
        await pilot.press("j")
        await pilot.pause()
        assert sorted(table.drawn) == [1, 2]


async def test_a_click_moves_the_cursor_and_a_double_click_chooses() -> None:
    table = Watched()
    app = Harness(table)
    async with app.run_test(size=(80, 12)) as pilot:
        table.show_rows(held(5))
        await started(table, pilot)
        await pilot.click(table, offset=(10, 4))
        assert table.cursor_key == "S0002"
        await pilot.click(table, offset=(10, 3), times=2)
        assert app.said[-1] == ("RowChosen", "S0001")
        await pilot.click(table, offset=(10, 9))
        assert table.cursor_key == "S0001"


async def test_who_scrolled_away_with_the_wheel_is_not_pulled_back_by_a_new_row() -> None:
    table = Watched()
    async with Harness(table).run_test(size=(80, 12)) as pilot:
        rows = held(50)
        table.show_rows(rows)
        await started(table, pilot)
        table.scroll_to(y=30, animate=False)
        await pilot.pause()
        table.show_rows((*rows, position("NEW")))
        await pilot.pause()
        assert table.scroll_offset.y == 30


async def test_space_marks_what_can_be_marked_and_a_decided_signal_loses_its_mark() -> None:
    table = Signals()
    waiting = signal(3), signal(4)
    view = sample_view(signals=(*waiting, sample_signals()[1]))
    async with Harness(table).run_test(size=(80, 12)) as pilot:
        table.show(view)
        await started(table, pilot)
        await pilot.press("space", "space", "space")
        assert list(table.marks.keys) == ["s3", "s4"]
        assert text_of(table).count("●") == 2
        table.show(sample_view(signals=(waiting[0], replace(sample_signals()[1], id="s4"))))
        assert list(table.marks.keys) == ["s3"]
        table.clear_marks()
        assert list(table.marks.keys) == []


async def test_an_empty_table_says_what_would_fill_it() -> None:
    table = Positions()
    async with Harness(table).run_test(size=(60, 8)) as pilot:
        table.show(sample_view(positions=()))
        await pilot.pause()
        assert "No positions. b buys, : opens the order line." in text_of(table)
        assert "Average" not in text_of(table)


@pytest.mark.parametrize(
    ("width", "gone", "kept"),
    [(38, ["Average", "%"], ["Qty", "Unrealised"]), (62, ["Realised"], ["Average", "%"]), (120, [], ["Realised"])],
)
async def test_where_room_is_short_the_least_important_columns_go_whole(width: int, gone: list[str], kept: list[str]) -> None:
    table = Positions()
    async with Harness(table).run_test(size=(width, 8)) as pilot:
        table.show(sample_view())
        await pilot.pause()
        heading = lines_of(table)[1]
        assert [name for name in gone if name in heading] == []
        assert [name for name in kept if name not in heading] == []


async def test_a_column_grows_to_its_widest_number_rather_than_cut_it() -> None:
    table = Positions()
    async with Harness(table).run_test(size=(100, 8)) as pilot:
        table.show(sample_view(positions=(position(average=Decimal("1234567.89")),)))
        await pilot.pause()
        assert "1,234,567.89" in text_of(table)


async def test_the_total_stands_right_under_the_last_row_and_at_the_bottom_where_not_all_fit() -> None:
    table = Positions()
    async with Harness(table).run_test(size=(100, 10)) as pilot:
        for count, line in ((3, 5), (5, 7), (2, 4), (40, 8), (4, 6)):
            table.show(sample_view(positions=held(count)))
            await pilot.pause()
            assert [y for y, text in enumerate(lines_of(table)) if "Total" in text] == [line]
            # What is on the screen is what was painted again, not what a table drawn from nothing would show.
            painted = pilot.app.screen._compositor.render_strips()
            assert [y for y, strip in enumerate(painted) if "Total" in strip.text] == [line]


async def test_a_focused_panel_is_told_apart_without_colour() -> None:
    table, other = Positions(), Signals()
    async with Harness(table, other, theme="monochrome").run_test(size=(80, 20)) as pilot:
        await started(table, pilot)
        focused, blurred = (next(s for s in widget.render_line(0) if widget.TITLE in s.text) for widget in (table, other))
        assert focused.style is not None
        assert blurred.style is not None
        assert focused.style.bgcolor != blurred.style.bgcolor


@pytest.mark.parametrize("height", [3, 4, 5])
async def test_a_low_panel_shows_rows_rather_than_headings(height: int) -> None:
    table = Positions()
    async with Harness(table).run_test(size=(80, height)) as pilot:
        table.show(sample_view())
        await pilot.pause()
        assert "AAPL" in text_of(table)
        assert ("Average" in text_of(table)) is (height == 5)


def test_columns_that_always_stay_are_kept_where_nothing_fits() -> None:
    columns: tuple[Column[str], ...] = (Column("a", str, 10), Column("b", str, 10, priority=1), Column("c", str, 10, flex=1))  # type: ignore[arg-type]
    narrow, gap = place(columns, [10, 10, 10], [10, 10, 10], 15)
    assert [placed.column.title for placed in narrow] == ["a", "c"]
    assert gap == 1
    wide, gap = place(columns, [10, 10, 10], [10, 10, 10], 60)
    assert [placed.width for placed in wide] == [10, 10, 60 - 1 - 2 * gap - 20]


def test_what_stays_and_has_no_room_gives_up_what_it_grew_by_text_before_numbers() -> None:
    columns: tuple[Column[str], ...] = (Column("text", str, 4, grow=20), Column("number", str, 4, "right", grow=20))  # type: ignore[arg-type]
    assert [placed.width for placed in place(columns, [12, 9], [12, 9], 16)[0]] == [6, 9]
    assert [placed.width for placed in place(columns, [12, 9], [12, 9], 12)[0]] == [4, 7]
    assert [placed.width for placed in place(columns, [12, 9], [12, 9], 30)[0]] == [12, 9]


def test_a_narrow_column_takes_the_room_that_a_wide_one_did_not_find() -> None:
    columns: tuple[Column[str], ...] = (Column("a", str, 5), Column("wide", str, 9, priority=1), Column("narrow", str, 3, priority=2))  # type: ignore[arg-type]
    assert [placed.column.title for placed in place(columns, [5, 9, 3], [5, 9, 3], 12)[0]] == ["a", "narrow"]
    assert [placed.column.title for placed in place(columns, [5, 9, 3], [5, 9, 3], 18)[0]] == ["a", "wide"]
    assert [placed.column.title for placed in place(columns, [5, 9, 3], [5, 9, 3], 19)[0]] == ["a", "wide", "narrow"]


def test_what_can_be_said_shorter_is_before_its_column_goes() -> None:
    columns: tuple[Column[str], ...] = (Column("a", str, 4), Column("b", str, 4, grow=20, priority=1), Column("c", str, 4, priority=4))  # type: ignore[arg-type]
    widths, least = [4, 15, 4], [4, 9, 4]
    assert [placed.width for placed in place(columns, widths, least, 25)[0]] == [4, 15, 4]
    assert [placed.width for placed in place(columns, widths, least, 20)[0]] == [4, 15]
    assert [placed.width for placed in place(columns, widths, least, 15)[0]] == [4, 10]
    assert [placed.column.title for placed in place(columns, widths, least, 13)[0]] == ["a", "c"]
