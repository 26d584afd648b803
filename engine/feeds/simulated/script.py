"""What happens in the simulated market, in order of market time: phases, auctions, quotes, halts, bars. Times are ns UTC."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from engine.feeds.calendar import Hours
from engine.feeds.new_york import SECOND
from engine.feeds.simulated.hours import Span, spans
from engine.feeds.simulated.tempo import EXTENDED, Tempo, tempo_at
from engine.feeds.simulated.walk import Factors, Step, SymbolWalk
from engine.model.market import Auction, AuctionKind, Bar, Halt, MarketEvent, Phase, Quote

THIN = 4
"""In extended hours a symbol is quoted so many times more rarely."""
_LOOK = 60 * SECOND
"""Tempo and reference prices are looked at this often."""
_HALT_AT = 0.10
_HALT = 300 * SECOND
"""A move of 10 % within five minutes halts a symbol for five, as the limit up-limit down plan has it for most stocks."""


class Script:
    """An iterator without end, from `begin` on. Symbols are quoted every `step`, each at a time of its own within it."""

    def __init__(self, walks: Mapping[str, SymbolWalk], factors: Factors, hours: Hours, *, begin: int, step: int, length: int) -> None:
        """`length` is that of a bar."""
        self.resumed = 0
        """The market stood still until then: what would have happened before is left out, but for openings and closings."""
        self._factors = factors
        self._step = step
        self._length = length
        self._makers = [_Maker(symbol, walk, step) for symbol, walk in walks.items()]
        self._spans = spans(hours, begin)
        self._joining: list[_Maker] = []
        self._leaving: set[str] = set()

    def join(self, symbol: str, walk: SymbolWalk) -> None:
        """Quotes `symbol` too, from the next step on."""
        self._joining.append(_Maker(symbol, walk, self._step))

    def leave(self, symbol: str) -> None:
        """Quotes `symbol` no longer, from the next step on."""
        self._joining = [maker for maker in self._joining if maker.symbol != symbol]
        self._leaving.add(symbol)

    def _settle(self, at: int) -> Iterator[Halt]:
        """Between two steps, for within one each maker is known by its number. A halt does not outlast the quotes: nobody would tell its
        end to those who follow the symbol again."""
        if self._leaving:
            yield from (maker.resume(at) for maker in self._makers if maker.halted and maker.symbol in self._leaving)
            self._makers[:] = [maker for maker in self._makers if maker.symbol not in self._leaving]
            self._leaving.clear()
        for maker in self._joining:
            self._factors.add(maker.walk.sector)
            maker.begin()
            maker.look()
            self._makers.append(maker)
        self._joining.clear()

    def __iter__(self) -> Iterator[MarketEvent]:
        for span in self._spans:
            yield from self._settle(span.start)
            yield span.status()
            if span.phase is Phase.REGULAR:
                yield from self._regular(span)
            elif span.phase is not Phase.CLOSED:
                yield from self._extended(span)
            else:
                self._sleep(span)

    def _sleep(self, span: Span) -> None:
        day = span.session.day
        market = self._factors.market.night(day)
        sectors = {name: sector.night(day) for name, sector in self._factors.sectors.items()}
        for maker in self._makers:
            maker.walk.sleep(day, market, sectors[maker.walk.sector])

    def _extended(self, span: Span) -> Iterator[MarketEvent]:
        step, makers = self._step * THIN, self._makers
        tempo = Tempo(EXTENDED.volatility * THIN**0.5, EXTENDED.volume * THIN, EXTENDED.wider)
        start = max(span.start, self.resumed)
        while start < span.end:
            yield from self._settle(start)
            market, sectors = self._factors.step(tempo.volatility)
            for at, number in sorted((maker.quotes_at(start, step), number) for number, maker in enumerate(makers)):
                if at < span.end:
                    maker = makers[number]
                    yield maker.quote(at, market, sectors[maker.walk.sector], tempo)
            start = max(start + step, self.resumed)

    def _regular(self, span: Span) -> Iterator[MarketEvent]:
        makers, session = self._makers, span.session
        session_s = (session.closes - session.opens) / SECOND
        for maker in makers:
            maker.begin()
            if span.whole:
                yield maker.cross(AuctionKind.OPEN, span.start, session_s)
        closing = self._closing(span, span.start)
        look = start = max(span.start, self.resumed)
        while start < span.end:
            yield from self._settle(start)
            if start >= look:
                look = start + _LOOK
                tempo = tempo_at(start, session.opens, session.closes)
                for maker in makers:
                    maker.look()
            market, sectors = self._factors.step(tempo.volatility)
            for at, number in sorted((maker.quotes_at(start, self._step), number) for number, maker in enumerate(makers)):
                while at >= closing < span.end:
                    for maker in makers:
                        yield maker.close_bar(closing)
                    # No bars for the time in which the market stood still.
                    closing = self._closing(span, max(closing, self.resumed))
                if at < span.end:
                    maker = makers[number]
                    event = maker.turn(at, market, sectors[maker.walk.sector], tempo)
                    if event is not None:
                        yield event
            start = max(start + self._step, self.resumed)
        for maker in makers:
            if maker.halted:
                yield maker.resume(span.end)
            yield maker.cross(AuctionKind.CLOSE, span.end, session_s)
        for maker in makers:
            yield maker.close_bar(span.end)

    def _closing(self, span: Span, at: int) -> int:
        """The close of the bar that `at` falls into: bars count from the session's open, and the last one ends with it."""
        opens = span.session.opens
        return min(opens + ((at - opens) // self._length + 1) * self._length, span.end)


class _Maker:
    """Makes one symbol's quotes and halts, and its bars out of their trades."""

    def __init__(self, symbol: str, walk: SymbolWalk, step: int) -> None:
        self.walk = walk
        self.symbol = symbol
        # Each symbol has its own place in a step, so that quotes come spread over it, and strays a little from it.
        self._place = 0.8 * walk.random()
        self.halted = False
        self._until = 0
        # Where the symbol stood in the last five minutes, their mean, and how far from that it may be.
        self._stood: deque[float] = deque(maxlen=max(1, min(_HALT // _LOOK, _HALT // step)))
        self._reference = self._least = self._most = 0.0
        self.begin()

    def begin(self) -> None:
        """A session's first bar begins."""
        self._open = self._high = self._low = self._last = self.walk.last
        self._volume = 0.0
        self._stood.clear()

    def look(self) -> None:
        """Remembers where the price is."""
        self._stood.append(self.walk.price)
        self._reference = sum(self._stood) / len(self._stood)
        self._least, self._most = self._reference * (1 - _HALT_AT), self._reference * (1 + _HALT_AT)

    def quotes_at(self, start: int, step: int) -> int:
        return start + int(step * (self._place + 0.2 * self.walk.random()))

    def quote(self, at: int, market: float, sector: float, tempo: Tempo) -> Quote:
        return self._told(at, self.walk.step(market, sector, tempo))

    def turn(self, at: int, market: float, sector: float, tempo: Tempo) -> Quote | Halt | None:
        """In the regular session: a quote, or the beginning or the end of a halt, or nothing while one lasts."""
        if self.halted:
            return self.resume(at) if at >= self._until else None
        step = self.walk.step(market, sector, tempo)
        if self._least <= step.bid <= self._most:
            return self._told(at, step)
        # What would have been traded there was not.
        self.walk.last = self._last
        self.halted, self._until = True, at + _HALT
        return Halt(self.symbol, at, True, f"volatility pause of five minutes: {step.bid / self._reference - 1:+.1%} within five minutes")

    def resume(self, at: int) -> Halt:
        """Ends the halt; the price that the symbol comes back with is the new reference."""
        self.halted = False
        self._stood.clear()
        self.look()
        return Halt(self.symbol, at, False, "trading resumes")

    def cross(self, kind: AuctionKind, at: int, session_s: float) -> Auction:
        price, volume = self.walk.cross(kind, session_s)
        self._trade(price, volume)
        return Auction(self.symbol, at, kind, price, volume)

    def close_bar(self, at: int) -> Bar:
        last = self._last
        bar = Bar(self.symbol, at, self._open, self._high, self._low, last, self._volume)
        self._open = self._high = self._low = last
        self._volume = 0.0
        return bar

    def _told(self, at: int, step: Step) -> Quote:
        bid, ask, bid_size, ask_size, last, volume = step
        if volume:
            self._trade(last, volume)
        return Quote(self.symbol, at, bid, ask, bid_size, ask_size, last)

    def _trade(self, price: float, volume: float) -> None:
        if not self._volume:
            self._open = self._high = self._low = price
        elif price > self._high:
            self._high = price
        elif price < self._low:
            self._low = price
        self._last = price
        self._volume += volume
