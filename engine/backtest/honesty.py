"""Whether a strategy's decisions hang on bars it cannot have seen yet, or on how many lie before its first.

Both are found by running it again: on data that end at a decision, and on data that are played from a later day. A strategy that decides by
chance decides otherwise on the same data, too: of that one nothing can be said, and so it is accused of nothing.

A strategy that brings later rows of a frame to earlier ones sees nothing to come, for the frame ends at its bar. It is run again with the
rows changed whose later ones are not there yet: where it decides otherwise, it decides by what it was to know later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import accumulate
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from engine.backtest.data import Data
from engine.backtest.errors import BacktestError
from engine.backtest.player import Orders
from engine.backtest.profile import Profile
from engine.backtest.result import Result
from engine.backtest.runner import run
from engine.feeds.base import FeedError
from engine.strategies.base import Draft
from engine.strategies.later_rows import Call, LaterRows
from engine.strategies.loader import find

T = TypeVar("T")
Told = Callable[[int, int, float], None]
"""Told which run of how many is under way, and what part of it is done: often enough for somebody who waits."""

FACTORS = (1.25, 0.8)
"""What a number is changed by that stands where a later row was to be."""
CUTS = 8
"""So many of the decisions are looked at with the data cut off right behind them, evenly over the run, and so many moments between."""
BEGINNINGS = 4
"""From so many later days it is played again, evenly over the run."""


class Decision(Struct, frozen=True):
    """What a strategy ordered in one callback: at the bar of `symbol` that closed at `at` (ns UTC), or about to be told one."""

    strategy: str
    at: int
    symbol: str
    callback: str
    orders: tuple[str, ...]


class Difference(Struct, frozen=True):
    """At the bar of `symbol` that closed at `at` (ns UTC) it ordered `usual` in the whole run, and `other` in the one beside."""

    strategy: str
    at: int
    symbol: str
    usual: tuple[str, ...]
    other: tuple[str, ...]


class Later(Struct, frozen=True):
    """`calls` bring later rows to earlier ones. `rests` is the first decision that rests on those whose later ones are not there yet;
    `failed` says why that cannot be told."""

    calls: tuple[Call, ...] = ()
    rests: Difference | None = None
    failed: str = ""


class Finding(Struct, frozen=True):
    """`decisions` of the whole run were looked at in `runs` others. `by_chance` says that the same data led to other decisions twice;
    then nothing was compared."""

    decisions: int
    runs: int
    differences: tuple[Difference, ...] = ()
    by_chance: bool = False
    later: Later = Later()


def look_ahead(data: Data, profile: Profile, told: Told | None = None) -> Finding:
    """Raises what `run` does."""
    runs = _Runs(profile, told, 2 + 2 * CUTS)
    usual = runs.decisions(data)
    if runs.decisions(data) != usual:
        return Finding(len(usual), 2, by_chance=True)
    cuts = _cuts(data, usual)
    runs.count = 2 + len(cuts)
    found: dict[tuple[str, int, str], Difference] = {}
    for cut in cuts:
        before = [decision for decision in usual if decision.at <= cut]
        for difference in _differences(before, runs.decisions(_until(data, cut))):
            found.setdefault((difference.strategy, difference.at, difference.symbol), difference)
    differences = tuple(found[key] for key in sorted(found, key=lambda key: key[1:]))
    return Finding(len(usual), len(cuts), differences, later=_later(data, profile, runs, usual))


def _later(data: Data, profile: Profile, runs: _Runs, usual: Sequence[Decision]) -> Later:
    rows = LaterRows([find(each.file) for each in profile.strategies])
    if not rows.possible:
        return Later()
    for factor in FACTORS:
        runs.count = runs.begun + 1
        try:
            with rows.changed(factor):
                changed = runs.decisions(data)
        except BacktestError as error:
            return Later(rows.calls, failed=str(error))
        if first := next(_differences(usual, changed), None):
            return Later(rows.calls, first)
        if not rows.numbers:
            break  # no number to change the other way
    return Later(rows.calls)


def warm_up(data: Data, profile: Profile, told: Told | None = None) -> Finding:
    """Compares where both runs hold the same of a symbol: one that begins later begins flat, whatever the other holds by then. How large
    an order is may follow from the account, and is not compared. Raises what `run` does."""
    beginnings = _beginnings(data)
    runs = _Runs(profile, told, 2 + len(beginnings))
    usual, held = runs.run(data)
    if runs.decisions(data) != usual:
        return Finding(len(usual), 2, by_chance=True)
    differences: list[Difference] = []
    looked_at = 0
    for day in beginnings:
        try:
            later = data.between(day, None)
        except FeedError:
            continue
        other, others = runs.run(later)
        moments = sorted({(d.strategy, d.at, d.symbol) for d in (*usual, *other) if d.at >= later.first and d.callback == "on_bar"})
        alike = [key for key in moments if held.before(key[2], key[1]) == others.before(key[2], key[1])]
        looked_at += len(alike)
        mine, theirs = _sides(usual), _sides(other)
        differences += [
            Difference(*key, mine.get(key, ()), theirs.get(key, ())) for key in alike if mine.get(key, ()) != theirs.get(key, ())
        ]
    return Finding(looked_at, runs.begun - 2, tuple(differences))


class _Held:
    """What was held of each symbol, by time."""

    def __init__(self, result: Result) -> None:
        fills: dict[str, list[tuple[int, float]]] = {}
        for fill in result.fills:
            fills.setdefault(fill.symbol, []).append((fill.at, float(fill.quantity) * fill.side.sign))
        self._times = {symbol: [at for at, _ in each] for symbol, each in fills.items()}
        self._sums = {symbol: list(accumulate(moved for _, moved in each)) for symbol, each in fills.items()}

    def before(self, symbol: str, at: int) -> int:
        """Long, short or flat after what had filled by `at`: 1, -1 or 0."""
        place = bisect_right(self._times.get(symbol, ()), at)
        held = self._sums[symbol][place - 1] if place else 0.0
        return (held > 0) - (held < 0)


class _Runs:
    """Runs of one profile, `count` of them, as far as that is known; `begun` have begun."""

    def __init__(self, profile: Profile, told: Told | None, count: int) -> None:
        self._profile, self._told = profile, told
        self.begun, self.count = 0, count

    def run(self, data: Data) -> tuple[list[Decision], _Held]:
        self.begun += 1
        self._hear(0, 1)
        made: list[Decision] = []

        def ordered(orders: Orders) -> None:
            words = tuple(map(_words, orders.drafts))
            made.append(Decision(orders.player.name, orders.at, orders.symbol, orders.callback, words))

        result = run(data, self._profile, self._hear if self._told else None, ordered)
        return made, _Held(result)

    def decisions(self, data: Data) -> list[Decision]:
        return self.run(data)[0]

    def _hear(self, done: int, total: int) -> None:
        if self._told is not None:
            self._told(self.begun, self.count, done / total)


def _words(draft: Draft) -> str:
    """`BUY 100 AAPL limit 187.5 DAY`: all of it that makes an order, and nothing that only explains it."""
    size = "its size of" if draft.quantity is None else f"{draft.quantity:g}"
    names = ("limit", "stop", "trail", "trail_pct", "take_profit", "stop_loss", "take_profit_pct", "stop_loss_pct")
    prices = [f"{name} {value:.10g}" for name in names if (value := getattr(draft, name)) is not None]
    return " ".join([draft.side, size, draft.symbol, *(prices or ["market"]), draft.tif])


def _sides(decisions: Sequence[Decision]) -> Mapping[tuple[str, int, str], tuple[str, ...]]:
    """What each bar's decision was, without how much."""
    return {
        (d.strategy, d.at, d.symbol): tuple(f"{order.split()[0]} {d.symbol}" for order in d.orders)
        for d in decisions
        if d.callback == "on_bar"
    }


