"""How far apart bars are, and what a trader calls that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

from engine.feeds.bar_columns import BarColumns
from engine.feeds.base import FeedError
from engine.feeds.new_york import SECOND
from engine.model.market import Bar
from engine.model.settings import TIMEFRAMES

DAY_S = 86_400
_UNITS = (("w", 7 * DAY_S), ("d", DAY_S), ("h", 3600), ("m", 60), ("s", 1))
_ENOUGH = 1000
"""Bars of a symbol that are looked at."""


def spacing(series: Iterable[Sequence[Bar]]) -> int:
    """The commonest distance between two bars of a symbol, in seconds and at least one; a day where no symbol has two bars."""
    gaps = Counter(chain.from_iterable(map(_gaps, series)))
    if not gaps:
        return DAY_S
    commonest = gaps.most_common(1)[0][0]
    # Daylight saving makes a day an hour longer or shorter.
    return max(1, commonest) if commonest < DAY_S - 3600 else round(commonest / DAY_S) * DAY_S


def _gaps(bars: Sequence[Bar]) -> Iterable[int]:
    """Seconds from each of the first bars to the next."""
    if isinstance(bars, BarColumns):
        first = bars.columns.at[:_ENOUGH]
        gaps: list[int] = ((first[1:] - first[:-1]) // SECOND).tolist()
        return gaps
    return [(later.at - bar.at) // SECOND for bar, later in pairwise(bars[:_ENOUGH])]


def timeframe(seconds: int) -> str:
    """`5s`, `1m`, `4h`, `1d`: in the largest unit that divides it."""
    unit, length = next((unit, length) for unit, length in _UNITS if seconds % length == 0)
    return f"{seconds // length}{unit}"


def seconds_of(timeframe: str) -> int:
    """The same the other way round: 5 for `5s`."""
    return int(timeframe[:-1]) * dict(_UNITS)[timeframe[-1]]


def check_multiple(who: str, wanted: str, name: str, symbol: str, held_s: int) -> None:
    """Raises FeedError where bars of `held_s` seconds, which `name` has of `symbol`, are no part of those that `who` wants."""
    if TIMEFRAMES[wanted] % held_s:
        held = timeframe(held_s)
        why = "those cannot be taken apart" if held_s > TIMEFRAMES[wanted] else "the one is no multiple of the other"
        raise FeedError(f"{who} is {wanted} and {name} has {held} bars of {symbol}: {why}. Choose {held} or a multiple of it.")
