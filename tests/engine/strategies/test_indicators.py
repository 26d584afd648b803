"""Streaming indicators against their formulas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.strategies.indicators import RSI, SMA

PRICES = st.lists(st.floats(0.01, 10_000), min_size=1, max_size=200)


@given(PRICES, st.integers(1, 30))
def test_the_moving_average_is_the_mean_of_the_last_values(prices: list[float], period: int) -> None:
    average = SMA(period)
    for count, price in enumerate(prices, start=1):
        expected = sum(prices[count - period : count]) / period if count >= period else None
        assert average.add(price) == (None if expected is None else pytest.approx(expected, rel=1e-9))


def test_a_moving_average_does_not_drift_over_a_long_run() -> None:
    average = SMA(7)
    for step in range(200_000):
        average.add(1e9 if step % 2 else 0.1)
    for _ in range(14):
        last = average.add(0.1)
    assert last == pytest.approx(0.1, rel=1e-12)


def test_rsi_matches_wilders_own_arithmetic() -> None:
    # The 14-period example that circulates with Wilder's method: gains sum to 3.34 and losses to 1.40 over the first 14 changes.
    closes = [44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08, 45.89, 46.03, 45.61, 46.28, 46.28, 46.00, 46.03]
    index = RSI(14)
    values = [index.add(close) for close in closes]
    assert values[:14] == [None] * 14
    assert [round(value or 0, 2) for value in values[14:]] == [70.46, 66.25, 66.48]


@given(PRICES, st.integers(1, 30))
def test_rsi_stays_between_0_and_100(prices: list[float], period: int) -> None:
    index = RSI(period)
    for price in prices:
        value = index.add(price)
        assert value is None or 0.0 <= value <= 100.0


def test_rsi_of_what_only_rose_is_100_only_fell_0_never_moved_50() -> None:
    for step, expected in ((1.0, 100.0), (-1.0, 0.0), (0.0, 50.0)):
        index = RSI(3)
        values = [index.add(100.0 + step * count) for count in range(10)]
        assert values[-1] == expected
