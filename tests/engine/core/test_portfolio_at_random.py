"""Whatever happens to an account, it adds up to the last digit: cash, cost, profit, and what belongs to whom."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.portfolio import Portfolio
from engine.core.state import State
from engine.model.average_cost import NOTHING, AverageCost
from engine.model.money import WIDE, ZERO, exact
from tests.engine.core.bookings import SYMBOLS, Account, Happening, happenings
from tests.thorough import tries

D = Decimal
PACE = settings(max_examples=tries(200, 10_000), deadline=None)
marks = st.floats(0.01, 1e5)


def after(*happened: Happening) -> Account:
    account = Account()
    for what in happened:
        account.happen(what)
    return account


@given(happenings)
@PACE
def test_cash_and_cost_less_profit_is_what_came_from_outside_to_the_last_digit(happened: list[Happening]) -> None:
    account = Account()
    for what in happened:
        account.happen(what)
        assert account.proof() == account.deposits
        assert all(holding.quantity or not holding.basis for holding in account.state.portfolio.holdings.values())


@given(happenings, marks, marks)
@PACE
def test_equity_is_cash_and_every_share_at_its_mark_however_often_it_is_asked(happened: list[Happening], apple: float, soft: float) -> None:
    account = Account()
    for turn, what in enumerate(happened):
        account.happen(what)
        portfolio = account.state.portfolio
        portfolio.mark("AAPL", apple * (1 + turn % 3))
        portfolio.mark("MSFT", soft)
        if turn % 2:
            assert sums(portfolio) == made_anew(portfolio)
    assert sums(account.state.portfolio) == made_anew(account.state.portfolio)


def sums(portfolio: Portfolio) -> tuple[Decimal, ...]:
    return portfolio.equity(), portfolio.gross(), portfolio.net(), portfolio.realised(), portfolio.unrealised()


def made_anew(portfolio: Portfolio) -> tuple[Decimal, ...]:
    """The same sums over all holdings, without anything that was kept."""
    gross = net = realised = basis = ZERO
    for h in portfolio.holdings.values():
        value = ZERO if not h.quantity else h.basis if h.mark is None else WIDE.multiply(h.quantity, exact(h.mark))
        gross, net = WIDE.add(gross, abs(value)), WIDE.add(net, value)
        realised, basis = WIDE.add(realised, h.realised), WIDE.add(basis, h.basis)
    return WIDE.add(portfolio.cash, net), gross, net, realised, WIDE.subtract(net, basis)


@given(happenings)
@PACE
def test_what_belongs_to_strategies_and_the_person_adds_up_to_the_account(happened: list[Happening]) -> None:
    state = after(*happened).state
    for symbol in SYMBOLS:
        holding = state.portfolio.holdings.get(symbol)
        whole = holding.cost if holding is not None else NOTHING
        books = [book.costs.get(symbol, NOTHING) for book in state.attribution.books.values()]
        assert added(books) == (whole.quantity, whole.basis - whole.realised, whole.fees)


def added(books: list[AverageCost]) -> tuple[Decimal, Decimal, Decimal]:
    return (
        sum((book.quantity for book in books), ZERO),
        sum((book.basis - book.realised for book in books), ZERO),
        sum((book.fees for book in books), ZERO),
    )


@given(happenings)
@PACE
def test_a_restart_finds_the_same_books(happened: list[Happening]) -> None:
    account, again = after(*happened), State()
    for record in account.records:
        again.apply(record)
    assert again.portfolio.holdings == account.state.portfolio.holdings
    assert again.attribution.books == account.state.attribution.books
    assert (again.portfolio.cash, again.portfolio.fees) == (account.state.portfolio.cash, account.state.portfolio.fees)
