"""Prices: the last known one, its age, and that nonsense leaves it as it was."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.core.prices import Prices
from engine.feeds.calendar import ALWAYS, Calendar, Hours
from engine.feeds.simulated.hours import AlwaysOpen
from engine.model.market import Bar, Close, Quote
from engine.model.orders import Side
from engine.previous_close import SessionOf
from tests.engine.feeds.fake_history import at

SECOND = 1_000_000_000
NAN, INF = float("nan"), float("inf")


def quote(bid: float, ask: float, last: float) -> Quote:
    return Quote("AAPL", 0, bid, ask, 100, 100, last)


def bar(close: float) -> Bar:
    return Bar("AAPL", 0, close, close, close, close, 1000)


def test_a_price_from_history_marks_and_is_never_fresh() -> None:
    prices = Prices(5)
    assert prices.prime("AAPL", 100.0)
    assert (prices.last("AAPL"), prices.is_fresh("AAPL", 1), prices.age_s("AAPL", 1)) == (100.0, False, None)


@pytest.mark.parametrize("nonsense", [NAN, INF, -INF, 0.0, -1.0, 1e300, 1e-300])
def test_nonsense_is_no_price_from_history_a_bar_or_a_quote(nonsense: float) -> None:
    prices = Prices(5)
    prices.on_quote(quote(99.0, 101.0, 100.0), SECOND)
    assert not prices.prime("AAPL", nonsense)
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


def of_new_york() -> Prices:
    return Prices(5, SessionOf(Calendar(), "1m"))


def closed(moment: str, close: float) -> Bar:
    """A minute's bar that closes at `moment`, UTC."""
    return Bar("AAPL", at(moment), close, close, close, close, 1000)


def test_a_new_session_counts_from_the_last_regular_close_whatever_traded_after_hours() -> None:
    prices = of_new_york()
    prices.session = "2024-06-18"
    prices.on_bar(closed("2024-06-18T19:59:00", 100.0), SECOND)
    prices.on_bar(closed("2024-06-18T20:00:00", 110.0), SECOND)
    prices.on_bar(closed("2024-06-18T23:00:00", 130.0), SECOND)
    prices.on_quote(quote(139.0, 141.0, 140.0), SECOND)
    assert prices.previous("AAPL") is None
    prices.session = "2024-06-20"  # the day between is a holiday
    prices.on_bar(closed("2024-06-20T12:00:00", 150.0), SECOND)
    prices.on_bar(closed("2024-06-20T13:31:00", 160.0), SECOND)
    assert prices.previous("AAPL") == 110.0


def test_a_bar_that_comes_after_the_next_session_began_is_still_the_close_of_its_own() -> None:
    prices = of_new_york()
    prices.on_bar(closed("2024-06-17T19:59:00", 100.0), SECOND)
    prices.session = "2024-06-18"
    prices.on_bar(closed("2024-06-18T13:31:00", 120.0), SECOND)
    prices.on_bar(closed("2024-06-17T20:00:00", 110.0), SECOND)
    assert prices.previous("AAPL") == 110.0


def test_what_a_session_is_told_to_have_closed_at_goes_before_its_last_bar() -> None:
    prices = of_new_york()
    prices.on_bar(closed("2024-06-18T20:00:00", 110.0), SECOND)
    prices.session = "2024-06-20"
    prices.on_bar(closed("2024-06-20T13:31:00", 120.0), SECOND)
    prices.on_session_close("AAPL", Close("2024-06-18", 111.0))
    assert (prices.previous("AAPL"), prices.last("AAPL")) == (111.0, 120.0)


def test_what_was_closed_before_the_last_two_sessions_is_forgotten() -> None:
    prices = of_new_york()
    for day in ("14", "17", "18"):
        prices.on_bar(closed(f"2024-06-{day}T20:00:00", float(day)), SECOND)
    assert prices.by_symbol["AAPL"].closes == (Close("2024-06-17", 17.0), Close("2024-06-18", 18.0))
    assert prices.previous("AAPL") == 17.0, "until the market says which session it is, that of the newest bar is under way"


@pytest.mark.parametrize("hours", [Calendar(ALWAYS), AlwaysOpen()])
def test_a_market_that_never_closes_counts_from_the_midnight_of_its_day(hours: Hours) -> None:
    prices = Prices(5, SessionOf(hours, "1m"))
    midnight = hours.current_or_next(at("2024-06-18T12:00:00")).opens
    for minutes, close in ((-1, 100.0), (0, 101.0), (1, 102.0), (600, 103.0)):
        prices.on_bar(Bar("AAPL", midnight + minutes * 60 * SECOND, close, close, close, close, 1.0), SECOND)
    prices.session = hours.current_or_next(midnight).day.isoformat()
    assert prices.previous("AAPL") == 101.0


