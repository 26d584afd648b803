"""What a replay tells: which recordings there are, the trades marked on one, and why something happened. Times are ns UTC, market time."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, Protocol

from msgspec import Struct

from engine.model.capabilities import Capabilities
from engine.model.market import Bar, Close, Instrument, MarketEvent
from engine.model.modes import LinkState
from engine.model.orders import Order, OrderState, Side
from engine.model.settings import Limits
from engine.model.signals import Signal, SignalState, Vote
from engine.model.verdicts import Verdict
from engine.model.views import StrategyRow


class Replayable(Struct, frozen=True):
    """Something that can be replayed. `key` finds it again: a session's run id, or `#12` for a backtest. `title` says what it was in a few
    words; `made_at` is when it began, or was run, in ns UTC by the wall clock, and `day` that day here, YYYY-MM-DD; `first_at` and
    `last_at` are market times. `running` says that it goes on still, `ordered` that anything was ordered in it. `lacks` says in words what
    is not kept of it, empty where all is."""

    kind: Literal["session", "backtest"]
    key: str
    title: str
    day: str
    made_at: int
    first_at: int
    last_at: int
    running: bool = False
    ordered: bool = True
    lacks: str = ""


class Span(Struct, frozen=True):
    """What a recording covers: `steps` of them, numbered from 0, between the market times `first_at` and `last_at`."""

    steps: int
    first_at: int
    last_at: int


class TradeMark(Struct, frozen=True):
    """One fill: in which `step`, and what it took of profit (`profit`, fees counted), None where it opened or added alone."""

    step: int
    at: int
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    profit: Decimal | None
    order_id: str
    strategy: str


class Event(Struct, frozen=True):
    """One thing that was recorded, in words, and the `step` in which it happened."""

    step: int
    at: int
    text: str


class AfterBar(Struct, frozen=True):
    """How it was after a bar of a symbol: `quantity` (signed) was held at an `average` price, with that much `unrealised`; `orders` worked,
    and `signals` waited for a person. `silent` are the strategies that are told of the symbol and had nothing to say at the bar."""

    quantity: Decimal
    average: Decimal
    unrealised: Decimal
    orders: tuple[Order, ...]
    signals: tuple[Signal, ...]
    silent: tuple[StrategyRow, ...]


class Why(Struct, frozen=True):
    """Why there was an order, a signal, or nothing at a bar; only what had happened by the playhead.

    `title` names it and `reason` is its strategy's own; `votes` are what each strategy said, with its indicators. `verdicts` are the
    gate's, oldest first, each with rule, limit and actual value. `story` is what became of it, fills and refusals among it. `outcome` says
    in a sentence whether it filled, and why it did not. `state` is None for a bar. `seen` are strategies that proposed nothing at a bar,
    or named no indicators with what they proposed, with what theirs stood at, as far as that is recorded; a side is what a function
    answered, which acts on a change alone.
    Of a bar it has the `bar` itself, as far as it is kept, and how it was `after` it.
    """

    title: str
    reason: str
    votes: tuple[Vote, ...]
    verdicts: tuple[Verdict, ...]
    story: tuple[Event, ...]
    outcome: str
    state: OrderState | SignalState | None = None
    seen: tuple[Vote, ...] = ()
    bar: Bar | None = None
    after: AfterBar | None = None


class Facts(Struct, frozen=True):
    """What a View shows that no record tells, as it was from one moment on. `instruments` are those shown, in order."""

    ready: bool = True
    link_down: str = ""
    unwritable: str = ""
    feed_problem: str = ""
    problem: str = ""
    instruments: tuple[Instrument, ...] = ()
    strategies: tuple[StrategyRow, ...] = ()
    mismatched: tuple[tuple[str, str], ...] = ()
    limits: Limits | None = None
    capabilities: Capabilities | None = None
    link: LinkState = LinkState.UP


class Primed(Struct, frozen=True):
    """What was known of a symbol before its first live event: its `last` price, and when; and the `closes` that changes count from."""

    symbol: str
    last: float
    at: int
    closes: tuple[Close, ...] = ()


class MarketLog(Protocol):
    """Writes down, off the engine's loop, what the core hears of the market and strategies see in it. Every method is called on that loop,
    and returns at once."""

    def begin(self, about: SessionAbout) -> None:
        """A run begins."""

    def prime(self, primed: Primed | None, bars: Sequence[Bar]) -> None:
        """The past of a symbol, oldest first, as it is known from now on."""

    def hear(self, event: MarketEvent, mono: int, lag: int = 0) -> None:
        """The core is about to hear `event`, at monotonic nanosecond `mono`; a price in it is `lag` ns older than that."""

    def see(self, symbol: str, at: int, vote: Vote, proposed: tuple[str, ...]) -> None:
        """A strategy saw that at the bar of `symbol` that closed at the market time `at`, its side is what a function answered; and the
        signals of these ids are what it `proposed` there."""

    def recorded(self, count: int) -> None:
        """So many records went to the journal."""

    def look(self, facts: Facts, at: int, mono: int) -> None:
        """So it is at the market time `at`; what is as it was is not written again."""

    @property
    def problem(self) -> str:
        """What is not being written, in words; empty while all is."""

    def close(self) -> None:
        """Writes what is left, and waits for it a second at most."""


class SessionAbout(Struct, frozen=True):
    """A run of the console, as far as its replay needs it. `wall` and `mono` are the same moment on both clocks; `calendar` names the
    exchange whose sessions its feed follows, empty where the market is always open. `settings` are plain values, without what a strategy is
    given: that is nobody's business here."""

    run_id: str
    account: str
    feed: str
    timeframe: str
    calendar: str
    wall: int
    mono: int
    price_life_s: float | None
    instruments: tuple[Instrument, ...]
    sizes: dict[str, Decimal]
    settings: dict[str, Any]
