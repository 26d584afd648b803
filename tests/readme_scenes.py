"""The scenes of the README's pictures: the real console over the real engine, on seeded markets and a wall clock that always begins at
the same moment."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.backtest.kept import carry_out, keep
from console.backtest.terms import Terms, job_of
from console.build import create_engine
from engine.clock import SystemClock
from engine.live import Engine
from engine.model import Intent, Mode, OrderType, Side, TimeInForce, View
from engine.model.orders import Bracket, Exit
from engine.model.settings import FeedSettings, Limits, Settings, StrategySettings
from tests.readme_svg import Shot, svg, take

_PATIENCE_S = 90.0
_BEGINNING_NS = 1_732_545_000_000_000_000  # Monday 2024-11-25, 14:30 UTC, New York's open
WIDE, MEDIUM, SMALL = (120, 36), (104, 30), (80, 24)
SIMULATED = Settings(
    symbols=("AAPL", "MSFT", "NVDA", "AMZN", "JPM", "XOM", "KO"),
    feed=FeedSettings("sim", seed=7, start="2024-11-25", speed=60, quotes_per_second=0.2, bar_seconds=60),
)
CALM = replace(SIMULATED, feed=replace(SIMULATED.feed, speed=2, quotes_per_second=0.1))
"""So slow that a picture taken anew shows nearly the same prices."""
CROSSING = StrategySettings("sma_cross", {"fast": 3, "slow": 8})
SAMPLE = Settings(
    symbols=("AAPL", "MSFT", "IBM"),
    feed=FeedSettings("sample", pace=100, start="2004-01-02"),
    strategies=(StrategySettings("sma_cross"),),
)
BREAKOUT = Terms("breakout", symbols=("AAPL", "MSFT", "IBM"), start=date(2004, 1, 2), end=date(2006, 12, 29))


class _Clock(SystemClock):
    """The machine's own, but its first moment is always the same."""

    def __init__(self) -> None:
        self._offset = _BEGINNING_NS - time.time_ns()

    def wall(self) -> int:
        return time.time_ns() + self._offset


@dataclass
class Desk:
    """A running console, and somebody at it."""

    engine: Engine
    app: ConsoleApp
    pilot: Pilot[int]

    async def until(self, wanted: Callable[[View], object]) -> View:
        """Waits until the view is as wanted, and shown."""
        end = time.monotonic() + _PATIENCE_S
        while not wanted(view := self.engine.view()):
            assert time.monotonic() < end, f"it never came to this:\n{self.text}"
            await self.pilot.pause(0.02)
        return view

    async def shows(self, *texts: str) -> None:
        await self.until(lambda _: all(text in self.text for text in texts))

    async def press(self, *keys: str) -> None:
        """Keys by name, or words to type between quotes."""
        for key in keys:
            if key.startswith('"'):
                for letter in key[1:-1]:
                    self.app.post_message(events.Key(_character_to_key(letter), letter).set_sender(self.app))
            else:
                self.app.post_message(events.Key(key, key if len(key) == 1 else None).set_sender(self.app))
            await self.pilot.pause(0.05)

    async def buy(self, intent: Intent) -> None:
        """Sends an order and waits until its answer is there."""
        answer = await asyncio.to_thread(self.engine.answer, self.engine.submit(intent))
        assert "sent" in answer.text, answer.text

    async def shot(self, *texts: str) -> Shot:
        """The screen once it shows these and is at rest: a start is busy for a moment, and its lag would be in the picture."""
        await self.pilot.pause(1.5)
        await self.until(lambda _: all(text in self.text for text in texts) and not re.search(r"(engine|screen) [2-9][0-9]{2}", self.text))
        return take(self.app)

    @property
    def text(self) -> str:
        return "\n".join("".join(text for _, text, _ in row) for row in take(self.app).rows)


@asynccontextmanager
async def sitting(settings: Settings, size: tuple[int, int], backtest: Terms | None = None) -> AsyncIterator[Desk]:
    """`backtest` was run before, and is kept as the first."""
    with tempfile.TemporaryDirectory() as folder, patch("console.build.SystemClock", _Clock):
        database, backtests = Path(folder) / "paper.sqlite", Path(folder) / "backtests.sqlite"
        if backtest is not None:
            keep(backtests, carry_out(job_of(backtest, Settings())))
        engine = create_engine(replace(settings, database=database))
        app = ConsoleApp(engine, database=database, kept=Path(folder), backtests=backtests)
        async with app.run_test(size=size) as pilot:
            desk = Desk(engine, app, pilot)
            await desk.until(lambda view: view.health.ready and view.watch and all(row.last for row in view.watch))
            yield desk
        await asyncio.to_thread(engine.shutdown)
        app.trading.backtests.close()
        app.kept.close()
        app.archive.close()


def waiting(view: View) -> list[str]:
    return [row.id for row in view.signals if row.expires_in_s is not None]


def market(view: View, symbol: str) -> Decimal:
    return next(Decimal(str(row.last)) for row in view.watch if row.symbol == symbol)


