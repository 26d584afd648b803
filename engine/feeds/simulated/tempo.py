"""How lively a moment of the day is: volatility and volume are high after the open, low at noon, and rise again into the close.

The U is that of Wood, McInish and Ord (1985), "An Investigation of Transactions Data for NYSE Stocks": two exponentials over a floor,
normalised so that over a session the variance and the volume are what they would be without it.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import NamedTuple

_PARTS = 96
"""Of a session in which the tempo is the same: four minutes of New York's, a quarter of an hour of a whole day."""
_NERVOUS = 1.4
"""From this volatility on spreads are a tick wider."""


class Tempo(NamedTuple):
    """Factors on what is usual: `volatility` of a move, `volume` of a trade, and by how many ticks a spread is wider."""

    volatility: float
    volume: float
    wider: int


def _session() -> tuple[Tempo, ...]:
    places = [(part + 0.5) / _PARTS for part in range(_PARTS)]
    moves = [0.70 + 1.3 * exp(-place / 0.06) + 0.5 * exp((place - 1) / 0.08) for place in places]
    volumes = [0.55 + 1.6 * exp(-place / 0.07) + 1.9 * exp((place - 1) / 0.06) for place in places]
    move, volume = sqrt(sum(value * value for value in moves) / _PARTS), sum(volumes) / _PARTS
    return tuple(Tempo(a / move, b / volume, int(a / move > _NERVOUS)) for a, b in zip(moves, volumes, strict=True))


_SESSION = _session()
EXTENDED = Tempo(0.35, 0.02, 4)
"""Before the open and after the close few are there."""


def tempo_at(at: int, opens: int, closes: int) -> Tempo:
    """Of the regular session, where `opens` <= `at` < `closes`."""
    return _SESSION[(at - opens) * _PARTS // (closes - opens)]
