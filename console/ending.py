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

    @property
    def hung_up(self) -> bool:
        """Whether it is a terminal that went away which ends the run."""
        return bool(self.came) and self.came == getattr(signal, "SIGHUP", 0)

    @property
    def cause(self) -> str:
        """What ends the run, as the log says it."""
        return "The terminal hung up" if self.hung_up else f"{signal.Signals(self.came).name} came from outside"

    def outlive_hang_up(self) -> None:
        """The run goes on without its terminal: from now on another signal ends it. A shell that ends tells of the hang-up once more."""
        self.tell = None
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.came = 0

    def hang_up(self) -> None:
        """The terminal is gone: as the signal that says so. From any thread."""
        self._hear(getattr(signal, "SIGHUP", signal.SIGTERM), None)

    def _hear(self, number: int, _: object) -> None:
        if not self.came:
            self.came = number
            if self.tell is not None:
                self.tell(number)