async def hold(desk: Desk) -> None:
    """Two positions, one of them with its exits, and an entry that rests under the market."""
    await desk.until(lambda view: all(row.ask for row in view.watch))
    exits = Bracket(take_profit=Exit(pct=Decimal(4)), stop_loss=Exit(pct=Decimal(2)))
    await desk.buy(Intent("AAPL", Side.BUY, Decimal(30), bracket=exits))
    await desk.buy(Intent("NVDA", Side.BUY, Decimal(50)))
    below = (market(desk.engine.view(), "AAPL") * Decimal("0.998")).quantize(Decimal("0.01"))
    await desk.buy(Intent("AAPL", Side.BUY, Decimal(10), OrderType.LIMIT, below, tif=TimeInForce.GTC))
    await desk.until(lambda view: len(view.positions) == 2)


async def trading() -> str:
    settings = replace(SIMULATED, mode=Mode.SEMI_AUTO, strategies=(CROSSING,))
    async with sitting(settings, WIDE) as desk:
        await hold(desk)
        await desk.until(lambda view: waiting(view) and len(view.signals) > 3)
        await desk.press("1", "colon", '"buy 20 MSFT @ bid tp +3% sl -1.5%"')
        return svg([await desk.shot("gate: passes", "BUY 20 MSFT limit")])


async def approval() -> str:
    async with sitting(replace(SAMPLE, feed=replace(SAMPLE.feed, pace=8)), (120, 22)) as desk:
        await desk.until(waiting)
        await desk.press("4", "enter")
        return svg([await desk.shot("Signal")])


async def ticket() -> str:
    async with sitting(CALM, MEDIUM) as desk:
        await hold(desk)
        await desk.press("1", "j", "b", '"20"', "tab", "l", "tab", "b", "tab", "g", "tab", '"4%"', "tab", '"t2%"')
        return svg([await desk.shot("passes")])


async def risk() -> str:
    limits = replace(Limits(), circuit_breaker_pct=Decimal("0.02"))
    async with sitting(replace(SIMULATED, limits=limits), MEDIUM) as desk:
        await hold(desk)
        await desk.until(lambda view: any(row.tripped for row in view.breakers))
        await desk.press("5", "z")
        return svg([await desk.shot("REDUCING")])


async def halted() -> str:
    async with sitting(replace(CALM, mode=Mode.SEMI_AUTO), MEDIUM) as desk:
        await hold(desk)
        await desk.press("3", "f12")
        return svg([await desk.shot("HALTED", "Without protection", "none works")])


async def small() -> str:
    async with sitting(CALM, SMALL) as desk:
        await hold(desk)
        await desk.press("3")
        return svg([await desk.shot("work")])


async def performance() -> str:
    limits = replace(Limits(), max_daily_loss_pct=Decimal(20), circuit_breaker_pct=Decimal(20), max_drawdown_pct=Decimal(50))
    settings = replace(SAMPLE, mode=Mode.FULL_AUTO, limits=limits, feed=replace(SAMPLE.feed, start="2009-01-02"))
    async with sitting(settings, WIDE) as desk:
        await desk.until(lambda view: "data end" in desk.text)
        await desk.press("p", "5")
        return svg([await desk.shot("max drawdown", "best first")])


async def chart() -> str:
    async with sitting(replace(SIMULATED, strategies=(CROSSING,), mode=Mode.FULL_AUTO), WIDE) as desk:
        await hold(desk)
        await desk.until(lambda view: view.chart and len(view.chart.bars) > 60)
        await desk.press("7", "z", *["left"] * 12)
        return svg([await desk.shot("7 AAPL")])


async def at_a_trade(desk: Desk, trades: int) -> None:
    """Opens the replay of the backtest, and goes from trade to trade, so many of them."""
    desk.app.trading.backtests.replay(1)
    await desk.shows("before the first bar")
    for _ in range(trades):
        await desk.press("n")
        await desk.pilot.pause(0.3)
    await desk.shows("paused")


async def replay() -> str:
    async with sitting(CALM, WIDE, BREAKOUT) as desk:
        await at_a_trade(desk, 13)
        await desk.press(*["left_square_bracket"] * 3, "space")
        return svg([await desk.shot("▶ x1 ")])


async def why() -> str:
    async with sitting(CALM, WIDE, BREAKOUT) as desk:
        await at_a_trade(desk, 14)
        await desk.press("enter")
        return svg([await desk.shot("Why:", "The gate")])


async def report() -> str:
    async with sitting(CALM, WIDE, BREAKOUT) as desk:
        await desk.press("B")
        await desk.shows("Backtests", "breakout")
        await desk.press("enter")
        return svg([await desk.shot("Sharpe")])


async def themes() -> str:
    async with sitting(CALM, MEDIUM) as desk:
        await hold(desk)
        await desk.until(lambda _: "paper" in desk.app.available_themes)
        shots = []
        for theme in ("light", "ember", "colour-blind", "paper"):
            desk.app.theme = theme
            await desk.pilot.pause(0.5)
            shots.append(take(desk.app))
        return svg(shots, columns=2, scale=0.5)


SCENES: dict[str, Callable[[], Coroutine[Any, Any, str]]] = {
    scene.__name__: scene for scene in (trading, approval, ticket, risk, halted, small, performance, chart, replay, why, report, themes)
}
