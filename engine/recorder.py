"""Tells the market log of one run what a replay needs beside the journal: who it was, the past, and facts that no record tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from engine.clock import Clock
from engine.core.closes import Closes
from engine.core.core import Core
from engine.feeds.base import Feed
from engine.feeds.calendar import Calendar
from engine.model.limit_changes import copied
from engine.model.market import Bar
from engine.model.modes import Level
from engine.model.recording import Facts, MarketLog, Primed, SessionAbout
from engine.model.records import LimitsChanged, Record
from engine.model.settings import FeedSettings, Settings
from engine.model.views import StrategyRow
from engine.strategies.names import strategy_names
from engine.view_builder import Health


class Recorder:
    """Lives on the engine's loop."""

    def __init__(self, core: Core, feed: Feed, clock: Clock, health: Health, log: MarketLog) -> None:
        self._core = core
        self._feed = feed
        self._clock = clock
        self._health = health
        self._log = log
        self._problem = ""
        self._strategies: Sequence[StrategyRow] = ()

    def begin(self, account: str) -> None:
        """A run begins, before anything of it is known."""
        core, feed = self._core, self._feed
        settings = core.desk.settings
        names = strategy_names(settings)
        self._log.begin(
            SessionAbout(
                run_id=core.desk.run_id,
                account=account,
                feed=feed.name,
                timeframe=feed.timeframe,
                calendar=feed.hours.name if isinstance(feed.hours, Calendar) else "",
                wall=self._clock.wall(),
                mono=self._clock.mono(),
                price_life_s=feed.quote_life_s,
                instruments=tuple(core.desk.instruments.values()),
                sizes={name: each.size_pct for name, each in zip(names, settings.strategies, strict=True)},
                settings=_kept(settings),
            )
        )
        self._look(self._strategies)

    def prime(self, symbol: str, bars: Sequence[Bar], closes: Closes) -> None:
        """The past of `symbol`, oldest first, and those of its sessions."""
        self._log.prime(Primed(symbol, bars[-1].close, bars[-1].at, closes) if bars else None, bars)

    def recorded(self, records: Sequence[Record]) -> None:
        """These are about to go to the journal."""
        self._log.recorded(len(records))
        if any(type(record) is LimitsChanged for record in records):
            # Not with the next tick: the run may end before.
            self._look(self._strategies)

    def look(self, strategies: Sequence[StrategyRow], say: Callable[[Level, str, str], None]) -> None:
        """With every tick of the clock. `say` writes a line of the log."""
        self._look(strategies)
        if self._log.problem != self._problem:
            self._problem = self._log.problem
            level = Level.WARNING if self._problem else Level.INFO
            say(level, "recording", self._problem or "the market data of this run can be written again")

    def end(self) -> None:
        """The run ends: what is otherwise since the last tick is told, too. Strategies are as they were before they were stopped."""
        self._look(self._strategies)

    def _look(self, strategies: Sequence[StrategyRow]) -> None:
        self._strategies = strategies
        core, gate = self._core, self._core.gate
        facts = Facts(
            ready=gate.ready,
            link_down=gate.link_down,
            unwritable=gate.unwritable,
            feed_problem=self._health.feed_problem,
            problem=self._health.problem,
            instruments=tuple(core.desk.instruments.values()),
            strategies=tuple(replace(row, answer_ms=None) for row in strategies),
            mismatched=tuple(gate.mismatched.items()),
            limits=copied(core.desk.settings.limits),
            capabilities=gate.capabilities,
            link=gate.link,
        )
        self._log.look(facts, core.desk.now, self._clock.mono())


def _kept(settings: Settings) -> dict[str, Any]:
    """What a View shows of the settings: no path, nothing that a strategy or a feed is given, which may be somebody's secret."""
    strategies = tuple(replace(each, params={}) for each in settings.strategies)
    shown = Settings(
        mode=settings.mode,
        symbols=settings.symbols,
        strategies=strategies,
        limits=settings.limits,
        margin=settings.margin,
        approvals=settings.approvals,
        feed=FeedSettings(),
    )
    kept: dict[str, Any] = msgspec.to_builtins(shown)
    return kept
