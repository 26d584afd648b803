"""The chart: what is drawn where, the crosshair, what is in view, and that no number can break it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.model.market import Bar
from engine.model.orders import Side
from engine.model.views import ChartMark, ChartView
from tests.views import CENT, MINUTE, NOW, sample_bars, sample_chart, sample_view
from tests.widgets.harness import Harness, lines_of, text_of
from widgets.candles import SCALES, Look, Plot, draw
from widgets.cells import length
from widgets.chart import Chart
from widgets.chart_bars import AVERAGES, ChartBars
from widgets.price_axis import Scale, places, round_prices, scale_for
from widgets.time_axis import labels

NOON = NOW // MINUTE * MINUTE - 47 * MINUTE
ONE, TWO, NEAR = SCALES.index((1, 1)), SCALES.index((1, 2)), SCALES.index((1, 4))
FEW = (
    Bar("X", NOON + 1 * MINUTE, 10.00, 10.30, 9.90, 10.20, 100),
    Bar("X", NOON + 2 * MINUTE, 10.20, 10.50, 10.10, 10.40, 400),
    Bar("X", NOON + 3 * MINUTE, 10.40, 10.40, 10.00, 10.10, 800),
    Bar("X", NOON + 4 * MINUTE, 10.10, 10.60, 10.10, 10.60, 200),
    Bar("X", NOON + 5 * MINUTE, 10.60, 10.60, 10.20, 10.30, 300),
)
QUIET = tuple(replace(bar, volume=0) for bar in FEW)
"""Without volume, as of an index: the candles have all the rows."""


def chart_of(bars: Sequence[Bar], *marks: ChartMark, **changes: object) -> ChartView:
    return replace(sample_chart(symbol="X", bars=tuple(bars), marks=marks), **changes)


def look(scale: int = TWO, **changes: object) -> Look:
    return replace(Look(scale, averages=()), **changes)


def plot_of(chart: ChartView, how: Look, width: int, height: int) -> Plot:
    bars = ChartBars()
    bars.update(chart)
    plot = draw(chart, bars, how, width, height)
    assert plot is not None
    return plot


def text(plot: Plot) -> list[str]:
    return ["".join(cell.text for cell in line).rstrip() for line in plot.lines]


@asynccontextmanager
async def shown(chart: ChartView | None = None, size: tuple[int, int] = (100, 24)) -> AsyncIterator[tuple[Chart, Harness, Pilot[None]]]:
    widget = Chart()
    app = Harness(widget)
    async with app.run_test(size=size) as pilot:
        app.show(sample_view(chart=chart or sample_chart()))
        await pilot.pause()
        yield widget, app, pilot


# ---- drawn, cell by cell


def test_candles_stand_on_their_prices_with_round_numbers_beside_them_and_the_time_below() -> None:
    assert text(plot_of(chart_of(QUIET), look(), 30, 9)) == [
        "                   ║ ┃",
        "               │   ║ ┃  10.50",
        "               ║ ┃ ║ ┃",
        "             │ ║ ┃ ║ ╿  10.30",
        "             ╽ ║ ┃ ║ │",
        "             ║ │ ┃ ║",
        "             ║   │      10.00",
        "             │",
        "             12 Jun",
    ]


def test_near_a_rising_body_is_hollow_and_a_falling_one_is_filled() -> None:
    assert text(plot_of(chart_of(QUIET[2:]), look(NEAR), 34, 8)) == [
        "                   ┏━┓ ███",
        "                   ┃ ┃ ███  10.50",
        "               ███ ┃ ┃ ███",
        "               ███ ┃ ┃ ███  10.30",
        "               ███ ┃ ┃  │",
        "               ███ ┗━┛",
        "                │           10.00",
        "                12 Jun",
    ]


def test_volume_stands_below_in_eighths_of_a_row() -> None:
    assert text(plot_of(chart_of(FEW), look(ONE), 30, 12))[9:11] == ["                   █      800", "                 ▂██▄▆"]


def test_a_low_chart_has_one_row_of_volume_and_a_lower_one_none() -> None:
    assert text(plot_of(chart_of(FEW), look(ONE), 30, 8))[6] == "                 ▁▄█▂▃    800"
    assert "800" not in "".join(text(plot_of(chart_of(FEW), look(ONE), 30, 7)))
    assert "█" not in "".join(text(plot_of(chart_of(QUIET), look(ONE), 30, 12)))


def test_a_fill_an_order_and_one_beyond_the_scale_are_marked_with_price_and_quantity() -> None:
    marks = (
        ChartMark(NOON + 2 * MINUTE, Side.BUY, 10.30, Decimal(5), "fill"),
        ChartMark(NOON, Side.SELL, 10.40, Decimal(5), "target"),
        ChartMark(NOON, Side.SELL, 3.00, Decimal(5), "stop"),
    )
    assert text(plot_of(chart_of(FEW, *marks), look(), 60, 12)) == [
        "",
        "                                         ║ ┃",
        "╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╽╌╻╌║╌┃╌ 10.40 target 5",
        "                                   ╷ ║ ┃ ║ ┃  10.30",
        "                                   ║ ╿ ┃ ║ ╵",
        "                                   ║ ╵ ╿ ╹",
        "                                   ╿ ▲ ╵      10.00",
        "                    bought 5 @ 10.30",
        "                                             ↓ 3.00 stop 5",
        "                                       █        800",
        "                                   ▂ █ █ ▄ ▆",
        "                                   12 Jun",
    ]


def test_the_crosshair_names_its_price_and_its_time_on_the_axes() -> None:
    drawn = text(plot_of(chart_of(QUIET), look(cross=1), 30, 9))
    assert drawn[2] == "╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌║╌┃╌║╌┃╌ 10.40"
    assert drawn[0] == "               ╎   ║ ┃"
    assert drawn[8] == "         12 Jun 12:02"


def test_a_line_of_the_closes_goes_from_each_to_the_next() -> None:
    drawn = text(plot_of(chart_of(QUIET), look(line=True), 30, 9))
    assert drawn[1:6] == [
        "                  ⢸⠈⡆   10.50",
        "              ⢀⢆  ⡎ ⢸",
        "              ⡎⠘⡄⢠⠃  ⠃  10.30",
        "             ⠜  ⢱⢸",
        "                ⠈⠇",
    ]


def test_a_session_begins_with_a_fine_line() -> None:
    chart = chart_of(QUIET, sessions=(FEW[3].at,))
    assert [line[18:19] for line in text(plot_of(chart, look(), 30, 9))[:8]] == ["┊"] * 8


def test_an_auction_does_not_make_every_other_volume_invisible() -> None:
    bars = [replace(bar, volume=1_000.0) for bar in sample_bars(count=40)]
    bars[20] = replace(bars[20], volume=1e6)
    drawn = text(plot_of(chart_of(bars), look(), 100, 12))
    assert "2.0K+" in drawn[9]
    assert drawn[10].count("█") == 40


# ---- the past, averages and time


def test_averages_are_those_of_the_closes() -> None:
    bars, closes = ChartBars(), [bar.close for bar in sample_bars(count=120)]
    bars.update(chart_of(sample_bars(count=120)))
    simple, long, exponential = (bars.averages[average.name] for average in AVERAGES)
    assert simple[18] is None
    assert simple[19] == pytest.approx(sum(closes[:20]) / 20)
    assert long[119] == pytest.approx(sum(closes[70:120]) / 50)
    value = sum(closes[:9]) / 9
    for close in closes[9:]:
        value += (close - value) * 0.2
    assert exponential[119] == pytest.approx(value)


@given(st.integers(0, 2**32))
def test_what_is_kept_while_bars_come_and_go_is_what_a_new_look_would_find(seed: int) -> None:
    chance = random.Random(seed)
    source = list(sample_bars(count=300))
    start, end, bars = 0, chance.randrange(1, 80), ChartBars()
    for _ in range(12):
        given_bars = source[start:end]
        if chance.random() < 0.5:
            given_bars[-1] = replace(given_bars[-1], close=given_bars[-1].close + chance.uniform(-0.1, 0.1))
        chart = chart_of(given_bars)
        bars.update(chart)
        fresh = ChartBars()
        fresh.update(chart)
        assert bars.bars == fresh.bars
        # What was known when older bars were there stays known.
        for name in ("SMA 20", "SMA 50"):
            new = fresh.averages[name]
            assert [old if value is not None else None for old, value in zip(bars.averages[name], new, strict=True)] == new
        end = min(len(source), end + chance.randrange(3))
        start = min(end - 1, start + chance.choice((0, 0, 1, 2)))


def test_bars_that_are_taken_together_stay_together_while_the_past_is_cut_off() -> None:
    source, bars = sample_bars(count=100), ChartBars()
    bars.update(chart_of(source[:80]))
    before = {candle.at for candle in bars.candles(79, 10, 4)}
    bars.update(chart_of(source[3:81]))
    after = {candle.at for candle in bars.candles(77, 10, 4)}
    assert len(before & after) >= 8


@pytest.mark.parametrize(("step", "said"), [(1, "12:45"), (60, "06:00"), (24 * 60, "Mar"), (30 * 24 * 60, "2024")])
def test_times_are_named_by_what_begins(step: int, said: str) -> None:
    times = [NOW // MINUTE * MINUTE + (i - 160) * step * MINUTE for i in range(240)]
    found = labels(times, [2 * i for i in range(240)], 480)
    assert said in {label.text for label in found}
    assert all(label.index + len(label.text) <= 480 for label in found)


@given(
    st.lists(st.integers(1, 5_000), min_size=1, max_size=80),
    st.sampled_from([SECONDS * 1_000_000_000 for SECONDS in (1, 60, 3_600, 86_400, 2_592_000)]),
    st.integers(1, 6),
)
def test_labels_of_the_time_never_touch(gaps: list[int], unit: int, columns: int) -> None:
    times, at = [], NOW
    for gap in gaps:
        at += gap * unit
        times.append(at)
    xs = [columns * i for i in range(len(times))]
    found = labels(times, xs, xs[-1] + 3)
    for one, other in pairwise(found):
        assert xs[one.index] + len(one.text) < xs[other.index]
    assert all(xs[label.index] + len(label.text) <= xs[-1] + 3 for label in found)


# ---- prices


prices_st = st.floats(0.0001, 1e9)


@given(prices_st, prices_st, st.integers(1, 80), st.lists(prices_st, max_size=6))
def test_a_higher_price_is_never_drawn_lower(low: float, high: float, rows: int, near: list[float]) -> None:
    scale = scale_for(min(low, high), max(low, high), near, rows, CENT)
    ordered = sorted([low, high, *near])
    assert [scale.row(price) for price in ordered] == sorted((scale.row(price) for price in ordered), reverse=True)
    assert all(0 <= scale.row(price) < rows for price in ordered)
    assert [scale.row(price) for price in round_prices(scale, CENT)] == sorted(map(scale.row, round_prices(scale, CENT)), reverse=True)


@given(st.lists(st.floats(90, 110), max_size=12), st.floats(95, 105), st.integers(1, 20))
def test_each_label_has_a_row_of_its_own_and_a_higher_price_a_higher_one(marks: list[float], last: float, rows: int) -> None:
    scale = Scale(95, 105, rows)
    found = places(marks, scale, last)
    placed = sorted(((price, row) for price, row in zip(marks, found, strict=True) if row is not None), key=lambda one: (one[0], -one[1]))
    rows_taken = [row for _, row in placed]
    assert len({*rows_taken, scale.row(last)}) == len(rows_taken) + 1
    assert rows_taken == sorted(rows_taken, reverse=True)
    above, below = sum(price >= last for price in marks), sum(price < last for price in marks)
    assert len(placed) == min(above, scale.row(last)) + min(below, rows - 1 - scale.row(last))


@pytest.mark.parametrize(
    ("last", "tick", "written"), [(412_345.5, CENT, "412,345.50"), (0.0123, Decimal("0.0001"), "0.0123"), (98.0, Decimal(1), " 98")]
)
def test_prices_are_written_in_their_ticks_with_thousands_apart(last: float, tick: Decimal, written: str) -> None:
    bars = [replace(bar, open=last * 0.99, high=last * 1.02, low=last * 0.98, close=last) for bar in sample_bars()]
    assert written in "\n".join(text(plot_of(chart_of(bars, tick=tick), look(), 100, 20)))


# ---- anything


numbers_st = st.floats() | st.sampled_from([0.0, -1.0, 1e300, 5e-324, 1e15, 99.99])
bar_st = st.builds(Bar, st.just("X"), st.integers(-(2**62), 2**62), numbers_st, numbers_st, numbers_st, numbers_st, numbers_st)
mark_st = st.builds(
    ChartMark,
    st.integers(-(2**62), 2**62),
    st.sampled_from(Side),
    numbers_st,
    st.decimals(),
    st.sampled_from(["fill", "limit", "stop", "target", "average", "alert", "\x1b[2J"]),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(bar_st, max_size=12),
    st.lists(mark_st, max_size=6),
    st.integers(1, 140),
    st.integers(1, 50),
    st.integers(0, len(SCALES) - 1),
    st.booleans(),
    st.none() | st.integers(0, 12),
    st.none() | numbers_st,
)
def test_any_numbers_in_any_size_are_drawn_in_exactly_that_size(
    bars: list[Bar], marks: list[ChartMark], width: int, height: int, scale: int, line: bool, place: int | None, price: float | None
) -> None:
    chart, kept = chart_of(bars, *marks, sessions=tuple(bar.at for bar in bars[:2])), ChartBars()
    kept.update(chart)
    plot = draw(chart, kept, Look(scale, place, AVERAGES, line, place, price), width, height)
    if plot is not None:
        assert [length(cells) for cells in plot.lines] == [width] * height
        assert "\x1b" not in "".join(text(plot))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 500])
def test_a_chart_draws_any_number_of_bars_at_any_zoom(count: int) -> None:
    bars = sample_bars(count=count) if count else ()
    for scale in range(len(SCALES)):
        for width, height in ((60, 12), (10, 3), (2, 1), (180, 40)):
            kept = ChartBars()
            kept.update(chart_of(bars))
            plot = draw(chart_of(bars), kept, Look(scale), width, height)
            assert (plot is None) == (count == 0)
            if plot is not None:
                assert [length(line) for line in plot.lines] == [width] * height


# ---- the panel


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


# ---- the crosshair


def values(chart: Chart) -> str:
    """What the lines of values over the plot say."""
    return " ".join(line.strip("│ ") for line in lines_of(chart)[1:3])


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
