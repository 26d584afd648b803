"""What the market says: instruments, bars, quotes, and whether it is open. Prices are floats, times integer nanoseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """What may be traded, and in which steps: `tick` of the price, `lot` of the quantity."""

    symbol: str
    tick: Decimal = Decimal("0.01")
    lot: Decimal = Decimal(1)


@dataclass(slots=True)
class Bar:
    """One bar, told at its close. `at` is the close's market time; `volume` is in shares.

    Plain slots, not frozen: a frozen one costs 684 ns more to make, and a backtest makes a million. Nobody writes to one.
    """

    symbol: str
    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(slots=True)
class Quote:
    """Best bid and offer with their sizes in shares, and the last trade's price. Like a bar, written once by its feed."""

    symbol: str
    at: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    last: float


@dataclass(frozen=True, slots=True)
class MarketStatus:
    """The session as its feed tells it: `text` is for the header, `session` names the trading day whose loss limit counts."""

    open: bool
    text: str
    session: str
    at: int
