"""What the market says: instruments, bars, quotes, auctions, halts, whether it is open. Prices are floats, times nanoseconds UTC."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct


class Instrument(Struct, frozen=True):
    """What may be traded, and in which steps: `tick` of the price, `lot` of the quantity."""

    symbol: str
    tick: Decimal = Decimal("0.01")
    lot: Decimal = Decimal(1)


class Listing(Struct, frozen=True):
    """A symbol that a feed could tell about, and the name behind it where that is known."""

    symbol: str
    name: str = ""


class Bar(Struct, frozen=True, gc=False):
    """One bar, told at its close. `at` is the close's market time; `volume` is in shares.

    A value of its own for each event, as cheap to make as a view that is used again, and safe to keep: nobody can write to one.
    """

    symbol: str
    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Quote(Struct, gc=False):
    """Best bid and offer with their sizes in shares, and the last trade's price. Like a bar, written once by its feed."""

    symbol: str
    at: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    last: float


class Close(Struct, frozen=True):
    """What a symbol cost at the close of a regular `session`, a trading day as MarketStatus names it."""

    session: str
    price: float


class SessionClose(Struct, frozen=True):
    """What a session closed at, as it is known once that is over: with the closing auction, which no bar of a minute has in it. Changes
    count from it; nothing trades at it."""

    symbol: str
    at: int
    close: Close


class Phase(StrEnum):
    """Where in its day a market is. PRE and POST are the extended hours around the REGULAR session."""

    CLOSED = "CLOSED"
    PRE = "PRE"
    REGULAR = "REGULAR"
    POST = "POST"


class MarketStatus(Struct, frozen=True):
    """The session as its feed tells it: `text` is for the header, `session` names the trading day whose loss limit counts, YYYY-MM-DD."""

    phase: Phase
    text: str
    session: str
    at: int

    @property
    def open(self) -> bool:
        """Whether the regular session is under way."""
        return self.phase is Phase.REGULAR


class AuctionKind(StrEnum):
    OPEN = "OPEN"
    CLOSE = "CLOSE"


class Auction(Struct, frozen=True):
    """The one trade in which a symbol's session opens or closes: orders at the open and at the close trade in it, at its `price`.

    `volume` is what it traded, in shares. A feed of bars tells none: there a session's first open and last close stand for them.
    """

    symbol: str
    at: int
    kind: AuctionKind
    price: float
    volume: float


class Halt(Struct, frozen=True):
    """Trading in one symbol was halted or, with `halted` False, resumed. `reason` is the venue's wording."""

    symbol: str
    at: int
    halted: bool
    reason: str = ""


class Split(Struct, frozen=True):
    """From now on there are `ratio` shares for each one held: 2 is two for one, 0.1 one for ten. Told before the first trade after it.

    `price` is the last trade's before it, for a share as it was: what part of a share nobody can hold is paid out at that. Where the feed
    knows none, it is paid out at what it cost.

    `ex_date` is the trading day it counts from, as MarketStatus names it. One that carries it may be told again by a feed that begins once
    more in that session: it is booked once. Without it each one told is another.
    """

    symbol: str
    at: int
    ratio: Decimal
    price: float | None = None
    ex_date: str = ""


class Dividend(Struct, frozen=True):
    """Cash for each share held, owed for each share short, as of now (the ex-date's open). `ex_date` as in Split."""

    symbol: str
    at: int
    amount: Decimal
    ex_date: str = ""


MarketEvent: TypeAlias = Bar | Quote | MarketStatus | Auction | SessionClose | Halt | Split | Dividend
"""All that a feed tells. Each has `at`, its market time."""
