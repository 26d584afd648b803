"""Errors in what is drawn and handled. Textual ends the loop of a widget whose handler raised, and a panel that cannot be drawn keeps the
whole screen from being drawn. Here both are handed to the app, and all else goes on.

This module alone knows what is private in Textual's loop of messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Region
from textual.message import Message
from textual.message_pump import MessagePump
from textual.strip import Strip
from textual.widget import Widget


class SteadyLoop(MessagePump):
    """Named before Textual's own class. An error in a handler costs that one message."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:  # noqa: BLE001 - the app tells it
            self.app._handle_exception(error)


if TYPE_CHECKING:
    _Widget = Widget
else:
    _Widget = object


class Steady(SteadyLoop, _Widget):
    """The same for a widget, which besides is left blank where it cannot be drawn."""

    def render_lines(self, crop: Region) -> list[Strip]:
        try:
            return super().render_lines(crop)
        except Exception as error:  # noqa: BLE001 - the app tells it
            self.app._handle_exception(error)
            return [Strip.blank(crop.width)] * crop.height
