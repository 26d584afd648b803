"""Alpaca as a live feed: bars of the past by REST, then quotes and minute bars by its stream, and REST again for what a break left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from engine.feeds.alpaca.history import AlpacaHistory
from engine.feeds.alpaca.stream import CrowdedError, PriceStream, Raw
from engine.feeds.base import FeedLostError
from engine.feeds.market_hours import next_close
from engine.feeds.names import listed
from engine.feeds.new_york import SECOND
from engine.feeds.polling import PollingFeed
from engine.model.market import Bar, Halt, MarketEvent, Phase, Quote
from engine.model.money import is_price

FLUSH_S = 0.1
"""Quotes of a symbol are told this often at most: the newest."""
QUIET_S = 30.0
"""After so long without a word in a session REST is asked whether something traded: if so, the stream is open and mute."""
_REST_S = 3.0
"""How long after its close a larger bar is asked for."""
_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""When a stream that broke is opened again; the last one repeats, and one that lived for a minute begins anew."""
_LIVED_S = 60.0
_ROOM = (30, 15)
"""What a free plan takes: thirty channels of quotes and trades together or of each, which Alpaca does not say."""
_HALTED, _TRADING = frozenset({"H", "P", "2"}), frozenset({"T", "3"})
"""Of the two tapes' codes, those that stop trading and those that let it go on."""


