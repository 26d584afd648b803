"""What is subscribed at TWS and what came of it: quotes, bars of five seconds, halts, and what has to be said of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from math import nan

from msgspec import Struct

from engine.brokers.ib.facts import Contract
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.ib.facts import DataType, FiveSeconds, HaltTick, PriceFact, PriceTick, SizeTick
from engine.feeds.ib.library import DataSession
from engine.feeds.ib.pacing import Pacing
from engine.feeds.names import listed, shown
from engine.feeds.new_york import SECOND
from engine.model.market import Bar, Halt, Quote
from engine.model.money import MOST_PRICE, is_price

LINES = 100
"""How many subscriptions a user has at once, as IB gives them to everybody. Where TWS refuses one earlier, that is the number."""
DELAY_NS = 900 * SECOND
"""How old delayed prices are."""
_MOST_OFF_NS = 3600 * SECOND
"""How far a bar of five seconds may be from now: clocks differ, and TWS may be slow."""
_BID, _ASK, _LAST = (1, 66), (2, 67), (4, 68)
_BID_SIZE, _ASK_SIZE = (0, 69), (3, 70)
_DELAYED_TICKS = range(66, 77)
_LIVE = 1
_TOO_MANY, _DELAYED_TOLD, _NOT_FOUND = 101, 10167, 300
_NO_RIGHTS = frozenset({354, 10089, 10090, 10168, 10186})
_HALTS = {0: "", 1: "halted by the exchange", 2: "halted for its volatility"}


class News(Struct):
    """What came since the last time: the newest quote of each symbol, the others in their order. A quote's last price is NaN where nobody
    told one. `said` are sentences for a person."""

    quotes: dict[str, Quote]
    bars: list[Bar]
    halts: list[Halt]
    said: list[str]


class _Followed:
    """A symbol: the numbers of its two subscriptions, 0 for none, and what was told last."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.quotes = self.bars = 0
        self.bid = self.ask = self.last = nan
        self.bid_size = self.ask_size = 0.0
        self.delayed = self.halted = False
        self.since = self.newest = 0
        """From when on all its bars of five seconds were told, ns UTC; 0 for never."""
        self.no_quotes = self.no_bars = False
        """Whether TWS refused them."""


