"""The indicators that a strategy keeps in its attributes, where the ones of `engine.strategies.indicators` are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from engine.strategies.indicators import RSI, SMA

KINDS: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in (SMA, RSI)}
LONGEST: Final = 2_000
"""Values that an indicator keeps at most to be found."""
_DEPTH: Final = 3
"""How deep in a strategy's attributes an indicator is looked for."""


def found(strategy: object, symbols: Sequence[str]) -> list[tuple[str, str, Any]]:
    """Each with the place where the strategy keeps it, in an attribute, a list, a tuple or a mapping, and the symbol whose it is, empty
    where the place does not say."""
    inside = [each for name, value in vars(strategy).items() for each in _inside(value, name, "", frozenset(symbols), _DEPTH)]
    return [each for each in inside if len(getattr(each[2], "_window", ())) <= LONGEST]


def _inside(value: Any, place: str, symbol: str, symbols: frozenset[str], depth: int) -> Iterator[tuple[str, str, Any]]:
    if type(value) in KINDS.values():
        yield place, symbol, value
    elif depth and isinstance(value, dict):
        for key, item in value.items():
            of = key if isinstance(key, str) and key in symbols else symbol
            yield from _inside(item, f"{place}.{key}", of, symbols, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _inside(item, f"{place}.{number}", symbol, symbols, depth - 1)
