"""A run's own figures, for the screen, scripts and the log."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import ceil

from msgspec import Struct


class Percentiles(Struct, frozen=True):
    """Of the newest `count` measurements, in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the `ordered` values that at least `share` (0 to 1) of them do not exceed: the nearest-rank definition, which
    answers a value that was measured (Hyndman and Fan 1996, definition 1). Raises IndexError where there is none."""
    return ordered[max(ceil(len(ordered) * share) - 1, 0)]


class MetricsView(Struct, frozen=True):
    """Counts since the run began; a window is None before its first measurement.

    Orders `submitted` are those that passed the gate to be sent, `denied` those that did not; `filled`, `cancelled` and `rejected` say how
    the submitted ones ended, `fills` counts every fill, of older orders too. `slippage` is what the fills cost beyond
    their signals' prices, in money, and `slippage_bps` in hundredths of a per cent of it; None before a signal's order filled.
    `order_path` is from a person's input to the moment the order goes to the broker, durable by then; `signal_path` from the market's
    event through the strategy to the same moment; `answer` from there to the broker's first word, `execution` to the first fill. `lag` is
    how late the engine's loop runs its timers. The last three count what waits: for the disk, for the send, and for each strategy.
    """

    submitted: int = 0
    filled: int = 0
    cancelled: int = 0
    rejected: int = 0
    denied: int = 0
    fills: int = 0
    slippage: Decimal = Decimal(0)
    slippage_bps: float | None = None
    market_events: int = 0
    order_path: Percentiles | None = None
    signal_path: Percentiles | None = None
    answer: Percentiles | None = None
    execution: Percentiles | None = None
    lag: Percentiles | None = None
    journal_backlog: int = 0
    waiting_to_send: int = 0
    strategy_queues: tuple[tuple[str, int], ...] = ()

    @property
    def fill_rate(self) -> float | None:
        """The part of all orders sent that filled whole, 0 to 1; None before there was one."""
        return self.filled / self.submitted if self.submitted else None