class AlpacaFeed(PollingFeed):
    """Implements Feed. Bars come with the stream where they are of a minute, else by REST when they have closed. A bar is told when Alpaca
    tells it, which is a moment after the first quotes of the next one. `make` makes a connection, on the thread."""

    def __init__(self, *args: Any, history: AlpacaHistory, make: Callable[[Callable[[Raw], None]], PriceStream], **more: Any) -> None:
        super().__init__(*args, **more)
        # A quote is as good as the settings say: it is told again whenever it changes.
        self.quote_life_s = None
        self._history = history
        self._make = make
        self._quotes: dict[str, Quote] = {}
        self._others: list[Bar | Halt] = []
        self._traded: dict[str, float] = {}
        self._heard = 0.0
        self._acts_of: date | None = None
        self._breaks = 0
        self._most: int | None = None

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        if self._acts_of != self._day(self._wall()):
            await self._learn_acts()
        due = next_close(self._calendar, self._seconds, self._wall())
        await self._poll(tell, True)
        stream = await self._worker.call(partial(self._make, self._hear))
        stream.most = self._most
        began = self._mono()
        try:
            await stream.open(self._symbols)
            self._heard = self._mono()
            if self._wall() >= due:  # while it was connecting
                await self._poll(tell, False)
            await self._listen(stream, tell)
        except CrowdedError as error:
            most = len(self._symbols) if self._most is None else self._most
            self._most = next((room for room in _ROOM if room < most), most // 2)
            alone = listed(list(self._symbols)[self._most :])
            self.complain(f"{error} Its plan has no room for the quotes of so many: {alone} have bars alone, whose prices are soon stale.")
            raise FeedLostError(str(error), 1.0) from error
        except FeedLostError as error:
            pause = error.again_s
            if pause is None:
                self._breaks = 1 if self._mono() - began > _LIVED_S else self._breaks + 1
                pause = _PAUSES_S[min(self._breaks, len(_PAUSES_S)) - 1]
            raise FeedLostError(str(error), pause * (1 + 0.2 * self._chance())) from error
        finally:
            await stream.close()

    async def _listen(self, stream: PriceStream, tell: Callable[[MarketEvent], None]) -> None:
        flushed = self._mono()
        due = next_close(self._calendar, self._seconds, self._wall())
        while True:
            await stream.listen(FLUSH_S)
            if (now := self._mono()) - flushed < FLUSH_S:
                continue
            flushed = now
            self._flush(tell)
            if stream.symbols != self._symbols.keys():
                await stream.subscribe(self._symbols)
            if self._acts_of != self._day(self._wall()):
                await self._learn_acts()
                for symbol in self._symbols:
                    self._act(symbol, self._day(self._wall()), tell)
            await self._learn_close(tell)
            if self._seconds > 60 and self._wall() >= due + round(_REST_S * SECOND):
                await self._poll(tell, False)
                due = next_close(self._calendar, self._seconds, self._wall())
            if now - self._heard > QUIET_S:
                await self._look_behind(tell)

    async def _look_behind(self, tell: Callable[[MarketEvent], None]) -> None:
        """The stream is silent: a quiet market is, too. Raises FeedLostError where something traded."""
        self._heard = self._mono()
        if self._calendar.phase(self._wall()) is not Phase.REGULAR:
            return
        before = {symbol: kept.told for symbol, kept in self._symbols.items()}
        await self._poll(tell, False)
        if self._seconds == 60 and any(kept.told > before.get(symbol, kept.told) for symbol, kept in self._symbols.items()):
            raise FeedLostError("Alpaca's stream of prices is open and says nothing.", 0.5)

    async def _learn_acts(self) -> None:
        """Today's splits and dividends, before its first price."""
        day = self._day(self._wall())
        for symbol in list(self._symbols):
            acts = await self._worker.call(partial(self._history.acts, symbol, day, day))
            if (kept := self._symbols.get(symbol)) is not None:
                kept.actions |= {(action.day, action.kind): action for action in acts}
        self._acts_of = day

    # ---- what comes

    def _hear(self, raw: Raw) -> None:
        """Somebody else's words: what is no price is no news."""
        symbol = raw.get("S")
        if symbol not in self._symbols:
            return
        self._heard = self._mono()
        try:
            at = raw["t"].to_unix_nano()
            match raw.get("T"):
                case "t":
                    if is_price(price := float(raw["p"])):
                        self._traded[symbol] = price
                        if (quote := self._quotes.get(symbol)) is not None:
                            quote.last = price
                case "q":
                    self._quote(symbol, at, float(raw["bp"]), float(raw["ap"]), float(raw["bs"]), float(raw["as"]))
                case "b" if self._seconds == 60:
                    self._bar(symbol, at, raw)
                case "s":
                    self._status(symbol, at, raw)
        except (KeyError, TypeError, ValueError, AttributeError):
            return

    def _quote(self, symbol: str, at: int, bid: float, ask: float, bid_size: float, ask_size: float) -> None:
        if not (is_price(bid) and is_price(ask)):
            return  # one side has nobody: the price of before stands, and grows old
        kept = self._symbols[symbol]
        last = self._traded.get(symbol) or (kept.last.close if kept.last is not None else (bid + ask) / 2)
        self._quotes[symbol] = Quote(symbol, at, bid, ask, bid_size, ask_size, last)

    def _bar(self, symbol: str, opened: int, raw: Raw) -> None:
        at = opened + 60 * SECOND
        session = self._calendar.current_or_next(opened)
        if not session.opens <= opened < session.closes:
            return
        bar = Bar(symbol, min(at, session.closes), *(float(raw[name]) for name in "ohlcv"))
        if bar.at > self._symbols[symbol].told and bar.low <= bar.high and all(map(is_price, (bar.open, bar.high, bar.low, bar.close))):
            self._others.append(bar)

    def _status(self, symbol: str, at: int, raw: Raw) -> None:
        code = raw.get("sc")
        if code in _HALTED or code in _TRADING:
            reason = ", ".join(str(raw[name]) for name in ("sm", "rm") if raw.get(name))
            self._others.append(Halt(symbol, at, code in _HALTED, reason))

    def _flush(self, tell: Callable[[MarketEvent], None]) -> None:
        """Halts first, then bars with what belongs around them, then the newest quote of each symbol."""
        others, self._others = self._others, []
        quotes, self._quotes = self._quotes, {}
        for halt in others:
            if isinstance(halt, Halt):
                tell(halt)
        bars = [bar for bar in others if isinstance(bar, Bar) and bar.symbol in self._symbols]
        self._tell(sorted(bars, key=lambda bar: bar.at), tell, False)
        for quote in sorted(quotes.values(), key=lambda quote: quote.at):
            tell(quote)

    def _behind(self) -> int:
        """A minute's last bar comes within seconds; larger ones are asked for."""
        return (5 if self._seconds == 60 else 15) * SECOND
