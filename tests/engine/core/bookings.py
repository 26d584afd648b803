"""Everything that may happen to an account: fills, corrections, splits, dividends, deposits, positions from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from hypothesis import strategies as st

from engine.core.corporate import dividend_booked, split_booked
from engine.core.state import State
from engine.model.market import Dividend, Split
from engine.model.money import ZERO
from engine.model.orders import Fill, OrderType, Side, Source, TimeInForce
from engine.model.records import CashMoved, FillBooked, FillCorrected, OrderPlaced, PositionAdopted, Record, RunStarted, SplitBooked
from engine.model.verdicts import PASSED

D = Decimal
CASH = D(100_000)
SYMBOLS = ("AAPL", "MSFT")
STRATEGIES = ("", "sma", "rsi")
STEP = D("0.0001")
"""The smallest part of a share that can be held."""


@dataclass(frozen=True, slots=True)
class Trade:
    """An order of `strategy` that filled at once."""

    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Correction:
    """The broker takes back `part` of what the `pick`th last order filled, and tells another price and other fees for the rest."""

    pick: int
    part: Decimal
    price: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Adoption:
    symbol: str
    quantity: Decimal
    average: Decimal


Happening: TypeAlias = Trade | Correction | Adoption | Split | Dividend | Decimal
"""A bare Decimal is a deposit, or a withdrawal where it is negative."""

symbols = st.sampled_from(SYMBOLS)
shares = st.decimals(min_value="0.0001", max_value="100000", places=4)
prices = st.decimals(min_value="0.0001", max_value="100000", places=4)
fees = st.decimals(min_value=0, max_value=50, places=2)
ratios = st.sampled_from((D(2), D(3), D("1.5"), D("0.1"), D(1) / 3, D(1) / 7, D("0.3333333333333333")))
trades = st.builds(Trade, st.sampled_from(STRATEGIES), symbols, st.sampled_from(Side), shares, prices, fees)
happenings: st.SearchStrategy[list[Happening]] = st.lists(
    st.one_of(
        trades,
        trades,
        trades,
        st.builds(Correction, st.integers(0, 4), st.sampled_from((D(0), D("0.3"), D(1))), prices, fees),
        st.builds(Adoption, symbols, st.decimals(-5000, 5000, places=3), prices),
        st.builds(Split, symbols, st.just(0), ratios, st.none() | st.floats(0.01, 1e5)),
        st.builds(Dividend, symbols, st.just(0), st.decimals(min_value="0.001", max_value=20, places=3)),
        st.decimals(-10_000, 10_000, places=2),
    ),
    max_size=30,
)


class Account:
    """A state to which things happen. `records` is its journal; `deposits` what came from outside, positions included."""

    def __init__(self) -> None:
        self.state = State()
        self.records: list[Record] = []
        self.deposits = CASH
        self._orders: list[OrderPlaced] = []
        self._record(RunStarted("r", "paper", "test", CASH, 0))

    def happen(self, what: Happening) -> None:
        match what:
            case Trade():
                self._trade(what)
            case Correction():
                self._correct(what)
            case Adoption():
                before = self.proof()
                self._record(PositionAdopted(what.symbol, what.quantity, what.average, D(0), "", 0))
                self.deposits += self.proof() - before
            case Split():
                self._record_any(split_booked(what, self.state.portfolio, STEP))
            case Dividend():
                # Its cash is profit: `realised` tells it, so that the proof of the books holds.
                self._record_any(dividend_booked(what, self.state.portfolio))
            case _:
                self._record(CashMoved(what, "", 0))
                self.deposits += what

    def proof(self) -> Decimal:
        """What must be equal to `deposits`."""
        portfolio = self.state.portfolio
        return portfolio.cash + sum((h.basis - h.realised for h in portfolio.holdings.values()), D(0))

    def _trade(self, trade: Trade) -> None:
        placed = order(f"o{len(self._orders)}", trade.strategy, trade.symbol, trade.side, trade.quantity)
        self._orders.append(placed)
        self._record(placed)
        self._record(FillBooked(filled(placed, trade.quantity, trade.price, trade.fees)))

    def _correct(self, correction: Correction) -> None:
        if correction.pick < len(self._orders):
            placed = self._orders[-1 - correction.pick]
            booked = self.state.book.orders[placed.id]
            left = booked.filled - booked.filled * correction.part
            record = FillCorrected(
                *(placed.id, placed.symbol, placed.side, left - booked.filled, left * correction.price - booked.cost),
                *((correction.fees if left else D(0)) - booked.fees, "", 0),
            )
            self._record(self.state.portfolio.settled(record))

    def _record_any(self, record: Any) -> None:
        if record is not None:
            self._record(record)

    def _record(self, record: Record) -> None:
        self.records.append(record)
        self.state.apply(record)


def order(order_id: str, strategy: str, symbol: str, side: Side, quantity: Decimal) -> OrderPlaced:
    source = Source.STRATEGY if strategy else Source.PERSON
    return OrderPlaced(
        *(order_id, 1, symbol, side, quantity, quantity, OrderType.MARKET, None, None, TimeInForce.DAY, source),
        *(strategy, "", False, "", D(1), PASSED, 0),
    )


def filled(placed: OrderPlaced, quantity: Decimal, price: Decimal, cost: Decimal) -> Fill:
    return Fill(f"{placed.id}/f", placed.id, placed.symbol, placed.side, quantity, price, quantity * price, cost, 0)


def split(symbol: str, ratio: Decimal, quantity: Decimal, cash: Decimal = ZERO) -> SplitBooked:
    return SplitBooked(symbol, ratio, quantity, cash, 0)
