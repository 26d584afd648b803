"""The last known price of every symbol, how old it is, and whether it may still be traded on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct

from engine.core.closes import Closes, close_before, with_close
from engine.model.market import Bar, Close, Quote
from engine.model.money import after_dividend, after_split, exact, is_price
from engine.model.orders import Side

_SECOND = 1_000_000_000
_JUMP = 0.2
"""A single print further than this from the last one may be a slip of somebody's: it is not believed until a second one agrees."""


class Price(Struct):
    """`heard` is the monotonic nanosecond of its last event, 0 before the first live one. `closes` are those of its sessions.

    `doubt` says in words why the price may not be traded on, empty while it may; `jumped` is a print that waits to be confirmed.
    """

    last: float
    bid: float | None = None
    ask: float | None = None
    heard: int = 0
    closes: Closes = ()
    volume: float = 0.0
    doubt: str = ""
    jumped: float | None = None

    @property
    def quoted(self) -> bool:
        """Whether it comes from live quotes, not from bars."""
        return self.bid is not None


class Prices:
    """Takes market data in and keeps only numbers: a NaN, a zero, a crossed quote or a jump that nothing confirms leaves the old price,
    which may not be traded on then. A bar sums up many trades, so its close is believed at once."""

    __slots__ = ("_delays", "_lags", "_life", "_session_of", "by_symbol", "session")

    def __init__(self, life_s: float, session_of: Callable[[int], str] | None = None) -> None:
        """`session_of` answers in which regular session a bar closed at a time, empty where it did in none. Nobody asks for changes where
        it is left out."""
        self.by_symbol: dict[str, Price] = {}
        self.session = ""
        """The one under way, as the market told it last: changes count from the close before it."""
        self._session_of = session_of
        self._lags: dict[str, int] = {}
        self._delays: dict[str, int] = {}
        self._life = int(life_s * _SECOND)

    def lags(self, symbol: str, by: int, *, quotes: bool = False) -> None:
        """The next bars of `symbol`, or its next `quotes`, tell what cost what `by` ns ago: they are no fresher than that."""
        (self._delays if quotes else self._lags)[symbol] = by

    def prime(self, symbol: str, last: float, closes: Closes = ()) -> bool:
        """A price from history: good for a mark, never fresh enough to trade on. False where it is no price."""
        if not is_price(last):
            return False
        self.by_symbol[symbol] = Price(last, closes=closes)
        return True

    def on_bar(self, bar: Bar, mono: int) -> bool:
        """Takes a closed bar; False where its close is no price."""
        if not is_price(bar.close):
            return False
        heard = max(1, mono - self._lags[bar.symbol]) if bar.symbol in self._lags else mono
        price = self.by_symbol.get(bar.symbol)
        if price is None:
            price = self.by_symbol[bar.symbol] = Price(bar.close)
        price.volume = bar.volume
        if not price.quoted:
            price.last = bar.close
            price.heard = heard
            price.doubt = ""
        if self._session_of is not None:
            price.closes = with_close(price.closes, self._session_of(bar.at), bar.close)
        return True

    def on_quote(self, quote: Quote, mono: int) -> bool:
        """Takes a quote; False where it is crossed, no number, or a jump that nothing has confirmed yet."""
        if not (is_price(quote.bid) and is_price(quote.ask) and is_price(quote.last)):
            return False
        price = self.by_symbol.get(quote.symbol)
        if quote.bid > quote.ask:
            if price is not None:
                price.doubt = f"its quote is crossed, {quote.bid:g} bid over {quote.ask:g} asked"
            return False
        if price is None:
            price = self.by_symbol[quote.symbol] = Price(quote.last)
        if price.heard and _is_jump(price.last, quote.last) and (price.jumped is None or _is_jump(price.jumped, quote.last)):
            price.jumped = quote.last
            price.doubt = f"one print moved it {quote.last / price.last - 1:+.0%}, to {quote.last:g}, and no second one has confirmed that"
            return False
        delay = self._delays.get(quote.symbol, 0)
        price.last, price.bid, price.ask, price.heard = quote.last, quote.bid, quote.ask, mono - delay
        price.doubt, price.jumped = "", None
        return True

    def on_session_close(self, symbol: str, close: Close) -> None:
        """Better than the last bar of that session."""
        price = self.by_symbol.get(symbol)
        if price is not None:
            price.closes = with_close(price.closes, close.session, close.price)

    def on_split(self, symbol: str, ratio: Decimal) -> None:
        """From now on `ratio` shares stand for one: what is known is told in the new shares, so that nothing looks like a fall."""
        self._restate(symbol, lambda price: after_split(price, ratio))
        price = self.by_symbol.get(symbol)
        if price is not None:
            price.volume *= float(ratio)
            price.closes = tuple(Close(close.session, after_split(close.price, ratio)) for close in price.closes)

    def on_dividend(self, symbol: str, amount: Decimal) -> None:
        """The price goes without `amount` from now on; the closes of before stay what they were."""
        self._restate(symbol, lambda price: after_dividend(price, amount))

    def _restate(self, symbol: str, restated: Callable[[float], float]) -> None:
        price = self.by_symbol.get(symbol)
        if price is not None:
            price.last = restated(price.last)
            price.bid = None if price.bid is None else restated(price.bid)
            price.ask = None if price.ask is None else restated(price.ask)
            price.jumped = None

    def last(self, symbol: str) -> float | None:
        price = self.by_symbol.get(symbol)
        return price.last if price is not None else None

    def closes_in(self, bars: Iterable[Bar]) -> Closes:
        """Those of the newest sessions that `bars`, of one symbol, tell of."""
        closes: Closes = ()
        if self._session_of is not None:
            for bar in bars:
                closes = with_close(closes, self._session_of(bar.at), bar.close)
        return closes

    def previous(self, symbol: str) -> float | None:
        """The close of the last session before the one under way, None where none is known."""
        price = self.by_symbol.get(symbol)
        return close_before(price.closes, self.session) if price is not None else None

    def reference(self, symbol: str, side: Side) -> Decimal | None:
        """What a market order would pay now: the ask to buy, the bid to sell, the last close on a feed of bars."""
        price = self.by_symbol.get(symbol)
        if price is None:
            return None
        touch = price.ask if side is Side.BUY else price.bid
        return exact(price.last if touch is None else touch)

    def age_s(self, symbol: str, mono: int) -> float | None:
        """Seconds since the last event, None where there was none."""
        price = self.by_symbol.get(symbol)
        return None if price is None or not price.heard else (mono - price.heard) / _SECOND

    def is_fresh(self, symbol: str, mono: int) -> bool:
        price = self.by_symbol.get(symbol)
        return price is not None and price.heard > 0 and not price.doubt and mono - price.heard <= self._life

    def doubt(self, symbol: str) -> str:
        """Why the price may not be traded on however young it is, or nothing."""
        price = self.by_symbol.get(symbol)
        return price.doubt if price is not None else ""

    def keep_fresh_for(self, life_s: float) -> None:
        """How long a price counts as fresh from now on."""
        self._life = int(life_s * _SECOND)

    @property
    def life_s(self) -> float:
        return self._life / _SECOND


def _is_jump(before: float, now: float) -> bool:
    return abs(now / before - 1) > _JUMP
