"""Prices: the last known one, its age, and that nonsense leaves it as it was."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.core.prices import Prices
from engine.model.market import Bar, Quote
from engine.model.orders import Side

SECOND = 1_000_000_000
NAN, INF = float("nan"), float("inf")


def quote(bid: float, ask: float, last: float) -> Quote:
    return Quote("AAPL", 0, bid, ask, 100, 100, last)


def bar(close: float) -> Bar:
    return Bar("AAPL", 0, close, close, close, close, 1000)


def test_a_price_from_history_marks_and_is_never_fresh() -> None:
    prices = Prices(5)
    assert prices.prime("AAPL", 100.0, 99.0)
    assert (prices.last("AAPL"), prices.is_fresh("AAPL", 1), prices.age_s("AAPL", 1)) == (100.0, False, None)


@pytest.mark.parametrize("nonsense", [NAN, INF, -INF, 0.0, -1.0, 1e300, 1e-300])
def test_nonsense_is_no_price_from_history_a_bar_or_a_quote(nonsense: float) -> None:
    prices = Prices(5)
    prices.on_quote(quote(99.0, 101.0, 100.0), SECOND)
    assert not prices.prime("AAPL", nonsense, None)
    assert not prices.on_bar(bar(nonsense), 9 * SECOND)
    assert not prices.on_quote(quote(nonsense, 101.0, 100.0), 9 * SECOND)
    assert not prices.on_quote(quote(99.0, nonsense, 100.0), 9 * SECOND)
    assert not prices.on_quote(quote(99.0, 101.0, nonsense), 9 * SECOND)
    assert (prices.last("AAPL"), prices.age_s("AAPL", 9 * SECOND)) == (100.0, 8.0)


def test_a_crossed_quote_is_not_taken_and_a_locked_one_is() -> None:
    prices = Prices(5)
    assert not prices.on_quote(quote(101.0, 100.0, 100.0), SECOND)
    assert prices.on_quote(quote(100.0, 100.0, 100.0), SECOND)


def test_a_price_is_fresh_for_exactly_its_life() -> None:
    prices = Prices(5)
    prices.on_bar(bar(100.0), SECOND)
    assert prices.is_fresh("AAPL", 6 * SECOND)
    assert not prices.is_fresh("AAPL", 6 * SECOND + 1)


def test_a_bar_sums_up_a_quoted_symbol_and_makes_its_price_no_fresher() -> None:
    prices = Prices(5)
    prices.on_quote(quote(99.0, 101.0, 100.0), SECOND)
    prices.on_bar(bar(50.0), 9 * SECOND)
    price = prices.by_symbol["AAPL"]
    assert (price.last, price.volume, prices.is_fresh("AAPL", 9 * SECOND)) == (100.0, 1000, False)


def test_a_buyer_pays_the_ask_a_seller_gets_the_bid_and_on_bars_both_get_the_close() -> None:
    prices = Prices(5)
    prices.on_bar(bar(100.1), SECOND)
    assert [prices.reference("AAPL", side) for side in Side] == [Decimal("100.1"), Decimal("100.1")]
    prices.on_quote(quote(99.9, 100.3, 100.0), SECOND)
    assert [prices.reference("AAPL", side) for side in Side] == [Decimal("100.3"), Decimal("99.9")]
    assert prices.reference("MSFT", Side.BUY) is None


def test_changes_count_from_the_price_at_which_the_session_opened() -> None:
    prices = Prices(5)
    prices.on_bar(bar(100.0), SECOND)
    assert prices.by_symbol["AAPL"].previous is None
    prices.open_session()
    prices.on_bar(bar(110.0), SECOND)
    assert prices.by_symbol["AAPL"].previous == 100.0
