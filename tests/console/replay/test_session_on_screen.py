"""A session of the console, watched from the history: it plays by its own time, and ends as the session did."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

from console.build import create_engine
from console.screens.replay.page import ReplayPage
from engine.model.orders import Intent, OrderState, Side
from engine.model.settings import FeedSettings, Limits, PaperSettings, Settings
from engine.model.views import View
from tests.console.driving import running
from tests.console.fake_engine import FakeEngine
from widgets import numbers


def _session(database: Path) -> View:
    """Some seconds of the simulated market, in which something is bought; how it ended."""
    settings = Settings(
        database=database,
        symbols=("AAPL",),
        feed=FeedSettings(source="sim", pace=20.0),
        limits=Limits(max_position_pct=Decimal(100), max_order_pct=Decimal(100)),
        paper=PaperSettings(latency_ms=0),
    )
    engine = create_engine(settings)
    engine.start()
    try:
        engine.wait_ready()
        end = time.monotonic() + 60
        while engine.status().watch[0].bid is None and time.monotonic() < end:
            time.sleep(0.01)
        assert engine.answer(engine.submit(Intent("AAPL", Side.BUY, Decimal(30)))).ok
        while not any(order.state is OrderState.FILLED for order in engine.status().orders) and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        engine.shutdown()
    return engine.status()


async def test_a_run_of_the_history_is_watched(tmp_path: Path) -> None:
    database = tmp_path / "paper.sqlite"
    last = _session(database)
    async with running(FakeEngine(), database=database) as console:
        await console.press("h", "r")
        await console.shows("A run is what can be replayed: 5 shows them")
        await console.press("5")
        await console.shows("1 row ─")
        await console.press("r")
        await console.shows("◀◀ REPLAY   paper session")
        page = console.app.screen
        assert isinstance(page, ReplayPage)
        try:
            await console.until(lambda: page._moment is not None)
            assert page.player.about is not None
            assert page.player.about.by_time
            await console.press(*["left_square_bracket"] * 3, "full_stop")
            await console.shows("event 1 of")
            await console.press("space")
            await console.shows("▶ x1 ")
            moment = page._moment
            assert moment is not None
            began = moment.at
            await console.let_pass(1)
            await console.until(lambda: page._moment is not None and page._moment.step > 0)
            moment = page._moment
            assert moment is not None
            assert moment.at <= began + 1_000_000_000
            began_at = numbers.market_time(page.player.about.span.first_at, "%H:%M:%S")
            await console.shows(f" {began_at} ├")
            await console.press("space", "n")
            await console.until(lambda: page._moment is not None and page._moment.view.positions)
            await console.press("enter")
            await console.shows("Why: #1 BUY 30 AAPL")
            await console.press("escape", "end")
            end = page.player.about.span.steps - 1
            await console.until(lambda: page._moment is not None and page._moment.step == end)
            moment = page._moment
            assert moment is not None
            now = moment.view
            assert [(row.symbol, row.quantity, row.average) for row in now.positions] == [
                (row.symbol, row.quantity, row.average) for row in last.positions
            ]
            assert now.account.equity == last.account.equity
            # A bar of five seconds is named by its second.
            await console.press("7", "left")
            while not (page._chart.crosshair_at or 0) % 60_000_000_000:
                await console.press("left")
            at = page._chart.crosshair_at
            assert at is not None
            await console.press("enter")
            await console.shows(f"Why: AAPL, the bar of {numbers.market_time(at, '%a %Y-%m-%d %H:%M:%S')} ET")
            await console.shows(", volume ")
        finally:
            page.player.close()