def test_where_the_calendar_ends_no_change_is_shown_and_prices_go_on() -> None:
    prices = of_new_york()
    prices.on_bar(Bar("AAPL", 2**63 - 1, 100.0, 100.0, 100.0, 100.0, 1.0), SECOND)
    assert (prices.last("AAPL"), prices.previous("AAPL")) == (100.0, None)


def fresh(prices: Prices) -> tuple[bool, float | None]:
    return prices.is_fresh("AAPL", 2 * SECOND), prices.last("AAPL")


def test_a_crossed_quote_makes_the_price_stale_at_once_and_a_sound_one_fresh_again() -> None:
    prices = Prices(5)
    prices.on_quote(quote(99.0, 101.0, 100.0), SECOND)
    prices.on_quote(quote(101.0, 100.0, 100.5), SECOND)
    assert fresh(prices) == (False, 100.0)
    assert prices.doubt("AAPL") == "its quote is crossed, 101 bid over 100 asked"
    prices.on_quote(quote(100.0, 101.0, 100.5), SECOND)
    assert (fresh(prices), prices.doubt("AAPL")) == ((True, 100.5), "")


@pytest.mark.parametrize("far", [120.1, 79.9, 1000.0, 0.01])
def test_one_print_far_from_the_last_is_not_believed_until_a_second_confirms_it(far: float) -> None:
    prices = Prices(5)
    prices.on_quote(quote(100.0, 100.0, 100.0), SECOND)
    assert not prices.on_quote(quote(far, far, far), SECOND)
    assert fresh(prices) == (False, 100.0)
    assert prices.on_quote(quote(far, far, far), SECOND)
    assert fresh(prices) == (True, far)


def test_a_print_that_nothing_confirms_is_forgotten_with_the_next_one_near_the_old_price() -> None:
    prices = Prices(5)
    prices.on_quote(quote(100.0, 100.0, 100.0), SECOND)
    prices.on_quote(quote(1000.0, 1000.0, 1000.0), SECOND)
    assert prices.on_quote(quote(101.0, 101.0, 101.0), SECOND)
    assert fresh(prices) == (True, 101.0)
    assert not prices.on_quote(quote(1000.0, 1000.0, 1000.0), SECOND)


def test_two_wild_prints_do_not_confirm_each_other() -> None:
    prices = Prices(5)
    prices.on_quote(quote(100.0, 100.0, 100.0), SECOND)
    assert not prices.on_quote(quote(1000.0, 1000.0, 1000.0), SECOND)
    assert not prices.on_quote(quote(10.0, 10.0, 10.0), SECOND)
    assert fresh(prices) == (False, 100.0)


@pytest.mark.parametrize("near", [120.0, 80.0])
def test_a_fifth_is_borne(near: float) -> None:
    prices = Prices(5)
    prices.on_quote(quote(100.0, 100.0, 100.0), SECOND)
    assert prices.on_quote(quote(near, near, near), SECOND)


def test_the_first_price_of_a_run_is_believed_however_far_history_lies() -> None:
    prices = Prices(5)
    prices.prime("AAPL", 10.0)
    assert prices.on_quote(quote(100.0, 100.0, 100.0), SECOND)


def test_a_bar_sums_up_many_trades_and_is_believed() -> None:
    prices = Prices(5)
    prices.on_bar(bar(100.0), SECOND)
    assert prices.on_bar(bar(50.0), SECOND)
    assert fresh(prices) == (True, 50.0)


def test_a_bar_that_comes_late_is_as_old_as_its_close() -> None:
    prices = Prices(5)
    prices.lags("AAPL", 4 * SECOND)
    prices.on_bar(bar(100.0), 10 * SECOND)
    assert (prices.age_s("AAPL", 10 * SECOND), prices.is_fresh("AAPL", 11 * SECOND)) == (4.0, True)
    assert not prices.is_fresh("AAPL", 12 * SECOND)
    prices.lags("AAPL", 0)
    prices.on_bar(bar(101.0), 12 * SECOND)
    assert prices.is_fresh("AAPL", 17 * SECOND)


def test_a_delayed_quote_is_as_old_as_it_is_however_often_it_comes() -> None:
    prices = Prices(5)
    prices.lags("AAPL", 900 * SECOND, quotes=True)
    prices.on_quote(quote(99.0, 101.0, 100.0), 1000 * SECOND)
    assert (prices.age_s("AAPL", 1000 * SECOND), prices.is_fresh("AAPL", 1000 * SECOND)) == (900.0, False)
    prices.lags("AAPL", 0, quotes=True)
    prices.on_quote(quote(99.0, 101.0, 100.0), 1001 * SECOND)
    assert prices.is_fresh("AAPL", 1001 * SECOND)
