"""The demo on the screen: the player's keys take the way of a person's, and its caption has a line on whatever screen is on top."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from textual import events
from textual.screen import ModalScreen, Screen

from console.demo.player import Player, ScriptedKey
from console.demo.script import AFTER, SCRIPT
from console.looks import Looks
from console.screens.trading import TradingScreen
from engine.model import View
from widgets.caption import Caption
from widgets.hints import HintLine

PASSED_ON = frozenset({"ctrl+c"})
"""What a person's key does besides taking over: leaving must work at any moment."""


class Stands(Protocol):
    """The app."""

    stop_keys: frozenset[str]
    trading: TradingScreen
    looks: Looks
    theme: Any

    @property
    def screen(self) -> Screen[Any]: ...

    @property
    def screen_stack(self) -> list[Screen[Any]]: ...

    def post_message(self, message: events.Key) -> bool: ...


class Show:
    """Call `frame` often. `clock` is monotonic seconds."""

    def __init__(self, app: Stands, clock: Callable[[], float]) -> None:
        self._app = app
        self.player = Player(SCRIPT, app.post_message, clock, AFTER)

    @property
    def trading(self) -> TradingScreen:
        return self._app.trading

    @property
    def screen(self) -> Screen[Any]:
        return self._app.screen

    @property
    def view(self) -> View:
        return self._app.trading.view

    @property
    def tries_on_a_theme(self) -> bool:
        return bool(self._app.theme != self._app.looks.chosen)

    def frame(self) -> None:
        if not self._app.screen_stack:
            # The console ends: its screens go before its timers.
            return
        self.player.tick(self)
        screen = self._app.screen
        if not screen.is_attached:
            return
        caption = next(iter(screen.query(Caption)), None)
        if caption is None:
            caption = Caption()
            if screen is self.trading:
                screen.mount(caption, before=self.trading.order_line)
            elif isinstance(screen, ModalScreen):
                screen.mount(caption)
            else:
                screen.mount(caption, before=screen.query_one(HintLine))
        caption.show(self.player.caption)
        caption.display = bool(self.player.caption)
        # What floats over the trading screen says it itself.
        for below in self.trading.query(Caption):
            below.visible = screen is self.trading
            below.display = bool(self.player.caption)

    def takes(self, event: events.Event) -> bool:
        """Whether a person's `event` ended the script and is to do nothing else. The stop, and leaving, are passed on."""
        if isinstance(event, ScriptedKey) or not isinstance(event, events.Key | events.Paste | events.MouseDown):
            return False
        if self.player.over:
            # Whoever goes on has read who has the controls.
            self.player.caption = ""
            return False
        self.player.take_over()
        return not (isinstance(event, events.Key) and event.key in self._app.stop_keys | PASSED_ON)
