"""The terminal driver: the stop key acts before the screen's loop is asked, and a terminal that stops reading holds nothing up.

Textual reads keys on a thread of its own and queues them for the screen's loop, and writes frames through a queue of 30 that blocks that
loop once it is full. So the stop is looked for on the reading thread, and frames are shed while the terminal is behind; when it has read
what waited, the screen is painted once, whole. A byte that is no text (line noise, a key of a Latin-1 terminal) is read as a sign that
stands for it, and a sequence that names no key there is as none: Textual would end the program. A terminal that
goes away is told to the app, which ends in order.

Suspended (SIGTSTP), the terminal is given back; continued, it is taken again, also where nobody was told of the suspension (SIGSTOP).
This module alone knows what is private in Textual's driver.
"""

from __future__ import annotations

import asyncio
import codecs
import math
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import IO, Protocol, cast

from textual import events
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.constants import ESCAPE_DELAY
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from console.thrift import thrifty
from console.writer import Writer

FINAL_WRITE_SECONDS = 0.5
"""How long the last bytes wait for a terminal that does not read, when the program ends."""
LEAVING_SECONDS = 5.0
"""The same when it is suspended: what comes next on the terminal must find it in order."""
AGAIN_SECONDS = 0.05
"""The pause after an error in reading keys."""

ESCAPE = "\x1b"
INTRODUCERS = "[]OPX^_"
"""What stands behind an escape at the beginning of a longer sequence: it is waited for the rest."""
WORD_KEYS = "bf"

_SILENCE = "console_silence"


def silence_before(event: events.Key | events.MouseDown) -> float:
    """For how many seconds before `event` the terminal was seen to hand over no key: never longer than it was. Clocks do not say that on a
    machine so busy that keys are read late. Endless where the event came another way."""
    return float(getattr(event, _SILENCE, math.inf))


_NO_FRAME = re.compile("\a|\x1b[\\]P]|\x1b\\[[?<>]")
"""How what is no part of a frame begins: a bell, what is told to the terminal itself, a mode. It is never shed."""


class StopsAtOnce(Protocol):
    """An app whose stop may be pressed from any thread, and that is told, from any thread, when its terminal is gone. `resumed` tells it
    that the process goes on; with `suspended` that it was asked to stand still before, without it that it may have been."""

    stop_keys: frozenset[str]

    def stop_pressed(self) -> None: ...

    def terminal_gone(self) -> None: ...

    def resumed(self, *, suspended: bool) -> None: ...


