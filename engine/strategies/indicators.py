"""Streaming indicators: one `add` a bar, the same cost however long the run, nothing kept that grows."""

from __future__ import annotations

from collections import deque


class SMA:
    """Simple moving average of the last `period` values."""

    __slots__ = ("_age", "_total", "_window", "period", "value")

    def __init__(self, period: int) -> None:
        self.period = period
        self.value: float | None = None
        self._window: deque[float] = deque(maxlen=period)
        self._total = 0.0
        self._age = 0

    def add(self, value: float) -> float | None:
        """The average with `value` in it, or None until there were `period` values."""
        window, period = self._window, self.period
        if len(window) == period:
            self._total += value - window[0]
            window.append(value)
            self._age += 1
            # A running sum drifts by a rounding error a bar; summing afresh once a period keeps it exact at the same average cost.
            if self._age == period:
                self._total, self._age = sum(window), 0
        else:
            window.append(value)
            self._total += value
            if len(window) < period:
                return None
        self.value = self._total / period
        return self.value


class RSI:
    """Wilder's relative strength index, 0 to 100 (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978, section VI).

    RSI = 100 - 100 / (1 + average gain / average loss). The first averages are plain means of `period` changes; each later one is
    (previous x (period - 1) + change) / period.
    """

    __slots__ = ("_count", "_gain", "_last", "_loss", "period", "value")

    def __init__(self, period: int = 14) -> None:
        self.period = period
        self.value: float | None = None
        self._last: float | None = None
        self._count = 0
        self._gain = 0.0
        self._loss = 0.0

    def add(self, price: float) -> float | None:
        """The index with `price` in it, or None until there were `period` + 1 prices. What never fell is at 100, what never moved at 50."""
        last, self._last = self._last, price
        if last is None:
            return None
        change, period = price - last, self.period
        gain, loss = (change, 0.0) if change > 0.0 else (0.0, -change)
        if self._count < period:
            self._count += 1
            self._gain += gain / period
            self._loss += loss / period
            if self._count < period:
                return None
        else:
            self._gain = (self._gain * (period - 1) + gain) / period
            self._loss = (self._loss * (period - 1) + loss) / period
        total = self._gain + self._loss
        # The formula above, multiplied out so that it holds without a loss to divide by.
        self.value = 100.0 * self._gain / total if total else 50.0
        return self.value
