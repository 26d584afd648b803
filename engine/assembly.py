"""Puts one run of the engine together from its parts, and closes in order what it opened."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from engine.chart import ChartBuilder
from engine.combined import Seat
from engine.core.checkpoint import SHAPE
from engine.core.core import Core
from engine.feeds.base import KeepsTime, Prepares
from engine.latch import LATCH_S, Latch, LatchKeeper, StopSwitch
from engine.log_file import LogFile
from engine.model.journal import JournalError
from engine.model.market import MarketEvent
from engine.model.modes import Level
from engine.model.records import Record
from engine.model.settings import LogSettings, Settings
from engine.parts import Parts
from engine.previous_close import SessionOf
from engine.secrets import Redactor
from engine.shell import Shell
from engine.strategies.names import strategy_names
from engine.strategies.supervisor import See, Snapshot, StrategyRunner
from engine.view_builder import ViewBuilder
from engine.watching import follow_again


@asynccontextmanager
async def assembled(
    settings: Settings,
    parts: Parts,
    *,
    run_id: str,
    latch: Latch,
    keeper: LatchKeeper,
    switch: StopSwitch,
    publish: Callable[[Record | MarketEvent], None],
    say: Callable[[str], None],
    ending: asyncio.Event,
) -> AsyncIterator[Shell]:
    """A shell that is not started, its core as the journal left it. At the end the latch, the journal and the log are written out and
    closed, whatever happened. `say` is told what the feed waits for, which `ending` cuts short. Raises what a part raises that cannot be
    opened: FeedError, JournalError, StrategyError, OSError."""
    if parts.seat is not None and parts.seat.has_others:
        await _remember(settings, parts, parts.seat, run_id)
    feed = parts.open_feed()
    if isinstance(feed, Prepares):
        await _prepared(feed, say, ending)
    journal = await parts.open_journal(parts.database, run_id=run_id)
    redactor = Redactor.of(os.environ)
    log_file, log_problem = _open_log(parts.database.with_suffix(".log"), settings.log, run_id, redactor)
    market_log = parts.open_market_log() if parts.open_market_log is not None else None
    try:
        latch.prepare()
        names = strategy_names(settings)
        sizes = {name: s.size_pct for name, s in zip(names, settings.strategies, strict=True)}
        named = tuple(instrument.symbol for instrument in feed.instruments())
        session_of = SessionOf(feed.hours, feed.timeframe)
        life_s = feed.quote_life_s
        core = Core(settings, feed.instruments(), run_id=run_id, price_life_s=life_s, sizes=sizes, session_of=session_of)
        async for record in journal.read(SHAPE):
            core.restore((record,))
        not_told = await follow_again(feed, core)
        broker, venue = parts.open_broker(core)
        keep = log_file.write if log_file else None
        own_time = isinstance(feed, KeepsTime) and feed.own_time
        views = ViewBuilder(core, settings.account.upper(), ChartBuilder(core, feed), redactor=redactor, keep=keep, own_time=own_time)
        if log_problem:
            views.log(parts.clock.wall(), Level.WARNING, "log", log_problem)
        for problem in not_told:
            views.log(parts.clock.wall(), Level.WARNING, "watch", problem)
        shell = Shell(
            core,
            journal=journal,
            broker=broker,
            feed=feed,
            clock=parts.clock,
            latch=latch,
            keeper=keeper,
            switch=switch,
            views=views,
            venue=venue,
            publish=publish,
            redactor=redactor,
            log_file=log_file,
            market_log=market_log,
            seat=parts.seat,
        )
        see = market_log.see if market_log is not None else None
        shell.strategies.extend(_runners(shell, named, settings, names, run_id, parts.clock.mono, see))
        yield shell
    finally:
        keeper.finish(LATCH_S)
        try:
            await journal.close()
        finally:
            if market_log is not None:
                market_log.close()
            if log_file:
                log_file.close()


async def _remember(settings: Settings, parts: Parts, seat: Seat, run_id: str) -> None:
    """The other accounts count this one by its books before its feed or broker is opened: they may wait, or refuse."""
    if not parts.database.exists():
        return
    core = Core(settings, (), run_id=run_id)
    try:
        journal = await parts.open_journal(parts.database, run_id=run_id)
        try:
            async for record in journal.read(SHAPE):
                core.restore((record,))
            # Market time would be of the day that was played, and nothing before the market's first word.
            at = journal.written_at
        finally:
            await journal.close()
    except (JournalError, OSError):
        # It is opened once more to be traded on, and what is wrong with it is said then.
        return
    seat.remember(core, at)


async def _prepared(feed: Prepares, say: Callable[[str], None], ending: asyncio.Event) -> None:
    preparing, told = asyncio.create_task(feed.prepare(say)), asyncio.create_task(ending.wait())
    await asyncio.wait((preparing, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if preparing.done():
        preparing.result()
    else:
        preparing.cancel()
        await asyncio.gather(preparing, return_exceptions=True)


def _runners(
    shell: Shell,
    named: tuple[str, ...],
    settings: Settings,
    names: list[str],
    run_id: str,
    mono: Callable[[], int],
    see: See | None,
) -> list[StrategyRunner]:
    """A strategy that names no symbols trades those `named` at the start, and none that somebody only looks at."""
    portfolio, history = shell.core.state.portfolio, shell.views.chart.history

    def snapshot() -> Snapshot:
        held = {h.symbol: (h.quantity, h.average) for h in portfolio.holdings.values() if h.quantity}
        return Snapshot(portfolio.cash, portfolio.equity(), held)

    return [
        StrategyRunner(
            strategy,
            strategy.symbols or named,
            shell.handle,
            run_id=run_id,
            history=history,
            snapshot=snapshot,
            clock=mono,
            name=name,
            see=see,
        )
        for strategy, name in zip(settings.strategies, names, strict=True)
    ]


def _open_log(path: Path, settings: LogSettings, run_id: str, redactor: Redactor) -> tuple[LogFile | None, str]:
    """The log file, or none and why: without one there is less to read afterwards, which is no reason not to trade."""
    try:
        return LogFile(path, settings, run_id, redactor), ""
    except OSError as error:
        return None, f"{path} cannot be opened ({error.strerror}): this run's log is on the screen alone"
