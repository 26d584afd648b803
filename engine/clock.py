"""The two hands of the clock: monotonic time for what people and links are held to, wall time for what people read."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def mono(self) -> int:
        """Nanoseconds that never go back, whatever happens to the wall clock."""

    def wall(self) -> int:
        """Nanoseconds UTC since 1970, as people's clocks show."""


class SystemClock:
    """The machine's own."""

    def mono(self) -> int:
        return time.monotonic_ns()

    def wall(self) -> int:
        return time.time_ns()
