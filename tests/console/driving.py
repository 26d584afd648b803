"""Drives the console in tests: real Textual, a chosen engine, a clock that stands still until it is told to move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from console.accounts.config import Accounts
from console.actions.program import OnExit
from console.app import ConsoleApp
from console.config_file import ConfigFile
from console.keys import KeyMap
from console.screens.trading import TradingScreen
from console.trading_engine import TradingEngine
from engine.combined import Combined
from engine.model.settings import ConfirmSettings, NotifySettings, ScreenSettings
from widgets.order_line import OrderLine

WIDE, SMALL = (120, 36), (80, 24)


class Clock:
    """Monotonic seconds, by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Console:
    """A running console."""

    app: ConsoleApp
    pilot: Pilot[int]
    clock: Clock

    @property
    def screen(self) -> TradingScreen:
        return self.app.trading

    @property
    def line(self) -> OrderLine:
        return self.app.trading.order_line

    @property
    def picture(self) -> str:
        """What is on the screen, as text."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text[:width] for strip in strips[:height])

    async def press(self, *keys: str) -> None:
        """These keys, by name, one after another."""
        for key in keys:
            self._post(key)
            await self.pilot.pause()

    async def type(self, text: str) -> None:
        """This text, in one write of the terminal."""
        for character in text:
            self._post(_character_to_key(character), character)
        await self.pilot.pause()

    async def burst(self, *words: str) -> None:
        """Keys by name and words to type, all in one write of the terminal."""
        for word in words:
            if word in NAMED:
                self._post(word)
            else:
                for character in word:
                    self._post(_character_to_key(character), character)
        await self.pilot.pause()

    def _post(self, key: str, character: str | None = None) -> None:
        if character is None:
            character = key if len(key) == 1 else CHARACTERS.get(key)
        event = events.Key(key, character)
        event.set_sender(self.app)
        self.app.post_message(event)

    async def click(self, x: int, y: int, times: int = 1) -> None:
        """On this cell, as the terminal tells of it."""
        for kind in (events.MouseDown, events.MouseUp) * times:
            event = kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y)
            event.set_sender(self.app)
            self.app.post_message(event)
        await self.pilot.pause()
        await self.pilot.pause()

    async def let_pass(self, seconds: float) -> None:
        self.clock.now += seconds
        await self.pilot.pause()

    async def until(self, condition: Callable[[], object]) -> None:
        for _ in range(2_000):
            if condition():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"it never came to this; the screen shows\n{self.picture}")

    async def shows(self, text: str) -> None:
        await self.until(lambda: text in self.picture)


async def go_to(console: Console, digit: str) -> None:
    """To a panel, and long enough there to read it."""
    await console.press(digit)
    panel = console.screen.panels[console.screen.panel]
    await console.until(lambda: panel.size.height)
    # It has heard that it is shown, and what is under the cursor has come there, before the time passes and not after it.
    heard = asyncio.Event()
    panel.call_later(heard.set)
    await heard.wait()
    console.screen._frame()
    await console.let_pass(1)


NAMED = frozenset({"colon", "enter", "tab", "escape", "space", "up", "down", "f2", "f5", "f6", "f9", "f12"})
CHARACTERS = {"space": " ", "enter": "\r", "tab": "\t", "colon": ":", "question_mark": "?", "slash": "/", "apostrophe": "'"}


@asynccontextmanager
async def running(
    engine: TradingEngine,
    size: tuple[int, int] = WIDE,
    on_exit: OnExit = "cancel_entries",
    keys: KeyMap | None = None,
    kept: Path | None = None,
    theme_folders: tuple[Path, ...] = (),
    plain: bool = False,
    notify: NotifySettings | None = None,
    database: Path | None = None,
    screen: ScreenSettings | None = None,
    confirm: ConfirmSettings | None = None,
    config: ConfigFile | None = None,
    theme: str = "dark",
    backtests: Path | None = None,
    accounts: Accounts | None = None,
    combined: Combined | None = None,
) -> AsyncIterator[Console]:
    clock = Clock()
    app = ConsoleApp(
        engine,
        on_exit=on_exit,
        clock=clock,
        keys=keys,
        kept=kept,
        theme_folders=theme_folders,
        plain=plain,
        notify=notify,
        database=database,
        screen=screen,
        confirm=confirm,
        config=config,
        theme=theme,
        backtests=backtests,
        accounts=accounts,
        combined=combined,
    )
    try:
        async with app.run_test(size=size) as pilot:
            console = Console(app, pilot, clock)
            await console.shows("F12")
            clock.now += 1  # a person has seen the first rows
            yield console
    finally:
        app.trading.backtests.close()
        app.archive.close()
        app.config.close()
