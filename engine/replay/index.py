"""What is known of a whole recording once it was gone through: trades, the log, what is told of whom where, places to go on from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from msgspec import Struct, field

from engine.model.modes import Level
from engine.model.recording import TradeMark
from engine.model.records import FillBooked, OrderDenied, OrderPlaced, Record, SignalDecided, SignalRaised
from engine.model.views import LogLine
from engine.replay.fold import Fold, Frame
from engine.replay.frames import Shared
from engine.replay.recording import Recording

SLICES = 2_000
"""Into so many parts a recording is cut: after each of them equity is looked at, and a frame may be taken."""
WORK = 1_000
"""After so many bars, quotes and records a frame is worth its room: they are played in a few hundredths of a second."""

Progress = Callable[[int, int], None]
"""Told how many steps of how many are done."""


class Index(Struct):
    """`lines` are the log's, their `wall` the market's time. `about` has the steps of the records that tell of an order or a signal, by its
    id. `equity` was looked at after each of `looked`; what happened in between is not in it. Denied intents have the id of nothing:
    `denied` are their steps."""

    marks: list[TradeMark] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)
    about: dict[str, list[int]] = field(default_factory=dict)
    denied: list[int] = field(default_factory=list)
    looked: list[int] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def frame_before(self, step: int) -> Frame:
        """The last one that stands at `step` or before it."""
        return self.frames[bisect_right(self.frames, step, key=lambda frame: frame.step) - 1]


def index_of(recording: Recording, make: Callable[[], Fold], progress: Progress | None = None) -> Index:
    """Goes through `recording` once. `make` makes new folds."""
    index = Index()
    steps = len(recording.stamps)
    stride = max(1, -(-steps // SLICES))

    def listen(fold: Fold, record: Record) -> None:
        _note(index, fold, record)

    fold, shared = make(), Shared()

    def keep(level: Level, source: str, text: str, detail: str) -> None:
        index.lines.append(LogLine(fold.lines, fold.desk.now, level, source, text, detail))

    fold.keep = keep
    recording.begin(fold)
    index.frames.append(fold.frame(shared))
    framed = fold.work
    for until in range(stride - 1, steps - 1 + stride, stride):
        last = min(until, steps - 1)
        recording.play(fold, last, listen)
        if fold.state.runs:  # before its first run an account has no money
            index.looked.append(last)
            index.equity.append(float(fold.state.portfolio.equity()))
        if fold.work - framed >= WORK:
            index.frames.append(fold.frame(shared))
            framed = fold.work
        if progress is not None:
            progress(last + 1, steps)
    return index


def _note(index: Index, fold: Fold, record: Record) -> None:
    step = fold.step
    if isinstance(record, FillBooked):
        index.marks.append(_mark(fold, record))
    if isinstance(record, OrderDenied):
        index.denied.append(step)
    for key in ids_of(record):
        steps = index.about.setdefault(key, [])
        if not steps or steps[-1] != step:
            steps.append(step)


def ids_of(record: Record) -> tuple[str, ...]:
    """Of the order and of the signal that `record` tells of."""
    if isinstance(record, OrderPlaced):
        return (record.id, record.signal_id) if record.signal_id else (record.id,)
    if isinstance(record, SignalRaised):
        return (record.signal.id,)
    if isinstance(record, SignalDecided):
        return (record.signal_id,)
    if isinstance(record, FillBooked):
        return (record.fill.order_id,)
    order_id = getattr(record, "order_id", "")
    return (order_id,) if order_id else ()


def _mark(fold: Fold, record: FillBooked) -> TradeMark:
    fill = record.fill
    holding = fold.state.portfolio.holdings.get(fill.symbol)
    profit = None
    if holding is not None and holding.quantity * fill.side.sign < 0:
        profit = holding.cost.booked(fill).realised - holding.realised
    order = fold.state.book.orders.get(fill.order_id)
    return TradeMark(
        fold.step,
        fill.at,
        fill.symbol,
        fill.side,
        fill.quantity,
        fill.price,
        profit,
        fill.order_id,
        order.strategy if order is not None else "",
    )
