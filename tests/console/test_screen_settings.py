"""How the screen is drawn by its settings: which layout, and how seldom data are drawn over a thin line."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.geometry import Size

from console.screens.layout import layout_for
from engine.model import TradingState, View
from engine.model.settings import ScreenSettings
from tests.console.driving import SMALL, Console, running
from tests.console.fake_engine import FakeEngine

THIN = ScreenSettings(low_bandwidth=True)


def last_prices(engine: FakeEngine, price: float) -> None:
    engine.change(watch=tuple(replace(row, last=price, bid=price, ask=price) for row in engine.current.watch))


class CountingEngine(FakeEngine):
    views = 0

    def view(self) -> View:
        self.views += 1
        return super().view()


async def some_frames(console: Console) -> None:
    """The screen asks the engine for several Views."""
    asked = console.screen.engine
    assert isinstance(asked, CountingEngine)
    before = asked.views
    await console.until(lambda: asked.views > before + 3)


async def test_over_a_thin_line_data_are_drawn_only_every_half_second() -> None:
    engine = CountingEngine()
    async with running(engine, screen=THIN) as console:
        await some_frames(console)
        last_prices(engine, 777.25)
        await some_frames(console)
        assert "777.25" not in console.picture
        await console.let_pass(0.6)
        await console.shows("777.25")


async def test_over_a_thin_line_a_key_and_its_answer_are_shown_at_once() -> None:
    engine = CountingEngine()
    async with running(engine, screen=THIN) as console:
        await some_frames(console)
        await console.type(":buy 100 AAPL mkt")
        await console.shows("gate: passes")
        await console.press("enter")
        await console.shows("done")


async def test_over_a_thin_line_a_halt_is_shown_at_once() -> None:
    engine = CountingEngine()
    async with running(engine, screen=THIN) as console:
        await some_frames(console)
        engine.change(account=replace(engine.current.account, state=TradingState.HALTED, reason="by hand"))
        await console.shows("by hand")


async def test_other_settings_take_hold_while_the_screen_is_open() -> None:
    engine = CountingEngine()
    async with running(engine, SMALL, screen=THIN) as console:
        console.screen.draw_by(ScreenSettings(layout="medium"))
        await console.until(lambda: console.screen.layout_name == "medium")
        last_prices(engine, 777.25)
        await console.shows("777.25")


@pytest.mark.parametrize(
    ("size", "chosen", "layout"),
    [
        ((200, 60), "auto", "large"),
        ((159, 60), "auto", "wide"),
        ((160, 43), "auto", "wide"),
        ((160, 44), "auto", "large"),
        ((190, 45), "auto", "large"),
        ((190, 43), "auto", "broad"),
        ((200, 24), "auto", "broad"),
        ((189, 24), "auto", "small"),
        ((120, 36), "large", "large"),
        ((200, 60), "small", "small"),
        ((100, 28), "wide", "wide"),
        ((80, 24), "medium", "medium"),
        ((79, 24), "wide", "small"),
    ],
)
def test_a_chosen_layout_is_kept_where_there_is_any_room_for_it(size: tuple[int, int], chosen: str, layout: str) -> None:
    assert layout_for(Size(*size), plain=False, chosen=chosen) == layout


@pytest.mark.parametrize("size", [(160, 44), (160, 50), (200, 60), (240, 70), (300, 80)])
async def test_a_very_large_terminal_gives_its_height_to_the_chart(size: tuple[int, int]) -> None:
    async with running(CountingEngine(), size) as console:
        heights = {name: panel.region.height for name, panel in console.screen.panels.items()}
        assert heights["chart"] > heights["positions"] + heights["orders"]
        assert heights["risk"] <= heights["watch"]
        # What is held, waits and works still has rows.
        assert min(heights[name] for name in ("positions", "signals", "orders")) >= 6


async def test_the_panels_keep_their_rows_and_the_focus_as_a_resize_brings_another_layout() -> None:
    async with running(CountingEngine(), (200, 60)) as console:
        await console.press("3", "down")
        assert console.screen.layout_name == "large"
        row = console.screen.subject.row()
        columns = {name: console.screen.panels[name].region.x for name in ("watch", "risk", "chart", "positions", "signals", "orders")}
        assert columns["watch"] == columns["risk"]
        assert console.screen.panels["log"].region.width == 200
        assert len({columns[name] for name in ("chart", "positions", "signals", "orders")}) == 1
        for size, layout in (
            ((120, 36), "wide"),
            ((104, 28), "medium"),
            ((80, 24), "small"),
            ((200, 60), "large"),
            ((200, 36), "broad"),
            ((120, 36), "wide"),
        ):
            await console.pilot.resize_terminal(*size)
            await console.until(lambda layout=layout: console.screen.layout_name == layout)  # type: ignore[misc]
            assert console.app.focused is console.screen.panels["orders"]
            assert console.screen.subject.row() is row
        panels = console.screen.panels
        assert panels["positions"].region.y == panels["signals"].region.y
        assert panels["orders"].region.y == panels["risk"].region.y
        assert panels["log"].region.width == 120
