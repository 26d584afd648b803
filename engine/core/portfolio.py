"""Cash, holdings and their profit and loss, by average cost. Exact to the last digit of what the fills say.

Sums over all holdings are kept, not made anew when somebody asks: a price that moved is worked into them with the next question, so
neither a price nor a question costs more with more symbols.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from engine.model.average_cost import NOTHING, AverageCost
from engine.model.market import Dividend, Split
from engine.model.money import WIDE, ZERO, after_dividend, after_split, exact
from engine.model.orders import Fill, Side
from engine.model.records import DividendBooked, FillCorrected, SplitBooked

_SELL: Final = Side.SELL
_RECENT = 32
"""Fills of a symbol that are kept, each with the cost before it: a correction of one of them is worked out as if it had been told right."""

Act: TypeAlias = tuple[str, str, str, Decimal]
"""What a company did, by symbol, kind, ex-date and value."""


class Holding(Struct):
    """What is held of one symbol, and what it is worth. `mark` is the last price, None before there is one.

    `recent` are its latest fills, oldest first, each with the cost before it. Only the portfolio changes a holding.
    """

    symbol: str
    cost: AverageCost = NOTHING
    mark: float | None = None
    recent: deque[tuple[AverageCost, Fill]] = field(default_factory=lambda: deque(maxlen=_RECENT))
    counted: AverageCost = NOTHING
    counted_value: Decimal = ZERO
    """What of it is in the portfolio's sums: no part of what it is equal to."""
    changed: bool = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Holding):
            return NotImplemented
        return (self.symbol, self.cost, self.mark, self.recent) == (other.symbol, other.cost, other.mark, other.recent)

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
        return self.worked_out() if self.changed else self.counted_value

    @property
    def unrealised(self) -> Decimal:
        return WIDE.subtract(self.value, self.basis)

    @property
    def profit(self) -> Decimal:
        """Realised and unrealised, fees counted."""
        return WIDE.add(self.realised, self.unrealised)

    def worked_out(self) -> Decimal:
        return worth(self.cost, self.mark)