class ConsoleDriver(LinuxDriver):
    """A LinuxDriver for an app that `StopsAtOnce`."""

    _writer: Writer | None = None
    _frame: list[str] | None = None
    """What the frame that is being written consists of so far, where the terminal shows it as a whole."""
    _screen_thread = 0
    _is_suspended = False
    _patience = FINAL_WRITE_SECONDS

    @property
    def is_behind(self) -> bool:
        """Whether the terminal does not read what is written fast enough, so that frames are shed."""
        return self._writer is not None and self._writer.shedding

    def start_application_mode(self) -> None:
        """Takes the terminal. In plain text its own cursor stays to be seen: a screen reader follows it."""
        self._screen_thread = threading.get_ident()
        self._frame = None
        linux_driver.WriterThread = self._make_writer  # type: ignore[attr-defined, assignment]
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # Textual reads the size within the signal: one that comes in the middle of another is overtaken by it, and an old size stays.
        loop = asyncio.get_running_loop()
        signal.signal(signal.SIGWINCH, lambda *_: loop.call_soon_threadsafe(self._send_size))
        if getattr(self._app, "plain", False):
            self.write("\x1b[?25h")

    def _make_writer(self, file: IO[str]) -> Writer:
        self._writer = Writer(file, self._drained, self._lost)
        return self._writer

    def _get_terminal_size(self) -> tuple[int, int]:
        """Of the terminal itself: what COLUMNS and LINES say was true when they were set."""
        try:
            size = os.get_terminal_size(self.fileno)
        except OSError:
            return super()._get_terminal_size()
        return size.columns or 80, size.lines or 24

    def _send_size(self) -> None:
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            cast("App[object]", self._app).post_message(events.Resize(size, size))

    # ---- keys

    def run_input_thread(self) -> None:
        linux_driver.getincrementaldecoder = _forgiving_decoder  # type: ignore[attr-defined, assignment]
        linux_driver.XTermParser = KeyParser  # type: ignore[attr-defined]
        while not self.exit_event.is_set():
            try:
                super().run_input_thread()
                return
            except OSError:
                self._lost()
                return
            except Exception as error:  # noqa: BLE001 - the app tells it; without this thread there are no keys, nor a stop
                self._app.call_later(self._app._handle_exception, error)
                time.sleep(AGAIN_SECONDS)

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Key) and message.key in cast(StopsAtOnce, self._app).stop_keys:
            cast(StopsAtOnce, self._app).stop_pressed()
            return
        super().process_message(message)

    def _lost(self) -> None:
        """On the thread that reads, or the one that writes."""
        cast(StopsAtOnce, self._app).terminal_gone()

    # ---- frames

    def write(self, data: str) -> None:
        writer = self._writer
        if writer is None:
            return
        if threading.get_ident() != self._screen_thread:  # a mode, by the thread that reads keys
            writer.write(data)
        elif data == SYNC_START:
            self._frame = [data]
        elif self._frame is None:
            self._write_frame(data) if _NO_FRAME.match(data) is None else writer.write(data)
        else:
            self._frame.append(data)
            if data == SYNC_END:
                frame, self._frame = "".join(self._frame), None
                self._write_frame(frame)

    def _write_frame(self, frame: str) -> None:
        if self._writer is not None and not self._writer.shedding:
            self._writer.write(thrifty(frame), frame=True)

    def _drained(self) -> None:
        """On the writer's thread. What was shed is unknown, so nothing less than the whole screen is right."""
        app = cast("App[object]", self._app)
        app.call_later(self._repaint)

    def _repaint(self) -> None:
        if self._writer is not None:
            self._writer.repaint()
        cast("App[object]", self._app).refresh(repaint=True, layout=True)

    # ---- the end, and in between

    def stop_application_mode(self) -> None:
        """Gives the terminal back. What is still to be written goes first, as far as the terminal takes it."""
        self._frame = None  # a signal that suspends comes in the middle of anything
        if self._writer is not None:
            self._writer.wait_empty(self._patience)
        super().stop_application_mode()

    def close(self) -> None:
        """Ends the writer, unless the terminal does not read: then it is left to die with the process."""
        if self._writer is not None:
            self._writer.stop(self._patience)
            self._writer = None

    def _sigtstp_application(self, *_: object) -> None:
        self._is_suspended, self._patience = True, LEAVING_SECONDS
        self.suspend_application_mode()
        self._patience = FINAL_WRITE_SECONDS
        os.kill(os.getpid(), signal.SIGSTOP)

    def _sigcont_application(self, *_: object) -> None:
        cast(StopsAtOnce, self._app).resumed(suspended=self._is_suspended)
        # SIGSTOP tells nobody: then the shell took the terminal as it was, and all of it is to be taken anew.
        if not self._is_suspended:
            self.suspend_application_mode()
        self._is_suspended = False
        self.resume_application_mode()
        cast("App[object]", self._app).call_later(self._repaint)


class KeyParser(XTermParser):
    """Escape and a key behind it are two keys, also where they come within a tenth of a second or in one read, as they do from quick hands
    and over a line that stalls. Textual takes them for one with Alt: both would be lost, and a stop on Ctrl+G too.

    It is the same with Alt held down. Alone the word keys of a shell, ESC b and ESC f, mean themselves where they come in one read.
    """

    _fed = ""
    _looks = 0
    """How often no key waited to be read since the last one."""
    _has_read = False

    def feed(self, data: str) -> Iterable[Message]:
        self._fed = data
        found = [*self._dated(super().feed(data))]
        # Where the mouse alone moves, nobody typed either.
        self._has_read = not found or not data.endswith(("M", "m")) or not all(isinstance(message, events.MouseEvent) for message in found)
        return found

    def tick(self) -> Iterable[Message]:
        """Called after each look at the terminal, whether something waited there or not."""
        if not self._has_read:
            self._looks += 1
        self._has_read = False
        return self._dated(super().tick())

    def _dated(self, messages: Iterable[Message]) -> Iterable[Message]:
        for message in messages:
            if isinstance(message, events.Key | events.MouseDown):
                setattr(message, _SILENCE, self._looks * ESCAPE_DELAY)
            if isinstance(message, events.Key):
                self._looks = 0
            yield message

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if len(sequence) == 2 and sequence[0] == ESCAPE and sequence[1] not in INTRODUCERS and not self._is_word_key(sequence):
            sequence, alt = sequence[1], True
        if alt:
            yield events.Key("escape", ESCAPE)
        yield from super()._sequence_to_key_events(sequence)

    def _is_word_key(self, sequence: str) -> bool:
        return sequence[1] in WORD_KEYS and sequence in self._fed

    def _parse_extended_key(self, sequence: str) -> list[events.Key] | None:  # type: ignore[override]
        try:
            return super()._parse_extended_key(sequence)
        except (ValueError, OverflowError):  # such as `ESC [ 1114112 u`, a code that no character has
            return []


def _forgiving_decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")
