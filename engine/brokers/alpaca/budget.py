"""How many requests Alpaca takes of an account in a minute, and which part of them is kept for the stop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

MINUTE_S = 60.0


class Budget:
    """Counts what goes out. `a_minute` is what Alpaca takes, `kept` how many of these none but the stop may use."""

    def __init__(self, a_minute: int, kept: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.a_minute, self.kept = a_minute, kept
        self._clock = clock
        self._went: deque[float] = deque()

    def take(self, *, urgent: bool = False, cancels: bool = False) -> float:
        """Zero where a request may go out now, which is counted then; else in how many seconds the next one may. What `cancels` may use
        half of what is kept, too. What is urgent may at any time: Alpaca itself says whether it is one too many."""
        now = self._clock()
        while self._went and now - self._went[0] >= MINUTE_S:
            self._went.popleft()
        over = len(self._went) - self._free(cancels=cancels)
        if over >= 0 and not urgent:
            return self._went[over] + MINUTE_S - now
        self._went.append(now)
        return 0.0

    def used_up(self, wait_s: float, *, cancels: bool = False) -> str:
        free = self._free(cancels=cancels)
        kept = self.a_minute - free
        return f"the {free} requests a minute are used up, {kept} more are kept for the stop; there is room in {wait_s:.0f} s"

    def _free(self, *, cancels: bool) -> int:
        return self.a_minute - (self.kept // 2 if cancels else self.kept)