class Portfolio:
    """The account's money and positions. `cash + sum of basis - realised` never changes but by deposits: that is the proof of the books."""

    __slots__ = ("_basis", "_cash", "_changed", "_gross", "_net", "_realised", "acts", "fees", "holdings", "session")

    def __init__(self, cash: Decimal = ZERO) -> None:
        self._cash = cash
        self.fees = ZERO
        self.holdings: dict[str, Holding] = {}
        self.session = ""
        """The trading day that its holdings are of: in the shares of that day."""
        self.acts: dict[Act, int] = {}
        """The splits and dividends that were booked with their ex-date, and at which market time: a few for each symbol and year."""
        self._changed: list[Holding] = []
        self._net = self._gross = self._basis = self._realised = ZERO

    @property
    def cash(self) -> Decimal:
        return self._cash

    def deposit(self, amount: Decimal) -> None:
        """Money from outside; negative for a withdrawal."""
        self._cash += amount

    def book(self, fill: Fill) -> None:
        """Takes over one fill. A fill through zero closes what was held and opens the rest."""
        holding = self.holdings.get(fill.symbol)
        if holding is None or not holding.changed:
            holding = self._changing(fill.symbol)
        cost = holding.cost
        holding.recent.append((cost, fill))
        holding.cost = cost.booked(fill)
        fees = fill.fees
        self._cash -= fees - fill.cost if fill.side is _SELL else fill.cost + fees
        self.fees += fees

    def book_all(self, fills: Iterable[Fill]) -> list[float]:
        """The same of many, one after the other. Answers the cash that each left."""
        left = []
        holdings, cash, paid = self.holdings, self._cash, self.fees
        for fill in fills:
            holding = holdings.get(fill.symbol)
            if holding is None or not holding.changed:
                holding = self._changing(fill.symbol)
            cost, money, fees = holding.cost, fill.cost, fill.fees
            holding.recent.append((cost, fill))
            holding.cost = cost.booked(fill)
            cash -= fees - money if fill.side is _SELL else money + fees
            paid += fees
            left.append(float(cash))
        self._cash, self.fees = cash, paid
        return left

    def take_over(self, costs: Mapping[str, AverageCost], cash: Decimal, fees: Decimal) -> None:
        """What all fills came to, worked out elsewhere: of each symbol that was traded, of the cash that is left, and of all fees."""
        for symbol, cost in costs.items():
            holding = self._changing(symbol)
            holding.cost = cost
            holding.recent.clear()
        self._cash, self.fees = cash, fees

    def settled(self, record: FillCorrected) -> FillCorrected:
        """`record` with what it changes of the profit taken, where the fills that it corrects are recent enough to tell. Changes nothing.

        Where an order has several fills, its newest are taken to be the ones that were wrong.
        """
        holding = self.holdings.get(record.symbol)
        told = list(holding.recent) if holding is not None else []
        fills = _as_corrected([fill for _, fill in told], record)
        if fills is None:
            return record
        start = told[0][0]
        before, after = _folded(start, (fill for _, fill in told)), _folded(start, fills)
        return replace(record, realised=after.realised - before.realised)

    def correct(self, record: FillCorrected) -> None:
        """Takes over what a broker changed of a fill it had told before."""
        holding = self._changing(record.symbol)
        holding.cost = holding.cost.corrected(record.side, record.quantity, record.cost, record.fees, record.realised)
        self._cash -= record.side.sign * record.cost + record.fees
        self.fees += record.fees
        told = list(holding.recent)
        fills = None if record.realised is None else _as_corrected([fill for _, fill in told], record)
        holding.recent.clear()
        cost = told[0][0] if told else NOTHING
        for fill in fills or ():
            holding.recent.append((cost, fill))
            cost = cost.booked(fill)

    def split(self, record: SplitBooked) -> None:
        holding = self._changing(record.symbol)
        holding.cost = holding.cost.split(record.quantity, record.cash)
        holding.recent.clear()
        self._cash += record.cash
        if record.ex_date:
            self.acts[record.symbol, "split", record.ex_date, record.ratio] = record.at
        if holding.mark is not None:
            holding.mark = after_split(holding.mark, record.ratio)

    def receive_dividend(self, record: DividendBooked) -> None:
        """The price goes without the dividend from now on, so what it takes from the value comes in as cash and equity stays as it was."""
        holding = self._changing(record.symbol)
        holding.cost = holding.cost.paid(record.cash)
        self._cash += record.cash
        if record.ex_date:
            self.acts[record.symbol, "dividend", record.ex_date, record.amount] = record.at
        if holding.mark is not None:
            holding.mark = after_dividend(holding.mark, record.amount)

    def open_session(self, session: str) -> None:
        """The trading day `session` begins. Where that is a day before the last one, the market is played again from there, and what
        happens after it will happen once more."""
        self.session = session
        self.acts = {act: at for act, at in self.acts.items() if act[2] <= session}

    def knows(self, event: Split | Dividend) -> bool:
        """Whether `event` is booked already, or of a day before the one that the holdings are of."""
        if not event.ex_date:
            return False
        kind, value = ("split", event.ratio) if isinstance(event, Split) else ("dividend", event.amount)
        return event.ex_date < self.session or (event.symbol, kind, event.ex_date, value) in self.acts

    def acted_since(self, symbol: str, at: int) -> bool:
        """Whether a price of `symbol` from the market time `at` was told in other shares than are held."""
        return any(act[0] == symbol and booked >= at for act, booked in self.acts.items())

    def adopt(self, symbol: str, quantity: Decimal, average: Decimal, cash: Decimal) -> None:
        """Takes over `quantity` (signed) that was traded elsewhere at `average`, with the change of cash that came with it."""
        holding = self._changing(symbol)
        holding.cost = holding.cost.adopted(quantity, average)
        holding.recent.clear()
        self._cash += cash

    def mark(self, symbol: str, price: float) -> None:
        holding = self.holdings.get(symbol)
        if holding is not None and holding.mark != price:
            holding.mark = price
            if not holding.changed and holding.cost.quantity:
                self._touch(holding)

    def forget(self, before: int) -> None:
        """Lets go of fills from before the market time `before`: brokers correct a trade within the day, and a later correction still books
        its money in full, only how much of it counts as taken is then worked out from the position as it stands."""
        for holding in self.holdings.values():
            while holding.recent and holding.recent[0][1].at < before:
                holding.recent.popleft()

    def value_anew(self) -> None:
        """Its holdings were put in from outside: the sums are made of them with the next question."""
        for holding in self.holdings.values():
            self._touch(holding)

    def position(self, symbol: str) -> Decimal:
        holding = self.holdings.get(symbol)
        return holding.quantity if holding is not None else ZERO

    def equity(self) -> Decimal:
        return WIDE.add(self._cash, self.net())

    def realised(self) -> Decimal:
        self._count()
        return self._realised

    def unrealised(self) -> Decimal:
        return WIDE.subtract(self.net(), self._basis)

    def gross(self) -> Decimal:
        """The sum of the positions' market values, shorts counted as positive."""
        self._count()
        return self._gross

    def net(self) -> Decimal:
        """The sum of the positions' market values, shorts counted as negative."""
        self._count()
        return self._net

    def _changing(self, symbol: str) -> Holding:
        """The holding of `symbol`, which is about to change."""
        holding = self.holdings.get(symbol)
        if holding is None:
            holding = self.holdings[symbol] = Holding(symbol)
        self._touch(holding)
        return holding

    def _touch(self, holding: Holding) -> None:
        if not holding.changed:
            holding.changed = True
            self._changed.append(holding)

    def _count(self) -> None:
        """Works what changed since the last question into the sums. In a context in which no sum is ever rounded: what comes out must not
        depend on how often somebody asked."""
        for holding in self._changed:
            value, before = holding.worked_out(), holding.counted_value
            self._net = WIDE.add(self._net, WIDE.subtract(value, before))
            self._gross = WIDE.add(self._gross, WIDE.subtract(abs(value), abs(before)))
            if holding.cost is not holding.counted:
                self._basis = WIDE.add(self._basis, WIDE.subtract(holding.cost.basis, holding.counted.basis))
                self._realised = WIDE.add(self._realised, WIDE.subtract(holding.cost.realised, holding.counted.realised))
            holding.counted, holding.counted_value, holding.changed = holding.cost, value, False
        self._changed.clear()


def worth(cost: AverageCost, mark: float | None) -> Decimal:
    """The signed market value of a position at `mark`; its cost where there is no price."""
    if not cost.quantity:
        return ZERO
    return cost.basis if mark is None else WIDE.multiply(cost.quantity, exact(mark))


def _folded(cost: AverageCost, fills: Iterable[Fill]) -> AverageCost:
    for fill in fills:
        cost = cost.booked(fill)
    return cost


def _as_corrected(fills: list[Fill], record: FillCorrected) -> list[Fill] | None:
    """`fills` as the broker tells them now, or None where they do not hold all that it took back."""
    quantity, cost, fees = record.quantity, record.cost, record.fees
    corrected = list(fills)
    for index in range(len(fills) - 1, -1, -1):
        fill = fills[index]
        if fill.order_id != record.order_id:
            continue
        quantity, cost, fees = fill.quantity + quantity, fill.cost + cost, fill.fees + fees
        if quantity > 0:
            corrected[index] = replace(fill, quantity=quantity, price=cost / quantity, cost=cost, fees=fees)
            return corrected
        del corrected[index]
        if quantity == cost == fees == 0:
            return corrected
    return None
