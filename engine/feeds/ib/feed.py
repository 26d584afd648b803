"""IB as a live feed: quotes and bars of five seconds as they come, larger bars made of these, and past bars for what no stream told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from math import isnan
from typing import Any

from engine.feeds.aggregate import Aggregator
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.calendar import ALWAYS
from engine.feeds.history import PausedError
from engine.feeds.ib.line import Line
from engine.feeds.ib.pacing import AskedAlready
from engine.feeds.ib.watch import DELAY_NS
from engine.feeds.market_hours import next_close
from engine.feeds.new_york import SECOND
from engine.feeds.polling import PollingFeed
from engine.feeds.timeframe import DAY_S
from engine.model.market import Bar, Instrument, MarketEvent

FLUSH_S = 0.1
"""Quotes of a symbol are told this often at most: the newest."""
PATIENCE_S = 5.0
"""How long a question waits for IB's rules on how often it is asked: what comes later is asked for later."""
_WHOLE_S = 3.0
"""How long after its close a bar is looked for among those that the stream told, or asked for."""
_AGAIN_S, _DAY_AGAIN_S = (15.0, 15.0, 30.0), (60.0, 300.0, 900.0, 1800.0)
"""When a bar that is not there yet is asked for again, and of a day's; then no more."""

_BEHIND_NS = 15 * SECOND


