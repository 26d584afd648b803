"""The pages of backtests: the list, a report's tabs, two side by side, and the form."""

from __future__ import annotations

from console.config_file import ConfigFile
from console.screens.backtests.form import FormPage
from engine.model.settings import Settings
from tests.console.driving import Console
from tests.console.kept_backtests import keep
from tests.pictures.album import Camera, walk
from tests.pictures.full_view import full_view


@walk(
    "backtests",
    "backtest-report",
    "backtest-figures",
    "backtest-months",
    "backtest-trades",
    "backtest-distribution",
    "backtest-compare",
    "backtest-curves",
)
async def backtests(camera: Camera) -> None:
    path = camera.folder / "backtests.sqlite"
    keep(path)
    keep(path, "sma_cross", {"fast": 5})
    async with camera.console(full_view(), backtests=path) as (console, _):
        await console.press("B")
        await camera.take(console, "backtests", "2 kept")
        await console.press("enter")
        await console.until(lambda: any("⠀" < character <= "⣿" for character in console.picture))
        await console.press("b")
        await camera.take(console, "backtest-report", "Final value")
        for digit, name in (("2", "figures"), ("3", "months"), ("4", "trades"), ("5", "distribution")):
            await console.press(digit)
            await camera.take(console, f"backtest-{name}")
        await console.press("escape", "space", "space", "c")
        await camera.take(console, "backtest-compare", "≠ fast")
        await console.press("v")
        await camera.take(console, "backtest-curves", "#2 ")


@walk("backtest-form", "backtest-form-wrong")
async def form(camera: Camera) -> None:
    async with camera.console(full_view(), backtests=camera.folder / "b.sqlite", config=ConfigFile(None, Settings())) as (console, _):
        await console.press("B", "n")
        await console.shows("[ Run ]")
        await console.press("down", "down")
        await console.type("AAPL,MSFT")
        await camera.take(console, "backtest-form", "AAPL,MSFT", settled=lambda: settled(console))
        await console.press("down")
        await console.type("2005")
        await console.press("f5")
        await camera.take(console, "backtest-form-wrong", "'2005' is not allowed", settled=lambda: settled(console))


def settled(console: Console) -> bool:
    """Whether what stands beside the form is what its fields say."""
    page = console.app.screen
    assert isinstance(page, FormPage)
    return not page._is_beside or (page._looked == page._texts and not page._looks)