def _differences(usual: Sequence[Decision], other: Sequence[Decision]) -> Iterator[Difference]:
    mine, theirs = _by_bar(usual), _by_bar(other)
    for key in sorted({*mine, *theirs}, key=lambda key: key[1:]):
        if mine.get(key, ()) != theirs.get(key, ()):
            yield Difference(*key, mine.get(key, ()), theirs.get(key, ()))


def _by_bar(decisions: Sequence[Decision]) -> dict[tuple[str, int, str], tuple[str, ...]]:
    made: dict[tuple[str, int, str], tuple[str, ...]] = {}
    for decision in decisions:
        key = decision.strategy, decision.at, decision.symbol
        made[key] = (*made.get(key, ()), *decision.orders)
    return made


def _until(data: Data, cut: int) -> Data:
    """The bars that have closed by `cut`."""
    parts = {symbol: series[: int(series.columns.at.searchsorted(cut, "right"))] for symbol, series in data.bars.items()}
    return replace(data, bars={symbol: series for symbol, series in parts.items() if len(series)})


def _cuts(data: Data, decisions: Sequence[Decision]) -> list[int]:
    """Moments at which bars closed, all of them with something to play before."""
    moments = sorted({at for series in data.played().values() for at in _spread(series.columns.at.tolist(), CUTS)})
    return sorted({*_spread([decision.at for decision in decisions], CUTS), *_spread(moments, CUTS)})


def _beginnings(data: Data) -> list[date]:
    played, day_of = data.played().values(), data.calendar.day_of
    days = {day_of(series[place].at) for series in played for place in _spread(range(len(series)), 10 * BEGINNINGS)}
    return _spread(sorted(days), BEGINNINGS + 2)[1:-1]


def _spread(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of them, evenly over all, the last one among them."""
    return [items[(place + 1) * len(items) // count - 1] for place in range(count) if (place + 1) * len(items) // count]
