"""Fills by column: what the fast lane filled, priced, charged and added up at once, to the last digit as one after the other.

Prices and money are whole numbers here, of the smallest part that any of them has. Where that cannot be, of prices with too many digits
or of sums too large to be exact as a float, there are no columns, and the fills are booked one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, overload

from msgspec import Struct

from engine.backtest.trades import Trades, by_symbol, trades_by_column
from engine.core.commission import Commission
from engine.feeds.bar_columns import BarColumns
from engine.model.average_cost import AverageCost
from engine.model.orders import Fill
from engine.model.settings import CommissionSettings

if TYPE_CHECKING:
    from engine.backtest.lane_gate import LaneOrder
    from engine.feeds.bar_columns import Floats, Mask, Times

_DIGITS = 1e15
"""Two decimals of no more digits are never the same float, so the shortest that reads as one is the decimal it was made of."""
_PLACES = 6
"""Behind the point, at most."""
_EXACT = 2.0**52
"""Whole numbers below are exact as floats, and so are the sums of two."""
_CLOSE, _SLACK = 1e-6, 1e-13
"""Of a cent, and of the fee: one so near to the middle between two cents is worked out in decimals."""


class Fills(Sequence[Fill]):
    """So many fills, made when somebody looks at one."""

    __slots__ = ("_count", "_made", "_make")

    def __init__(self, count: int, make: Callable[[], list[Fill]]) -> None:
        self._count, self._make = count, make
        self._made: list[Fill] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Fill: ...
    @overload
    def __getitem__(self, place: slice) -> list[Fill]: ...
    def __getitem__(self, place: int | slice) -> Fill | list[Fill]:
        return self._all()[place]

    def __iter__(self) -> Iterator[Fill]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return self._all() == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def _all(self) -> list[Fill]:
        if self._made is None:
            self._made = self._make()
        return self._made


class FillColumns(Struct):
    """Of `orders` that filled in whole shares, each from flat or back to flat, in the order of their fills.

    `costs` are in units of 10 ** -`places`, `fees` in cents; `digits` is how many places each cost has. `held` is what each left of its
    symbol, signed, and `cash` in the account. `rows` are those of each symbol.
    """

    orders: Sequence[LaneOrder]
    at: Times
    buys: Mask
    held: Floats
    costs: Times
    fees: Times
    digits: Times
    places: int
    cash: Floats
    last_cash: Decimal
    symbols: list[str]
    rows: Mapping[str, Any]

    @property
    def owners(self) -> list[str]:
        return list(map(attrgetter("owner"), self.orders))

    @property
    def paid(self) -> Decimal:
        """All fees."""
        return _decimal(int(self.fees.sum()), 2)

    def traded(self, *, bought: bool) -> float:
        """What was paid, or got, without fees."""
        return float(_decimal(int(self.costs[self.buys == bought].sum()), self.places))

    def cost_of(self, symbol: str) -> AverageCost:
        """What these fills come to in `symbol`."""
        import numpy as np

        rows = self.rows[symbol]
        signed = np.where(self.buys[rows], self.costs[rows], -self.costs[rows])
        digits, fees, held = int(self.digits[rows].max()), int(self.fees[rows].sum()), float(self.held[rows][-1])
        basis = int(signed[-1]) if held else 0
        unit = 10 ** (self.places - digits)
        taken = _decimal((basis - int(signed.sum())) // unit, digits)
        paid = _decimal(fees, 2)
        return AverageCost(Decimal(int(held)), _decimal(basis // unit, digits), taken - paid, paid)

    def trades(self, bars: Mapping[str, BarColumns]) -> Trades:
        """The round trips that ended, in the order of their exits."""
        import numpy as np

        begins, numbers = np.zeros(len(self.at), dtype=np.int64), np.arange(len(self.at))
        for rows in self.rows.values():
            own = numbers[rows]
            begins[own[1::2]] = own[: len(own) - len(own) % 2 : 2]
        ends = np.flatnonzero(self.held == 0.0)
        begins = begins[ends]
        costs, fees, owners = self.costs / 10.0**self.places, (self.fees[begins] + self.fees[ends]) / 100.0, self.owners
        return trades_by_column(
            bars,
            [owners[place] for place in begins.tolist()],
            [self.symbols[place] for place in ends.tolist()],
            self.buys[begins],
            self.at[begins],
            self.at[ends],
            np.abs(self.held[begins]),
            costs[begins],
            costs[ends],
            fees,
            np.zeros(len(ends)),
        )


def fill_columns(orders: Sequence[LaneOrder], cash: Decimal, settings: CommissionSettings, commission: Commission) -> FillColumns | None:
    """Of `orders` that filled one after the other, from an account with so much `cash` and nothing else on. None where they cannot be."""
    import numpy as np

    count = len(orders)
    price, held, shares = (np.fromiter(map(attrgetter(name), orders), np.float64, count) for name in ("price", "held", "shares"))
    digits = _digits(price)
    before = -int(cash.as_tuple().exponent)
    if digits is None or before > _PLACES:
        return None
    places = max(int(digits.max()), 2, before)
    if max(float((price * shares).sum()), float(cash)) * 10.0**places >= _EXACT:
        return None
    costs = np.rint(price * 10.0**places).astype(np.int64) * shares.astype(np.int64)
    fees = _fees(costs, places, shares, settings, commission)
    # What is held after an entry has its sign, and every other fill of a symbol is an entry.
    symbols: list[str] = list(map(attrgetter("symbol"), orders))
    rows = by_symbol(symbols)
    buys = held > 0
    for own in rows.values():
        entered = buys[own]
        entered[1::2] = ~entered[: len(entered) - len(entered) % 2 : 2]
        buys[own] = entered
    left = int(cash.scaleb(places)) - np.cumsum(np.where(buys, costs, -costs) + fees * 10 ** (places - 2))
    if float(np.abs(left).max()) >= _EXACT:
        return None
    return FillColumns(
        orders,
        np.fromiter(map(attrgetter("at"), orders), np.int64, count),
        buys,
        held,
        costs,
        fees,
        digits,
        places,
        left / 10.0**places,
        _decimal(int(left[-1]), max(int(digits.max()), 2, before)),
        symbols,
        rows,
    )


def _decimal(parts: int, places: int) -> Decimal:
    return Decimal(parts).scaleb(-places)


def _digits(price: Floats) -> Times | None:
    """How many places behind the point each price shows, one at least as a float does; None where one has too many digits."""
    import numpy as np

    digits = np.zeros(len(price), dtype=np.int64)
    for places in range(_PLACES, 0, -1):
        scaled = np.rint(price * 10.0**places)
        digits[(scaled / 10.0**places == price) & (scaled < _DIGITS)] = places
    return digits if digits.all() else None


def _fees(costs: Times, places: int, shares: Floats, settings: CommissionSettings, commission: Commission) -> Times:
    """By the commission model, in cents."""
    import numpy as np

    if settings.model == "fixed":
        return np.full(len(costs), int(commission(Decimal(1), Decimal(1)) * 100), dtype=np.int64)
    rate, cost = float(settings.rate), costs / 10.0**places
    charged = cost * rate / 100 if settings.model == "per_cent" else shares * rate
    charged = np.minimum(np.maximum(charged, float(settings.minimum)), cost * float(settings.maximum_pct) / 100) * 100
    fees: Times = np.rint(charged).astype(np.int64)
    unsure = np.flatnonzero(np.abs(charged - np.floor(charged) - 0.5) < _CLOSE + charged * _SLACK)
    for place, parts, traded in zip(unsure.tolist(), costs[unsure].tolist(), shares[unsure].tolist(), strict=True):
        fees[place] = int(commission(Decimal(int(traded)), _decimal(parts, places)) * 100)
    return fees
