"""Round trips: the fills of one strategy in one symbol from flat to flat, and how far the market went against and for each on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Final

from msgspec import Struct

from engine.backtest.account import Booked
from engine.feeds.bar_columns import BarColumns
from engine.model.average_cost import share
from engine.model.money import ZERO
from engine.model.orders import Fill, Side
from engine.model.records import DividendBooked, SplitBooked


class Trade(Struct, frozen=True, gc=False):
    """One round trip. `quantity` is all it entered, in the shares of its exit; `entry` and `exit` are average prices a share; `profit` is
    net of `fees`, with dividends; `gain` is the profit as a fraction of what the entries cost. `bars` counts those from its first fill's
    to its last fill's.

    `mae` and `mfe`, the maximum adverse and favourable excursion, are fractions of the entry price, never below zero: J. Sweeney, Maximum
    Adverse Excursion (Wiley, 1997). They are taken from the high and the low of each bar from the first fill's on, and in the last one
    from the exit's price alone, for nobody knows which of that bar came before it. None where a split came in between.
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


def trades_of(booked: Sequence[Booked], owners: Sequence[str], bars: Mapping[str, BarColumns]) -> list[Trade]:
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
    by_symbol: dict[str, list[int]] = {}
    for place, trip in enumerate(done):
        by_symbol.setdefault(trip.symbol, []).append(place)
    trades: dict[int, Trade] = {}
    for symbol, places in by_symbol.items():
        trades.update(zip(places, _trades([done[place] for place in places], bars[symbol]), strict=True))
    return [trades[place] for place in range(len(done))]


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


def _trades(trips: Sequence[_Trip], series: BarColumns) -> list[Trade]:
    """Of one symbol; prices, profits and how far the market went meanwhile are worked out by column."""
    import numpy as np

    quantity, paid, got, fees, more = (
        np.fromiter(map(float, map(attrgetter(name), trips)), np.float64, len(trips)) for name in ("entered", "paid", "got", "fees", "more")
    )
    entry, end = paid / quantity, got / quantity
    long = np.array([trip.side is _BUY for trip in trips])
    profit = np.where(long, got - paid, paid - got) - fees + more
    gain = np.divide(profit, paid, out=np.zeros(len(paid)), where=paid != 0)

    entry_at, exit_at = [trip.entry_at for trip in trips], [trip.exit_at for trip in trips]
    begins, ends = (series.columns.at.searchsorted(np.array(at, dtype=np.int64)) for at in (entry_at, exit_at))
    pairs = np.stack((begins, np.maximum(ends, begins)), axis=1).ravel()
    high, low = series.columns.high, series.columns.low
    if pairs.max() >= len(high):
        high, low = np.append(high, high[-1:]), np.append(low, low[-1:])
    # Of a pair of equals reduceat answers the bar itself, which is not looked at.
    longer = ends > begins
    best, worst = np.maximum(entry, end), np.minimum(entry, end)
    best = np.where(longer, np.maximum(best, np.maximum.reduceat(high, pairs)[::2]), best)
    worst = np.where(longer, np.minimum(worst, np.minimum.reduceat(low, pairs)[::2]), worst)
    up, down = best / entry - 1, 1 - worst / entry
    mae, mfe = np.where(long, down, up).tolist(), np.where(long, up, down).tolist()
    for place, trip in enumerate(trips):
        if trip.split:
            mae[place] = mfe[place] = None

    return list(
        map(
            Trade,
            [trip.owner for trip in trips],
            [trip.symbol for trip in trips],
            [trip.side for trip in trips],
            quantity.tolist(),
            entry_at,
            exit_at,
            entry.tolist(),
            end.tolist(),
            fees.tolist(),
            profit.tolist(),
            gain.tolist(),
            (ends - begins + 1).tolist(),
            mae,
            mfe,
        )
    )
