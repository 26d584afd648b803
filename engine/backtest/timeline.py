"""The bars of several symbols in order of time, made into objects a few thousand at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle, islice, repeat
from typing import TYPE_CHECKING

from engine.feeds.bar_columns import BarColumns, Columns, Times
from engine.model.market import Bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 1024
"""Bars made at once. Whole columns as lists would not fit the processor's cache, and cost a third more a bar."""


_CHUNKS = 16
"""Of them, whose bars are brought into the order of time at once."""


class Timeline:
    """Moment after moment: the bars of one moment together, in the order of the symbols. `moments` are their times, ns UTC."""

    def __init__(self, bars: Mapping[str, BarColumns]) -> None:
        import numpy as np

        self._symbols = list(bars)
        self._series = series = list(bars.values())
        self._columns = series[0].columns
        self._order: NDArray[np.intp] | None = None
        self._codes: NDArray[np.object_] | None = None
        self.moments: Times = self._columns.at
        self._are_in_step = len(series) > 1 and all(np.array_equal(each.columns.at, self.moments) for each in series)
        """All symbols have the same moments: nothing needs sorting."""
        if len(series) > 1 and not self._are_in_step:
            columns = Columns(*(np.concatenate(parts) for parts in zip(*(each.columns for each in series), strict=True)))
            self._columns = columns
            self._order = np.argsort(columns.at, kind="stable")
            self._codes = np.repeat(np.array(self._symbols, dtype=object), [len(each) for each in series])
            self.moments = np.unique(columns.at)

    def __len__(self) -> int:
        return sum(map(len, self._series))

    def until(self, at: int) -> int:
        """How many bars have closed by the moment `at`."""
        return sum(int(series.columns.at.searchsorted(at, "right")) for series in self._series)

    def chunks(self) -> Iterator[Iterator[tuple[Bar, ...]]]:
        """Moments by the thousand: a chunk is to be used up before the next one is asked for."""
        if self._are_in_step:
            yield from self._in_step()
        elif self._order is None:
            yield from (zip(bars) for _, bars in self.chunks_of_one())
        else:
            yield from self._merged()

    def chunks_of_one(self) -> Iterator[tuple[int, Iterator[Bar]]]:
        """The same where there is one symbol, bar after bar; with each chunk its last moment."""
        symbol = repeat(self._symbols[0])
        for begin in range(0, len(self.moments), CHUNK):
            columns = self._columns.rows(slice(begin, begin + CHUNK))
            # A number read when its bar is made is younger, and so nearer to the processor, than one out of a list made before.
            yield int(columns.at[-1]), map(Bar, symbol, *(column.data for column in columns))

    def _in_step(self) -> Iterator[Iterator[tuple[Bar, ...]]]:
        import numpy as np

        count = len(self._symbols)
        rows = max(1, CHUNK // count)
        columns = [each.columns[1:] for each in self._series]
        for block in range(0, len(self.moments), _CHUNKS * rows):
            # Each field as a table with a row a moment: of some thousand bars, which memory that was used before is enough for.
            part = slice(block, block + _CHUNKS * rows)
            tables = [np.stack([field[part] for field in fields], axis=1) for fields in zip(*columns, strict=True)]
            moments = self.moments[part]
            for begin in range(0, len(moments), rows):
                at = moments[begin : begin + rows]
                fields = (table[begin : begin + rows].reshape(-1).data for table in tables)
                bars = map(Bar, cycle(self._symbols), at.repeat(count).data, *fields)
                yield zip(*repeat(bars, count), strict=True)

    def _merged(self) -> Iterator[Iterator[tuple[Bar, ...]]]:
        import numpy as np

        assert self._order is not None
        assert self._codes is not None
        at = self._columns.at[self._order]
        starts = np.append(np.flatnonzero(np.diff(at, prepend=at[0] - 1)), len(at))
        first = 0
        while first < len(starts) - 1:
            last = max(first + 1, int(starts.searchsorted(starts[first] + CHUNK, "right")) - 1)
            order = self._order[starts[first] : starts[last]]
            bars = map(Bar, self._codes[order].tolist(), *(column[order].data for column in self._columns))
            counts = np.diff(starts[first : last + 1])
            if (counts == counts[0]).all():
                yield zip(*repeat(bars, int(counts[0])), strict=True)
            else:
                yield (tuple(islice(bars, count)) for count in counts.tolist())
            first = last
