"""What the engine asks of a source of market data. Every method is called on the engine's loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from engine.model.market import Bar, Dividend, Instrument, Listing, MarketEvent, Split
from engine.model.modes import LinkState

if TYPE_CHECKING:
    from engine.feeds.calendar import Hours


class FeedError(Exception):
    """The feed cannot give what was asked. The message names the file and line, or the symbol, and says what to do."""


class FeedLostError(FeedError):
    """The line to the source broke, and may be there again in a while: `run` is called once more then, and goes on from that moment.

    `again_s` is in how many seconds, where the feed itself knows; `state` is how its link stands meanwhile.
    """

    def __init__(self, text: str, again_s: float | None = None, state: LinkState = LinkState.DOWN) -> None:
        super().__init__(text)
        self.again_s = again_s
        self.state = state


class Feed(Protocol):
    name: str
    timeframe: str
    """Of its bars: `5s`, `1m`, `1d`."""
    hours: Hours
    """In which they are traded; larger bars are aligned to its sessions."""
    quote_life_s: float | None
    """For how many seconds of the wall clock the last price counts as fresh; None leaves it to the limit in the settings.

    A feed of bars gives the time until its next bar is due, with room for a late one.
    """

    problems: tuple[str, ...]
    """Sentences about what it had to leave out of its source; they go to the log."""

    def instruments(self) -> tuple[Instrument, ...]:
        """What this feed can tell about, in the order the watchlist shows."""

    def history(self, symbol: str, count: int, timeframe: str = "") -> Sequence[Bar]:
        """Up to `count` bars that closed before the first event `run` gives, oldest first: for charts and warm-up.

        In one of TIMEFRAMES, where that is asked for; the last of them may then be unfinished, and close later than the last bar there was.
        Raises FeedError where the feed's bars are no part of it.
        """

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        """Call `tell` with every event in order of market time, until cancelled or until the data end (then a closed MarketStatus last).

        The splits and dividends of the session in which this begins come before its first price, with their ex-date, even where they were
        told before: nobody else can say whether a crash was faster than their booking. What is booked already is left.

        A symbol that is halted when this begins is told so before its first price, for a price that comes first ends a halt that an
        earlier run knew of. One whose halt ended while the line was lost is told to trade again.

        Raises FeedError where the source breaks down, FeedLostError where another try makes sense.
        """


@runtime_checkable
class FollowsMore(Protocol):
    """A feed that can tell about another symbol while it runs."""

    async def offers(self) -> Sequence[Listing]:
        """All it knows of, those it tells about already included. Raises FeedError where its source cannot be looked through."""

    async def follow(self, symbol: str) -> Instrument:
        """Tell about `symbol` too, from the next moment on; its history is that until then. Raises FeedError where it cannot."""

    def drop(self, symbol: str) -> None:
        """Tell about `symbol` no longer, from the next moment on."""


@runtime_checkable
class OpenEnded(Protocol):
    """A feed that may know symbols which it cannot list: one that it does not offer is asked for all the same."""

    open_ended: bool


@runtime_checkable
class Prepares(Protocol):
    """A feed that has to ask somebody before it can tell its history."""

    async def prepare(self, say: Callable[[str], None]) -> None:
        """Called once, before anything else is asked. `say` is told in words what is waited for. Raises FeedError where there is no sense
        in a start; a source that is away is none of that."""


@runtime_checkable
class Lags(Protocol):
    """A feed whose prices are of the wall clock's time, and may come late."""

    complain: Callable[[str], None]
    """Is told, while it runs, what is the matter with a single symbol. Whoever runs the feed puts in its own."""

    def lag(self, bar: Bar) -> int:
        """How old `bar` is, ns by the wall clock."""


@runtime_checkable
class Plays(Protocol):
    """A feed that can be played as fast as what it tells is taken."""

    taken: Callable[[], Awaitable[None]]
    """Returns when all that was told is taken. Whoever runs the feed puts in its own."""


@runtime_checkable
class KeepsTime(Protocol):
    """A feed whose market may have a time of its own, as one of past days has, or one that goes faster than the wall clock."""

    own_time: bool


@runtime_checkable
class Delays(Protocol):
    """A feed whose quotes may be of some time ago, for want of a subscription to live ones."""

    def delay(self, symbol: str) -> int:
        """How old the quotes of `symbol` are when they are told, ns; 0 where they are live. Asked before each."""


@runtime_checkable
class KnowsActs(Protocol):
    """A feed that knows the splits and dividends of days on which nobody ran it."""

    def acts_after(self, session: str) -> Sequence[Split | Dividend]:
        """Those with an ex-date of `session` (YYYY-MM-DD), in which the account was last, or later, and before the session in which `run`
        begins, in order of their days, each at the opening of its ex-date, with what a share cost before that. Its history has them in it
        already. Those after `session` that a source which is away has not told yet come with `run`, before its first MarketStatus."""
