"""Round trips out of fills: averages, parts, turns, and how far the market went against them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.backtest.trades import Trade, trades_of
from engine.model.orders import Fill, Side
from engine.model.records import DividendBooked, SplitBooked
from tests.engine.backtest.market import day, days, flat

BARS = days({"AAPL": [(10, 12, 9, 11), (11, 15, 10, 14), (14, 14, 8, 9), (9, 10, 7, 8)]}).bars


def fill(number: int, side: Side, quantity: int, price: float, fees: float = 0.0) -> Fill:
    """On day `number`."""
    cost = Decimal(str(price)) * quantity
    return Fill(f"{number}", f"o{number}", "AAPL", side, Decimal(quantity), Decimal(str(price)), cost, Decimal(str(fees)), day(number))


def trips(*booked: Fill | SplitBooked | DividendBooked) -> list[Trade]:
    return list(trades_of(booked, ["s"] * len(booked), BARS))


def test_a_round_trip_with_what_it_saw() -> None:
    [trade] = trips(fill(1, Side.BUY, 10, 10, 1), fill(3, Side.SELL, 10, 14, 2))
    assert (trade.quantity, trade.entry, trade.exit, trade.fees, trade.profit, trade.bars) == (10, 10, 14, 3, 37, 3)
    assert trade.gain == pytest.approx(0.37)
    # From the first day's bar to the second's it went down to 9 and up to 15; of the third day it saw the open alone.
    assert (trade.mae, trade.mfe) == pytest.approx((0.1, 0.5))


def test_a_short_trip_fears_the_high() -> None:
    [trade] = trips(fill(1, Side.SELL, 10, 10), fill(4, Side.BUY, 10, 9))
    assert (trade.side, trade.profit) == (Side.SELL, 10)
    assert (trade.mae, trade.mfe) == pytest.approx((0.5, 0.2))


def test_within_one_bar_only_its_own_prices_are_known() -> None:
    [trade] = trips(fill(1, Side.BUY, 10, 10), fill(1, Side.SELL, 10, 9.5))
    assert (trade.bars, trade.mae, trade.mfe) == pytest.approx((1, 0.05, 0))


def test_of_a_market_whose_bars_nobody_wrote_down_a_trip_is_told_without_how_far_it_went() -> None:
    [trade] = trades_of([fill(1, Side.BUY, 10, 10, 1), fill(3, Side.SELL, 10, 14, 2)], ["s"] * 2, {})
    assert (trade.entry, trade.exit, trade.profit, trade.mae, trade.mfe) == (10, 14, 37, None, None)


def test_what_is_added_and_what_leaves_in_parts_is_one_trip() -> None:
    [trade] = trips(fill(1, Side.BUY, 10, 10), fill(2, Side.BUY, 30, 12), fill(3, Side.SELL, 20, 14, 1), fill(4, Side.SELL, 20, 9, 1))
    assert (trade.quantity, trade.entry, trade.exit, trade.fees) == (40, 11.5, 11.5, 2)
    assert trade.profit == pytest.approx(-2)


def test_an_order_through_zero_ends_one_trip_and_begins_another() -> None:
    first, second = trips(fill(1, Side.BUY, 10, 10), fill(2, Side.SELL, 30, 11, 3), fill(3, Side.BUY, 20, 12))
    assert (first.side, first.fees, first.profit) == (Side.BUY, 1, 9)
    assert (second.side, second.quantity, second.fees, second.profit) == (Side.SELL, 20, 2, -22)


def test_what_is_still_held_is_no_trip_yet() -> None:
    assert trips(fill(1, Side.BUY, 10, 10), fill(2, Side.SELL, 4, 11)) == []


def test_strategies_have_trips_of_their_own() -> None:
    booked = [fill(1, Side.BUY, 10, 10), fill(2, Side.SELL, 10, 11), fill(3, Side.BUY, 10, 9)]
    [trade] = trades_of(booked, ["one", "two", "two"], BARS)
    assert (trade.strategy, trade.side, trade.profit) == ("two", Side.SELL, 20)


def test_a_split_and_a_dividend_on_the_way() -> None:
    split = SplitBooked("AAPL", Decimal(2), Decimal(20), Decimal(0), day(2), "2024-03-02")
    dividend = DividendBooked("AAPL", Decimal("0.5"), Decimal(20), Decimal(10), day(2), "2024-03-02")
    [trade] = trips(fill(1, Side.BUY, 10, 10), split, dividend, fill(3, Side.SELL, 20, 6))
    assert (trade.quantity, trade.entry, trade.exit, trade.profit) == (20, 5, 6, 30)
    assert (trade.mae, trade.mfe) == (None, None)


def test_flat_bars_move_against_nobody() -> None:
    bars = days({"AAPL": flat(10, 10)}).bars
    [trade] = trades_of([fill(1, Side.BUY, 1, 10), fill(2, Side.SELL, 1, 10)], ["s", "s"], bars)
    assert (trade.mae, trade.mfe, trade.profit) == (0, 0, 0)
