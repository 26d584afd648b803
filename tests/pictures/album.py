"""The stored pictures, and the camera that takes new ones to be compared with them.

A walk is a way through the running console that takes the pictures it names on its way. `TRADECONSOLE_TESTS=redraw` stores what the walks
take instead of comparing, to be looked at and committed.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.screens.page import Page
from console.screens.ticket import TicketDialog
from engine.model.views import View
from tests.console.driving import Console, running
from tests.console.fake_engine import FakeEngine
from tests.pictures.picture import Picture, Shot, differences, read, shot, together, write

STORED = Path(__file__).parent / "stored"
SMALL, WIDE, HUGE = (80, 24), (120, 36), (200, 60)
SIZES = (SMALL, WIDE, HUGE)
THEMES = ("dark", "monochrome")
REDRAW = os.environ.get("TRADECONSOLE_TESTS") == "redraw"
UNSETTLED = "Reading the history"
TOLD = 40
"""Lines of a difference at most: a picture that is another altogether is looked at, not read."""


def file_of(name: str, size: tuple[int, int]) -> Path:
    return STORED / f"{name}.{size[0]}x{size[1]}.txt"


class Camera:
    """Takes the pictures of one walk in one size. `folder` is for whatever the walk or a failure needs to write."""

    def __init__(self, size: tuple[int, int], folder: Path) -> None:
        self.size = size
        self.folder = folder
        self.taken: list[str] = []
        self.wrong: list[str] = []

    @asynccontextmanager
    async def console(self, view: View | None = None, **options: Any) -> AsyncIterator[tuple[Console, FakeEngine]]:
        """The console over an engine that serves `view`, in this size."""
        engine = FakeEngine(view)
        async with running(engine, self.size, **options) as console:
            await self.ready(console)
            yield console, engine

    async def ready(self, console: Console) -> None:
        """Until every theme can be chosen."""
        await console.until(lambda: set(THEMES) <= set(console.app.available_themes))

    async def take(self, console: Console, name: str, *texts: str, settled: Callable[[], bool] = lambda: True) -> None:
        """This screen once it is `settled`, shows `texts` and stands still, in every theme. What differs is told by `wrong`."""
        # The clock by hand was moved in one go somewhere, which the header tells as a lag of the screen for a second.
        frame_s = console.screen._pace.frame_s
        for _ in range(round(1 / frame_s) + 3):
            console.clock.now += frame_s
            console.screen._frame()
        await console.until(lambda: settled() and UNSETTLED not in console.picture)
        for text in texts:
            await console.shows(text)
        app, shots = console.app, {}
        # The theme that is there already comes first: each change of it is a repaint of everything.
        for theme in sorted(THEMES, key=lambda theme: theme != app.theme):
            app.theme = theme
            shots[theme] = await self._still(console)
        self.taken.append(name)
        self._compare(name, together({theme: shots[theme] for theme in THEMES}, self.size))

    async def _still(self, console: Console) -> Shot:
        before = None
        for _ in range(500):
            self._draw(console)
            await console.pilot.pause()
            now = shot(console.app.screen._compositor.render_strips(), self.size[0])
            # What the history answered may be a question more.
            if now == before and UNSETTLED not in console.picture:
                return now
            before = now
        raise AssertionError(f"it never stood still; the screen shows\n{console.picture}")

    @staticmethod
    def _draw(console: Console) -> None:
        """The frame that would come by itself, somewhat later."""
        console.screen._frame()
        match console.app.screen:
            case Page() as page:
                page._frame()
            case TicketDialog() as ticket:
                ticket._show()

    def _compare(self, name: str, picture: Picture) -> None:
        stored = file_of(name, self.size)
        if REDRAW:
            stored.parent.mkdir(exist_ok=True)
            stored.write_text(write(picture), encoding="utf-8")
            return
        told = list(differences(read(stored.read_text(encoding="utf-8")), picture)) if stored.exists() else ["it is not stored yet"]
        if told:
            new = self.folder / stored.name
            new.write_text(write(picture), encoding="utf-8")
            more = [f"... and {len(told) - TOLD} lines more"] * (len(told) > TOLD)
            self.wrong.append("\n".join((f"{stored.name} looks different now; the new one is {new}", *told[:TOLD], *more)))


@dataclass(frozen=True, slots=True)
class Walk:
    """`names` are the pictures it takes, in their order, in each of `sizes`."""

    go: Callable[[Camera], Awaitable[None]]
    names: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]

    @property
    def files(self) -> set[Path]:
        return {file_of(name, size) for name in self.names for size in self.sizes}


WALKS: list[Walk] = []


def walk(*names: str, sizes: tuple[tuple[int, int], ...] = SIZES) -> Callable[[Callable[[Camera], Awaitable[None]]], Walk]:
    """Registers a walk that takes pictures of these names."""

    def register(go: Callable[[Camera], Awaitable[None]]) -> Walk:
        WALKS.append(Walk(go, names, sizes))
        return WALKS[-1]

    return register
