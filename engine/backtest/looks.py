"""What the strategies' indicators stood at, looked at now and then while a backtest runs: between two looks they follow from the bars.

A bar costs nothing: the indicators of `engine.strategies.indicators` are written down whole after some thousand bars, and whoever wants to
know what they were at a bar in between tells them the bars from the look before on. A plain function answers with its indicators at each
bar, and each answer is written down: it costs many times as much to ask it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from engine.backtest.player import Player
from engine.strategies.functions import FunctionStrategy
from engine.strategies.indicator_search import KINDS, found

APART: Final = 4_096
"""Bars between two looks, at least."""
BARS_FOR_ONE: Final = 512
"""Bars between two looks for each indicator: many of them are looked at more seldom, so that a bar costs the same."""
_NAMES: Final = 16
"""Different indicators of one function that are written down."""


class Stand(Struct, frozen=True):
    """Where one indicator stands: `place` is where the strategy keeps it, `symbol` whose it is, empty where it does not say. `slots` are
    its values in the order of its class's own."""

    place: str
    symbol: str
    kind: str
    slots: tuple[Any, ...]


class Look(Struct, frozen=True):
    """All indicators of one strategy after the bars of the market time `at`; `timeframe` is that of the bars it is told, empty for the
    data's own."""

    strategy: str
    at: int
    stands: tuple[Stand, ...]
    timeframe: str = ""


class Answers(Struct):
    """What a function answered for one symbol, a value a bar: `sides` is 1, -1 or 0 for BUY, SELL and HOLD; a value it did not name is
    not a number."""

    at: array[int] = field(default_factory=lambda: array("q"))
    sides: array[int] = field(default_factory=lambda: array("b"))
    strengths: array[float] = field(default_factory=lambda: array("d"))
    values: dict[str, array[float]] = field(default_factory=dict)

    def add(self, at: int, action: str, strength: float, indicators: Mapping[str, float]) -> None:
        for name in indicators:
            if name not in self.values and len(self.values) < _NAMES:
                self.values[name] = array("d", [_NAN]) * len(self.at)
        self.at.append(at)
        self.sides.append(_SIDES[action])
        self.strengths.append(strength)
        for name, column in self.values.items():
            column.append(indicators.get(name, _NAN))


_NAN: Final = float("nan")
_SIDES: Final = {"BUY": 1, "SELL": -1, "HOLD": 0}


class Looks:
    """Of one run. `taken` are in the order of the run; `answers` are those of functions, by strategy and symbol."""

    def __init__(self) -> None:
        self.taken: list[Look] = []
        self.answers: dict[tuple[str, str], Answers] = {}
        self._left = 0

    def look(self, players: Sequence[Player], at: int, bars: int) -> None:
        """So many bars more are done, the last of them closed at `at`: it looks where they are enough."""
        self._left -= bars
        if self._left <= 0:
            self.look_now(players, at)

    def look_now(self, players: Sequence[Player], at: int) -> None:
        count = 0
        for player in players:
            if isinstance(player.strategy, FunctionStrategy):
                player.strategy.told = self._hear(player.name)
                continue
            player.bring_indicators()
            stands = tuple(_stand(place, symbol, indicator) for place, symbol, indicator in found(player.strategy, player.symbols))
            if stands:
                self.taken.append(Look(player.name, at, stands, player.wants.timeframe))
            count += len(stands)
        self._left = max(APART, BARS_FOR_ONE * count)

    def _hear(self, name: str) -> Callable[[str, int, str, float, Mapping[str, float]], None]:
        def told(symbol: str, at: int, action: str, strength: float, indicators: Mapping[str, float]) -> None:
            answers = self.answers.get((name, symbol))
            if answers is None:
                answers = self.answers[name, symbol] = Answers()
            answers.add(at, action, strength, indicators)

        return told


def _stand(place: str, symbol: str, indicator: Any) -> Stand:
    kind = type(indicator)
    slots = (getattr(indicator, slot) for slot in kind.__slots__)
    return Stand(place, symbol, kind.__name__, tuple(list(value) if isinstance(value, list) else value for value in slots))


def indicator_of(stand: Stand) -> Any:
    """The indicator as it stood. Raises KeyError where there is none of its kind, ValueError where it had others."""
    kind = KINDS[stand.kind]
    made = object.__new__(kind)
    for slot, value in zip(kind.__slots__, stand.slots, strict=True):
        setattr(made, slot, list(value) if isinstance(value, list | tuple) else value)
    return made
