"""Labels for a time axis, on the exchange's clock: a day's name where a day begins, a month's where a month does, the time between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from widgets import numbers

_SECOND = 1_000_000_000
_DAY = 86_400
_GAP = 2
_MONTH, _QUARTER, _YEAR, _DECADE = 30 * _DAY, 91 * _DAY, 365 * _DAY, 3650 * _DAY
_STEPS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, _DAY, 7 * _DAY, _MONTH, _QUARTER, _YEAR, _DECADE)
"""What may lie between two labels, in seconds."""


class Label(Struct, frozen=True):
    """`index` is the candle under whose column it begins; `begins` says that a day or more begins there."""

    index: int
    text: str
    begins: bool


@lru_cache(maxsize=8192)
def _moment(at: int) -> datetime | None:
    # A bar that closes on the hour is of the time before it.
    return numbers.exchange_time(at - 1)


def labels(times: Sequence[int], xs: Sequence[int], width: int) -> list[Label]:
    """For candles that close at `times` (ns UTC) in the columns `xs`, from the left, none over another or beyond `width`."""
    if not times:
        return []
    gaps = sorted(later - at for at, later in pairwise(times) if later > at)
    spacing = gaps[len(gaps) // 2] / _SECOND if gaps else 60.0
    columns = (xs[-1] - xs[0]) / max(1, len(xs) - 1) or 1.0
    room = spacing * 10 / columns
    step = _STEPS[min(bisect_left(_STEPS, room), len(_STEPS) - 1)]
    taken: list[tuple[int, int]] = []
    found = []
    for _, label in sorted(_ticks(times, step, spacing), key=lambda tick: tick[0]):
        start = xs[label.index]
        end = start + len(label.text)
        if end <= width and all(end + _GAP <= left or right + _GAP <= start for left, right in taken):
            taken.append((start, end))
            found.append(label)
    return sorted(found, key=lambda label: label.index)


def moment(at: int, spacing_s: float) -> str:
    """One bar's time in words, for a crosshair."""
    if spacing_s >= _DAY / 2:
        return numbers.market_time(at - 1, "%a %d %b %Y")
    return numbers.market_time(at, "%d %b %H:%M" if spacing_s >= 60 else "%d %b %H:%M:%S")


def brief_moment(at: int, spacing_s: float) -> str:
    """What the axis leaves open of it: a day without its year, else the time alone."""
    if spacing_s >= _DAY / 2:
        return numbers.market_time(at - 1, "%d %b")
    return numbers.market_time(at, "%H:%M" if spacing_s >= 60 else "%H:%M:%S")


def _ticks(times: Sequence[int], step: int, spacing: float) -> Iterator[tuple[int, Label]]:
    """Where something begins, each with its rank: the lower, the more it matters."""
    before: datetime | None = None
    for index, at in enumerate(times):
        now = _moment(at)
        if now is None:
            continue
        if before is None:
            long = "%b %Y" if spacing >= _DAY / 2 else "%d %b"
            yield 1, Label(index, now.strftime(long), True)
        elif step >= _DAY:
            yield from _dates(index, before, now, step)
        elif now.date() != before.date():
            yield 0, Label(index, now.strftime("%d %b"), True)
        else:
            part = _of_day(now) // step
            if part != _of_day(before) // step:
                hours, rest = divmod(part * step, 3600)
                text = f"{hours:02}:{rest // 60:02}" + (f":{rest % 60:02}" if step < 60 else "")
                yield 3, Label(index, text, False)
        before = now


def _dates(index: int, before: datetime, now: datetime, step: int) -> Iterator[tuple[int, Label]]:
    if now.year != before.year:
        decade = now.year // 10 != before.year // 10
        if step < _DECADE or decade:
            yield 0, Label(index, str(now.year), True)
    elif step >= _YEAR:
        return
    elif now.month != before.month:
        if step < _QUARTER or (now.month - 1) % 3 == 0:
            yield 1 if (now.month - 1) % 3 == 0 else 2, Label(index, now.strftime("%b"), True)
    elif step < _MONTH and now.date() != before.date() and (step < 7 * _DAY or now.isocalendar()[1] != before.isocalendar()[1]):
        yield 3, Label(index, str(now.day), False)


def _of_day(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second
