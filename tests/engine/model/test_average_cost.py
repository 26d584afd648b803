"""Average cost: what a correction, a split, a dividend or an adoption makes of a position, by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.average_cost import NOTHING, AverageCost
from engine.model.orders import Fill, Side

D = Decimal


def fill(side: Side, quantity: object, price: object, fees: object = 0) -> Fill:
    shares, each = D(str(quantity)), D(str(price))
    return Fill("f", "o", "AAPL", side, shares, each, shares * each, D(str(fees)), 0)


def position(*fills: Fill) -> AverageCost:
    cost = NOTHING
    for one in fills:
        cost = cost.booked(one)
    return cost


def numbers(cost: AverageCost) -> tuple[object, ...]:
    return cost.quantity, cost.basis, cost.realised


BUY, SELL = Side.BUY, Side.SELL
LONG = position(fill(BUY, 100, 50))
SOLD_OFF = position(fill(BUY, 100, 50), fill(SELL, 100, 60))
HALF_SOLD = position(fill(BUY, 100, 50), fill(SELL, 40, 60))
TURNED = position(fill(BUY, 100, 50), fill(SELL, 150, 60))

CORRECTIONS = {
    "a dearer purchase that is held costs more": (LONG, (BUY, 0, 100, 0), (100, 5100, 0)),
    "a purchase that never was leaves nothing": (LONG, (BUY, -100, -5000, 0), (0, 0, 0)),
    "a part of a purchase that never was takes its own money with it": (LONG, (BUY, -40, -2000, 0), (60, 3000, 0)),
    "fees that came late are realised": (LONG, (BUY, 0, 0, 3), (100, 5000, -3)),
    "a better sale is profit": (HALF_SOLD, (SELL, 0, 40, 0), (60, 3000, 440)),
    "a sale that never was puts back what it took at its average": (HALF_SOLD, (SELL, -40, -2400, 0), (100, 5000, 0)),
    "more sold than told takes more at the average": (HALF_SOLD, (SELL, 10, 600, 0), (50, 2500, 500)),
    "more sold than was held turns the position at the sale's price": (HALF_SOLD, (SELL, 80, 4800, 0), (-20, -1200, 1000)),
    "the price of what is all gone is profit or loss": (SOLD_OFF, (BUY, 0, 100, 0), (0, 0, 900)),
    "a last sale that never was leaves the shares at its price, for their own is forgotten": (
        *(SOLD_OFF, (SELL, -100, -6000, 0), (100, 6000, 1000)),
    ),
    "a turn that never was turns back at its price": (TURNED, (SELL, -150, -9000, 0), (100, 6000, 1000)),
}


@pytest.mark.parametrize("name", CORRECTIONS)
def test_a_correction_by_rule(name: str) -> None:
    before, (side, quantity, cost, fees), after = CORRECTIONS[name]
    assert numbers(before.corrected(side, D(quantity), D(cost), D(fees))) == after


def test_a_correction_whose_profit_is_known_leaves_the_rest_in_the_cost() -> None:
    right = position(fill(BUY, 100, 51), fill(SELL, 40, 60))
    assert HALF_SOLD.corrected(BUY, D(0), D(100), D(0), right.realised - HALF_SOLD.realised) == right


def test_a_third_of_a_cent_does_not_creep_from_the_cost_into_the_profit() -> None:
    thirds = position(fill(BUY, 3, "33.33"), fill(SELL, 1, 40))
    assert thirds.corrected(SELL, D(0), D(0), D(0)) == thirds


def test_a_split_keeps_the_cost_and_cash_for_a_fraction_comes_off_it() -> None:
    assert numbers(LONG.split(D(200), D(0))) == (200, 5000, 0)
    assert numbers(position(fill(BUY, 15, 10)).split(D(1), D(50))) == (1, 100, 0)
    assert numbers(position(fill(SELL, 15, 10)).split(D(-1), D(-50))) == (-1, -100, 0)


def test_a_position_that_a_split_pays_out_whole_is_realised() -> None:
    assert numbers(position(fill(BUY, 5, 10)).split(D(0), D(40))) == (0, 0, -10)


def test_a_dividend_is_profit_and_a_short_position_owes_it() -> None:
    assert numbers(LONG.paid(D(25))) == (100, 5000, 25)
    assert numbers(position(fill(SELL, 100, 50)).paid(D(-25))) == (-100, -5000, -25)


def test_numbers_at_the_end_of_what_an_order_may_hold_are_shared_without_an_error() -> None:
    huge = position(fill(BUY, "999999999999.9", "999999999999.9"), fill(SELL, "0.0000000001", 1))
    assert huge.quantity == D("999999999999.8999999999")
