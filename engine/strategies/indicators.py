"""Streaming indicators: one `add` a bar, the same cost however long the run, nothing kept that grows."""

from __future__ import annotations


class SMA:
    """Simple moving average of the last `period` values."""

    __slots__ = ("_oldest", "_total", "_window", "period", "value")

    def __init__(self, period: int) -> None:
        self.period = period
        self.value: float | None = None
        self._window: list[float] = []
        self._oldest = 0
        self._total = 0.0

    def add(self, value: float) -> float | None:
        """The average with `value` in it, or None until there were `period` values."""
        window = self._window
        if self.value is None:
            window.append(value)
            if len(window) < self.period:
                return None
            self._total = sum(window)
        else:
            oldest = self._oldest
            self._total += value - window[oldest]
            window[oldest] = value
            oldest += 1
            # A running sum drifts by a rounding error a value; summing afresh once a round keeps it exact at nearly the same cost.
            if oldest == self.period:
                self._total, oldest = sum(window), 0
            self._oldest = oldest
        self.value = average = self._total / self.period
        return average


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
        self.value = 100.0 * (self._gain / total) if total else 50.0
        return self.value
