"""The chart as a panel: what it names, marks, zooms and paints again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.orders import Side
from engine.model.views import ChartMark
from tests.views import MINUTE, NOW, sample_bars, sample_chart, sample_view
from tests.widgets.charts import shown, values
from tests.widgets.harness import lines_of, text_of
from widgets.candles import SCALES


async def test_the_chart_names_symbol_price_and_what_was_done() -> None:
    marks = (
        ChartMark(NOW - 30 * MINUTE, Side.BUY, 186.0, Decimal(100), "fill"),
        ChartMark(NOW, Side.SELL, 150.0, Decimal(50), "stop"),
        ChartMark(0, Side.BUY, 187.0, Decimal(100), "average"),
    )
    async with shown(sample_chart(marks=marks), (150, 30)) as (chart, _, _):
        said = text_of(chart)
    assert "7 AAPL" in said.splitlines()[0]
    assert "▲ +0.84%" in said.splitlines()[0]
    assert " 187.52 " in said
    assert "bought 100 @ 186.00" in said
    assert "↓150.00 stop 50" in said
    assert "187.00 average 100" in said
    assert "12:4" in said.splitlines()[-2]


@pytest.mark.parametrize("minutes", [-90, 30])
async def test_a_fill_from_another_time_is_not_put_on_a_bar_it_does_not_belong_to(minutes: int) -> None:
    mark = ChartMark(NOW + minutes * MINUTE, Side.BUY, 186.0, Decimal(100), "fill")
    async with shown(sample_chart(marks=(mark,)), (150, 30)) as (chart, _, _):
        assert "bought" not in text_of(chart)


async def test_zoom_shows_fewer_candles_nearer_and_says_so_where_bars_are_taken_together() -> None:
    async with shown(sample_chart(bars=sample_bars(count=300), offered=("1m", "5m")), (80, 20)) as (chart, _, _):
        assert chart.summary_text == "< 1m >"
        chart.zoom(-2)
        assert chart.summary_text == "< 4 × 1m >"
        chart.zoom(20)
        assert chart.scale == len(SCALES) - 1


@pytest.mark.parametrize("steps", range(-3, 4))
async def test_a_working_order_keeps_its_label_at_the_right_through_every_zoom(steps: int) -> None:
    marks = (ChartMark(NOW - 5 * MINUTE, Side.SELL, 186.40, Decimal(100), "stop"),)
    async with shown(sample_chart(bars=sample_bars(count=300), marks=marks)) as (chart, app, _):
        chart.zoom(steps)
        (line,) = (line for line in lines_of(chart) if "stop 100" in line)
        assert line.rstrip("│ ").endswith("186.40 stop 100")
        app.show(sample_view(chart=sample_chart(bars=sample_bars(count=40), marks=marks, timeframe="5m")))
        assert [line.index("stop 100") for line in lines_of(chart) if "stop 100" in line] == [100 - len("stop 100") - 2]


async def test_alerts_of_the_symbol_are_lines_with_their_price() -> None:
    async with shown(sample_chart(marks=())) as (chart, _, _):
        chart.show_alerts((("AAPL", 187.0), ("MSFT", 187.8)))
        (line,) = (line for line in lines_of(chart) if "alert" in line)
        assert "187.00 alert" in line
        assert "┈┈" in line
        chart.show_alerts(())
        assert "alert" not in text_of(chart)


async def test_a_tick_of_the_last_bar_does_not_paint_the_whole_chart_again() -> None:
    async with shown(size=(80, 24)) as (chart, app, pilot):
        lines: list[int] = []
        content_line = chart.content_line
        chart.content_line = lambda y, width: (lines.append(y), content_line(y, width))[1]  # type: ignore[method-assign, func-returns-value]
        bars = sample_bars()
        ticked = replace(bars[-1], close=bars[-1].close - 0.1)
        app.show(sample_view(chart=sample_chart(bars=(*bars[:-1], ticked))))
        await pilot.pause()
        assert 0 < len(lines) <= 7


async def test_averages_come_one_by_one_and_the_line_of_closes_on_demand() -> None:
    async with shown(sample_chart(bars=sample_bars(count=200)), (120, 24)) as (chart, _, _):
        assert "SMA 50" in values(chart)
        assert chart.next_averages() == "SMA 20, SMA 50, EMA 9"
        assert "EMA 9" in values(chart)
        assert chart.next_averages() == "no averages"
        assert "SMA" not in text_of(chart)
        assert "┃" in text_of(chart)
        chart.toggle_line()
        assert "┃" not in text_of(chart)
