"""The portfolio: average cost by hand, and books that balance to the last digit whatever is filled."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.core.portfolio import Portfolio
from engine.model.orders import Fill, Side
from tests.engine.core.floor import facts

D = Decimal
CASH = D(100_000)


def fill(side: Side, quantity: object, price: object, fees: object = 0, symbol: str = "AAPL") -> Fill:
    shares, each = D(str(quantity)), D(str(price))
    return Fill("f", "o", symbol, side, shares, each, shares * each, D(str(fees)), 0)


def booked(*fills: Fill) -> Portfolio:
    portfolio = Portfolio(CASH)
    for one in fills:
        portfolio.book(one)
    return portfolio


def test_a_long_position_costs_what_was_paid_and_fees_are_realised_at_once() -> None:
    portfolio = booked(fill(Side.BUY, 100, 50, 1))
    holding = portfolio.holdings["AAPL"]
    assert facts(holding.quantity, holding.average, holding.realised, portfolio.cash) == (100, 50, -1, 94_999)


def test_adding_moves_the_average_and_realises_nothing() -> None:
    holding = booked(fill(Side.BUY, 100, 50), fill(Side.BUY, 300, 54)).holdings["AAPL"]
    assert facts(holding.quantity, holding.average, holding.realised) == (400, 53, 0)


def test_selling_a_part_realises_that_part_and_leaves_the_average() -> None:
    portfolio = booked(fill(Side.BUY, 100, 50), fill(Side.SELL, 40, 60))
    holding = portfolio.holdings["AAPL"]
    assert facts(holding.quantity, holding.average, holding.realised, portfolio.cash) == (60, 50, 400, 97_400)


def test_a_short_gains_when_it_is_bought_back_lower() -> None:
    portfolio = booked(fill(Side.SELL, 100, 50), fill(Side.BUY, 40, 45))
    holding = portfolio.holdings["AAPL"]
    assert facts(holding.quantity, holding.basis, holding.average, holding.realised, portfolio.cash) == (-60, -3000, 50, 200, 103_200)


def test_a_sale_through_zero_closes_what_was_held_and_opens_the_rest_short() -> None:
    holding = booked(fill(Side.BUY, 100, 50), fill(Side.SELL, 150, 60)).holdings["AAPL"]
    assert facts(holding.quantity, holding.average, holding.realised) == (-50, 60, 1000)


def test_a_purchase_through_zero_closes_a_short_and_opens_the_rest_long() -> None:
    holding = booked(fill(Side.SELL, 100, 50), fill(Side.BUY, 150, 60)).holdings["AAPL"]
    assert facts(holding.quantity, holding.average, holding.realised) == (50, 60, -1000)


def test_a_flat_position_keeps_no_cost_however_unevenly_it_was_divided() -> None:
    holding = booked(fill(Side.BUY, 3, "33.33"), fill(Side.SELL, 1, 40), fill(Side.SELL, 1, 40), fill(Side.SELL, 1, 40)).holdings["AAPL"]
    assert facts(holding.quantity, holding.basis, holding.realised) == (0, 0, D("20.01"))


def test_equity_follows_the_mark_and_gross_counts_shorts_as_positive() -> None:
    portfolio = booked(fill(Side.BUY, 100, 50), fill(Side.SELL, 10, 200, symbol="MSFT"))
    portfolio.mark("AAPL", 51.5)
    portfolio.mark("MSFT", 210.0)
    assert portfolio.unrealised() == 150 - 100
    assert portfolio.equity() == CASH + 50
    assert portfolio.gross() == 5150 + 2100


def test_a_position_without_a_price_is_worth_its_cost() -> None:
    portfolio = booked(fill(Side.SELL, 10, 200))
    assert facts(portfolio.equity(), portfolio.gross(), portfolio.unrealised()) == (CASH, 2000, 0)


amounts = st.decimals(min_value="0.0001", max_value="100000", places=4, allow_nan=False, allow_infinity=False)
fills = st.lists(
    st.builds(
        fill,
        st.sampled_from(Side),
        amounts,
        amounts,
        st.decimals(min_value=0, max_value=50, places=2),
        st.sampled_from(("AAPL", "MSFT")),
    ),
    max_size=30,
)


@given(fills)
def test_cash_and_cost_less_profit_is_what_was_deposited_to_the_last_digit(done: Sequence[Fill]) -> None:
    portfolio = booked(*done)
    basis = sum((holding.basis for holding in portfolio.holdings.values()), D(0))
    assert portfolio.cash + basis - portfolio.realised() == CASH
    assert all(holding.quantity or not holding.basis for holding in portfolio.holdings.values())


@given(fills, st.floats(0.01, 1e5), st.floats(0.01, 1e5))
def test_equity_is_what_was_deposited_and_all_profit_and_loss(done: Sequence[Fill], apple: float, microsoft: float) -> None:
    portfolio = booked(*done)
    portfolio.mark("AAPL", apple)
    portfolio.mark("MSFT", microsoft)
    # A mark has up to 17 digits of its own, so here the last digits may be rounded.
    assert abs(portfolio.equity() - CASH - portfolio.realised() - portfolio.unrealised()) < D("1e-9")