class Watch:
    """Lives in the line's thread, but for `want`, `drain` and the questions: those are for the feed's. `wall` is ns UTC."""

    def __init__(self, *, wall: Callable[[], int] = time.time_ns) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._news = News({}, [], [], [])
        self._wanted: tuple[tuple[str, ...], bool, bool] = ((), False, True)
        self._followed: dict[str, _Followed] = {}
        self._requests: dict[int, _Followed] = {}
        self._most = LINES
        self._short: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._due = self._anew = False
        self._told: set[str] = set()
        """What was said and still holds: a new connection is no reason to say it again."""

    # ---- the feed's side

    def want(self, symbols: Sequence[str], *, bars: bool, regular: bool) -> None:
        """From now on these, the first of them first; with their bars where the feed's are made of those, of regular hours alone."""
        if (wanted := (tuple(symbols), bars, regular)) != self._wanted:
            self._wanted, self._due = wanted, True

    def drain(self) -> News:
        with self._lock:
            news, self._news = self._news, News({}, [], [], [])
        return news

    def is_delayed(self, symbol: str) -> bool:
        followed = self._followed.get(symbol)
        return followed is not None and followed.delayed

    def streams_since(self, symbol: str) -> int | None:
        """From when on all its bars of five seconds came, ns UTC; None where none do."""
        followed = self._followed.get(symbol)
        return (followed.since or None) if followed is not None and followed.bars else None

    def may_stream(self, symbol: str) -> bool:
        """Whether its bars come, or may any moment."""
        followed = self._followed.get(symbol)
        return followed is None or not followed.no_bars

    # ---- subscribing

    def gone(self) -> None:
        """Nothing is subscribed any more: the connection is another, or TWS has lost the data."""
        self._followed, self._requests = {}, {}
        self._most, self._due, self._anew = LINES, True, False

    def anew(self) -> None:
        """Has all subscriptions ended and made once more."""
        self._anew = self._due = True

    @property
    def due(self) -> bool:
        return self._due

    async def sync(self, session: DataSession, contract_of: Callable[[str], Awaitable[Contract]], pacing: Pacing) -> None:
        """Brings TWS's subscriptions to what is wanted. Raises ConnectionError, FeedLostError."""
        self._due = False
        if self._anew:
            self._anew = False
            for followed in list(self._followed.values()):
                if followed.bars:
                    await session.unfollow_bars(self._end(followed, bars=True))
                if followed.quotes:
                    await session.unfollow(self._end(followed, bars=False))
            self.gone()
        wanted, with_bars, regular = self._wanted
        quoted = wanted[: self._most]
        streamed = wanted[: max(0, self._most - len(quoted))] if with_bars else ()
        for followed in list(self._followed.values()):
            if followed.bars and followed.symbol not in streamed:
                await session.unfollow_bars(self._end(followed, bars=True))
            if followed.quotes and followed.symbol not in quoted:
                await session.unfollow(self._end(followed, bars=False))
            if followed.symbol not in quoted:
                self._followed.pop(followed.symbol, None)
        for symbol in quoted:
            try:
                contract = await contract_of(symbol)
            except FeedLostError:
                raise
            except FeedError:
                continue  # who asks for its past is told
            followed = self._followed.setdefault(symbol, _Followed(symbol))
            if not (followed.quotes or followed.no_quotes):
                followed.quotes = await session.follow(contract)
                self._requests[followed.quotes] = followed
            if symbol not in streamed or followed.bars or followed.no_bars:
                continue
            if pacing.wait_s(symbol, "bars of 5 s") > 0:
                self._due = True  # each of these counts as a question for past bars
                continue
            await pacing.turn(symbol, "bars of 5 s", 0.0, self._say)
            followed.bars = await session.follow_bars(contract, regular=regular)
            self._requests[followed.bars] = followed
        self._tell_short(wanted[len(quoted) :], wanted[len(streamed) : len(quoted)] if with_bars else ())

    def _end(self, followed: _Followed, *, bars: bool) -> int:
        request = followed.bars if bars else followed.quotes
        self._requests.pop(request, None)
        if bars:
            followed.bars = followed.since = followed.newest = 0
        else:
            followed.quotes = 0
        return request

    def _tell_short(self, unquoted: tuple[str, ...], unstreamed: tuple[str, ...]) -> None:
        """Each of them once."""
        before, self._short = self._short, (unquoted, unstreamed)
        if new := [symbol for symbol in unquoted if symbol not in before[0]]:
            self._say(
                f"This user has {self._most} lines of market data at IB, and all are taken: {listed(new)} "
                f"{_have(new)} past bars alone, late, and the price goes stale. Watch fewer symbols, or book more lines."
            )
        elif new := [symbol for symbol in unstreamed if symbol not in (*before[0], *before[1])]:
            self._say(
                f"This user has {self._most} lines of market data at IB, and quotes come first: the bars of {listed(new)} are asked for "
                "when they have closed, and come late."
            )

    # ---- what comes

    def hear(self, fact: PriceFact) -> None:
        followed = self._requests.get(fact.request)
        if followed is None:
            return
        match fact:
            case PriceTick():
                self._price(followed, fact.kind, fact.price, fact.size)
            case SizeTick() if fact.kind in (*_BID_SIZE, *_ASK_SIZE):
                if fact.kind in _BID_SIZE:
                    followed.bid_size = _size(fact.size)
                else:
                    followed.ask_size = _size(fact.size)
                self._quote(followed)
            case DataType():
                self._typed(followed, fact.type != _LIVE)
            case HaltTick() if fact.state in _HALTS and followed.halted != bool(fact.state):
                followed.halted = bool(fact.state)
                with self._lock:
                    self._news.halts.append(Halt(followed.symbol, self._wall(), followed.halted, _HALTS[fact.state]))
            case FiveSeconds():
                self._bar(followed, fact)

    def _price(self, followed: _Followed, kind: int, price: float, size: float) -> None:
        if kind in _DELAYED_TICKS:
            self._typed(followed, True)
        # -1 says that there is nobody on that side: the quote of before is none any more.
        price, size = price if is_price(price) else nan, _size(size)
        if kind in _BID:
            followed.bid, followed.bid_size = price, size
        elif kind in _ASK:
            followed.ask, followed.ask_size = price, size
        elif kind in _LAST and price == price:
            followed.last = price
        else:
            return
        self._quote(followed)

    def _quote(self, followed: _Followed) -> None:
        with self._lock:
            if not (is_price(followed.bid) and is_price(followed.ask)):
                self._news.quotes.pop(followed.symbol, None)
                return
            at = self._wall() - (DELAY_NS if followed.delayed else 0)
            self._news.quotes[followed.symbol] = Quote(
                followed.symbol, at, followed.bid, followed.ask, followed.bid_size, followed.ask_size, followed.last
            )

    def _typed(self, followed: _Followed, delayed: bool) -> None:
        if followed.delayed == delayed:
            return
        followed.delayed = delayed
        late = (
            f"IB tells {followed.symbol} {DELAY_NS // (60 * SECOND)} minutes late: this user has no subscription to its live prices. "
            "It is shown as stale, and no entry is made on it."
        )
        if delayed:
            self._say_once(late)
        else:
            self._told.discard(late)
            self._say(f"IB tells {followed.symbol} live")

    def _bar(self, followed: _Followed, bar: FiveSeconds) -> None:
        if not (all(map(is_price, (bar.open, bar.high, bar.low, bar.close))) and bar.low <= bar.high):
            return
        if not (followed.newest < bar.at and abs(bar.at - self._wall()) <= _MOST_OFF_NS):
            return  # told twice, or of a time that it cannot be of: what comes next would lie before it
        if bar.at - followed.newest > 5 * SECOND:
            followed.since = bar.at - 5 * SECOND  # the first, or the first after a gap
        followed.newest = bar.at
        with self._lock:
            self._news.bars.append(Bar(followed.symbol, bar.at, bar.open, bar.high, bar.low, bar.close, _size(bar.volume)))

    def on_error(self, request: int, code: int, words: str, pacing: Pacing) -> None:
        """What TWS says of one of the subscriptions."""
        followed = self._requests.get(request)
        if followed is None or code == _NOT_FOUND:
            return
        bars, said = request == followed.bars, shown(words).rstrip(".")
        if code == _DELAYED_TOLD:
            self._typed(followed, True)
        elif code == _TOO_MANY:
            self._end(followed, bars=bars)
            self._most = len(self._requests)
            self._due = True
        elif bars and "pacing" in words.casefold():
            self._end(followed, bars=True)
            pacing.violated()
            self._due = True
        elif bars:
            followed.no_bars = True
            self._end(followed, bars=True)
            if not followed.delayed:
                self._say_once(
                    f"IB streams no bars of {followed.symbol} ({said}): they are asked for when they have closed, and come late."
                )
        elif code in _NO_RIGHTS or code == 200:
            followed.no_quotes = True
            self._end(followed, bars=False)
            self._say_once(
                f"IB has no quotes of {followed.symbol} for this user ({said}): its price comes by past bars, late, and goes stale."
            )
        else:
            self._say(f"IB says of {followed.symbol}: {said} ({code}).")

    def _say_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._say(text)

    def _say(self, text: str) -> None:
        with self._lock:
            self._news.said.append(text)


def _size(told: float) -> float:
    """As many shares as were told, none where that is no number of them."""
    return told if 0.0 <= told <= MOST_PRICE else 0.0


def _have(symbols: Sequence[str]) -> str:
    return "has" if len(symbols) == 1 else "have"
