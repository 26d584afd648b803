"""How late the screen's loop runs, and whether the terminal keeps up with it."""

from __future__ import annotations

STALL_MS = 100.0
SLOW_S = 5.0
"""How long it is said that the terminal was too slow: while it is, nothing can be said on it."""


class Lag:
    """The worst of the last second, so that the header is not painted for every jitter. `period` is the seconds between two frames."""

    def __init__(self, period: float) -> None:
        self.shown_ms = 0.0
        self._period = period
        self._worst_ms = 0.0
        self._last: float | None = None
        self._since = 0.0
        self.terminal_slow = False
        self._slow_until = 0.0

    def since_frame(self, now: float) -> float:
        """Seconds since a frame was drawn."""
        return 0.0 if self._last is None else now - self._last

    def frame(self, now: float, *, terminal_behind: bool = False) -> None:
        """A frame is drawn at `now`, monotonic seconds; `terminal_behind` says that the terminal would not take it."""
        if terminal_behind:
            self._slow_until = now + SLOW_S
        self.terminal_slow = now < self._slow_until
        if self._last is not None:
            self._worst_ms = max(self._worst_ms, (now - self._last - self._period) * 1000)
        self._last = now
        # A stall is shown at once, and for a second.
        if now - self._since >= 1 or self._worst_ms > self.shown_ms + STALL_MS:
            self.shown_ms, self._worst_ms, self._since = self._worst_ms, 0.0, now
