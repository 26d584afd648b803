"""What we ask of a source of past bars: one symbol, one length of bar, whole trading days. Whoever has that becomes a feed and a backtest's
data by what lies around it here: the cache, the filling of gaps, the polling of what is new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol, runtime_checkable

from msgspec import Struct

from engine.feeds.actions import Action
from engine.feeds.base import FeedLostError
from engine.model.market import Bar


class Fetched(Struct, frozen=True):
    """One symbol's bars, oldest first, each at its close, and its splits and dividends in order of their days. A problem is a sentence
    about what was left out or looks odd."""

    bars: Sequence[Bar]
    actions: tuple[Action, ...] = ()
    problems: tuple[str, ...] = ()


class Reach(Struct, frozen=True):
    """Of a source, for one length of bar: how many days a request may span, and for how many days back there are any. None is no limit."""

    at_once: int | None = None
    back: int | None = None


class History(Protocol):
    """A source of past bars. It blocks, and so it is called on a thread of its own, one call at a time."""

    name: str
    """A word for the screen."""
    kept_as: str
    """By which name the cache keeps what it told."""
    timeframes: Sequence[str]
    """Of TIMEFRAMES, those that it has bars of."""
    adjusted: bool
    """Whether prices are restated for all later splits and dividends. Else they are those that were traded at, and `actions` tell both."""

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        """The bars of the trading days from `start` through `end` that have closed by now. No bar at all is an answer where the source
        says that there are none; else it is an error.

        Raises FeedError with its cause in words, FeedLostError where another try makes sense, PausedError where not before a while.
        """

    def reach(self, timeframe: str) -> Reach:
        """How far one request and all of them reach."""


class PausedError(FeedLostError):
    """The source wants to be left alone for a while."""


@runtime_checkable
class Connected(Protocol):
    """A source over a connection of its own, which must not be asked too often and waits by itself until it may be."""

    say: Callable[[str], None]
    """Is told in words what is waited for, on whatever thread. Whoever has somebody to show it to puts in its own."""

    def live(self, symbol: str) -> str:
        """How it tells what `symbol` costs now, in words that follow its name. Blocks for some seconds at most. Raises FeedLostError."""

    def close(self) -> None:
        """Ends the connection; the next question makes another. Blocks for a moment."""
