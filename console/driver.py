"""The terminal driver: the stop key acts before the screen's loop is asked, and a terminal that stops reading holds nothing up.

Textual reads keys on a thread of its own and queues them for the screen's loop, and writes frames through a queue of 30 that blocks that
loop once it is full. So the stop is looked for on the reading thread, and frames are dropped while the queue is full; when the terminal
reads again, the screen is painted once, whole. A byte that is no text (line noise, a key of a Latin-1 terminal) is read as a sign that
stands for it, and a sequence that names no key there is as none: Textual would end the program. This module alone knows what is private
in Textual's driver.
"""

from __future__ import annotations

import codecs
import queue
import time
from collections.abc import Callable
from typing import Protocol, cast

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

FINAL_WRITE_SECONDS = 0.5
"""How long the last bytes wait for a terminal that does not read, when the program ends."""
AGAIN_SECONDS = 0.05
"""The pause after an error in reading keys."""


class StopsAtOnce(Protocol):
    """An app whose stop may be pressed from any thread."""

    stop_keys: frozenset[str]

    def stop_pressed(self) -> None: ...


class ConsoleDriver(LinuxDriver):
    """A LinuxDriver for an app that `StopsAtOnce`."""

    _behind = False

    def start_application_mode(self) -> None:
        """Takes the terminal. In plain text its own cursor stays to be seen: a screen reader follows it."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if getattr(self._app, "plain", False):
            self.write("\x1b[?25h")

    def run_input_thread(self) -> None:
        linux_driver.getincrementaldecoder = _forgiving_decoder  # type: ignore[attr-defined, assignment]
        linux_driver.XTermParser = _ForgivingParser  # type: ignore[attr-defined]
        while not self.exit_event.is_set():
            try:
                super().run_input_thread()
                return
            except OSError:
                raise  # the terminal is gone
            except Exception as error:  # noqa: BLE001 - the app tells it; without this thread there are no keys, nor a stop
                self._app.call_later(self._app._handle_exception, error)
                time.sleep(AGAIN_SECONDS)

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Key) and message.key in cast(StopsAtOnce, self._app).stop_keys:
            cast(StopsAtOnce, self._app).stop_pressed()
            return
        super().process_message(message)

    def write(self, data: str) -> None:
        writer = self._writer_thread
        if writer is None:
            return
        waiting = writer._queue
        if self._behind and waiting.empty():
            # What was dropped is unknown, so nothing less than the whole screen is right.
            self._behind = False
            app = cast("App[object]", self._app)
            app.call_later(app.refresh, repaint=True, layout=True)
        try:
            waiting.put_nowait(data)
        except queue.Full:
            self._behind = True

    def stop_application_mode(self) -> None:
        """Gives the terminal back. What is still to be written goes first, as far as the terminal takes it."""
        end = time.monotonic() + FINAL_WRITE_SECONDS
        while self._writer_thread is not None and not self._writer_thread._queue.empty() and time.monotonic() < end:
            time.sleep(0.01)
        super().stop_application_mode()

    def close(self) -> None:
        """Ends the writer, unless the terminal does not read: then it is left to die with the process."""
        writer = self._writer_thread
        if writer is None:
            return
        try:
            writer._queue.put(None, timeout=FINAL_WRITE_SECONDS)
        except queue.Full:
            return
        writer.join(FINAL_WRITE_SECONDS)


class _ForgivingParser(XTermParser):
    def _parse_extended_key(self, sequence: str) -> list[events.Key] | None:  # type: ignore[override]
        try:
            return super()._parse_extended_key(sequence)
        except (ValueError, OverflowError):  # such as `ESC [ 1114112 u`, a code that no character has
            return []


def _forgiving_decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    return lambda: codecs.getincrementaldecoder(encoding)(errors="replace")
