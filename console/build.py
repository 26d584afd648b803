"""Makes an engine from settings: the only place that knows which storage, feed and broker go together. Imports no Textual."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.clock import SystemClock
from engine.live import Engine
from engine.model.ranges import problems
from engine.model.settings import Settings
from engine.parts import Parts, Venue
from engine.strategies.names import unknown_names

if TYPE_CHECKING:
    from engine.brokers.base import Broker
    from engine.combined import Seat
    from engine.core.core import Core
    from engine.feeds.base import Feed
    from engine.model.journal import Journal
    from engine.model.recording import MarketLog


def create_engine(settings: Settings | None = None, *, account: str = "", seat: Seat | None = None) -> Engine:
    """An engine that is not started yet. Without settings: paper, a simulated market, the database in the user's data folder. `account` is
    its name among several of one console, `seat` its place among those that keep limits together.

    Raises ValueError naming each setting that is of another type, outside its range, or of a strategy or symbol that is not there.
    """
    settings = settings or Settings()
    if wrong := [*problems(settings), *(f"{key}: {why}" for key, why in unknown_names(settings))]:
        raise ValueError("; ".join(wrong))
    database = settings.database
    if database is None:
        from console.config import folders

        database = folders().database_of(settings.broker, settings.account, account)

    # Each part is imported when the engine's thread opens it, behind the screen's first picture.
    async def journal(path: Path, *, run_id: str) -> Journal:
        from storage.journal import open_journal

        return await open_journal(path, run_id=run_id, keep=settings.history)

    def feed() -> Feed:
        from engine.feeds.open import open_feed
        from engine.feeds.priced import priced

        return open_feed(priced(settings), settings.symbols)

    def broker(core: Core) -> tuple[Broker, Venue | None]:
        if settings.broker != "paper":
            from engine.brokers.open import open_broker

            return open_broker(settings.broker, replace(settings, database=database)), None
        from engine.brokers.paper import PaperBroker

        paper = PaperBroker(settings.paper, core.desk.instruments, settings.margin)
        if core.state.runs:
            paper.restore(core.state.portfolio, core.state.book.orders.values(), core.state.session)
        return paper, paper.on_market

    def market_log() -> MarketLog:
        from engine.replay.market_log import ColumnLog, Sink
        from storage.sessions import MarketFiles

        files, kept = MarketFiles(database), settings.recording

        def sink(run_id: str) -> Sink:
            files.sweep(kept.keep_days, kept.max_mb)
            return files.open(run_id)

        return ColumnLog(sink)

    kept = market_log if settings.recording.market else None
    return Engine(settings, Parts(database, journal, feed, broker, SystemClock(), kept, seat, account))
