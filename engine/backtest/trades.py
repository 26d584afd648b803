"""Round trips: the fills of one strategy in one symbol from flat to flat, and how far the market went against and for each on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from engine.backtest.account import Booked
from engine.feeds.bar_columns import BarColumns
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


class _Trip(Struct, gc=False):
    """A round trip under way, or over. Quantities are exact, so that flat is flat; the rest are floats."""

    owner: str
    symbol: str
    side: Side
    entry_at: int
    held: Decimal
    entered: Decimal
    paid: float
    fees: float
    left: Decimal = ZERO
    got: float = 0.0
    more: float = 0.0
    """Dividends, and cash for parts of a share."""
    split: bool = False
    exit_at: int = 0


def trades_of(booked: Sequence[Booked], owners: Sequence[str], bars: Mapping[str, BarColumns]) -> list[Trade]:
    """The round trips that ended, in the order of their exits."""
    under_way: dict[tuple[str, str], _Trip] = {}
    done: list[_Trip] = []
    for event, owner in zip(booked, owners, strict=True):
        if type(event) is Fill:
            _fill(under_way, done, event, owner)
        elif isinstance(event, SplitBooked):
            for (_, symbol), trip in list(under_way.items()):
                if symbol == event.symbol:
                    _split(trip, event)
        elif isinstance(event, DividendBooked):
            _dividend(under_way, event)
    return _trades(done, bars)


def _fill(under_way: dict[tuple[str, str], _Trip], done: list[_Trip], fill: Fill, owner: str) -> None:
    key = owner, fill.symbol
    side, quantity, price, fees = fill.side, fill.quantity, float(fill.price), float(fill.fees)
    trip = under_way.get(key)
    if trip is None:
        _open(under_way, key, fill, quantity, price, fees)
        return
    if trip.side is not side and quantity == trip.held:
        trip.left += quantity
        trip.got += float(quantity) * price
        trip.fees += fees
        trip.exit_at = fill.at
        done.append(trip)
        del under_way[key]
        return
    if trip.side is not side:
        closing = min(quantity, trip.held)
        part = 1.0 if closing == quantity else float(closing / quantity)
        trip.held -= closing
        trip.left += closing
        trip.got += float(closing) * price
        trip.fees += fees * part
        if not trip.held:
            trip.exit_at = fill.at
            done.append(trip)
            del under_way[key]
        quantity -= closing
        fees -= fees * part
        if quantity:
            _open(under_way, key, fill, quantity, price, fees)
        return
    trip.held += quantity
    trip.entered += quantity
    trip.paid += float(quantity) * price
    trip.fees += fees


def _open(under_way: dict[tuple[str, str], _Trip], key: tuple[str, str], fill: Fill, quantity: Decimal, price: float, fees: float) -> None:
    under_way[key] = _Trip(*key, fill.side, fill.at, quantity, quantity, float(quantity) * price, fees)


def _split(trip: _Trip, event: SplitBooked) -> None:
    """What the account keeps of a fraction is worked out for the whole position; here each trip splits by the ratio."""
    trip.split = True
    trip.held *= event.ratio
    trip.entered *= event.ratio
    trip.left *= event.ratio


def _dividend(under_way: dict[tuple[str, str], _Trip], event: DividendBooked) -> None:
    for (_, symbol), trip in under_way.items():
        if symbol == event.symbol:
            trip.more += trip.side.sign * float(trip.held * event.amount)


def _trades(done: Sequence[_Trip], bars: Mapping[str, BarColumns]) -> list[Trade]:
    """With how far the market went meanwhile, worked out by column."""
    import numpy as np

    by_symbol: dict[str, list[int]] = {}
    for place, trip in enumerate(done):
        by_symbol.setdefault(trip.symbol, []).append(place)
    trades: dict[int, Trade] = {}
    for symbol, places in by_symbol.items():
        at, _, high, low, _, _ = bars[symbol].columns
        begins = at.searchsorted(np.array([done[place].entry_at for place in places], dtype=np.int64))
        ends = at.searchsorted(np.array([done[place].exit_at for place in places], dtype=np.int64))
        pairs = np.stack((begins, np.maximum(ends, begins)), axis=1).ravel()
        # One more at the end, for a pair that reaches there; of a pair of equals reduceat answers the bar itself, which is not looked at.
        highest = np.maximum.reduceat(np.append(high, high[-1:]), pairs)[::2].tolist()
        lowest = np.minimum.reduceat(np.append(low, low[-1:]), pairs)[::2].tolist()
        for place, begin, end, top, bottom in zip(places, begins.tolist(), ends.tolist(), highest, lowest, strict=True):
            trades[place] = _trade(done[place], end - begin + 1, top, bottom)
    return [trades[place] for place in range(len(done))]


def _trade(trip: _Trip, bars: int, top: float, bottom: float) -> Trade:
    """`top` and `bottom` are the highest and the lowest price of its bars but the last."""
    side, quantity, paid = trip.side, float(trip.entered), trip.paid
    entry, end = paid / quantity, trip.got / float(trip.left)
    best, worst = (end, entry) if end > entry else (entry, end)
    if bars > 1:
        best, worst = max(best, top), min(worst, bottom)
    up, down = best / entry - 1, 1 - worst / entry
    mae, mfe = (down, up) if side is Side.BUY else (up, down)
    profit = side.sign * (trip.got - paid) - trip.fees + trip.more
    known = not trip.split
    return Trade(
        trip.owner,
        trip.symbol,
        side,
        quantity,
        trip.entry_at,
        trip.exit_at,
        entry,
        end,
        trip.fees,
        profit,
        profit / paid if paid else 0.0,
        bars,
        mae if known else None,
        mfe if known else None,
    )
