"""The core as it was at a moment of a recording: what the market said and what was decided, folded in the order in which it happened.

It decides nothing and sends nothing. What was decided comes as records, taken over as after a restart; the market moves prices and marks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from engine.core.approvals import Approvals
from engine.core.attribution import Attribution
from engine.core.checkpoint import take_over
from engine.core.core import Core
from engine.core.order_book import OrderBook
from engine.core.portfolio import Portfolio
from engine.core.prices import Price
from engine.core.state import State
from engine.log_lines import line_of
from engine.model.limit_changes import copied
from engine.model.market import Auction, Bar, Dividend, Halt, Instrument, MarketEvent, MarketStatus, Quote, SessionClose, Split
from engine.model.modes import Level
from engine.model.money import cents
from engine.model.recording import Facts
from engine.model.records import (
    Checkpoint,
    FillBooked,
    PositionAccepted,
    Record,
    RunStarted,
    SessionOpened,
)
from engine.model.settings import Settings
from engine.replay.frames import Shared

_MARKET: Final = frozenset({Bar, Quote})
_PARTS: Final = (Portfolio, Attribution, OrderBook, Approvals)
"""Others hold on to these objects of the state: they are filled, not replaced."""
_MANY: Final = 1_000
"""Orders that are kept before the old ones are let go."""


class Frame(Struct, frozen=True):
    """Where a fold stands after `step`: enough to go on from there. `state` is pickled by `shared`."""

    step: int
    state: bytes
    shared: Shared
    prices: dict[str, Price]
    market: MarketStatus | None
    session: str
    now: int
    mono: int
    wall: int
    lines: int
    facts: Facts


class Fold(Core):
    """`price_life_s` as for the core. With `opens_sessions` nobody recorded that a session began: it is told by the market alone.

    `wall` is the wall clock's nanosecond of what was taken last, and `lines` how many lines of the log there were by then.
    """

    def __init__(
        self,
        settings: Settings,
        instruments: Iterable[Instrument],
        *,
        price_life_s: float | None,
        sizes: Mapping[str, Decimal],
        opens_sessions: bool,
        session_of: Callable[[int], str],
    ) -> None:
        super().__init__(settings, instruments, run_id="replay", price_life_s=price_life_s, sizes=sizes, session_of=session_of)
        self.step = -1
        self.wall = 0
        self.lines = 0
        self.work = 0
        """How much was heard and taken: what it costs to come here from the frame before."""
        self.keep: Callable[[Level, str, str, str], None] | None = None
        """Is told each line that the log has of a record, where somebody writes them down."""
        self.facts = Facts()
        self.told: dict[str, int] = {}
        """How many bars of each symbol were heard, where a recording counts them."""
        self._opens_sessions = opens_sessions
        self._last_session = ""
        self.gate.ready = True

    # ---- what happened

    def hear(self, event: MarketEvent, mono: int) -> None:
        """The market said this."""
        desk = self.desk
        desk.begin(mono)
        self.work += 1
        kind = type(event)
        if kind in _MARKET:
            self._handlers[kind](event)
        elif isinstance(event, MarketStatus):
            self._on_status(event)
        elif isinstance(event, Split):
            desk.now = max(desk.now, event.at)
            self.prices.on_split(event.symbol, event.ratio)
        elif isinstance(event, Dividend):
            desk.now = max(desk.now, event.at)
            self.prices.on_dividend(event.symbol, event.amount)
        elif isinstance(event, Halt):
            desk.now = max(desk.now, event.at)
        elif isinstance(event, Auction):
            self._on_auction(event)
        elif isinstance(event, SessionClose):
            self._on_session_close(event)

    def take(self, record: Record) -> None:
        """This was decided, or the broker said it."""
        if isinstance(record, Checkpoint) or (self._opens_sessions and isinstance(record, SessionOpened)):
            return
        self.work += 1
        self.desk.now = max(self.desk.now, at_of(record))
        take_over(self.state, record)
        if self._opens_sessions and isinstance(record, RunStarted):
            # The first session opened just before, when there was no money yet.
            self.state.session_equity = cents(self.state.portfolio.equity())
        elif isinstance(record, FillBooked | PositionAccepted):
            symbol = record.fill.symbol
            last = self.prices.last(symbol)
            if last is not None:
                self.state.portfolio.mark(symbol, last)
        try:
            line = line_of(record, self.state)
        except (KeyError, AttributeError) as error:  # of an order that an older version kept, and this one does not
            line = Level.WARNING, "log", f"a {type(record).__name__} could not be put into words: {error}", ""
        if line is not None:
            self.lines += 1
            if self.keep is not None:
                self.keep(*line)

    def learn(self, facts: Facts) -> None:
        """From now on this is so."""
        self.facts = facts
        gate = self.gate
        gate.ready, gate.link, gate.link_down, gate.unwritable = facts.ready, facts.link, facts.link_down, facts.unwritable
        gate.mismatched = dict(facts.mismatched)
        if facts.capabilities is not None:
            gate.capabilities = facts.capabilities
        if facts.limits is not None:
            self.desk.settings = replace(self.desk.settings, limits=copied(facts.limits))
            gate.take_limits(self.desk.settings.limits)
            self.breakers.take_limits()
        if facts.instruments:
            self.desk.instruments.clear()
            self.desk.instruments.update((instrument.symbol, instrument) for instrument in facts.instruments)

    def _on_status(self, status: MarketStatus) -> None:
        self._take_status(status)
        if self._opens_sessions and status.session > self._last_session:
            self._last_session = status.session
            self._open_session(status.session)

    def _open_session(self, session: str) -> None:
        state, desk = self.state, self.desk
        profits = tuple((name, state.strategy_profit(name)) for name in sorted(state.attribution.books) if name)
        symbols = tuple((holding.symbol, holding.profit) for holding in state.portfolio.holdings.values() if holding.profit)
        equity = cents(state.portfolio.equity())
        if len(state.book.orders) > _MANY:
            state.apply(SessionOpened(session, equity, desk.now, profits, symbols))
            return
        # The same without letting go of what is long over, which is for when there is much: a day's bar is a session.
        state.session, state.session_equity = session, equity
        state.portfolio.open_session(session)
        state.strategies_opened, state.symbols_opened = dict(profits), dict(symbols)

    # ---- frames

    def frame(self, shared: Shared) -> Frame:
        """Where it stands. Frames of one recording have the same `shared`."""
        kept = {name: getattr(self.state, name) for name in State.__slots__ if name != "_apply"}
        return Frame(
            step=self.step,
            state=shared.dump(kept),
            shared=shared,
            prices={symbol: replace(price) for symbol, price in self.prices.by_symbol.items()},
            market=self.gate.market,
            session=self._last_session,
            now=self.desk.now,
            mono=self.desk.mono,
            wall=self.wall,
            lines=self.lines,
            facts=self.facts,
        )

    def stand_at(self, frame: Frame) -> None:
        """Makes this new fold what the one was that `frame` is of."""
        state = self.state
        for name, value in frame.shared.load(frame.state).items():
            ours = getattr(state, name)
            if isinstance(ours, _PARTS):
                for slot in type(ours).__slots__:
                    setattr(ours, slot, getattr(value, slot))
            else:
                setattr(state, name, value)
        state.book.stale.update(dict.fromkeys(state.book.symbols()))
        self.prices.by_symbol.update((symbol, replace(price)) for symbol, price in frame.prices.items())
        self.learn(frame.facts)
        if frame.market is not None:
            self._take_status(frame.market)
        self._last_session = frame.session
        self.desk.now, self.desk.mono, self.wall = frame.now, frame.mono, frame.wall
        self.step, self.lines = frame.step, frame.lines


def at_of(record: Record) -> int:
    """Its market time."""
    return record.fill.at if isinstance(record, FillBooked) else record.at
