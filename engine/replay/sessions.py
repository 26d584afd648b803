"""A session of the console, to be replayed: a step is one thing that the core heard of the market, or one unit of records.

What was decided comes from the journal, what the market said from the columns beside it. Where these are not kept any more, or not all of
them, the rest is replayed, and prices stand still meanwhile.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Final

from engine.core.checkpoint import take_over
from engine.feeds.actions import restated
from engine.feeds.bar_columns import BarColumns, Columns, Times
from engine.feeds.calendar import Calendar, Hours
from engine.feeds.simulated.hours import AlwaysOpen
from engine.model.market import Bar, Instrument, Quote, Split
from engine.model.recording import Facts, Primed, SessionAbout
from engine.model.records import FillBooked, OrderPlaced, Record, RunStarted
from engine.model.settings import TIMEFRAMES, Settings
from engine.model.signals import Vote
from engine.replay.fold import Fold, at_of
from engine.replay.market_log import BAR, QUOTE
from engine.replay.recording import Listen
from engine.replay.rows import Rows
from engine.replay.trees import from_tree

Journaled = tuple[int, Record]
"""A record and the wall clock's nanosecond of its entry in the journal."""
_wall: Final = itemgetter(0)
_SECOND: Final = 1_000_000_000


class SessionRecording:
    """Implements `Recording`. `before` are the journal's records from before the run, from a checkpoint on where there is one; `records`
    are the run's own."""

    opens_sessions = False
    limited = True

    def __init__(
        self, title: str, rows: Rows, before: Iterable[Record], records: Sequence[Journaled], problems: tuple[str, ...] = ()
    ) -> None:
        import numpy as np

        about = rows.about or _about_of(records)
        self.title = title
        self.badge = "REPLAY"
        self.feed = about.feed
        self.settings = from_tree(Settings, about.settings)
        self.sizes: Mapping[str, Decimal] = about.sizes
        self.instruments: tuple[Instrument, ...] = about.instruments
        self.price_life_s = about.price_life_s
        self.timeframe = about.timeframe
        self.hours: Hours = Calendar(about.calendar) if about.calendar else AlwaysOpen()
        self.problems = problems
        self._before = before
        self._rows = rows
        self._late = bool(rows.lags.any())
        self._offset = about.wall - about.mono
        self._units = [[record for _, record in unit] for _, unit in groupby(records, key=_wall)]
        self._walls = [wall for wall, _ in groupby(records, key=_wall)]
        first = np.cumsum([0, *map(len, self._units)], dtype=np.int64)[:-1]
        ahead = rows.records.searchsorted(first, "right")
        """Of each unit of records, how many rows came before it."""
        self._unit_steps: list[int] = (np.arange(len(self._units)) + ahead).tolist()
        count = len(rows.kinds) + len(self._units)
        is_row = np.ones(count, dtype=bool)
        is_row[self._unit_steps] = False
        self._row_steps: Times = np.flatnonzero(is_row)
        stamps = np.zeros(count, dtype=np.int64)
        stamps[self._row_steps] = rows.at
        stamps[self._unit_steps] = [at_of(unit[-1]) for unit in self._units]
        timed = np.flatnonzero(stamps)
        # What was heard before the market had a time is of its first.
        stamps[: timed[0] if len(timed) else 0] = stamps[timed[0]] if len(timed) else 0
        self.stamps: Times = np.maximum.accumulate(stamps) if count else stamps
        self._others_before: Times = np.cumsum(rows.kinds > QUOTE) - (rows.kinds > QUOTE)
        self._bars: dict[str, tuple[list[int], BarColumns]] = {}
        others = [
            (int(self._row_steps[row]), other) for row, other in zip(np.flatnonzero(rows.kinds > QUOTE).tolist(), rows.others, strict=True)
        ]
        self._splits = [(step, other) for step, other in others if isinstance(other, Split)]
        own = TIMEFRAMES.get(self.timeframe, 0)
        spans = {row.name: TIMEFRAMES.get(row.timeframe, 0) for _, facts in others if isinstance(facts, Facts) for row in facts.strategies}
        self._larger = {name: span * _SECOND for name, span in spans.items() if span > own}
        """The strategies that are told larger bars than the recording's, with how many ns one lasts."""
        self._primed = [(step, other.symbol) for step, other in others if isinstance(other, Primed)]

    # ---- Recording

    def begin(self, fold: Fold) -> None:
        for record in self._before:
            take_over(fold.state, record)
        fold.state.disabled.clear()

    def resume(self, fold: Fold) -> None:
        """Its steps need no counting."""

    def play(self, fold: Fold, until: int, listen: Listen | None = None) -> None:
        first = fold.step + 1
        unit = bisect_left(self._unit_steps, first)
        row = int(self._row_steps.searchsorted(first))
        last_row = int(self._row_steps.searchsorted(until, "right"))
        for begin in range(row, max(last_row, row + 1), 1_024):
            end = min(begin + 1_024, last_row)
            for step, mono, lag, event in self._heard(begin, end):
                while unit < len(self._units) and self._unit_steps[unit] < step:
                    self._take(fold, unit, listen)
                    unit += 1
                fold.step = step
                self._hear(fold, event, mono, lag)
        while unit < len(self._units) and self._unit_steps[unit] <= until:
            self._take(fold, unit, listen)
            unit += 1
        fold.step = max(fold.step, until)

    def _heard(self, begin: int, end: int) -> Iterator[tuple[int, int, int, Any]]:
        """The rows from `begin` to before `end`, each with its step, its monotonic time and how late it was."""
        rows, part = self._rows, slice(begin, end)
        other = int(self._others_before[begin]) if begin < end else 0
        place = begin - other
        values = [column[place : place + (end - begin)].tolist() for column in rows.values]
        number = 0
        for step, kind, symbol, at, mono, lag in zip(
            self._row_steps[part].tolist(),
            rows.kinds[part].tolist(),
            rows.symbols[part],
            rows.at[part].tolist(),
            rows.mono[part].tolist(),
            rows.lags[part].tolist(),
            strict=True,
        ):
            if kind > QUOTE:
                yield step, mono, lag, rows.others[other]
                other += 1
                continue
            numbers = [column[number] for column in values]
            number += 1
            yield step, mono, lag, (Bar if kind == BAR else Quote)(symbol, at, *numbers)

    def _hear(self, fold: Fold, event: Any, mono: int, lag: int) -> None:
        fold.wall = mono + self._offset if mono else fold.wall
        if isinstance(event, Facts):
            fold.learn(event)
            fold.desk.mono = max(fold.desk.mono, mono)
        elif isinstance(event, Primed):
            fold.prime(event.symbol, event.last, event.closes, event.at)
        else:
            if self._late and isinstance(event, Bar | Quote):
                fold.prices.lags(event.symbol, lag, quotes=isinstance(event, Quote))
            fold.hear(event, mono)

    def _take(self, fold: Fold, unit: int, listen: Listen | None) -> None:
        fold.step, fold.wall = self._unit_steps[unit], self._walls[unit]
        fold.desk.mono = max(fold.desk.mono, fold.wall - self._offset)
        for record in self._units[unit]:
            if listen is not None:
                listen(fold, record)
            fold.take(record)

    def bars(self, symbol: str, step: int, count: int) -> Sequence[Bar]:
        if symbol not in self._bars:
            self._bars[symbol] = self._bars_of(symbol)
        steps, series = self._bars[symbol]
        end = bisect_right(steps, step)
        begin = max(end - count, 0)
        shown: list[Bar] = []
        for place, split in chain(
            ((at, split) for at, split in self._splits if split.symbol == symbol and at <= step), ((step + 1, None),)
        ):
            until = max(bisect_left(steps, place), begin)
            shown += series[begin:until]
            begin = max(begin, until)
            if split is not None:
                shown = restated(shown, float(split.ratio))
        return shown

    def seen(self, symbol: str, at: int) -> Sequence[Vote]:
        seen = self._rows.seen
        votes = seen.at(symbol, at)
        told = {vote.strategy for vote in votes}
        held = (seen.held(name, symbol, at, span) for name, span in self._larger.items() if name not in told)
        return (*votes, *(vote for vote in held if vote is not None))

    def proposed(self, symbol: str, at: int) -> Sequence[str]:
        return self._rows.seen.proposed(symbol, at)

    def _bars_of(self, symbol: str) -> tuple[list[int], BarColumns]:
        """Each bar of `symbol` with the step in which it was known: those of the past from the moment on at which they were asked for."""
        import numpy as np

        rows = self._rows
        places = np.array([row for row in np.flatnonzero(rows.kinds == BAR).tolist() if rows.symbols[row] == symbol], dtype=np.int64)
        numbers = places - self._others_before[places] if len(places) else places
        parts = [Columns(rows.at[places], *(column[numbers] for column in rows.values))]
        steps = [self._row_steps[places]]
        known = [step for step, primed in self._primed if primed == symbol]
        for step, before in zip(known, rows.history.get(symbol, ()), strict=False):
            parts.append(before.columns)
            steps.append(np.full(len(before), step, dtype=np.int64))
        joined, at = Columns(*(np.concatenate(each) for each in zip(*parts, strict=True))), np.concatenate(steps)
        order = np.lexsort((joined.at, at))
        joined, at = joined.rows(order), at[order]
        # One who is watched again is told a past that was partly known already.
        newer = np.diff(np.maximum.accumulate(joined.at), prepend=-1) > 0 if len(at) else np.zeros(0, dtype=bool)
        return at[newer].tolist(), BarColumns(symbol, joined.rows(newer))


def _about_of(records: Sequence[Journaled]) -> SessionAbout:
    """What can be said of a run of which the journal alone is left."""
    started = next((record for _, record in records if isinstance(record, RunStarted)), None)
    traded = [record.symbol for _, record in records if isinstance(record, OrderPlaced)]
    filled = [record.fill.symbol for _, record in records if isinstance(record, FillBooked)]
    wall = records[0][0] if records else 0
    return SessionAbout(
        run_id=started.run_id if started else "",
        account=started.account if started else "",
        feed=started.feed if started else "",
        timeframe="1m",
        calendar="",
        wall=wall,
        mono=wall,
        price_life_s=1e9,
        instruments=tuple(map(Instrument, dict.fromkeys((*traded, *filled)))),
        sizes={},
        settings={},
    )
