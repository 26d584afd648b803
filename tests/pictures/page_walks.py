"""The pages that cover the whole screen: everything about a row, the history, the performance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir
from decimal import Decimal
from functools import partial
from pathlib import Path

from console.config import load
from console.config_file import ConfigFile
from console.screens.details.detail import Detail
from console.screens.details.position import PositionDossier
from console.screens.performance import PerformancePage
from engine.model.records import EquityMarked, Record, SessionOpened
from tests.console.driving import Console
from tests.console.histories import DAY, MONDAY, SECOND, signals, trades, write
from tests.pictures.album import UNSETTLED, Camera, walk
from tests.pictures.full_view import full_view
from widgets.document import Document

D = Decimal


def past() -> Iterator[Record]:
    """Three weeks of trades, and what the account was worth."""
    equity = D(100_000)
    for record in trades(200):
        yield record
        if isinstance(record, SessionOpened):
            equity += D(410) if int(record.session[-2:]) % 3 else D(-655)
            yield EquityMarked(equity, equity, D(0), D(0), record.at + 3_600 * SECOND)
    yield EquityMarked(equity, equity, D(0), D(0), MONDAY + 19 * DAY + 10_800 * SECOND)
    yield from signals(5)


@walk("history-orders", "history-fills", "history-signals", "history-sessions", "history-runs", "history-audit", "history-narrowing")
async def history(camera: Camera) -> None:
    database = write(camera.folder / "paper.db", list(past()))
    async with camera.console(full_view(), database=database) as (console, _):
        await console.press("h")
        for digit, (tab, text) in enumerate(
            (
                ("orders", "filled"),
                ("fills", "Realised"),
                ("signals", "rejected by you"),
                ("sessions", "2025-06-"),
                ("runs", "run-1"),
                ("audit", "Run run-1 began"),
            ),
            1,
        ):
            await console.press(str(digit))
            await camera.take(console, f"history-{tab}", text)
        await console.press("slash")
        await console.type("msft 2025-06-03..")
        await camera.take(console, "history-narrowing")


@walk("performance-all", "performance-day", "performance-empty")
async def performance(camera: Camera) -> None:
    database = write(camera.folder / "paper.db", list(past()))
    async with camera.console(full_view(), database=database) as (console, _):
        await console.press("p", "5")
        await console.until(lambda: any("⠀" < character <= "⣿" for character in console.picture))
        await camera.take(console, "performance-all", "max drawdown", settled=partial(_told, console))
        await console.press("1")
        await camera.take(console, "performance-day", "max drawdown", settled=partial(_told, console))
    database = write(camera.folder / "empty.db", [])
    async with camera.console(full_view(), database=database) as (console, _):
        await console.press("p")
        await camera.take(console, "performance-empty", "Nothing to draw yet")


def _told(console: Console) -> bool:
    """Whether the history has answered, for what has to be scrolled to as well."""
    page = console.app.screen
    if not isinstance(page, Detail | PerformancePage):
        return False
    if isinstance(page, Detail) and isinstance(page.dossier, PositionDossier):
        # Where the end of its fills is in view, it reads older ones.
        dossier, near_end = page.dossier, page.query_one(Document).near_end
        reads = dossier._older is not None or (near_end and dossier._wants_older()) or any(each.waiting for each in dossier.questions)
        if reads:
            return False
    return not any(UNSETTLED in cell.text for line in page.query_one(Document)._lines for cell in line)


@walk("detail-order", "detail-position", "detail-signal")
async def details(camera: Camera) -> None:
    database = write(camera.folder / "paper.db", list(past()))
    async with camera.console(full_view(), database=database) as (console, _):
        for digit, name, text in (("3", "order", "#25"), ("2", "position", "AAPL"), ("4", "signal", "MSFT")):
            await console.press(digit, *["down"] * 6 * (name == "order"))
            await console.let_pass(1)
            await console.press("enter")
            await camera.take(console, f"detail-{name}", text, settled=partial(_told, console))
            await console.press("q")


def _config() -> Path:
    file = Path("mine.yaml")
    file.write_text("theme: dark\nlimits: {max_order_pct: 10}\n", encoding="utf-8")
    return file


@walk("preferences", "preferences-limits", "preferences-limit-of-one", "preferences-typing")
async def preferences(camera: Camera) -> None:
    # The page names the file: as this one, wherever the test runs.
    with chdir(camera.folder):
        file = _config()
        async with camera.console(full_view(), config=ConfigFile(file, load(file))) as (console, _):
            await console.press("comma")
            await camera.take(console, "preferences")
            await console.press("end")
            await camera.take(console, "preferences-limits")
            await console.press("enter")
            await console.type("aapl order")
            await camera.take(console, "preferences-limit-of-one")
            await console.press("escape", "up", "enter")
            await camera.take(console, "preferences-typing")
