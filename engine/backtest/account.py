"""The account as strategies see it, in floats, and how it changed in the course of a run, as flat columns."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

from engine.core.portfolio import Portfolio
from engine.feeds.actions import restated
from engine.model.market import Bar, Dividend, Split
from engine.model.money import after_dividend
from engine.model.orders import Fill
from engine.model.records import DividendBooked, SplitBooked
from engine.strategies.base import Position

if TYPE_CHECKING:
    from engine.backtest.fill_columns import FillColumns
    from engine.feeds.bar_columns import Floats, Times

Booked: TypeAlias = Fill | SplitBooked | DividendBooked
"""What moves an account."""


class Steps(Struct):
    """A figure that changes now and then: from each of the times `at` (ns) on it is the value beside it."""

    at: array[int] = field(default_factory=lambda: array("q"))
    value: array[float] = field(default_factory=lambda: array("d"))

    def add(self, at: int, value: float) -> None:
        self.at.append(at)
        self.value.append(value)


class Account:
    """`latest` is each symbol's newest bar, `positions` what is held by symbol: both change between two callbacks, and never within one.

    `booked` is all that moved the account, oldest first, and `owners` names whose it was. `cash_steps` and `held_steps` are the same as
    columns; `price_steps` are prices that a split or a dividend, and no bar, has set.
    """

    def __init__(self) -> None:
        self.positions: dict[str, Position] = {}
        self.latest: dict[str, Bar] = {}
        self.changed: dict[str, None] = {}
        self.booked: list[Booked] = []
        self.owners: list[str] = []
        self.cash_steps = Steps()
        self.held_steps: dict[str, Steps] = {}
        self.price_steps: dict[str, Steps] = {}
        self.settle: Callable[[], None] = _nothing
        """Has everything booked that happened, where that is done in arrears."""
        self._cash = 0.0

    @property
    def cash(self) -> float:
        self.settle()
        return self._cash

    def equity(self) -> float:
        """Cash and what is held, at the latest closes."""
        latest = self.latest
        return self.cash + sum(position.quantity * latest[symbol].close for symbol, position in self.positions.items())

    def book(self, event: Booked, owner: str) -> None:
        self.booked.append(event)
        self.owners.append(owner)
        self.changed[event.symbol] = None

    def take(self, portfolio: Portfolio, at: int) -> None:
        """As the books stand after the market moment `at`."""
        self._cash = float(portfolio.cash)
        self.cash_steps.add(at, self._cash)
        if not self.changed:
            return
        positions = self.positions
        for symbol in self.changed:
            holding = portfolio.holdings.get(symbol)
            quantity = 0.0
            if holding is not None and holding.cost.quantity:
                quantity = float(holding.cost.quantity)
                positions[symbol] = Position(quantity, float(holding.cost.average))
            else:
                positions.pop(symbol, None)
            self._steps_of(symbol).add(at, quantity)
        self.changed.clear()

    def catch_up(self, fills: Sequence[Fill], owners: Sequence[str], held: Sequence[float], cash: Sequence[float]) -> None:
        """`fills` are booked now that came before. `held` is what each left of its symbol, and `cash` in the account; positions are those
        already that they led to."""
        self.booked += fills
        self.owners += owners
        times = [fill.at for fill in fills]
        self.cash_steps.at.extend(times)
        self.cash_steps.value.extend(cash)
        for fill, at, quantity in zip(fills, times, held, strict=True):
            steps = self._steps_of(fill.symbol)
            steps.at.append(at)
            steps.value.append(quantity)
        self._cash = cash[-1]

    def take_over(self, columns: FillColumns) -> None:
        """All that moved it is in these, and nothing is `booked` one by one: the steps are theirs, from the beginning on."""
        self.booked.clear()
        self.owners.clear()
        self.held_steps.clear()
        first_at, first_cash = self.cash_steps.at[0], self.cash_steps.value[0]
        self.cash_steps = _steps(columns.at, columns.cash)
        self.cash_steps.at.insert(0, first_at)
        self.cash_steps.value.insert(0, first_cash)
        for symbol, rows in columns.rows.items():
            self.held_steps[symbol] = _steps(columns.at[rows], columns.held[rows])
        self._cash = float(columns.last_cash)

    def _steps_of(self, symbol: str) -> Steps:
        steps = self.held_steps.get(symbol)
        if steps is None:
            steps = self.held_steps[symbol] = Steps()
        return steps

    def act(self, event: Split | Dividend) -> Bar | None:
        """A company acted: the latest bar of its symbol as it reads from now on, None where there was none."""
        bar = self.latest.get(event.symbol)
        if bar is None:
            return None
        if isinstance(event, Split):
            told = restated([bar], float(event.ratio))[0]
        else:
            open_, high, low, close = (after_dividend(price, event.amount) for price in (bar.open, bar.high, bar.low, bar.close))
            told = Bar(bar.symbol, bar.at, open_, high, low, close, bar.volume)
        self.latest[event.symbol] = told
        self.price_steps.setdefault(event.symbol, Steps()).add(max(event.at, bar.at + 1), told.close)
        return told


def _steps(at: Times, value: Floats) -> Steps:
    return Steps(array("q", at.tobytes()), array("d", value.tobytes()))


def fills_of(booked: list[Booked]) -> list[Fill]:
    return [event for event in booked if isinstance(event, Fill)]


def _nothing() -> None:
    """Everything is booked."""
