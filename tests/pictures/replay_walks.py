"""A replay: while it plays, and paused on a trade with its why."""

from __future__ import annotations

from datetime import date
from functools import partial

from console.backtest.kept import carry_out, keep
from console.backtest.terms import Terms, job_of
from console.screens.replay.page import ReplayPage
from engine.model.settings import Settings
from tests.console.driving import Console
from tests.pictures.album import Camera, walk
from tests.pictures.full_view import full_view

YEAR = (date(2005, 1, 3), date(2005, 12, 30))


def _step(console: Console) -> int:
    page = console.app.screen
    return page._moment.step if isinstance(page, ReplayPage) and page._moment is not None else -2


def _is_after(console: Console, step: int) -> bool:
    return _step(console) > step


@walk("replay-paused", "replay-why", "replay-orders", "replay-go-to", "replay-playing")
async def replay(camera: Camera) -> None:
    path = camera.folder / "backtests.sqlite"
    terms = Terms("sma_cross", symbols=("AAPL", "MSFT"), start=YEAR[0], end=YEAR[1], params={"fast": 5, "slow": 20})
    keep(path, carry_out(job_of(terms, Settings())))
    async with camera.console(full_view(), backtests=path) as (console, _):
        console.screen.backtests.replay(1)
        await console.until(lambda: _step(console) == -1)
        before = -1
        for _ in range(5):
            await console.press("n")
            await console.until(partial(_is_after, console, before))
            before = _step(console)
        await camera.take(console, "replay-paused")
        await console.press("enter")
        await camera.take(console, "replay-why", "Why:")
        await console.press("escape", "3")
        await camera.take(console, "replay-orders", "╭─ 3 Orders")
        await console.press("g")
        await console.let_pass(1)
        await console.type("monday")
        await console.press("enter")
        await camera.take(console, "replay-go-to", "'monday' is no day")
        await console.press("escape", "7", *["left_square_bracket"] * 3, "space")
        await console.shows("▶ x1 ")
        # Taking it moves the clock by more than one second and less than two: a bar at this speed.
        await camera.take(console, "replay-playing", settled=lambda: _step(console) == before + 1)
