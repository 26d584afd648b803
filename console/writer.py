"""The thread that writes to the terminal. What waits is counted in bytes, for a thin line shows a screen that is as old as what waits."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import IO

WAITING = 16_384
"""Characters that wait, from which on frames are shed. About a whole screen of 120x36: over a line of 25 kB/s it is out in a second."""


class Writer(threading.Thread):
    """`write` never waits. `drained` is called on this thread when nothing waits any more after a frame was shed; `gone` when the
    terminal takes nothing ever again."""

    def __init__(self, file: IO[str], drained: Callable[[], None], gone: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="textual-output")
        self._file = file
        self._drained = drained
        self._gone = gone
        self._change = threading.Condition()
        self._texts: deque[str] = deque()
        self._waiting = 0
        self._ending = False
        self.shedding = False
        """Whether a frame was shed and the screen was not painted anew since: a further one would change a picture that is not there."""
        self.lost = False
        """Whether the terminal is gone."""

    def write(self, text: str, *, frame: bool = False) -> None:
        """Hands `text` over, from any thread. A frame is taken whole or not at all."""
        with self._change:
            if self.lost:
                return
            if frame and (self.shedding or self._waiting >= WAITING):
                self.shedding = True
                return
            # In this order: a signal's handler, on this very thread, may wait in between for all to be written.
            self._waiting += len(text)
            self._texts.append(text)
            self._change.notify_all()

    def flush(self) -> None:
        """Everything is written as soon as the terminal takes it."""

    def repaint(self) -> None:
        """The next frame is of the whole screen: frames are taken again."""
        self.shedding = False

    def wait_empty(self, seconds: float) -> bool:
        """Waits until the terminal has taken everything, at most so long; whether it has."""
        with self._change:
            return self._change.wait_for(lambda: not self._waiting or self.lost, seconds)

    def stop(self, seconds: float) -> None:
        """Ends the thread once everything is written, unless the terminal does not read: then it is left to die with the process."""
        with self._change:
            self._ending = True
            self._change.notify_all()
        self.join(seconds)

    def run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._texts or self._ending)
                if not self._texts:
                    return
                text = "".join(self._texts)
                self._texts.clear()
            try:
                self._put(text.encode("utf-8", "replace"))
            except (OSError, ValueError):  # hung up; closed under us
                with self._change:
                    self.lost = True
                    self._change.notify_all()
                self._gone()
                return
            with self._change:
                self._waiting -= len(text)
                drained = self.shedding and not self._waiting
                self._change.notify_all()
            if drained:
                self._drained()

    def _put(self, data: bytes) -> None:
        """All of it: a signal makes the system take a part, and PYTHONUNBUFFERED makes Python lose the rest. Nor may somebody's
        non-blocking mode, which all share who have the terminal open, tear a frame."""
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._file.fileno(), left) :]
            except BlockingIOError:
                select.select([], [self._file], [])
