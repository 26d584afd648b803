"""The trading screen: its panels in each layout, alone, empty, sorted and filtered; and the order line."""

from __future__ import annotations

from msgspec.structs import replace

from engine.model.verdicts import Outcome, Verdict
from tests.pictures.album import HUGE, SMALL, WIDE, Camera, walk
from tests.pictures.full_view import full_view
from tests.views import empty_view
from tests.worst import worst_view

MEDIUM = (104, 28)
PANELS = ("watch", "positions", "orders", "signals", "risk", "log", "chart")


@walk(*(f"panel-{panel}" for panel in PANELS), sizes=(SMALL, MEDIUM, WIDE, HUGE))
async def panels(camera: Camera) -> None:
    """Each with the focus."""
    async with camera.console(full_view()) as (console, _):
        for digit, panel in enumerate(PANELS, 1):
            await console.press(str(digit))
            await camera.take(console, f"panel-{panel}")


@walk("layout", sizes=((160, 30), (160, 45), (190, 36), (200, 24)))
async def layouts(camera: Camera) -> None:
    """What a broad and low terminal gets."""
    async with camera.console(full_view()) as (console, _):
        await console.press("3")
        await camera.take(console, "layout")


@walk("longest", sizes=(SMALL, WIDE, HUGE))
async def longest(camera: Camera) -> None:
    """The longest that is legal, and what a row has no room for."""
    async with camera.console(worst_view()) as (console, _):
        await console.press("4")
        await camera.take(console, "longest")


@walk(*(f"zoomed-{panel}" for panel in PANELS), sizes=(WIDE, HUGE))
async def zoomed(camera: Camera) -> None:
    async with camera.console(full_view()) as (console, _):
        await console.press("z")
        for digit, panel in enumerate(PANELS, 1):
            await console.press(str(digit))
            await camera.take(console, f"zoomed-{panel}")


@walk("empty", sizes=(WIDE, HUGE))
async def empty(camera: Camera) -> None:
    view = empty_view()
    async with camera.console(replace(view, health=replace(view.health, ready=True))) as (console, _):
        await camera.take(console, "empty")


@walk(*(f"empty-{panel}" for panel in PANELS), sizes=(SMALL,))
async def empty_panels(camera: Camera) -> None:
    """Each says what would fill it."""
    view = empty_view()
    async with camera.console(replace(view, health=replace(view.health, ready=True))) as (console, _):
        for digit, panel in enumerate(PANELS, 1):
            await console.press(str(digit))
            await camera.take(console, f"empty-{panel}")


@walk("table-sorted", "table-filtering", "table-marked", "table-columns", "chart-crosshair")
async def tables(camera: Camera) -> None:
    async with camera.console(full_view()) as (console, _):
        await console.press("2", "o", "o", "O")
        await camera.take(console, "table-sorted")
        await console.press("3", "slash")
        await console.type("aapl -filled")
        await camera.take(console, "table-filtering")
        await console.press("enter", "space", "down", "space")
        await camera.take(console, "table-marked")
        await console.press("v", "down", "down", "space")
        await camera.take(console, "table-columns")
        await console.press("escape", "7", "left", "left", "left", "up")
        await camera.take(console, "chart-crosshair")


@walk("line-unfinished", "line-preview", "line-exits", "line-completion", "line-mistake", "line-denied", "line-sent")
async def order_line(camera: Camera) -> None:
    async with camera.console(full_view()) as (console, engine):
        for name, text, *keys in (
            ("line-unfinished", "buy"),
            ("line-preview", "buy 50 MSFT @ 402.05 day"),
            ("line-exits", "buy 50 MSFT @ 402.05 tp +4% sl -2%"),
            ("line-completion", "buy 50 M", "tab"),
            ("line-mistake", "buy 50 MSFT @ 402.05 dya"),
        ):
            await console.press("colon")
            await console.type(text)
            await console.press(*keys)
            await camera.take(console, name)
            await console.press("escape", "escape")
        denial = "The order would be 40.2% of equity (40,205.00); the limit is 10%."
        engine.verdict = Verdict(Outcome.DENY, "order size", "10%", "40.2%", denial)
        await console.press("colon")
        await console.type("buy 100 MSFT @ 402.05")
        await camera.take(console, "line-denied")
        engine.refuses = denial
        await console.press("enter")
        await camera.take(console, "line-sent")


@walk("plain-watch", "plain-orders", "plain-ticket", "plain-help", sizes=(SMALL, WIDE))
async def plain(camera: Camera) -> None:
    """For a screen reader."""
    async with camera.console(full_view(), plain=True) as (console, _):
        await camera.take(console, "plain-watch")
        await console.press("3")
        await camera.take(console, "plain-orders")
        await console.press("b", "5")
        await camera.take(console, "plain-ticket")
        await console.press("escape", "question_mark")
        await camera.take(console, "plain-help")
