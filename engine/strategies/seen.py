"""What a strategy sees at each bar, in the process it runs in: its indicators as they stand, or what its function answered.

An indicator is looked for seldom and asked each time: a bar costs a few attributes, however many symbols there are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from engine.model.market import Bar
from engine.strategies.base import Context, Strategy
from engine.strategies.functions import FunctionStrategy
from engine.strategies.indicator_search import found
from engine.strategies.wire import Seen

MOST: Final = 20
"""Values that are told of one bar."""
_SIDES: Final = {"BUY": 1, "SELL": -1, "HOLD": 0}
_APART: Final = 64
"""Bars between two searches at least; as many as there are indicators, where these are more."""


class Sight:
    """Of one strategy that has been started."""

    def __init__(self, strategy: Strategy, context: Context) -> None:
        self._strategy = strategy
        self._context = context
        self._said: Seen | None = None
        self._of: dict[str, list[tuple[str, Any]]] = {}
        self._left = 0
        if isinstance(strategy, FunctionStrategy):
            strategy.told = self._hear

    def at(self, bar: Bar) -> Seen | None:
        """After on_bar was told `bar`. None where it has nothing of that symbol that has a value."""
        if isinstance(self._strategy, FunctionStrategy):
            said, self._said = self._said, None
            return said
        self._left -= 1
        if self._left < 0:
            self._search()
        values: dict[str, float] = {}
        for name, indicator in self._of.get(bar.symbol, ()):
            value = indicator.value
            if type(value) is float and math.isfinite(value):
                values[name] = value
        return Seen(0, 0.0, values) if values else None

    def _hear(self, symbol: str, at: int, action: str, strength: float, indicators: Mapping[str, float]) -> None:
        values = [(name, value) for name, value in indicators.items() if math.isfinite(value)]
        self._said = Seen(_SIDES[action], strength, dict(values[:MOST]))

    def _search(self) -> None:
        symbols = self._context.symbols
        of: dict[str, list[tuple[str, Any]]] = {}
        for place, symbol, indicator in found(self._strategy, symbols):
            if symbol or len(symbols) == 1:
                of.setdefault(symbol or symbols[0], []).append((place, indicator))
        self._of = {symbol: _named(kept)[:MOST] for symbol, kept in of.items()}
        self._left = max(_APART, sum(map(len, of.values())))


def _named(kept: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """`SMA20`, with the place before it where there are several such."""
    names = [f"{type(indicator).__name__}{indicator.period}" for _, indicator in kept]
    count = Counter(names)
    return [(name if count[name] == 1 else f"{place} {name}", each) for name, (place, each) in zip(names, kept, strict=True)]
