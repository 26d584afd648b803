"""The signals that end a run in order. A second one changes nothing: the end is under way, and bounded in time."""

from __future__ import annotations

import signal
from collections.abc import Callable

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class EndingSignals:
    """From its making on no signal ends the process by itself. Make it on the main thread.

    `came` is the first that came, 0 before; `tell` is called with it, in the middle of whatever the main thread is doing.
    """

    def __init__(self, tell: Callable[[int], None] | None = None) -> None:
        self.came = 0
        self.tell = tell
        for name in _NAMES:
            # nohup has said that a hang-up is not to end it; and not every system knows each of them.
            if (number := getattr(signal, name, None)) is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._hear)

    def _hear(self, number: int, _: object) -> None:
        if not self.came:
            self.came = number
            if self.tell is not None:
                self.tell(number)
