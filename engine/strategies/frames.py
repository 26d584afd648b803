"""DataFrames of the bars so far, for strategies that want them. pandas is imported when the first of these is made."""

from __future__ import annotations

import importlib
from typing import Any

from engine.model.market import Bar
from engine.strategies.shapes import FIELDS

ROWS = 1_000
"""The most rows of a frame: one is built for every moment, and its cost grows with them."""


class Frames:
    """Rows by closing time, UTC, ascending; columns are the fields of one symbol, or pairs (symbol, field) of several. Where a symbol has
    no bar at a row's time it has NaN. What is handed out is a copy: what is done to it changes nothing."""

    def __init__(self, symbols: tuple[str, ...], *, pairs: bool, lower: bool) -> None:
        self._pd: Any = importlib.import_module("pandas")
        self._np: Any = importlib.import_module("numpy")
        fields = [field.lower() if lower else field for field in FIELDS]
        self._columns = (
            self._pd.MultiIndex.from_tuples([(symbol, field) for symbol in symbols for field in fields], names=("symbol", "field"))
            if pairs
            else self._pd.Index(fields)
        )
        self._place = {symbol: len(FIELDS) * place for place, symbol in enumerate(symbols)}
        self._times = self._np.zeros(2 * ROWS, dtype="int64")
        self._values = self._np.full((2 * ROWS, len(FIELDS) * len(symbols)), self._np.nan)
        self._end = 0

    def add(self, bar: Bar) -> None:
        """Bars come in order of time."""
        if not self._end or self._times[self._end - 1] != bar.at:
            if self._end == len(self._times):
                self._times[:ROWS], self._values[:ROWS] = self._times[ROWS:], self._values[ROWS:]
                self._end = ROWS
            self._times[self._end] = bar.at
            self._values[self._end] = self._np.nan
            self._end += 1
        place = self._place[bar.symbol]
        self._values[self._end - 1, place : place + len(FIELDS)] = bar.open, bar.high, bar.low, bar.close, bar.volume

    def stamp(self, at: int) -> Any:
        """The time `at` as a pandas.Timestamp."""
        return self._pd.Timestamp(at, tz="UTC")

    def frame(self) -> Any:
        """A pandas.DataFrame of the newest rows."""
        begin = max(0, self._end - ROWS)
        index = self._pd.DatetimeIndex(self._times[begin : self._end].astype("datetime64[ns]"), name="Time").tz_localize("UTC")
        return self._pd.DataFrame(self._values[begin : self._end].copy(), index=index, columns=self._columns)
