"""What the keys of the chart do: its time frame is asked of the engine, everything else is between a person and the panel."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from console.alerts import read
from engine.model.market import Quote
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from tests.views import sample_bars, sample_chart
from widgets.chart import Chart

OFFERED = ("1m", "5m", "15m", "1h", "1d")


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    refused = (("1s", "sim has bars of 1m: those cannot be taken apart"),)
    engine.change(chart=sample_chart(bars=sample_bars(count=300), offered=OFFERED, refused=refused))
    return engine


def focused(engine: FakeEngine) -> list[tuple[str, ...]]:
    return [call[1:] for call in engine.calls if call[0] == "focus" and len(call) == 3]


def chart_of(console: Console) -> Chart:
    panel = console.screen.panels["chart"]
    assert isinstance(panel, Chart)
    return panel


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_the_time_frame_is_asked_of_the_engine_however_fast_the_keys_come(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("7")
        await console.burst(">", ">", "<")
        assert focused(engine) == [("AAPL", "5m"), ("AAPL", "15m"), ("AAPL", "5m")]


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_click_on_the_signs_beside_the_time_frame_asks_for_the_next(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("7")
        await console.shows("< 1m >")
        line = next(line for line in console.picture.split("\n") if "< 1m >" in line)
        shorter, longer = line.index("< 1m"), line.index(" >", line.index("1m"))
        y = console.picture.split("\n").index(line)
        for x in (longer, longer + 1, shorter):
            await console.click(x, y)
        await console.until(lambda: focused(engine) == [("AAPL", "5m"), ("AAPL", "15m"), ("AAPL", "5m")])


async def test_the_time_frame_is_kept_over_a_restart_and_waits_for_a_chart_that_offers_it(engine: FakeEngine, tmp_path: Path) -> None:
    async with running(engine, kept=tmp_path) as console:
        await console.press("7")
        await console.burst(">", ">")
        console.app.kept.close()
    offering = engine.current.chart
    assert offering is not None
    engine.calls.clear()
    engine.change(chart=replace(offering, offered=("1m", "1d")))
    async with running(engine, kept=tmp_path) as console:
        await console.let_pass(1)
        assert focused(engine) == []
        engine.change(chart=offering)
        await console.until(lambda: focused(engine))
        await console.press("7")
        await console.burst(">")
        await console.let_pass(1)
        assert focused(engine) == [("AAPL", "15m"), ("AAPL", "5m")], "what a person chooses then is not taken back"


async def test_a_time_frame_that_was_kept_and_is_none_is_left(engine: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "chart.json").write_text('{"timeframe": "7 parsecs"}')
    async with running(engine, kept=tmp_path) as console:
        await console.press("7")
        await console.burst(">")
        assert focused(engine) == [("AAPL", "5m")]


async def test_beyond_the_last_time_frame_it_says_why_there_is_no_other(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("7")
        await console.burst("<")
        await console.shows("1m is the shortest time frame there is; 1s: sim has bars of 1m: those cannot be taken apart")
        await console.burst(">" * 9)
        await console.shows("1d is the longest time frame there is")
        assert "1s:" not in console.picture
        assert focused(engine)[-1] == ("AAPL", "1d")


async def test_another_symbol_counts_from_what_its_chart_shows(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("7")
        await console.burst(">>")
        shown = engine.current.chart
        assert shown is not None
        engine.change(chart=replace(shown, symbol="MSFT", timeframe="15m"))
        await console.until(lambda: console.screen.view.chart and console.screen.view.chart.symbol == "MSFT")
        await console.burst(">")
        assert focused(engine)[-1] == ("MSFT", "1h")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_arrows_walk_the_crosshair_and_escape_puts_it_away(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("7", "left", "left", "left", "right")
        await console.shows("12 Jun 12:46")
        assert "╎" in console.picture
        await console.press("up")
        await console.shows(" at ")
        await console.press("escape")
        assert "╎" not in console.picture


async def test_home_end_and_pages_go_through_the_past(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("7", "home")
        await console.shows("the past")
        await console.press("pagedown", "pageup", "end")
        await console.until(lambda: "the past" not in console.picture)


async def test_averages_line_and_zoom_have_keys(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("7")
        before = chart_of(console).scale
        await console.burst("v")
        await console.shows("EMA 9")
        await console.burst("+")
        assert chart_of(console).scale == before + 1
        await console.burst("--")
        assert chart_of(console).scale == before - 1
        await console.burst("l")
        await console.until(lambda: "┃" not in "\n".join(line[50:] for line in console.picture.splitlines()[2:16]))


async def test_the_hints_name_the_keys_of_the_chart(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("7")
        await console.shows("← crosshair  > time frame  + nearer  v averages  l line")


async def test_the_keys_of_the_chart_do_nothing_elsewhere(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("1", "left", "escape")
        await console.burst("<>vl+-")
        assert focused(engine) == []
        assert "╎" not in console.picture
        assert engine.sent() == []


async def test_price_alerts_are_lines_on_the_chart(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.until(lambda: Quote in engine.subscribers)
        console.screen.watchlists._alerts.set(read("> 188", "AAPL", 187.5, None))
        engine.change()
        await console.shows("188.00 alert")
