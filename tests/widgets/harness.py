"""A tiny app that shows widgets in our themes, and remembers what they said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.segment import Segment
from textual import on
from textual.app import App, ComposeResult
from textual.widget import Widget

from console.keys import KeyMap
from engine.model.views import View
from themes import load_themes
from widgets.banner import Banner
from widgets.chart import Chart
from widgets.header import HeaderBar
from widgets.hints import HintLine
from widgets.log import Log
from widgets.orders import Orders
from widgets.panel import Panel
from widgets.positions import Positions
from widgets.risk import Risk
from widgets.signals import Signals
from widgets.table import LiveTable
from widgets.watchlist import Watchlist

PANELS: tuple[type[Panel], ...] = (Watchlist, Positions, Orders, Signals, Risk, Log, Chart)
HINTS = [("b", "buy"), ("s", "sell"), ("a", "approve"), ("x", "reject"), ("c", "cancel"), ("m", "mode"), ("z", "zoom"), ("?", "help")]


class Harness(App[None], inherit_bindings=False):
    """The widgets below each other; a panel takes what is left."""

    CSS = "Screen { background: $background; overflow: hidden; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, *widgets: Widget, theme: str = "dark") -> None:
        super().__init__()
        for loaded in load_themes().values():
            self.register_theme(loaded)
        self.theme = theme
        self._widgets = widgets
        self.said: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        for widget in self._widgets:
            if isinstance(widget, Panel):
                widget.name_keys(KeyMap().names)
        yield from self._widgets

    def show(self, view: View) -> None:
        for widget in self._widgets:
            if isinstance(widget, HintLine):
                widget.show(HINTS)
            elif isinstance(widget, Panel | HeaderBar | Banner):
                widget.show(view)

    @on(LiveTable.RowHighlighted)
    @on(LiveTable.RowChosen)
    def _remember(self, event: LiveTable.RowEvent) -> None:
        self.said.append((type(event).__name__, event.key))


def segments_of(widget: Widget) -> Iterator[Segment]:
    """Everything that the widget puts on the screen."""
    for y in range(widget.size.height):
        yield from widget.render_line(y)


def lines_of(widget: Any) -> list[str]:
    """What the widget shows, line by line, as plain text."""
    return ["".join(segment.text for segment in widget.render_line(y)) for y in range(widget.size.height)]


def text_of(widget: Widget) -> str:
    return "\n".join(lines_of(widget))


async def drawn(widget: Any, view: Any, width: int = 120, height: int = 12) -> str:
    app = Harness(widget)
    async with app.run_test(size=(width, height)) as pilot:
        app.show(view)
        await pilot.pause()
        return text_of(widget)
