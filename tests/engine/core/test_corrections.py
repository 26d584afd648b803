"""A correction of a fill: the books are what they were had the broker told it right at first, or say by which rule they are not."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.portfolio import Portfolio
from engine.model.money import ZERO
from engine.model.orders import Fill, Side
from engine.model.records import FillCorrected
from tests.engine.core import bookings
from tests.engine.core.bookings import CASH
from tests.thorough import tries

D = Decimal


def fill(number: int, side: Side, quantity: Decimal, price: Decimal, fees: Decimal = ZERO) -> Fill:
    return Fill(f"f{number}", f"o{number}", "AAPL", side, quantity, price, quantity * price, fees, 0)


def booked(fills: list[Fill]) -> Portfolio:
    portfolio = Portfolio(CASH)
    for one in fills:
        portfolio.book(one)
    return portfolio


def correction(wrong: Fill, right: Fill) -> FillCorrected:
    return FillCorrected(
        *(wrong.order_id, wrong.symbol, wrong.side, right.quantity - wrong.quantity, right.cost - wrong.cost, right.fees - wrong.fees),
        *("corrected", 0),
    )


sides = st.sampled_from(Side)
trades = st.lists(st.tuples(sides, bookings.shares, bookings.prices, bookings.fees), min_size=1, max_size=12)


@given(trades, st.data())
@settings(max_examples=tries(200, 10_000), deadline=None)
def test_a_recent_fill_is_corrected_as_if_it_had_been_told_right_at_first(
    traded: list[tuple[Side, Decimal, Decimal, Decimal]], data: st.DataObject
) -> None:
    fills = [fill(number, *trade) for number, trade in enumerate(traded)]
    portfolio = booked(fills)
    for _ in range(2):
        index = data.draw(st.integers(0, len(fills) - 1))
        right = fill(index, fills[index].side, data.draw(bookings.shares), data.draw(bookings.prices), data.draw(bookings.fees))
        portfolio.correct(portfolio.settled(correction(fills[index], right)))
        fills[index] = right
    expected = booked(fills)
    assert portfolio.cash == expected.cash
    assert portfolio.holdings["AAPL"].cost == expected.holdings["AAPL"].cost


@given(trades, st.data())
@settings(max_examples=tries(100, 10_000), deadline=None)
def test_a_recent_fill_that_never_was_is_as_if_it_had_never_been_told(
    traded: list[tuple[Side, Decimal, Decimal, Decimal]], data: st.DataObject
) -> None:
    fills = [fill(number, *trade) for number, trade in enumerate(traded)]
    assume(len(fills) > 1)
    portfolio = booked(fills)
    busted = fills.pop(data.draw(st.integers(0, len(fills) - 1)))
    nothing = replace(busted, quantity=D(0), cost=D(0), fees=D(0))
    portfolio.correct(portfolio.settled(correction(busted, nothing)))
    assert portfolio.holdings["AAPL"].cost == booked(fills).holdings["AAPL"].cost


def test_of_an_order_in_several_fills_the_newest_are_taken_to_be_wrong() -> None:
    parts = [fill(1, Side.BUY, D(10), D(50)), replace(fill(1, Side.BUY, D(10), D(52)), id="f1b"), fill(2, Side.SELL, D(5), D(60))]
    portfolio = booked(parts)
    portfolio.correct(portfolio.settled(FillCorrected("o1", "AAPL", Side.BUY, D(-15), D(-770), D(0), "", 0)))
    assert portfolio.holdings["AAPL"].cost == booked([fill(1, Side.BUY, D(5), D(50)), parts[2]]).holdings["AAPL"].cost


def test_a_fill_too_long_ago_is_corrected_by_rule_and_the_money_is_right_all_the_same() -> None:
    long_ago = fill(0, Side.BUY, D(1000), D(50))
    portfolio = booked([long_ago, *(fill(number, Side.SELL, D(1), D(60)) for number in range(1, 41))])
    record = portfolio.settled(correction(long_ago, fill(0, Side.BUY, D(1000), D(51))))
    assert record.realised is None
    portfolio.correct(record)
    holding = portfolio.holdings["AAPL"]
    assert holding.quantity == 960
    assert portfolio.cash == CASH - 51_000 + 2_400
    assert portfolio.cash + holding.basis - holding.realised == CASH


def test_a_correction_from_before_a_split_is_by_rule_for_its_shares_are_others() -> None:
    portfolio = booked([fill(1, Side.BUY, D(10), D(50))])
    portfolio.split(bookings.split("AAPL", D(2), D(20)))
    assert portfolio.settled(FillCorrected("o1", "AAPL", Side.BUY, D(0), D(10), D(0), "", 0)).realised is None
