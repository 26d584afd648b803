"""How often the trading screen is drawn, and how often with new data."""

from __future__ import annotations

from console.screens.lag import Lag
from engine.model import View
from engine.model.settings import ScreenSettings

PLAIN_FRAMES_PER_SECOND = 2
"""A screen reader says again what changes: it is given less of it."""
LOW_BANDWIDTH_DATA_S = 0.5
"""How often at most new data are drawn over a thin line."""


class Pace:
    """By the settings `drawn`; with `plain` for a screen reader. Times are monotonic seconds."""

    def __init__(self, drawn: ScreenSettings, *, plain: bool) -> None:
        self._low_bandwidth = drawn.low_bandwidth
        self.frame_s = 1 / (min(drawn.frames_per_second, PLAIN_FRAMES_PER_SECOND) if plain else drawn.frames_per_second)
        """Seconds from one frame to the next."""
        self.lag = Lag(self.frame_s)
        self._data_at = -LOW_BANDWIDTH_DATA_S

    def data_is_due(self, shown: View, view: View, now: float) -> bool:
        """Whether this frame shows prices and rows of `view` in place of those of `shown`. A thin line is given fewer; a halt is told at
        once on any."""
        if self._low_bandwidth and now - self._data_at < LOW_BANDWIDTH_DATA_S and view.account.state is shown.account.state:
            return False
        self._data_at = now
        return True
