"""An engine's side for tests of a strategy's process: real processes, a list of what was told, and waiting for it."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from engine.feeds.base import Feed
from engine.feeds.calendar import Hours
from engine.feeds.simulated.hours import AlwaysOpen
from engine.model.inputs import Note, Proposal, StrategyFailed
from engine.model.market import Bar, Instrument, MarketEvent, Quote
from engine.model.settings import StrategySettings
from engine.strategies.history import History
from engine.strategies.params import Value
from engine.strategies.supervisor import Snapshot, StrategyRunner

Told = Proposal | StrategyFailed | Note
T = TypeVar("T", Proposal, StrategyFailed, Note)

PATIENCE_S = 60.0
"""A bound for a broken test, far above what a good one takes."""


def make_bar(at: int, close: float = 100.0, symbol: str = "AAPL") -> Bar:
    return Bar(symbol, at, close, close, close, close, 1000.0)


def make_quote(at: int, price: float = 100.0, symbol: str = "AAPL") -> Quote:
    return Quote(symbol, at, price, price, 100.0, 100.0, price)


class NoPast:
    """A feed that knows no bars from before its first event."""

    name = "desk"
    timeframe = "1m"
    hours: Hours = AlwaysOpen()
    quote_life_s: float | None = None
    problems: tuple[str, ...] = ()

    def instruments(self) -> tuple[Instrument, ...]:
        return ()

    def history(self, symbol: str, count: int, timeframe: str = "") -> Sequence[Bar]:
        return ()

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        """Nobody calls it: the test tells what happens."""


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[Told] = []
        self.bars: list[Bar] = []
        self.feed: Feed = NoPast()
        self.account = Snapshot(Decimal(50_000), Decimal(100_000), {})
        self.runner: StrategyRunner
        self._news = asyncio.Event()
        self._at = 0

    def write(self, source: str, name: str = "mine.py") -> str:
        path = self.folder / name
        body = "from tradeconsole import Strategy, param\nimport os, re, signal, sys, time\n" + textwrap.dedent(source)
        # As an editor does it: whole or not at all.
        beside = path.with_suffix(".new")
        beside.write_text(body, encoding="utf-8")
        beside.replace(path)
        return str(path)

    async def begin(self, file: str, deadline_s: float = 30.0, symbols: tuple[str, ...] = ("AAPL",), **params: Value) -> None:
        """Start the strategy, and do not wait for it."""
        settings = StrategySettings(file=file, params=params, deadline_s=deadline_s)
        history = History(self.feed, self._history)
        self.runner = StrategyRunner(settings, symbols, self._tell, run_id="run", history=history, snapshot=lambda: self.account)
        await self.runner.start()

    async def run(self, file: str, deadline_s: float = 30.0, symbols: tuple[str, ...] = ("AAPL",), **params: Value) -> bool:
        """Start the strategy and wait until it runs; False where it does not."""
        await self.begin(file, deadline_s, symbols, **params)
        return await asyncio.wait_for(self.runner.settled(), PATIENCE_S)

    def bar(self, close: float = 100.0, symbol: str = "AAPL", at: int = 0) -> None:
        """The next bar, told to the strategy as the engine does it."""
        self._at = at or self._at + 1
        bar = make_bar(self._at, close, symbol)
        self.runner.on_time(bar.at)
        self.bars.append(bar)
        self.runner.on_bar(bar)

    async def hears(self, kind: type[T], matches: Callable[[T], bool] = lambda _: True, count: int = 1) -> list[T]:
        """Wait until `count` of that kind were told."""

        async def wait() -> list[T]:
            while True:
                self._news.clear()
                heard = [one for one in self.told if isinstance(one, kind) and matches(one)]
                if len(heard) >= count:
                    return heard
                await self._news.wait()

        try:
            return await asyncio.wait_for(wait(), PATIENCE_S)
        except TimeoutError:
            raise AssertionError(f"not heard; told was {self.told}, and the strategy is {self.runner.row()}") from None

    def heard(self, kind: type[T]) -> list[T]:
        return [one for one in self.told if isinstance(one, kind)]

    def _tell(self, one: Told) -> None:
        self.told.append(one)
        self._news.set()

    def _history(self, symbol: str, count: int) -> Sequence[Bar]:
        return [bar for bar in self.bars if bar.symbol == symbol][-count:]
