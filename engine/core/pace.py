"""How often something happened within a window of market time up to now."""

from __future__ import annotations

from bisect import bisect_right

_KEPT = 20_000
"""More than any window has to count."""


class Pace:
    """Times in nanoseconds, each not before the last; where a feed begins anew, what lies in its future is forgotten."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: list[int] = []

    def add(self, at: int) -> None:
        if self._times and self._times[-1] > at:
            del self._times[bisect_right(self._times, at) :]
        self._times.append(at)
        if len(self._times) > _KEPT:
            del self._times[: _KEPT // 2]

    def forget(self, before: int) -> bool:
        """Lets go of what happened before `before`; True where nothing is left."""
        del self._times[: bisect_right(self._times, before - 1)]
        return not self._times

    def within(self, window: int, now: int) -> int:
        """How many of the `window` nanoseconds up to and with `now`."""
        return bisect_right(self._times, now) - bisect_right(self._times, now - window)
