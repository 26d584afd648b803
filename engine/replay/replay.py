"""A recording with a playhead: everything as it was at that moment, forward, back, or anywhere at once.

It reads what was recorded and nothing else: no strategy runs, no order is sent, and nothing that came after the playhead is known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from msgspec.structs import replace

from engine.chart import ChartBuilder
from engine.model.market import Bar
from engine.model.metrics import MetricsView
from engine.model.modes import LinkState
from engine.model.money import ZERO
from engine.model.recording import Span, TradeMark, Why
from engine.model.views import View
from engine.previous_close import SessionOf
from engine.replay.feed import ReplayFeed
from engine.replay.fold import Fold, Frame
from engine.replay.index import Index, Progress, index_of
from engine.replay.recording import Recording, ReplayError
from engine.replay.why import Reasons, steps_of
from engine.view_builder import Health, ViewBuilder

_LINES = 500


def _without_limits(view: View) -> View:
    """A backtest without limits has some that are never met: nobody needs to see how far away they are, or that breakers are armed."""
    return replace(view, risk=(), breakers=(), account=replace(view.account, exposure_limit=ZERO, daily_loss_limit=ZERO))


class Replay:
    """Not thread-safe: one thread at a time. The playhead stands at a `step`, from -1, before anything happened, to the last one.

    Making one goes through the whole recording once, which may take seconds: do it on a thread. Everything else takes milliseconds.
    Raises ReplayError in words where it cannot be replayed.
    """

    def __init__(self, recording: Recording, progress: Progress | None = None, index: Index | None = None) -> None:
        """`progress` is told how many steps of how many are read. `index` is that of an earlier replay of the same recording."""
        if not len(recording.stamps):
            raise ReplayError(f"Nothing is recorded of {recording.title}: it ended before anything happened. Choose another one to replay.")
        self.recording = recording
        self.title = recording.title
        self.problems = recording.problems
        """Sentences about what is damaged or not kept: what is shown lacks that."""
        self.symbols = tuple(instrument.symbol for instrument in recording.instruments)
        self.index = index or index_of(recording, self._fold, progress)
        stamps = recording.stamps
        self.span = Span(len(stamps), int(stamps[0]), int(stamps[-1]))
        self.trades: tuple[TradeMark, ...] = tuple(self.index.marks)
        """All fills of the recording, in order; those after the playhead are for `next_trade` and the scrubber's marks alone."""
        self._feed = ReplayFeed(recording, lambda: self.step)
        self._focus = (self.symbols[0] if self.symbols else "", "")
        self._revision = 0
        self._stand_at(self.index.frames[0])

    # ---- the playhead

    @property
    def steps(self) -> int:
        return self.span.steps

    @property
    def step(self) -> int:
        return self._current.step

    @property
    def at(self) -> int:
        """The market time of the playhead."""
        return self._current.desk.now

    def seek(self, step: int) -> None:
        """To after `step`; beyond an end, to that end."""
        step = max(-1, min(step, self.steps - 1))
        frame = self.index.frame_before(step)
        if step < self.step or frame.step > self.step:
            self._stand_at(frame)
        if step > self.step:
            self.recording.play(self._current, step)

    def seek_time(self, at: int) -> None:
        """To after the last step of the market time `at` or before."""
        self.seek(int(self.recording.stamps.searchsorted(at, "right")) - 1)

    def advance(self, steps: int = 1) -> int:
        """So many steps forward; answers how many there were."""
        before = self.step
        self.seek(before + steps)
        return self.step - before

    def back(self, steps: int = 1) -> int:
        """So many steps back; answers how many there were."""
        before = self.step
        self.seek(before - steps)
        return before - self.step

    def next_trade(self) -> TradeMark | None:
        """To the first trade after the playhead; None, and no move, where there is none."""
        place = bisect_right(self.trades, self.step, key=lambda mark: mark.step)
        return self._to(place) if place < len(self.trades) else None

    def previous_trade(self) -> TradeMark | None:
        """To the last trade before the step of the playhead; None, and no move, where there is none."""
        place = bisect_right(self.trades, self.step - 1, key=lambda mark: mark.step)
        return self._to(place - 1) if place else None

    def _to(self, place: int) -> TradeMark:
        mark = self.trades[place]
        self.seek(mark.step)
        return mark

    # ---- what is seen

    def focus(self, symbol: str, timeframe: str = "") -> None:
        """What `View.chart` shows from now on, and in which of the time frames it offers; without one it stays as it is."""
        self._focus = symbol, timeframe or self._focus[1]

    def view(self) -> View:
        """Everything the panels draw, as it was. The revision grows with each view, wherever the playhead went."""
        fold, facts = self._current, self._current.facts
        if self._shown != tuple(fold.desk.instruments.values()):
            self._show()
        self._chart(fold)
        health = Health(ready=True, broker=self.recording.badge.lower(), feed=self.recording.feed)
        health.problem, health.feed_problem, health.strategies = facts.problem, facts.feed_problem, facts.strategies
        health.feed_state = LinkState.DOWN if facts.feed_problem else LinkState.UP
        view = self._views.build(health, MetricsView(), fold.desk.mono)
        self._revision += 1
        lines = self.index.lines[max(fold.lines - _LINES, 0) : fold.lines]
        # Before its first run an account has no money, and its zeros are no amounts.
        state = view.health if fold.state.runs else replace(view.health, ready=False)
        view = replace(view, revision=self._revision, log=tuple(lines), health=state)
        return view if self.recording.limited else _without_limits(view)

    def bars(self, symbol: str, timeframe: str = "", count: int = 1_000) -> Sequence[Bar]:
        """The newest `count` bars of `symbol` that had closed by the playhead, oldest first; in a larger `timeframe` the last may be
        unfinished. Raises FeedError where the recording's bars are no part of it."""
        return self._feed.history(symbol, count, timeframe)

    def equity(self) -> Sequence[tuple[int, float]]:
        """The equity curve up to the playhead: (market time, equity), two thousand points at most and the present one; none before
        the account had money."""
        index, stamps = self.index, self.recording.stamps
        count = bisect_right(index.looked, self.step)
        points = [(int(stamps[step]), equity) for step, equity in zip(index.looked[:count], index.equity[:count], strict=True)]
        if self._current.state.runs and (not count or index.looked[count - 1] != self.step):
            points.append((self.at, float(self._current.state.portfolio.equity())))
        return points

    # ---- why

    def why_order(self, order_id: str) -> Why | None:
        """None where the playhead knows no such order."""
        return self._reasons().order(order_id)

    def why_signal(self, signal_id: str) -> Why | None:
        """None where the playhead knows no such signal."""
        return self._reasons().signal(signal_id)

    def why_bar(self, symbol: str, at: int, since: int | None = None) -> Why | None:
        """What was proposed, decided and filled in `symbol` at the bar that closed at the market time `at`, and why nothing was; None
        where the playhead has not come there. All that is later than `since`, where the bar before it closed, counts as in it."""
        return self._reasons().bar(symbol, at, since)

    def trades_of_bar(self, symbol: str, at: int, since: int | None = None) -> Sequence[TradeMark]:
        """The fills in such a bar, none later than the playhead."""
        steps = steps_of(self.recording.stamps, at, since, self.step)
        return [mark for mark in self.trades if mark.step in steps and mark.symbol == symbol]

    # ---- inside

    def _reasons(self) -> Reasons:
        return Reasons(self.recording, self.index, self._fold, self.step)

    def _fold(self) -> Fold:
        recording = self.recording
        return Fold(
            recording.settings,
            recording.instruments,
            price_life_s=recording.price_life_s,
            sizes=recording.sizes,
            opens_sessions=recording.opens_sessions,
            session_of=SessionOf(recording.hours, recording.timeframe),
        )

    def _stand_at(self, frame: Frame) -> None:
        self._current = self._fold()
        self._current.stand_at(frame)
        self.recording.resume(self._current)
        self._show()

    def _show(self) -> None:
        """Views of the present fold, with the instruments that it has now."""
        fold = self._current
        self._shown = tuple(fold.desk.instruments.values())
        self._views = ViewBuilder(fold, self.recording.badge, ChartBuilder(fold, self._feed))

    def _chart(self, fold: Fold) -> None:
        """A chart that ends at the playhead."""
        symbol, timeframe = self._focus
        chart = ChartBuilder(fold, self._feed)
        if symbol in chart.kept:
            chart.kept.prime(symbol, self.recording.bars(symbol, fold.step, 1_000))
            chart.focus(symbol, timeframe)
        self._views.chart = chart
