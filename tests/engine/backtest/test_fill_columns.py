"""Fills by column are charged and added up to the last digit as one after the other."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from engine.backtest.fill_columns import FillColumns, fill_columns
from engine.backtest.lane_gate import LaneOrder
from engine.brokers.costs import commission_of
from engine.model.money import exact
from engine.model.orders import Side
from engine.model.settings import CommissionSettings

CASH = Decimal("1000000000")


def pairs(prices: list[float], shares: list[int]) -> list[LaneOrder]:
    """In and out again, at these prices."""
    orders = []
    for place, price in enumerate(prices):
        quantity, enters = shares[place // 2], place % 2 == 0
        side = Side.BUY if enters else Side.SELL
        held = float(quantity) if enters else 0.0
        orders.append(LaneOrder(place, "AAA", side, Decimal(quantity), float(quantity), price, 0, "me", 0, price, place, held))
    return orders


def columns(orders: list[LaneOrder], settings: CommissionSettings) -> FillColumns | None:
    return fill_columns(orders, CASH, settings, commission_of(settings, lambda _: None))


@pytest.mark.parametrize("places", [2, 4])
@pytest.mark.parametrize(
    "settings",
    [
        CommissionSettings("per_cent", rate=Decimal("0.35"), minimum=Decimal("0.01")),
        CommissionSettings("per_cent", rate=Decimal("0.07"), minimum=Decimal(0), maximum_pct=Decimal("0.05")),
        CommissionSettings("per_share", rate=Decimal("0.0035"), minimum=Decimal("0.35"), maximum_pct=Decimal(1)),
        CommissionSettings("fixed", rate=Decimal("1.255")),
    ],
    ids=["per cent", "at most", "per share", "fixed"],
)
def test_fees_and_cash_are_those_of_each_fill_by_itself(settings: CommissionSettings, places: int) -> None:
    draw = np.random.default_rng(5)
    prices = np.round(draw.uniform(0.5, 900, 4_000), places).tolist()
    orders = pairs(prices, draw.choice([1, 3, 50, 250, 999], 2_000).tolist())
    told, commission, cash = columns(orders, settings), commission_of(settings, lambda _: None), CASH
    assert told is not None
    fees, left = [], []
    for order in orders:
        cost = exact(order.price) * order.quantity
        fees.append(commission(order.quantity, cost))
        cash -= fees[-1] + (cost if order.side is Side.BUY else -cost)
        left.append(float(cash))
    assert told.fees.tolist() == [int(fee * 100) for fee in fees]
    assert told.cash.tolist() == left
    assert str(told.last_cash) == str(cash)
    assert told.paid == sum(fees)
    assert told.cost_of("AAA").realised == cash - CASH


def test_prices_with_too_many_digits_and_sums_that_no_float_holds_make_no_columns() -> None:
    free = CommissionSettings("fixed", rate=Decimal(0))
    assert columns(pairs([10.5, 11.25], [5]), free) is not None
    assert columns(pairs([10.5, 11.123456789], [5]), free) is None
    assert columns(pairs([1e11, 1e11], [10**6]), free) is None
