"""Round trips: the fills of one strategy in one symbol from flat to flat, and how far the market went against and for each on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Final, overload

from msgspec import Struct

from engine.backtest.account import Booked
from engine.feeds.bar_columns import BarColumns
from engine.model.average_cost import share
from engine.model.money import ZERO
from engine.model.orders import Fill, Side
from engine.model.records import DividendBooked, SplitBooked

if TYPE_CHECKING:
    from engine.feeds.bar_columns import Floats, Mask, Times


class Trade(Struct, frozen=True, gc=False):
    """One round trip. `quantity` is all it entered, in the shares of its exit; `entry` and `exit` are average prices a share; `profit` is
    net of `fees`, with dividends; `gain` is the profit as a fraction of what the entries cost. `bars` counts those from its first fill's
    to its last fill's.

    `mae` and `mfe`, the maximum adverse and favourable excursion, are fractions of the entry price, never below zero: J. Sweeney, Maximum
    Adverse Excursion (Wiley, 1997). They are taken from the high and the low of each bar from the first fill's on, and in the last one
    from the exit's price alone, for nobody knows which of that bar came before it. None where a split came in between, or where no bars
    are known.
    """

    strategy: str
    symbol: str
    side: Side
    quantity: float
    entry_at: int
    exit_at: int
    entry: float
    exit: float
    fees: float
    profit: float
    gain: float
    bars: int = 0
    mae: float | None = None
    mfe: float | None = None


class Trades(Sequence[Trade]):
    """Round trips as columns, in the order of a trade's fields: one is made when somebody looks at it."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Sequence[list[Any]]) -> None:
        self._columns = columns

    def column(self, name: str) -> list[Any]:
        """What each says in the field `name`."""
        return self._columns[Trade.__struct_fields__.index(name)]

    def at(self, places: Sequence[int]) -> Trades:
        """Those at `places` alone."""
        if len(places) < 2:
            return Trades([[column[place] for place in places] for column in self._columns])
        pick = itemgetter(*places)
        return Trades([list(pick(column)) for column in self._columns])

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, place: int) -> Trade: ...
    @overload
    def __getitem__(self, place: slice) -> Trades: ...
    def __getitem__(self, place: int | slice) -> Trade | Trades:
        if isinstance(place, slice):
            return Trades([column[place] for column in self._columns])
        return Trade(*(column[place] for column in self._columns))

    def __iter__(self) -> Iterator[Trade]:
        return map(Trade, *self._columns)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


_BUY: Final = Side.BUY


class _Trip(Struct, gc=False):
    """A round trip under way, or over. Exact, so that flat is flat; it becomes floats once, when it is over."""

    owner: str
    symbol: str
    side: Side
    entry_at: int
    held: Decimal
    entered: Decimal
    paid: Decimal
    fees: Decimal
    got: Decimal = ZERO
    more: Decimal = ZERO
    """Dividends, and cash for parts of a share."""
    split: bool = False
    exit_at: int = 0


def trades_of(booked: Sequence[Booked], owners: Sequence[str], bars: Mapping[str, BarColumns]) -> Trades:
    """The round trips that ended, in the order of their exits."""
    under_way: dict[tuple[str, str], _Trip] = {}
    done: list[_Trip] = []
    for event, owner in zip(booked, owners, strict=True):
        if type(event) is Fill:
            key = owner, event.symbol
            trip = under_way.get(key)
            if trip is None:
                quantity = event.quantity
                under_way[key] = _Trip(owner, event.symbol, event.side, event.at, quantity, quantity, event.cost, event.fees)
            elif trip.side is event.side:
                _add(trip, event)
            else:
                rest = _reduce(trip, event)
                if not trip.held:
                    done.append(trip)
                    del under_way[key]
                if rest is not None:
                    under_way[key] = rest
        elif isinstance(event, SplitBooked):
            for (_, symbol), trip in list(under_way.items()):
                if symbol == event.symbol:
                    _split(trip, event)
        elif isinstance(event, DividendBooked):
            _dividend(under_way, event)
    return _told(done, bars)


def _add(trip: _Trip, fill: Fill) -> None:
    trip.held += fill.quantity
    trip.entered += fill.quantity
    trip.paid += fill.cost
    trip.fees += fill.fees


def _reduce(trip: _Trip, fill: Fill) -> _Trip | None:
    """Answers the trip the other way that begins with what is more than it held."""
    quantity, cost, fees, rest = fill.quantity, fill.cost, fill.fees, None
    if quantity > trip.held:
        cost, fees = share(cost, trip.held, quantity), share(fees, trip.held, quantity)
        more = quantity - trip.held
        rest = _Trip(trip.owner, trip.symbol, fill.side, fill.at, more, more, fill.cost - cost, fill.fees - fees)
        quantity = trip.held
    trip.held -= quantity
    trip.got += cost
    trip.fees += fees
    trip.exit_at = fill.at
    return rest


