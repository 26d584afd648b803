"""What an engine is made of. Whoever wires one says which parts; they are opened on the engine's own thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from msgspec import Struct

from engine.clock import Clock
from engine.model.journal import Journal
from engine.model.market import MarketEvent

if TYPE_CHECKING:
    from engine.brokers.base import Broker
    from engine.combined import Seat
    from engine.core.core import Core
    from engine.feeds.base import Feed
    from engine.model.recording import MarketLog

Venue: TypeAlias = Callable[[MarketEvent], None]
"""Is shown every market event before anybody else."""


class OpenJournal(Protocol):
    async def __call__(self, path: Path, *, run_id: str) -> Journal: ...


class Parts(Struct, frozen=True):
    """The latch file lies beside `database`.

    `open_broker` sees the core as the journal restored it; with the broker it answers its venue: the market of a broker that is one
    itself (paper) and must see every market event first, else None. Without `open_market_log` the market data of a run are not kept.
    `seat` is the account's among the console's others, where they keep limits together. `account` is its name among them, with which
    the ids of its commands begin.
    """

    database: Path
    open_journal: OpenJournal
    open_feed: Callable[[], Feed]
    open_broker: Callable[[Core], tuple[Broker, Venue | None]]
    clock: Clock
    open_market_log: Callable[[], MarketLog] | None = None
    seat: Seat | None = None
    account: str = ""
