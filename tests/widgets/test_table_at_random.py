"""A table under anything that may come: whatever the order of updates, sorts, filters, marks and movements, cursor, marks and lines agree,
and no row is acted on that was not seen under the cursor for a while."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.model.orders import OrderState
from engine.model.views import OrderRow
from tests.views import order
from tests.widgets.harness import Harness, lines_of
from widgets.orders import Orders
from widgets.row_table import SETTLING_S

SYMBOLS = ("AAPL", "MSFT", "IBM")
STATES = (OrderState.WORKING, OrderState.FILLED, OrderState.CANCELED)


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Watcher:
    """A person who looks: since when the row under the cursor has been this one, in view and in the same surroundings."""

    key: str | None = None
    since: float = 0.0

    def look(self, table: Orders, now: float) -> None:
        visible = 0 <= table._cursor - table.scroll_offset.y < table.shown_rows
        key = table.cursor_key if visible else None
        if key != self.key:
            self.key, self.since = key, now


rows = st.lists(
    st.tuples(st.integers(0, 25), st.sampled_from(SYMBOLS), st.sampled_from(STATES), st.integers(1, 5)),
    max_size=25,
    unique_by=lambda row: row[0],
)
steps = st.one_of(
    st.tuples(st.just("rows"), rows),
    st.tuples(st.just("change"), st.integers(0, 24), st.sampled_from(STATES), st.integers(1, 5)),
    st.tuples(st.just("move"), st.sampled_from([-1, 1, -5, 5])),
    st.tuples(st.just("sort")),
    st.tuples(st.just("turn")),
    st.tuples(st.just("filter"), st.sampled_from(["", "msft", "-ibm", "working aapl", "nothing"])),
    st.tuples(st.just("subset")),
    st.tuples(st.just("mark")),
    st.tuples(st.just("pass"), st.sampled_from([0.1, 0.3, 0.6, 3.0])),
    st.tuples(st.just("act")),
)


def made(row: tuple[int, str, OrderState, int]) -> OrderRow:
    number, symbol, state, quantity = row
    return order(number, symbol=symbol, state=state, quantity=Decimal(quantity), requested=Decimal(quantity))


def take(table: Orders, step: tuple[object, ...]) -> None:
    match step:
        case ("rows", list() as wanted):
            # A row that says the same is the same object, as the engine hands them out.
            known = {row.id: row for row in table.all_rows}
            fresh = [made(row) for row in wanted]
            table.show_rows(tuple(known[row.id] if known.get(row.id) == row else row for row in fresh))
        case ("change", int(place), OrderState() as state, int(quantity)) if table.all_rows:
            rows = list(table.all_rows)
            place %= len(rows)
            rows[place] = replace(rows[place], state=state, quantity=Decimal(quantity))
            table.show_rows(tuple(rows))
        case ("move", int(by)):
            table.action_cursor(by)
        case ("sort",):
            table.sort_next()
        case ("turn",):
            table.sort_other_way()
        case ("filter", str(words)):
            table.clear_filter()
            if words:
                table.open_filter()
                table.take_filter_paste(words)
                table.end_filter()
        case ("subset",):
            table.next_subset()
        case ("mark",):
            table.action_mark()


def agree(table: Orders) -> None:
    """Everything about the table that must hold at any moment."""
    keys = [row.id for row in table.rows]
    assert len(keys) == len(set(keys))
    assert {row.id for row in table.rows} <= {row.id for row in table.all_rows}
    words = table._filter.words
    holds = table._subset.holds if table._subset else None
    assert sorted(keys) == sorted(row.id for row in table.all_rows if words.hold_in(table.text_of(row)) and (holds is None or holds(row)))
    assert (table.cursor_key in keys) if keys else (table.cursor_key is None)
    assert list(table.marks.keys) == [key for key in keys if key in table.marks.all]
    assert all(not row.state.is_final or row.id in table._marked_ended for row in table.all_rows if row.id in table.marks.all)
    assert table.marks.all <= {row.id for row in table.all_rows}
    assert [row.id for row in table.marks.rows] == list(table.marks.keys)


def drawn_agrees(table: Orders) -> None:
    """What stands on the lines is what the table says of itself."""
    lines = lines_of(table)
    top, first = table.scroll_offset.y, 1 + table.header_height
    for line, row in enumerate(table.rows[top : top + table.shown_rows]):
        text = lines[first + line][1:-1]
        assert f"#{row.number} " in text
        assert row.symbol in text
        assert row.state.words in text
        assert text.startswith("●") is (row.id in table.marks.keys)
        if row.id == table.cursor_key and row.id not in table.marks.keys:
            assert text.startswith("▸")


async def play(script: list[tuple[object, ...]], pilot: Pilot[None], table: Orders, clock: Clock) -> None:
    watcher = Watcher()
    watcher.look(table, clock.now)
    for step in script:
        clock.now += float(str(step[1])) if step[0] == "pass" else 0.01
        if step[0] == "act":
            key = table.cursor_key
            if table.reveal() and key is not None:
                assert table.cursor_key == key
                assert watcher.key == key, "it was not in view"
        else:
            before = table.cursor_key
            take(table, step)
            if table.cursor_key != before and step[0] in ("rows", "change", "filter", "subset"):
                assert table.cursor_key is None or not table.reveal(), "it came under the cursor by itself, a moment ago"
        await pilot.pause()
        watcher.look(table, clock.now)
        agree(table)
        drawn_agrees(table)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=5, max_size=30))
async def test_cursor_marks_and_lines_agree_and_nothing_unseen_is_acted_on(script: list[tuple[object, ...]]) -> None:
    clock = Clock()
    table = Orders(clock=clock)
    async with Harness(table).run_test(size=(110, 12)) as pilot:
        table.focus()
        await pilot.pause()
        table.show_rows(tuple(made((number, SYMBOLS[number % 3], STATES[number % 3], 1 + number % 5)) for number in range(14, 0, -1)))
        await pilot.pause()
        clock.now += SETTLING_S
        await play([*script, ("pass", 0.6), ("act",)], pilot, table, clock)
