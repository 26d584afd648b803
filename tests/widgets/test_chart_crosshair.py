"""The chart's crosshair: what it tells of its bar, and how it moves, also into the past."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.orders import Side
from engine.model.views import ChartMark
from tests.views import sample_bars, sample_chart, sample_view
from tests.widgets.charts import shown, values
from tests.widgets.harness import lines_of, text_of
from widgets.chart import Chart


async def test_the_crosshair_tells_everything_about_its_bar() -> None:
    bars = sample_bars()
    mark = ChartMark(bars[-3].at, Side.BUY, 187.20, Decimal(100), "fill")
    async with shown(sample_chart(marks=(mark,))) as (chart, _, _):
        for _ in range(3):
            chart.move(-1)
        said, bar = values(chart), bars[-3]
        change = bar.close / bars[-4].close - 1
        average = sum(b.close for b in bars[-22:-2]) / 20
        for part in (
            "12 Jun 12:45",
            f"O {bar.open:.2f}  H {bar.high:.2f}  L {bar.low:.2f}  C {bar.close:.2f}",
            f"{change * 100:+.2f}%",
            f"V {bar.volume / 1000:.1f}K",
            f"SMA 20 {average:.2f}",
            "bought 100 @ 187.20",
        ):
            assert part in said


@pytest.mark.parametrize("width", [70, 78, 90, 120])
async def test_where_there_is_one_line_it_has_moment_level_prices_and_change_of_a_chosen_level(width: int) -> None:
    bars = sample_bars()
    async with shown(sample_chart(), (width, 9)) as (chart, _, _):
        chart.move(-1)
        chart.move_price(1)
        said, bar = lines_of(chart)[1], bars[-1]
        told = said.replace("O ", "O").replace("H ", "H").replace("L ", "L").replace("C ", "C").split()
        assert "12:47" in told or "12:46" in told
        assert "at" in told
        assert {f"O{bar.open:.2f}", f"H{bar.high:.2f}", f"L{bar.low:.2f}", f"C{bar.close:.2f}"} <= set(told)
        assert f"{(bar.close / bars[-2].close - 1) * 100:+.2f}%" in told


async def test_the_crosshair_appears_at_the_newest_candle_and_is_put_away() -> None:
    async with shown() as (chart, _, _):
        assert "╎" not in text_of(chart)
        chart.move(-1)
        assert "12:47" in values(chart)
        assert "╎" in text_of(chart)
        chart.put_away()
        assert "╎" not in text_of(chart)


async def test_at_the_edge_the_crosshair_scrolls_into_the_past_and_back() -> None:
    async with shown(sample_chart(bars=sample_bars(count=300))) as (chart, _, _):
        newest = text_of(chart)
        chart.move_first()
        first = sample_bars(count=300)[0]
        assert f"O {first.open:.2f}" in values(chart)
        assert "the past" in chart.summary_text
        chart.move(-1)
        assert f"O {first.open:.2f}" in values(chart)
        chart.move_last()
        assert "the past" not in chart.summary_text
        chart.put_away()
        assert text_of(chart) == newest


async def test_pages_go_through_all_bars_and_back() -> None:
    async with shown(sample_chart(bars=sample_bars(count=300))) as (chart, _, _):
        first, seen = sample_bars(count=300)[0], set()
        for _ in range(30):
            chart.move_page(-1)
            seen.add(values(chart))
        assert f"O {first.open:.2f}" in values(chart)
        assert len(seen) > 5
        for _ in range(30):
            chart.move_page(1)
        assert "the past" not in chart.summary_text


async def test_in_the_past_the_picture_stands_still_while_the_market_goes_on() -> None:
    bars = sample_bars(count=300)
    async with shown(sample_chart(bars=bars[:290], marks=())) as (chart, app, _):
        chart.move_page(-2)
        chart.move_page(-2)
        before = lines_of(chart)[3:-2]
        app.show(sample_view(chart=sample_chart(bars=bars, marks=())))
        assert [line[:85] for line in lines_of(chart)[3:-2]] == [line[:85] for line in before]


async def test_the_crosshair_keeps_its_bar_while_bars_come() -> None:
    bars = sample_bars(count=120)
    async with shown(sample_chart(bars=bars[:100])) as (chart, app, _):
        chart.move(-1)
        said = values(chart)
        app.show(sample_view(chart=sample_chart(bars=bars)))
        assert values(chart).split("SMA")[0] == said.split("SMA")[0]


async def test_up_and_down_move_the_price_of_the_crosshair_by_rows() -> None:
    async with shown() as (chart, _, _):
        chart.move_price(1)
        once = values(chart)
        chart.move_price(1)
        assert "at " in once
        assert float(values(chart).split("at ")[1].split()[0]) > float(once.split("at ")[1].split()[0])
        for _ in range(40):
            chart.move_price(-1)
        assert "at " in values(chart)


async def test_another_symbol_has_no_crosshair_and_begins_at_its_newest_bar() -> None:
    async with shown(sample_chart(bars=sample_bars(count=300))) as (chart, app, _):
        chart.move_first()
        app.show(sample_view(chart=sample_chart(symbol="MSFT", bars=sample_bars("MSFT", count=300))))
        assert "╎" not in text_of(chart)
        assert "the past" not in chart.summary_text


async def test_the_mouse_moves_the_crosshair_a_click_puts_it_down_and_another_takes_it_up() -> None:
    async with shown(size=(100, 24)) as (chart, _, pilot):
        await pilot.hover(Chart, offset=(60, 10))
        assert "╎" in text_of(chart)
        hovered = values(chart)
        await pilot.hover(Chart, offset=(70, 10))
        assert values(chart) != hovered
        await pilot.click(Chart, offset=(60, 10))
        assert values(chart)[:12] == hovered[:12]
        await pilot.hover(Chart, offset=(70, 10))
        assert values(chart)[:12] == hovered[:12]
        await pilot.click(Chart, offset=(60, 10))
        assert "at " not in values(chart)
