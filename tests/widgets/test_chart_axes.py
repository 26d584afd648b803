"""What a chart is drawn from: averages, bars taken together, and the prices and times on its axes."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.views import CENT, MINUTE, NOW, sample_bars
from tests.widgets.charts import chart_of, look, plot_of, text
from widgets.chart_bars import AVERAGES, ChartBars
from widgets.price_axis import Scale, places, round_prices, scale_for
from widgets.time_axis import labels

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
