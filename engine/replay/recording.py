"""What a replay needs of a recording, be it a backtest's or a session's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from engine.feeds.bar_columns import Times
from engine.model.market import Bar, Instrument
from engine.model.records import Record
from engine.model.settings import Settings
from engine.model.signals import Vote

if TYPE_CHECKING:
    from engine.feeds.calendar import Hours
    from engine.replay.fold import Fold


class ReplayError(Exception):
    """It cannot be replayed. The message is a sentence for a person: what is the matter, what was lost, what to do."""


class Recording(Protocol):
    """A sequence of steps, from 0, each with its market time in `stamps` (ns UTC, never descending). Reads alone.

    `settings` and `sizes` are those it ran with, as far as a View shows them; `problems` are sentences about what of it is damaged or no
    longer kept. `opens_sessions` and `price_life_s` are as in `Fold`, `badge` and `feed` are for the header. `limited` says
    whether there were limits that could be met.
    """

    title: str
    badge: str
    feed: str
    settings: Settings
    sizes: Mapping[str, Decimal]
    instruments: tuple[Instrument, ...]
    price_life_s: float | None
    opens_sessions: bool
    limited: bool
    timeframe: str
    hours: Hours
    stamps: Times
    problems: tuple[str, ...]

    def begin(self, fold: Fold) -> None:
        """Brings a new `fold` to before step 0."""

    def resume(self, fold: Fold) -> None:
        """`fold` was put where it stands by one of its frames."""

    def play(self, fold: Fold, until: int, listen: Listen | None = None) -> None:
        """Brings `fold` from where it stands to after step `until`, and tells `listen` all that was recorded on the way."""

    def bars(self, symbol: str, step: int, count: int) -> Sequence[Bar]:
        """The newest `count` bars of `symbol` that were known after `step`, oldest first, in the shares of that moment."""

    def seen(self, symbol: str, at: int) -> Sequence[Vote]:
        """Each strategy with what its indicators of `symbol` stood at after the bar that closed at the market time `at`, as far as that is
        recorded."""

    def proposed(self, symbol: str, at: int) -> Sequence[str]:
        """The ids of the signals that strategies made of that bar, where they may have raised them later than at its close."""


class Listen(Protocol):
    def __call__(self, fold: Fold, record: Record) -> None:
        """`fold` stands in its step, and is about to take over `record`."""
