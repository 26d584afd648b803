"""The highest value within a window of market time."""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal


class RollingPeak:
    """Values by their times in nanoseconds, for windows up to `longest`.

    Of what it is told it keeps only what may yet be a highest: each kept value is lower than the one before it.
    """

    __slots__ = ("_longest", "_times", "_values")

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._times: list[int] = []
        self._values: list[Decimal] = []

    def add(self, at: int, value: Decimal) -> None:
        """Where market time went back, for a feed began anew, what was told before is of another day and forgotten."""
        if self._times and at < self._times[-1]:
            self.clear()
        while self._values and self._values[-1] <= value:
            self._times.pop()
            self._values.pop()
        self._times.append(at)
        self._values.append(value)
        old = bisect_left(self._times, at - self._longest)
        if old:
            del self._times[:old], self._values[:old]

    def keep(self, longest: int) -> None:
        """Answers for windows up to `longest` from now on; what was let go of before does not come back."""
        self._longest = longest

    def within(self, since: int, now: int) -> Decimal | None:
        """The highest value told from `since` on, None where there was none. One that lies after `now` is of another day, for a feed began
        anew."""
        first = bisect_left(self._times, since)
        return self._values[first] if first < len(self._values) and self._times[-1] <= now else None

    def clear(self) -> None:
        self._times.clear()
        self._values.clear()
