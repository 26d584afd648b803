"""What buying at the beginning and holding would have been worth: the line that a strategy's is held against."""

from __future__ import annotations

from collections.abc import Mapping

from engine.backtest.data import Data
from engine.feeds.bar_columns import BarColumns, Floats, Times


def held_value(data: Data, bars: Mapping[str, BarColumns], cash: float, moments: Times) -> Floats:
    """At each of the `moments`: equal parts of `cash` in each symbol of `bars`, bought at its first close and kept, without costs.

    Until its first close a symbol's part waits as cash, after its last bar it is worth that one's close. Its last value is what
    `metrics.buy_and_hold` tells as a return.
    """
    import numpy as np

    worth, counted = np.zeros(len(moments)), 0
    for symbol, series in bars.items():
        at, close = series.columns.at, series.columns.close
        first = float(close[0])
        if first <= 0:
            continue
        counted += 1
        shares = np.ones(len(at))
        for action in data.actions:
            if action.symbol == symbol and action.kind == "split":
                later = np.array([data.calendar.day_of(int(moment)) >= action.day for moment in (at[0], at[-1])])
                if later[1] and not later[0]:
                    shares[_first_of(data, series, action.day) :] *= float(action.value)
        place = at.searchsorted(moments, "right")
        worth += np.concatenate(([1.0], close * shares / first))[place]
    return cash * worth / counted if counted else np.full(len(moments), cash)


def _first_of(data: Data, series: BarColumns, day: object) -> int:
    """The place of the first bar of the trading day `day`, or of one after it."""
    from bisect import bisect_left

    day_of = data.calendar.day_of
    return bisect_left(series, True, key=lambda bar: day_of(bar.at) >= day)  # type: ignore[operator]
