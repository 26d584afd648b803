"""Round trips: the fills of one strategy in one symbol from flat to flat, and how far the market went against and for each on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from engine.backtest.shell import Booked
from engine.feeds.bar_columns import BarColumns
from engine.model.money import ZERO
from engine.model.orders import Fill, Side
from engine.model.records import DividendBooked, SplitBooked


class Trade(Struct, frozen=True):
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


class _Open(Struct):
    """A round trip under way. Quantities are exact, so that flat is flat; the rest are floats."""

    side: Side
    entry_at: int
    held: Decimal = ZERO
    entered: Decimal = ZERO
    left: Decimal = ZERO
    paid: float = 0.0
    got: float = 0.0
    fees: float = 0.0
    more: float = 0.0
    """Dividends, and cash for parts of a share."""
    split: bool = False


def trades_of(booked: Sequence[Booked], owners: Sequence[str], bars: Mapping[str, BarColumns]) -> list[Trade]:
    """The round trips that ended, in the order of their exits."""
    under_way: dict[tuple[str, str], _Open] = {}
    done: list[tuple[Trade, bool]] = []
    for event, owner in zip(booked, owners, strict=True):
        if isinstance(event, Fill):
            _fill(under_way, done, event, owner)
        elif isinstance(event, SplitBooked):
            for (_, symbol), trip in list(under_way.items()):
                if symbol == event.symbol:
                    _split(trip, event)
        else:
            _dividend(under_way, event)
    return _with_excursions(done, bars)


def _fill(under_way: dict[tuple[str, str], _Open], done: list[tuple[Trade, bool]], fill: Fill, owner: str) -> None:
    key = owner, fill.symbol
    quantity, price, fees = fill.quantity, float(fill.price), float(fill.fees)
    trip = under_way.get(key)
    if trip is not None and trip.side is not fill.side:
        closing = min(quantity, trip.held)
        part = 1.0 if closing == quantity else float(closing / quantity)
        trip.held -= closing
        trip.left += closing
        trip.got += float(closing) * price
        trip.fees += fees * part
        if not trip.held:
            done.append((_trade(trip, owner, fill), trip.split))
            del under_way[key]
        quantity -= closing
        fees -= fees * part
        if not quantity:
            return
        trip = None
    if trip is None:
        trip = under_way[key] = _Open(fill.side, fill.at)
    trip.held += quantity
    trip.entered += quantity
    trip.paid += float(quantity) * price
    trip.fees += fees


def _trade(trip: _Open, owner: str, last: Fill) -> Trade:
    quantity, sign = float(trip.entered), trip.side.sign
    profit = sign * (trip.got - trip.paid) - trip.fees + trip.more
    return Trade(
        strategy=owner,
        symbol=last.symbol,
        side=trip.side,
        quantity=quantity,
        entry_at=trip.entry_at,
        exit_at=last.at,
        entry=trip.paid / quantity,
        exit=trip.got / float(trip.left),
        fees=trip.fees,
        profit=profit,
        gain=profit / trip.paid if trip.paid else 0.0,
    )


def _split(trip: _Open, event: SplitBooked) -> None:
    """What the account keeps of a fraction is worked out for the whole position; here each trip splits by the ratio."""
    trip.split = True
    trip.held *= event.ratio
    trip.entered *= event.ratio
    trip.left *= event.ratio


def _dividend(under_way: dict[tuple[str, str], _Open], event: DividendBooked) -> None:
    for (_, symbol), trip in under_way.items():
        if symbol == event.symbol:
            trip.more += trip.side.sign * float(trip.held * event.amount)


def _with_excursions(done: list[tuple[Trade, bool]], bars: Mapping[str, BarColumns]) -> list[Trade]:
    import numpy as np

    trades = [trade for trade, _ in done]
    by_symbol: dict[str, list[int]] = {}
    for place, trade in enumerate(trades):
        by_symbol.setdefault(trade.symbol, []).append(place)
    for symbol, places in by_symbol.items():
        at, _, high, low, _, _ = bars[symbol].columns
        begins = at.searchsorted(np.array([trades[place].entry_at for place in places], dtype=np.int64))
        ends = at.searchsorted(np.array([trades[place].exit_at for place in places], dtype=np.int64))
        pairs = np.stack((begins, np.maximum(ends, begins)), axis=1).ravel()
        # One more at the end, for a pair that reaches there; of a pair of equals reduceat answers the bar itself, which is not looked at.
        highest = np.maximum.reduceat(np.append(high, high[-1:]), pairs)[::2].tolist()
        lowest = np.minimum.reduceat(np.append(low, low[-1:]), pairs)[::2].tolist()
        for place, begin, end, top, bottom in zip(places, begins.tolist(), ends.tolist(), highest, lowest, strict=True):
            trade = trades[place]
            best, worst = max(trade.exit, trade.entry), min(trade.exit, trade.entry)
            if end > begin:
                best, worst = max(best, top), min(worst, bottom)
            up, down = best / trade.entry - 1, 1 - worst / trade.entry
            known = not done[place][1]
            mae, mfe = (down, up) if trade.side is Side.BUY else (up, down)
            trades[place] = replace(trade, bars=end - begin + 1, mae=mae if known else None, mfe=mfe if known else None)
    return trades