class IbFeed(PollingFeed):
    """Implements Feed. While it runs each symbol either has its bars by the stream, or is behind: bars of it are held back then until
    what lies before them was asked for, so that they come in their order."""

    def __init__(self, *args: Any, line: Line, **more: Any) -> None:
        super().__init__(*args, **more)
        # A quote is as good as the settings say: it is told again whenever it changes.
        self.quote_life_s = None
        self._line = line
        self._regular = self._calendar.name != ALWAYS
        self._streamed = Aggregator(self.timeframe, self._calendar)
        self._held: dict[str, list[Bar]] = {}
        self._missing: dict[str, int] = {}
        """Symbols of which a bar is missing, and the close of the newest that is; 0 where nobody knows."""
        self._tries: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._fetched: list[Bar] = []
        self._paused = False

    # ---- before the first event

    async def prepare(self, say: Callable[[str], None]) -> None:
        """What IB does not know is said here, and not again with each bar."""
        self._line.say = say
        try:
            await super().prepare(say)
        except BaseException:
            await asyncio.to_thread(self._line.close)
            raise
        finally:
            self._line.say = lambda text: None
        for symbol, kept in self._symbols.items():
            about = [problem for problem in self.problems if symbol in problem.replace(":", " ").split()]
            kept.problem = next((problem for problem in about if problem.startswith(("IB knows", "IB tells"))), "")

    async def _prime(self, symbol: str) -> tuple[str, ...]:
        """Where there is no link at all, the start does not wait for one with each symbol."""
        try:
            return await super()._prime(symbol)
        except FeedLostError as error:
            if self._line.trouble() is None:
                raise
            raise PausedError(str(error)) from error

    async def follow(self, symbol: str) -> Instrument:
        instrument = await super().follow(symbol)
        if self._market.begun:
            self._missing[symbol] = 0
            self._wish()
        return instrument

    def drop(self, symbol: str) -> None:
        super().drop(symbol)
        self._wish()

    def delay(self, symbol: str) -> int:
        return DELAY_NS if self._line.watch.is_delayed(symbol) else 0

    # ---- while it runs

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        try:
            self._line.watch.drain()  # of before the break
            await self._line.do(self._line.up)
            await self._listen(tell)
        except asyncio.CancelledError:
            await asyncio.to_thread(self._line.close)
            raise

    async def _listen(self, tell: Callable[[MarketEvent], None]) -> None:
        self._streamed = Aggregator(self.timeframe, self._calendar)
        self._held, self._tries, self._not_before, self._fetched = {}, {}, {}, []
        for kept in self._symbols.values():
            kept.owed = ""  # IB does not say what companies do: there is nothing to wait for
        self._away = False
        self._wish()
        self._tell([], tell, True)
        newest = self._newest_close()
        self._missing = {symbol: newest for symbol, kept in self._symbols.items() if kept.told < newest}
        due = next_close(self._calendar, self._seconds, self._wall())
        asking = asyncio.create_task(self._ask(tell))
        try:
            while not asking.done():
                await self._sleep(FLUSH_S)
                if (trouble := self._line.trouble()) is not None:
                    raise trouble
                for text in self._line.notes():
                    self.complain(text)
                self._take(tell)
                due = self._look_for(due)
            asking.result()
        finally:
            asking.cancel()
            with suppress(asyncio.CancelledError, FeedError):
                await asking

    def _wish(self) -> None:
        self._line.watch.want(tuple(self._symbols), bars=self._seconds < DAY_S, regular=self._regular)

    def _take(self, tell: Callable[[MarketEvent], None]) -> None:
        """What came: halts first, then bars with what belongs around them, then the newest quote of each symbol."""
        news = self._line.watch.drain()
        for text in news.said:
            self.complain(text)
        for halt in news.halts:
            if halt.symbol in self._symbols:
                tell(halt)
        for five in news.bars:
            if five.symbol in self._symbols and self._in_session(five):
                for bar in self._streamed.add(five):
                    self._held.setdefault(bar.symbol, []).append(bar)
        for bar in self._streamed.until(self._wall() - round(_WHOLE_S * SECOND)):
            self._held.setdefault(bar.symbol, []).append(bar)
        fetched, self._fetched = self._fetched, []
        ready = [bar for symbol in list(self._held) if symbol not in self._missing for bar in self._held.pop(symbol)]
        # Those that were asked for lie before those that were held back for them.
        whole = sorted((*fetched, *filter(self._is_whole, ready)), key=lambda bar: bar.at)
        self._tell(whole, tell, False)
        for quote in sorted(news.quotes.values(), key=lambda quote: quote.at):
            if (kept := self._symbols.get(quote.symbol)) is None:
                continue
            if isnan(quote.last):
                quote.last = kept.last.close if kept.last is not None else (quote.bid + quote.ask) / 2
            tell(quote)

    def _in_session(self, five: Bar) -> bool:
        session = self._calendar.current_or_next(five.at - 1)
        return session.opens < five.at <= session.closes

    def _is_whole(self, bar: Bar) -> bool:
        """Whether the stream had begun when the bar did."""
        since = self._line.watch.streams_since(bar.symbol)
        session = self._calendar.current_or_next(bar.at - 1)
        begun = max(session.opens, session.opens + ((bar.at - 1 - session.opens) // (self._seconds * SECOND)) * self._seconds * SECOND)
        return since is not None and since <= begun

    def _newest_close(self) -> int:
        """When the newest bar closed that there can be."""
        now = self._wall()
        session = self._calendar.current_or_next(now)
        if now < session.opens or (newest := next_close(self._calendar, self._seconds, now - self._seconds * SECOND)) > now:
            return self._calendar.previous(session.pre).closes if now < session.closes else session.closes
        return newest

    def _look_for(self, due: int) -> int:
        """Looks for the bars that closed at `due` once that is over, or at what came after it where we slept. Answers which are next."""
        until = self._wall() - round(_WHOLE_S * SECOND)
        if due > until:
            return due
        while (later := next_close(self._calendar, self._seconds, due)) <= until:
            due = later
        self._miss(due)
        return later

    def _miss(self, due: int) -> None:
        """Notes whose bar that closed at `due` is not there."""
        for symbol, kept in self._symbols.items():
            have = max([kept.told, *(bar.at for bar in self._held.get(symbol, ()) if self._is_whole(bar))])
            if have < due:
                self._missing[symbol] = due
                self._tries[symbol] = 0
                self._not_before.pop(symbol, None)

    async def _ask(self, tell: Callable[[MarketEvent], None]) -> None:
        """Asks for what is missing, one symbol after the other, for as long as the feed runs, and for what the last session closed at where
        nothing is. Raises FeedLostError."""
        while True:
            now = self._mono()
            symbol = next((each for each in self._missing if self._not_before.get(each, now) <= now), None)
            if symbol is None:
                if not await self._learn_close(tell):
                    await self._sleep(FLUSH_S)
                continue
            wanted = self._missing.pop(symbol)
            self._missing[symbol] = wanted  # behind all others
            try:
                bars = await self._newest(symbol)
            except PausedError as error:
                self._not_before[symbol] = self._mono() + (error.again_s or _AGAIN_S[0])
                if not (self._paused or isinstance(error, AskedAlready)):
                    self._paused = True
                    self.complain(f"{error} Bars that no stream tells come late until then.")
            except FeedLostError:
                raise
            except FeedError as error:
                self._complain_of(symbol, str(error))
                self._caught_up(symbol, wanted)
            else:
                self._paused = False
                self._fetched += bars
                self._look_at(symbol, wanted, max((bar.at for bar in bars), default=0))

    def _look_at(self, symbol: str, wanted: int, newest: int) -> None:
        """Whether what came is all that was missing, or when it is asked for again."""
        kept, tries = self._symbols.get(symbol), self._tries.get(symbol, 0)
        again = _AGAIN_S if self._seconds < DAY_S else _DAY_AGAIN_S
        # What is delayed comes with the next bars.
        patient = self._seconds == DAY_S or not self._line.watch.is_delayed(symbol)
        if kept is None or max(newest, kept.told) >= wanted or tries >= len(again) or not patient:
            self._caught_up(symbol, wanted)
            return
        self._tries[symbol] = tries + 1
        self._not_before[symbol] = self._mono() + again[tries]

    def _caught_up(self, symbol: str, wanted: int) -> None:
        """Unless another bar has gone missing meanwhile."""
        if self._missing.get(symbol) == wanted:
            del self._missing[symbol]

    def _behind(self) -> int:
        return _BEHIND_NS
