"""Whose positions they are: the account's holdings and results divided among the strategies and the person.

A fill belongs to whoever ordered it: a strategy, or the person where it is nobody's order (a flatten's, one placed elsewhere). It first
closes what that book holds on the other side, then what others hold there, the person before the strategies, and opens with the rest. For
the account has one position a symbol, and everybody is told that one: who sells sells what is there, whoever bought it. Were it booked as
the seller's own short, two strategies on one symbol would drift apart without end, each against the other.

So no fill sets one book against another. In every symbol the quantities, the fees, and `basis - realised`, add up to the account's, to
the last digit; so does the profit at any price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from engine.core.portfolio import Holding, worth
from engine.model.average_cost import NOTHING, AverageCost, share
from engine.model.money import WIDE, ZERO
from engine.model.orders import Fill
from engine.model.records import DividendBooked, FillCorrected, SplitBooked
from engine.model.views import ExposureRow

PERSON = ""
"""The book of what no strategy ordered."""
_SHARE_OF_A_SHARE = Decimal("1e-10")


class Book(Struct):
    """What one strategy holds and made, by symbol; `held` are the symbols of which it holds any, the sums are over all of them."""

    costs: dict[str, AverageCost] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    realised: Decimal = ZERO
    fees: Decimal = ZERO

    def keep(self, symbol: str, cost: AverageCost) -> None:
        before = self.costs.get(symbol, NOTHING)
        self.costs[symbol] = cost
        self.realised = WIDE.add(self.realised, WIDE.subtract(cost.realised, before.realised))
        self.fees = WIDE.add(self.fees, WIDE.subtract(cost.fees, before.fees))
        if cost.quantity:
            self.held.add(symbol)
        else:
            self.held.discard(symbol)


class Attribution:
    """One average cost for each strategy and symbol. `books` is by strategy."""

    __slots__ = ("books",)

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}

    def cost(self, strategy: str, symbol: str) -> AverageCost:
        book = self.books.get(strategy)
        return NOTHING if book is None else book.costs.get(symbol, NOTHING)

    def exposure(self, strategy: str, holdings: Mapping[str, Holding]) -> ExposureRow:
        """What `strategy` holds and made, at the marks of the account's `holdings`. Costs what it holds, not what it ever traded."""
        book = self.books.get(strategy) or Book()
        net = gross = unrealised = ZERO
        for symbol in book.held:
            cost = book.costs[symbol]
            value = worth(cost, holdings[symbol].mark)
            net, gross = WIDE.add(net, value), WIDE.add(gross, abs(value))
            unrealised = WIDE.add(unrealised, WIDE.subtract(value, cost.basis))
        return ExposureRow(strategy, net, gross, book.realised, unrealised, book.fees)

    def book(self, fill: Fill, strategy: str) -> None:
        for owner, part in self._owners(fill, strategy):
            self._keep(owner, fill.symbol, self.cost(owner, fill.symbol).booked(part))

    def correct(self, record: FillCorrected, strategy: str) -> None:
        """The difference goes to the book of the order's own strategy, whoever's shares a person's order had closed."""
        cost = self.cost(strategy, record.symbol).corrected(record.side, record.quantity, record.cost, record.fees)
        self._keep(strategy, record.symbol, cost)

    def split(self, record: SplitBooked) -> None:
        """Everybody's shares split; the fraction that was paid out was the largest holder's."""
        largest, others = self._holders(record.symbol)
        rest = record.quantity
        for owner, cost in others:
            quantity = _part(cost.quantity, record.ratio)
            rest -= quantity
            self._keep(owner, record.symbol, cost.split(quantity, ZERO))
        self._keep(largest, record.symbol, self.cost(largest, record.symbol).split(rest, record.cash))

    def receive_dividend(self, record: DividendBooked) -> None:
        """Everybody gets theirs; what rounding to the cent left over, the largest holder."""
        largest, others = self._holders(record.symbol)
        rest = record.cash
        for owner, cost in others:
            cash = _part(cost.quantity, record.amount)
            rest -= cash
            self._keep(owner, record.symbol, cost.paid(cash))
        self._keep(largest, record.symbol, self.cost(largest, record.symbol).paid(rest))

    def adopt(self, symbol: str, quantity: Decimal, average: Decimal) -> None:
        """What was traded elsewhere is the person's."""
        self._keep(PERSON, symbol, self.cost(PERSON, symbol).adopted(quantity, average))

    def _keep(self, strategy: str, symbol: str, cost: AverageCost) -> None:
        self.books.setdefault(strategy, Book()).keep(symbol, cost)

    def _owners(self, fill: Fill, strategy: str) -> Iterator[tuple[str, Fill]]:
        """Whose `fill` of an order of `strategy` is, in parts that add up to it."""
        left = replace(fill, quantity=fill.shares, ratio=Decimal(1))
        for owner in (strategy, *sorted(self.books.keys() - {strategy})):  # the person's comes before the strategies'
            closable = -fill.side.sign * self.cost(owner, fill.symbol).quantity
            if closable <= 0:
                continue
            if closable >= left.quantity:
                yield owner, left
                return
            cost, fees = share(left.cost, closable, left.quantity), share(left.fees, closable, left.quantity)
            yield owner, replace(left, quantity=closable, cost=cost, fees=fees)
            left = replace(left, quantity=left.quantity - closable, cost=left.cost - cost, fees=left.fees - fees)
        yield strategy, left

    def _holders(self, symbol: str) -> tuple[str, list[tuple[str, AverageCost]]]:
        """Who holds most of `symbol`, and the other books that know it."""
        known = [(owner, self.books[owner].costs[symbol]) for owner in sorted(self.books) if symbol in self.books[owner].costs]
        largest = max(known, key=lambda held: abs(held[1].quantity), default=(PERSON, NOTHING))[0]
        return largest, [held for held in known if held[0] != largest]


def _part(quantity: Decimal, factor: Decimal) -> Decimal:
    return WIDE.multiply(quantity, factor).quantize(_SHARE_OF_A_SHARE, context=WIDE)
