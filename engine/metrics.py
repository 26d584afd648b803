"""How the engine does its work, counted and timed since the run began: orders, fills, slippage, and where the milliseconds go.

Everything is measured on the engine's loop with the monotonic clock. A window keeps the newest thousand measurements, so that a bad
morning does not colour the afternoon.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from engine.core.state import State
from engine.model.metrics import MetricsView, Percentiles, percentile
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, Source
from engine.model.records import FillBooked, OrderChanged, OrderDenied, OrderPlaced, OrderReleased, Record

WINDOW = 1_000
_MILLISECOND = 1_000_000
_BASIS_POINTS = 10_000


class Window:
    """The newest measurements of one thing, in milliseconds."""

    __slots__ = ("_values",)

    def __init__(self, size: int = WINDOW) -> None:
        self._values: deque[float] = deque(maxlen=size)

    def add(self, milliseconds: float) -> None:
        self._values.append(milliseconds)

    def percentiles(self) -> Percentiles | None:
        """None before the first measurement."""
        if not self._values:
            return None
        ordered = sorted(self._values)
        return Percentiles(len(ordered), percentile(ordered, 0.5), percentile(ordered, 0.95), percentile(ordered, 0.99))


class Metrics:
    """Fed by the shell with records and moments; `mono` is monotonic nanoseconds throughout."""

    def __init__(self) -> None:
        self._submitted = self._filled = self._rejected = self._denied = self._cancelled = self._fills = self._events = 0
        self._slippage = self._signalled = ZERO
        self._order_path, self._signal_path = Window(), Window()
        self._answer, self._execution, self._lag = Window(), Window(), Window()
        self._counted: set[str] = set()
        """Orders of this run that have not ended yet."""
        self._sent: dict[str, int] = {}
        self._unanswered: set[str] = set()

    # ---- what the shell tells

    def event(self) -> None:
        """The market said something."""
        self._events += 1

    def lag(self, milliseconds: float) -> None:
        """A timer of the engine's loop ran this late."""
        self._lag.add(milliseconds)

    def sent(self, order: Order, came: int, mono: int, *, by_itself: bool) -> None:
        """`order` goes to the broker now; what it came of reached the engine at `came`: the market's own event for a signal that goes out
        `by_itself`, else a person's command."""
        (self._signal_path if by_itself else self._order_path).add((mono - came) / _MILLISECOND)
        self._sent[order.id] = mono
        self._unanswered.add(order.id)

    def record(self, record: Record, state: State, mono: int) -> None:
        """`record` was just taken over by `state`."""
        if isinstance(record, FillBooked):
            self._filled_by(record, state, mono)
        elif isinstance(record, OrderChanged):
            self._changed(record, mono)
        elif isinstance(record, OrderPlaced | OrderReleased):
            order = state.book.orders[record.id if isinstance(record, OrderPlaced) else record.order_id]
            if order.released and order.source is not Source.EXTERNAL:
                self._submitted += 1
                self._counted.add(order.id)
        elif isinstance(record, OrderDenied):
            self._denied += 1

    def _changed(self, record: OrderChanged, mono: int) -> None:
        if record.event is not OrderEvent.LOSE:
            self._heard(record.order_id, mono)
        if not record.state.is_final:
            return
        self._sent.pop(record.order_id, None)
        if record.order_id in self._counted:
            self._counted.discard(record.order_id)
            self._rejected += record.state is OrderState.REJECTED
            self._cancelled += record.state is OrderState.CANCELED
            self._filled += record.state is OrderState.FILLED

    def _filled_by(self, record: FillBooked, state: State, mono: int) -> None:
        fill = record.fill
        self._fills += 1
        self._heard(fill.order_id, mono)
        sent = self._sent.pop(fill.order_id, None)
        if sent is not None:
            self._execution.add((mono - sent) / _MILLISECOND)
        case = state.approvals.cases.get(state.book.orders[fill.order_id].signal_id)
        if case is not None and fill.side is case.signal.side:  # its exits were never to trade at the signal's price
            self._slippage += fill.side.sign * (fill.cost - case.signal.price * fill.quantity)
            self._signalled += case.signal.price * fill.quantity

    def _heard(self, order_id: str, mono: int) -> None:
        if order_id in self._unanswered:
            self._unanswered.discard(order_id)
            if (sent := self._sent.get(order_id)) is not None:
                self._answer.add((mono - sent) / _MILLISECOND)

    # ---- what is read

    def view(self, *, journal_backlog: int, waiting_to_send: int, strategy_queues: Iterable[tuple[str, int]]) -> MetricsView:
        return MetricsView(
            submitted=self._submitted,
            filled=self._filled,
            cancelled=self._cancelled,
            rejected=self._rejected,
            denied=self._denied,
            fills=self._fills,
            slippage=self._slippage,
            slippage_bps=_bps(self._slippage, self._signalled),
            market_events=self._events,
            order_path=self._order_path.percentiles(),
            signal_path=self._signal_path.percentiles(),
            answer=self._answer.percentiles(),
            execution=self._execution.percentiles(),
            lag=self._lag.percentiles(),
            journal_backlog=journal_backlog,
            waiting_to_send=waiting_to_send,
            strategy_queues=tuple(strategy_queues),
        )


def _bps(part: Decimal, whole: Decimal) -> float | None:
    return float(part / whole * _BASIS_POINTS) if whole else None


def performance_line(now: MetricsView, before: MetricsView) -> str:
    """What the log says of the time between two views: counts of that time, percentiles of the newest measurements."""
    outcomes = ("filled", "cancelled", "rejected", "denied")
    parts = [
        f"{now.submitted - before.submitted:,} orders sent, "
        + ", ".join(f"{getattr(now, outcome) - getattr(before, outcome):,} {outcome}" for outcome in outcomes),
        f"{now.market_events - before.market_events:,} market events",
    ]
    for name, window in (
        ("input to sent", now.order_path),
        ("market to sent", now.signal_path),
        ("broker's answer", now.answer),
        ("sent to first fill", now.execution),
        ("loop lag", now.lag),
    ):
        if window is not None:
            parts.append(f"{name} p50 {window.p50:.1f}, p95 {window.p95:.1f}, p99 {window.p99:.1f} ms")
    if now.slippage_bps is not None:
        parts.append(f"slippage {now.slippage_bps:+.1f} bp against the signals")
    waiting = [f"{now.journal_backlog} records", f"{now.waiting_to_send} orders"]
    waiting += [f"{count} events for {name}" for name, count in now.strategy_queues if count]
    parts.append(f"waiting: {', '.join(waiting)}")
    return "; ".join(parts)
