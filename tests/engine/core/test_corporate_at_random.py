"""Splits, dividends and margin among everything else that may happen: paper and the books agree, and everybody's part adds up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from msgspec.structs import replace

from engine.model.average_cost import NOTHING
from engine.model.market import Dividend, Split
from engine.model.money import ZERO
from tests.engine.core import floor as trading
from tests.engine.core.test_core_at_random import LIMITS, AnythingGoes
from tests.thorough import tries

D = Decimal
symbols = st.sampled_from(trading.SYMBOLS)


class CompaniesAct(AnythingGoes):
    """Companies split their shares and pay dividends, with short selling allowed."""

    limits = replace(LIMITS, short_selling=True)

    # A fill in the old shares that is heard after the split is a difference that reconciling shows: brokers split while nothing trades.
    @precondition(lambda self: self.floor.held_news is None)
    @rule(symbol=symbols, ratio=st.sampled_from((D(2), D(3), D("1.5"), D("0.5"), D(1) / 3)))
    def a_share_splits(self, symbol: str, ratio: Decimal) -> None:
        last = self.last(symbol)
        if 5 < last / float(ratio) < 1000:
            before = self.floor.core.state.portfolio.equity()
            self.floor.market(Split(symbol, self.floor.at, ratio, last))
            assert abs(self.floor.core.state.portfolio.equity() - before) < D("0.01")

    @precondition(lambda self: self.floor.held_news is None)
    @rule(symbol=symbols, amount=st.decimals(min_value="0.001", max_value="0.9", places=3))
    def a_dividend_is_paid(self, symbol: str, amount: Decimal) -> None:
        before = self.floor.core.state.portfolio.equity()
        self.floor.market(Dividend(symbol, self.floor.at, amount))
        assert abs(self.floor.core.state.portfolio.equity() - before) < D("0.01")

    @invariant()
    def everybodys_part_adds_up_to_the_account(self) -> None:
        state = self.floor.core.state
        for symbol, holding in state.portfolio.holdings.items():
            parts = [book.costs.get(symbol, NOTHING) for book in state.attribution.books.values()]
            assert sum((part.quantity for part in parts), ZERO) == holding.quantity
            assert sum((part.basis - part.realised for part in parts), ZERO) == holding.basis - holding.realised


PACE: Any = settings(max_examples=tries(30, 10_000), stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
TestCompaniesAct = CompaniesAct.TestCase
TestCompaniesAct.settings = PACE
