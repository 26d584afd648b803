"""Cash, holdings and their profit and loss, by average cost. Exact to the last digit of what the fills say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.model.average_cost import NOTHING, AverageCost
from engine.model.money import ZERO, exact
from engine.model.orders import Fill
from engine.model.records import DividendBooked, FillCorrected, SplitBooked


@dataclass(slots=True)
class Holding:
    """What is held of one symbol, and what it is worth. `mark` is the last price, None before there is one."""

    symbol: str
    cost: AverageCost = NOTHING
    mark: float | None = None

    @property
    def quantity(self) -> Decimal:
        return self.cost.quantity

    @property
    def basis(self) -> Decimal:
        return self.cost.basis

    @property
    def realised(self) -> Decimal:
        return self.cost.realised

    @property
    def average(self) -> Decimal:
        return self.cost.average

    @property
    def value(self) -> Decimal:
        """Signed market value; at cost while no price is known."""
        if not self.quantity:
            return ZERO
        return self.basis if self.mark is None else self.quantity * exact(self.mark)

    @property
    def unrealised(self) -> Decimal:
        return self.value - self.basis


class Portfolio:
    """The account's money and positions. `cash + sum of basis - realised` never changes but by deposits: that is the proof of the books."""

    __slots__ = ("_cash", "fees", "holdings")

    def __init__(self, cash: Decimal = ZERO) -> None:
        self._cash = cash
        self.fees = ZERO
        self.holdings: dict[str, Holding] = {}

    @property
    def cash(self) -> Decimal:
        return self._cash

    def deposit(self, amount: Decimal) -> None:
        """Money from outside; negative for a withdrawal."""
        self._cash += amount

    def book(self, fill: Fill) -> None:
        """Takes over one fill. A fill through zero closes what was held and opens the rest."""
        holding = self._holding(fill.symbol)
        holding.cost = holding.cost.booked(fill)
        self._cash -= fill.side.sign * fill.cost + fill.fees
        self.fees += fill.fees

    def correct(self, record: FillCorrected) -> None:
        """Takes over what a broker changed of a fill it had told before."""
        holding = self._holding(record.symbol)
        holding.cost = holding.cost.corrected(record.side, record.quantity, record.cost, record.fees)
        self._cash -= record.side.sign * record.cost + record.fees
        self.fees += record.fees

    def split(self, record: SplitBooked) -> None:
        holding = self._holding(record.symbol)
        holding.cost = holding.cost.split(record.quantity, record.cash)
        self._cash += record.cash
        if holding.mark is not None:
            holding.mark /= float(record.ratio)

    def receive_dividend(self, record: DividendBooked) -> None:
        holding = self._holding(record.symbol)
        holding.cost = holding.cost.paid(record.cash)
        self._cash += record.cash

    def adopt(self, symbol: str, quantity: Decimal, average: Decimal, cash: Decimal) -> None:
        """Takes over `quantity` (signed) that was traded elsewhere at `average`, with the change of cash that came with it."""
        holding = self._holding(symbol)
        holding.cost = holding.cost.adopted(quantity, average)
        self._cash += cash

    def mark(self, symbol: str, price: float) -> None:
        holding = self.holdings.get(symbol)
        if holding is not None:
            holding.mark = price

    def position(self, symbol: str) -> Decimal:
        holding = self.holdings.get(symbol)
        return holding.quantity if holding is not None else ZERO

    def equity(self) -> Decimal:
        return self._cash + sum((holding.value for holding in self.holdings.values()), ZERO)

    def realised(self) -> Decimal:
        return sum((holding.realised for holding in self.holdings.values()), ZERO)

    def unrealised(self) -> Decimal:
        return sum((holding.unrealised for holding in self.holdings.values()), ZERO)

    def gross(self) -> Decimal:
        """The sum of the positions' market values, shorts counted as positive."""
        return sum((abs(holding.value) for holding in self.holdings.values()), ZERO)

    def net(self) -> Decimal:
        """The sum of the positions' market values, shorts counted as negative."""
        return sum((holding.value for holding in self.holdings.values()), ZERO)

    def _holding(self, symbol: str) -> Holding:
        holding = self.holdings.get(symbol)
        if holding is None:
            holding = self.holdings[symbol] = Holding(symbol)
        return holding
