"""What is drawn where, cell by cell, and that no number can break it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.market import Bar
from engine.model.orders import Side
from engine.model.views import ChartMark
from tests.views import MINUTE, sample_bars
from tests.widgets.charts import FEW, NEAR, NOON, ONE, QUIET, chart_of, look, plot_of, text
from widgets.candles import SCALES, Look, draw
from widgets.cells import length
from widgets.chart_bars import AVERAGES, ChartBars

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


def test_no_fills_arrow_stands_in_the_words_of_another() -> None:
    bars = [Bar("X", NOON + n * MINUTE, 10.00, 10.10, 9.90, 10.00, 0) for n in range(40)]
    marks = [ChartMark(bar.at, Side.SELL, 10.00, Decimal(10), "fill") for bar in (bars[-6], bars[-1])]
    drawn = "\n".join(text(plot_of(chart_of(bars, *marks), look(), 60, 14)))
    assert (drawn.count("▼"), drawn.count("sold")) == (2, drawn.count("sold 10 @ 10.00")), drawn


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


SENSELESS = Bar("X", 0, 0.0, 0.0, 562949953421313.0, 0.0, 0.0)
"""Its low is far above its high."""


@settings(max_examples=200, deadline=None)
@example([SENSELESS], [], 2, 1, 0, False, None, None)
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
