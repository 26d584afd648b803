"""How late the screen's loop runs."""

from __future__ import annotations

STALL_MS = 100.0


class Lag:
    """The worst of the last second, so that the header is not painted for every jitter. `period` is the seconds between two frames."""

    def __init__(self, period: float) -> None:
        self.shown_ms = 0.0
        self._period = period
        self._worst_ms = 0.0
        self._last: float | None = None
        self._since = 0.0

    def frame(self, now: float) -> None:
        """A frame is drawn at `now`, monotonic seconds."""
        if self._last is not None:
            self._worst_ms = max(self._worst_ms, (now - self._last - self._period) * 1000)
        self._last = now
        # A stall is shown at once, and for a second.
        if now - self._since >= 1 or self._worst_ms > self.shown_ms + STALL_MS:
            self.shown_ms, self._worst_ms, self._since = self._worst_ms, 0.0, now
