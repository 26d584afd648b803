"""One symbol's bars as columns: a million of them in 48 MB, made into objects only where somebody looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, overload

from engine.model.market import Bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Times: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float64]
    Mask: TypeAlias = NDArray[np.bool_]
else:
    Times = Floats = Mask = Any

_CHUNK = 4096
"""Rows made into bars at once: enough to be quick, too few to be felt in memory."""


class Columns(NamedTuple):
    """Arrays of one length. `at` is each bar's close in ns UTC, ascending."""

    at: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def rows(self, which: slice | Mask | Times) -> Columns:
        at, open_, high, low, close, volume = self
        return Columns(at[which], open_[which], high[which], low[which], close[which], volume[which])


class BarColumns(Sequence[Bar]):
    """The bars of `symbol`, oldest first. A slice shares the arrays. Nobody writes to them."""

    __slots__ = ("columns", "symbol")

    def __init__(self, symbol: str, columns: Columns) -> None:
        self.symbol = symbol
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns.at)

    @overload
    def __getitem__(self, place: int) -> Bar: ...

    @overload
    def __getitem__(self, place: slice) -> BarColumns: ...

    def __getitem__(self, place: int | slice) -> Bar | BarColumns:
        if isinstance(place, slice):
            return BarColumns(self.symbol, self.columns.rows(place))
        return Bar(self.symbol, *(column[place].item() for column in self.columns))

    def __iter__(self) -> Iterator[Bar]:
        for begin in range(0, len(self), _CHUNK):
            for values in zip(*(column[begin : begin + _CHUNK].tolist() for column in self.columns), strict=True):
                yield Bar(self.symbol, *values)


def columns_of(symbol: str, bars: Sequence[Bar]) -> BarColumns:
    """`bars` of `symbol`, oldest first, as columns."""
    import numpy as np

    if isinstance(bars, BarColumns):
        return bars
    values = np.array([(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars], dtype=np.float64).reshape(-1, 5).T
    return BarColumns(symbol, Columns(np.array([bar.at for bar in bars], dtype=np.int64), *values))
