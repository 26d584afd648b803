"""The mouse at the wrong moment: a click that was made before a question stood there answers nothing of it, typing goes on beside the wheel
and the crosshair, and what one click does is no more than that."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import pytest
from textual import events

from console.screens.dialog import DEAF_SECONDS, Dialog
from console.screens.ticket import TicketDialog
from tests.console.driving import Console, running
from tests.console.fake_engine import FakeEngine
from tests.console.test_mouse_and_keys import at_once, click, place_of
from tests.console.test_mouse_everywhere import hint, wheel
from tests.views import order, position, sample_view
from widgets.chart import Chart
from widgets.hints import HintLine
from widgets.order_line import OrderLine


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(sample_view(orders=tuple(order(number) for number in range(40, 0, -1)), positions=(position("AAPL", 100),)))


# ---- before and after a dialog opens


async def test_a_click_made_before_a_question_opened_answers_nothing_of_it_however_late_it_is_told(engine: FakeEngine) -> None:
    """The machine was busy: the question has long been drawn when the click that waited behind its key is handled."""
    async with running(engine) as console:
        engine.change(orders=())
        await console.press("2")
        await console.let_pass(1)
        await console.press("X")
        await console.shows("Close the position?")
        yes = place_of(console, "y  Close")
        await console.press("escape")
        made = click(yes[0] + 1, yes[1], 2)
        await console.press("X")
        await console.let_pass(5)
        await at_once(console, *made)
        assert isinstance(console.app.screen, Dialog)
        assert engine.sent() == []
        await at_once(console, *click(yes[0] + 1, yes[1] - 1), *click(yes[0] + 1, yes[1], 2))
        assert [call[0] for call in engine.sent()] == ["close_position"]


async def test_a_click_on_a_hint_made_before_a_ticket_asks_is_no_yes_to_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("1", "b", "5", "f5")
        y = console.app.screen.query_one(HintLine).region.y
        x = console.picture.split("\n")[y].index("y carry it out")
        await console.let_pass(5)
        await console.press("n")
        made = click(x, y)
        await console.press("f5")
        await console.let_pass(5)
        await at_once(console, *made)
        assert engine.sent() == []
        await console.let_pass(5)
        await at_once(console, *click(x, y))
        assert [call[0] for call in engine.sent()] == ["submit"]


async def test_under_the_question_of_a_ticket_its_fields_take_no_click_and_a_yes_waits_until_it_can_be_read(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("1", "b")
        await console.type("5")
        await console.press("f5")
        asked = console.picture
        for field in ("Type  ", "Quantity  ", "Limit  "):
            if field in asked:
                x, y = place_of(console, field)
                await at_once(console, *click(x + 20, y))
        await console.type("7")
        assert isinstance(console.app.screen, TicketDialog)
        assert "y sends it" in " ".join(console.picture.split())
        x, y = place_of(console, "y sends it")
        await at_once(console, *click(x, y))
        assert engine.sent() == []
        await console.shows("Too soon")
        await console.let_pass(DEAF_SECONDS * 2)
        x, y = place_of(console, "y sends it")
        await at_once(console, *click(x + 1, y))
        assert [(call[0], call[1].quantity) for call in engine.sent()] == [("submit", Decimal(5))]


async def test_a_yes_by_the_mouse_counts_however_quickly_the_key_that_asked_was_typed(engine: FakeEngine) -> None:
    """What is certain of the silence before a key says nothing of a click."""
    async with running(engine) as console:
        await console.press("1", "b", "5", "f5")
        console.app.silence = 0.0
        await console.let_pass(DEAF_SECONDS * 2)
        x, y = place_of(console, "y sends it")
        await at_once(console, *click(x + 1, y))
        assert [call[0] for call in engine.sent()] == ["submit"]


# ---- keys right behind a click


async def test_what_is_typed_right_behind_a_click_into_the_order_line_is_all_in_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3")
        await console.let_pass(1)
        region = console.app.query_one(OrderLine).region
        keys = [events.Key(letter, letter) for letter in "buyxqc"]
        await at_once(console, *click(region.x + 3, region.y), *keys)
        assert console.line.text == "buyxqc"
        assert console.app.screen is console.screen
        assert engine.sent() == []


@pytest.mark.parametrize("stop", ["f12", "ctrl+g"])
async def test_the_stop_right_behind_a_click_stops(engine: FakeEngine, stop: str) -> None:
    async with running(engine) as console:
        await at_once(console, *click(*place_of(console, "2 Positions")), events.Key(stop, None), *click(*place_of(console, "3 Orders")))
        assert engine.sent() == [("emergency_stop", "stop key")]


# ---- one click


async def test_one_click_on_a_row_marks_it_and_opens_nothing_two_open_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3")
        x, y = place_of(console, "#38")
        await at_once(console, *click(x, y))
        assert console.app.screen is console.screen
        assert console.screen.panels["orders"].cursor_key == "t1-38"  # type: ignore[attr-defined]
        await at_once(console, *click(x, y, 2))
        assert console.app.screen is not console.screen


async def test_two_clicks_on_two_rows_open_neither(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3")
        x, y = place_of(console, "#38")
        await at_once(console, *click(x, y), *click(x, y + 1))
        assert console.app.screen is console.screen
        assert console.screen.panels["orders"].cursor_key == "t1-37"  # type: ignore[attr-defined]


# ---- while somebody types


async def test_the_wheel_scrolls_a_panel_and_leaves_what_is_typed_alone(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3", "colon")
        await console.type("buy 10 AA")
        x, y = place_of(console, "#38")
        await wheel(console, x, y, 3)
        await console.until(lambda: "#40" not in console.picture)
        await console.type("PL")
        assert console.line.text == "buy 10 AAPL"
        assert console.screen.focused is console.line


async def test_the_wheel_leaves_a_filter_that_is_typed_open(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3", "slash", "a")
        x, y = place_of(console, "#38")
        await wheel(console, x, y, 2)
        await console.press("p")
        table = console.screen.subject.table
        assert table is not None
        assert (table.filter_text, table.typing) == ("ap", True)


def moved(x: int, y: int) -> events.MouseMove:
    return events.MouseMove(None, x, y, 0, 0, 0, False, False, False, screen_x=x, screen_y=y)


def chart_of(console: Console) -> Chart:
    return cast(Chart, console.screen.panels["chart"])


async def test_the_crosshair_follows_the_mouse_over_the_chart_and_goes_with_it_and_takes_no_key(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3", "colon")
        await console.type("buy 10 ")
        chart = chart_of(console)
        inside = (chart.region.x + 20, chart.region.y + 6)
        await at_once(console, moved(*inside))
        first = chart.crosshair_at
        assert first is not None
        await at_once(console, moved(inside[0] - 10, inside[1]))
        assert cast(int, chart.crosshair_at) < first
        await console.type("AAPL")
        assert console.line.text == "buy 10 AAPL"
        await at_once(console, moved(3, console.app.size.height - 2))
        assert not chart.has_crosshair
        assert engine.sent() == []


async def test_a_crosshair_that_keys_put_there_stays_when_the_mouse_passes_by(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("7", "left", "left")
        chart = chart_of(console)
        before = chart.crosshair_at
        await at_once(console, moved(chart.region.x + 10, chart.region.y + 6), moved(3, console.app.size.height - 2))
        assert chart.crosshair_at == before is not None


async def test_a_hint_that_is_clicked_while_a_filter_is_typed_is_that_of_the_filter(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3", "slash", "a")
        await hint(console, "Esc ")
        table = console.screen.subject.table
        assert table is not None
        assert not table.typing
        assert engine.sent() == []