def _split(trip: _Trip, event: SplitBooked) -> None:
    """What the account keeps of a fraction is worked out for the whole position; here each trip splits by the ratio."""
    trip.split = True
    trip.held *= event.ratio
    trip.entered *= event.ratio


def _dividend(under_way: dict[tuple[str, str], _Trip], event: DividendBooked) -> None:
    for (_, symbol), trip in under_way.items():
        if symbol == event.symbol:
            trip.more += trip.side.sign * trip.held * event.amount


def _told(trips: Sequence[_Trip], bars: Mapping[str, BarColumns]) -> Trades:
    import numpy as np

    def column(name: str) -> Floats:
        return np.fromiter(map(float, map(attrgetter(name), trips)), np.float64, len(trips))

    whole = trades_by_column(
        bars,
        [trip.owner for trip in trips],
        [trip.symbol for trip in trips],
        np.array([trip.side is _BUY for trip in trips], dtype=np.bool_),
        np.array([trip.entry_at for trip in trips], dtype=np.int64),
        np.array([trip.exit_at for trip in trips], dtype=np.int64),
        column("entered"),
        column("paid"),
        column("got"),
        column("fees"),
        column("more"),
    )
    mae, mfe = whole.column("mae"), whole.column("mfe")
    for place, trip in enumerate(trips):
        if trip.split or trip.symbol not in bars:
            mae[place] = mfe[place] = None
    return whole


def trades_by_column(
    bars: Mapping[str, BarColumns],
    owners: list[str],
    symbols: list[str],
    long: Mask,
    entry_at: Times,
    exit_at: Times,
    quantity: Floats,
    paid: Floats,
    got: Floats,
    fees: Floats,
    more: Floats,
) -> Trades:
    """Of round trips that are over: what they entered and `paid` for it, what they `got` at their exit, and `more` that came meanwhile.
    Prices, profits and how far the market went are worked out by column."""
    import numpy as np

    entry, end = paid / quantity, got / quantity
    profit = np.where(long, got - paid, paid - got) - fees + more
    gain = np.divide(profit, paid, out=np.zeros(len(paid)), where=paid != 0)
    best, worst, count = np.maximum(entry, end), np.minimum(entry, end), np.zeros(len(paid), dtype=np.int64)
    for symbol, places in by_symbol(symbols).items():
        if symbol in bars:
            _look(bars[symbol], places, entry_at, exit_at, best, worst, count)
    up, down = best / entry - 1, 1 - worst / entry
    buy, sell = Side.BUY, Side.SELL
    return Trades(
        [
            owners,
            symbols,
            [buy if each else sell for each in long.tolist()],
            quantity.tolist(),
            entry_at.tolist(),
            exit_at.tolist(),
            entry.tolist(),
            end.tolist(),
            fees.tolist(),
            profit.tolist(),
            gain.tolist(),
            count.tolist(),
            np.where(long, down, up).tolist(),
            np.where(long, up, down).tolist(),
        ]
    )


def by_symbol(symbols: list[str]) -> dict[str, Any]:
    """Where in a column of symbols each one is, as what picks these rows of another column."""
    if len(set(symbols)) == 1:
        return {symbols[0]: slice(None)}
    places: dict[str, list[int]] = {}
    for place, symbol in enumerate(symbols):
        places.setdefault(symbol, []).append(place)
    return places


def _look(series: BarColumns, places: Any, entry_at: Times, exit_at: Times, best: Floats, worst: Floats, count: Times) -> None:
    """Writes down the best and the worst price, and the number of bars, of the trips of one symbol."""
    import numpy as np

    begins, ends = series.columns.at.searchsorted(entry_at[places]), series.columns.at.searchsorted(exit_at[places])
    pairs = np.stack((begins, np.maximum(ends, begins)), axis=1).ravel()
    high, low = series.columns.high, series.columns.low
    if pairs.max() >= len(high):
        high, low = np.append(high, high[-1:]), np.append(low, low[-1:])
    # Of a pair of equals reduceat answers the bar itself, which is not looked at.
    longer = ends > begins
    own_best, own_worst = best[places], worst[places]
    best[places] = np.where(longer, np.maximum(own_best, np.maximum.reduceat(high, pairs)[::2]), own_best)
    worst[places] = np.where(longer, np.minimum(own_worst, np.minimum.reduceat(low, pairs)[::2]), own_worst)
    count[places] = ends - begins + 1
