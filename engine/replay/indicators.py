"""What a strategy saw at a bar of a backtest, whether it proposed something there or not: its indicators, from the looks that were taken.

Between two looks an indicator is told the bars, and is believed only where it comes to stand exactly as the next look has it: one that a
strategy told something else than one field of each bar is unknown there, and nothing is said of it.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from engine.backtest.looks import Answers, Look, Looks, Stand, indicator_of
from engine.feeds.bar_columns import BarColumns, Columns, Floats
from engine.model.orders import Side
from engine.model.signals import Vote
from engine.replay.packing import pack_floats, pack_ints, unpack_floats, unpack_ints

_TOLD: Final[tuple[Callable[[Columns], Floats], ...]] = (
    lambda columns: columns.close,
    lambda columns: columns.open,
    lambda columns: columns.high,
    lambda columns: columns.low,
    lambda columns: columns.volume,
    lambda columns: (columns.high + columns.low) / 2,
    lambda columns: (columns.high + columns.low + columns.close) / 3,
)
"""What strategies tell their indicators of a bar."""


class Seen:
    """`bars` are those that the strategies were told."""

    def __init__(self, looks: Looks, bars: Mapping[str, BarColumns]) -> None:
        self._bars = bars
        self._answers = looks.answers
        self._looks: dict[str, list[Look]] = {}
        for look in looks.taken:
            self._looks.setdefault(look.strategy, []).append(look)

    def at(self, symbol: str, at: int) -> tuple[Vote, ...]:
        """Each strategy with what its indicators of `symbol` stood at after the bar that closed at `at`, as far as that is known. A
        function's vote has a side, as it answered one."""
        votes = []
        for strategy, looks in self._looks.items():
            if values := tuple(self._values(looks, symbol, at)):
                votes.append(Vote(strategy, None, 0.0, values))
        for (strategy, of), answers in self._answers.items():
            if of == symbol and (vote := _answered(strategy, answers, at)) is not None:
                votes.append(vote)
        return tuple(votes)

    def _values(self, looks: list[Look], symbol: str, at: int) -> Iterator[tuple[str, float]]:
        place = bisect_left(looks, at, key=lambda look: look.at)
        if not place or place == len(looks):
            return
        before, after = looks[place - 1], looks[place]
        stood = {(stand.place, stand.symbol): stand for stand in after.stands}
        known = [stand for stand in before.stands if stand.symbol == symbol or (not stand.symbol and len(self._bars) == 1)]
        names = Counter(_name(stand) for stand in known)
        for stand in known:
            then = stood.get((stand.place, stand.symbol))
            value = self._value(stand, then, symbol, (before.at, at, after.at)) if then is not None else None
            if value is not None:
                name = _name(stand)
                yield name if names[name] == 1 else f"{stand.place} {name}", value

    def _value(self, stand: Stand, then: Stand, symbol: str, times: tuple[int, int, int]) -> float | None:
        """At the second of these `times`; `stand` is at the first, and `then` at the last."""
        if symbol not in self._bars:
            return None
        columns = self._bars[symbol].columns
        first, wanted, last = (int(columns.at.searchsorted(at, "right")) for at in times)
        told = columns.rows(slice(first, last))
        for field in _TOLD:
            indicator = indicator_of(stand)
            value: float | None = indicator.value
            for number, price in enumerate(field(told).tolist(), first + 1):
                indicator.add(price)
                if number <= wanted:
                    value = indicator.value
            if [getattr(indicator, slot) for slot in type(indicator).__slots__] == [_plain(slot) for slot in then.slots]:
                return value
        return None


def _name(stand: Stand) -> str:
    """`SMA20`."""
    return f"{stand.kind}{indicator_of(stand).period}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _answered(strategy: str, answers: Answers, at: int) -> Vote | None:
    place = bisect_left(answers.at, at)
    if place == len(answers.at) or answers.at[place] != at:
        return None
    values = tuple((name, column[place]) for name, column in answers.values.items() if math.isfinite(column[place]))
    side = answers.sides[place]
    return Vote(strategy, Side.BUY if side > 0 else Side.SELL if side < 0 else None, answers.strengths[place], values)


def pack_answers(strategy: str, symbol: str, answers: Answers) -> bytes:
    """A function's answers as columns of a few bytes a bar."""
    import numpy as np

    at, sides = (pack_ints(np.array(column, dtype=np.int64)) for column in (answers.at, answers.sides))
    columns = {name: pack_floats(np.array(column)) for name, column in answers.values.items()}
    return msgspec.msgpack.encode((strategy, symbol, at, sides, pack_floats(np.array(answers.strengths)), columns))


def unpack_answers(packed: bytes) -> tuple[tuple[str, str], Answers]:
    """What `pack_answers` was given. Raises ValueError where these are no such bytes."""
    try:
        strategy, symbol, at, sides, strengths, columns = msgspec.msgpack.decode(packed)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    return (strategy, symbol), Answers(
        array("q", unpack_ints(at).tolist()),
        array("b", unpack_ints(sides).tolist()),
        array("d", unpack_floats(strengths).tolist()),
        {name: array("d", unpack_floats(column).tolist()) for name, column in columns.items()},
    )
