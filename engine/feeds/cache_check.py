"""What is wrong with bars that are kept, or looks it: days that nobody fetched, bars that cannot be, jumps that may be splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

from engine.feeds.cache import BarCache, Held
from engine.feeds.cached import fault, runs, sessions_between
from engine.feeds.calendar import Calendar
from engine.feeds.timeframe import DAY_S, seconds_of
from engine.model.market import Bar

_STEP = 1.75
"""What opens so many times higher or lower than the close before may be a split; the smallest usual one is two for one."""
_MOVED = 1.2
"""A split of a ratio further from one than this must be seen in prices as they were traded."""
_SPIKE = 3.0
_FEW = 0.5
"""A day with less than this part of the bars that its session has room for looks broken off."""


def look_through(cache: BarCache, held: Held) -> Iterator[str]:
    """A sentence for each thing, in the order of what it is about. Raises FeedError where the cache or the calendar cannot be read."""
    series = held.series
    calendar = Calendar(series.calendar)
    kept = cache.read(series, held.first, held.last)
    yield from kept.problems
    sessions = sessions_between(calendar, held.first, held.last)
    lacking = [session for session in sessions if session.day not in kept.days]
    for run in runs(sessions, lacking):
        was, what = ("was", "session") if len(run) == 1 else ("were", "sessions")
        yield f"{_span(run[0].day, run[-1].day)} {was} not fetched ({len(run)} {what})."
    empty = [session for session in sessions if session.day in kept.days and not kept.days[session.day]]
    for run in runs(sessions, empty):
        if run[0].day > _first_bar(kept.days):
            yield f"{_span(run[0].day, run[-1].day)}: no bar in {len(run)} session{'s' * (len(run) != 1)}."
    length = seconds_of(series.timeframe)
    if length < DAY_S:
        for session in sessions:
            room = -(-(session.closes - session.opens) // (length * 10**9))
            if 0 < (count := len(kept.days.get(session.day, ()))) < room * _FEW:
                yield f"{session.day} has {count} bars, and room for {room}."
    bars = [bar for day in sorted(kept.days) for bar in kept.days[day]]
    last = 0
    for bar in bars:
        if (why := fault(bar, series.symbol, 2**63 - 1, last)) is not None:
            yield f"{calendar.day_of(bar.at)}: a bar cannot be: {why}."
        last = bar.at
    yield from _jumps(bars, {a.day: float(a.value) for a in kept.actions if a.kind == "split"}, calendar, adjusted=series.adjusted)


def _jumps(bars: Sequence[Bar], splits: dict[date, float], calendar: Calendar, *, adjusted: bool) -> Iterator[str]:
    for before, bar, after in zip(bars, bars[1:], bars[2:], strict=False):
        if bar.high > _SPIKE * max(before.close, after.close) or bar.low < min(before.close, after.close) / _SPIKE:
            yield f"{calendar.day_of(bar.at)}: from {bar.low:g} to {bar.high:g} it reaches over {_SPIKE:g} times away from its neighbours."
    for before, bar in pairwise(bars):
        day, step = calendar.day_of(bar.at), bar.open / before.close
        ratio = splits.pop(day, 1.0)
        if (step > _STEP or step < 1 / _STEP) and ratio == 1.0:
            yield f"{day}: opens at {bar.open:g} after a close of {before.close:g}: is that a split which is neither told nor adjusted?"
        elif not adjusted and max(ratio, 1 / ratio) > _MOVED and 1 / _MOVED < step < _MOVED:
            yield f"{day}: a split of {ratio:g} is told, and the price does not move: it looks adjusted already."


def _first_bar(days: dict[date, list[Bar]]) -> date:
    return min((day for day, bars in days.items() if bars), default=date.max)


def _span(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} to {last}"
