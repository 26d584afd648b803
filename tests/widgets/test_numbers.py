"""One way to write each kind of number."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.views import NOW
from widgets import numbers

CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (numbers.price(187.5, CENT), "187.50"),
        (numbers.price(Decimal("101284.5"), Decimal("0.25")), "101,284.50"),
        (numbers.price(0.00001234, Decimal("0.00000001")), "0.00001234"),
        (numbers.price(18_000.0, Decimal(5)), "18,000"),
        (numbers.price(None, CENT), "-"),
        (numbers.price(math.nan, CENT), "-"),
        (numbers.price(Decimal("NaN"), CENT), "-"),
        (numbers.money(Decimal("101284.505")), "101,284.50"),
        (numbers.quantity(Decimal("-200")), "-200"),
        (numbers.quantity(Decimal("1000.500")), "1,000.5"),
        (numbers.quantity(Decimal("1E+3")), "1,000"),
        (numbers.signed(Decimal("212.4")), "+212.40"),
        (numbers.signed(Decimal("-0.001")), "0.00"),
        (numbers.percent(0.0084), "+0.84%"),
        (numbers.change(-0.0012), "▼ -0.12%"),
        (numbers.change(None), "-"),
        (numbers.change(0.00004), "· 0.00%"),
        (numbers.change_direction(-0.00004), "flat"),
        (numbers.change_direction(-0.00006), "down"),
        (numbers.change_direction(math.nan), "flat"),
        (numbers.profit(Decimal(32)), "▲ +32.00"),
        (numbers.profit(Decimal(0)), "· 0.00"),
        (numbers.profit(Decimal("-0.004")), "· 0.00"),
        (numbers.profit(Decimal("-0.006")), "▼ -0.01"),
        (numbers.profit_direction(-0.004), "flat"),
        (numbers.profit_direction(-0.006), "down"),
        (numbers.profit_direction(math.nan), "flat"),
        (numbers.volume(45_213_400.0), "45.2M"),
        (numbers.volume(999_950.0), "1.0M"),
        (numbers.volume(1000), "1.0K"),
        (numbers.volume(999.0), "999"),
        (numbers.volume(0), "-"),
        (numbers.volume(2.5e12), "2.5T"),
        (numbers.milliseconds(2.0), "2ms"),
        (numbers.milliseconds(1240.0), "1.2s"),
        (numbers.milliseconds(None), "-"),
        (numbers.age(7), "7s"),
        (numbers.age(59 * 60 + 59), "59m"),
        (numbers.age(200_000), "2d"),
        (numbers.countdown(42), "0:42"),
        (numbers.countdown(3600), "1:00:00"),
        (numbers.countdown(-3), "0:00"),
        (numbers.market_time(NOW), "12:47:31"),
        (numbers.market_time(0), "-"),
        (numbers.market_time(10**30), "-"),
    ],
)
def test_a_number_is_written_the_one_way(written: str, expected: str) -> None:
    assert written == expected


anything = st.none() | st.floats() | st.decimals() | st.integers()


@given(anything)
def test_no_number_is_too_odd_to_be_written(value: Any) -> None:
    for write in (numbers.money, numbers.quantity, numbers.signed, numbers.percent, numbers.change, numbers.profit, numbers.volume):
        assert write(value)
    assert numbers.price(value, CENT)
    assert numbers.direction(value) in {"up", "down", "flat"}


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4))
def test_sign_arrow_and_colour_never_contradict_each_other(amount: Decimal) -> None:
    written = numbers.profit(amount)
    if "+" in written:
        assert (numbers.UP in written, numbers.direction(amount)) == (True, "up")
    if "-" in written:
        assert (numbers.DOWN in written, numbers.direction(amount)) == (True, "down")


def test_a_price_of_unknown_age_is_stale_without_a_number() -> None:
    assert [numbers.stale(seconds) for seconds in (0, 7, 7200)] == ["stale", "stale 7s", "stale 2h"]
