"""The equity curve, worked out by column after the run: what was held, times the closes, and cash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.backtest.account import Account, Steps
from engine.feeds.bar_columns import BarColumns, Floats, Times

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Curve(Struct, frozen=True):
    """Columns of one length: at each moment (ns UTC) the account's `equity`, its `cash`, and the `gross` value of its positions, shorts
    counted as positive. Money, at the last closes."""

    at: Times
    equity: Floats
    cash: Floats
    gross: Floats


def curve_of(account: Account, bars: Mapping[str, BarColumns], moments: Times) -> Curve:
    """A symbol without a bar at a moment is worth its last close."""
    import numpy as np

    cash = _at(account.cash_steps, moments)
    net, gross = np.zeros(len(moments)), np.zeros(len(moments))
    for symbol, held in account.held_steps.items():
        quantity = _at(held, moments)
        if not quantity.any():
            continue
        # In place, here and below: as much memory anew takes longer than the arithmetic.
        value = np.multiply(quantity, closes_at(bars[symbol], account.price_steps.get(symbol), moments), out=quantity)
        net += value
        gross += np.abs(value, out=value)
    return Curve(moments, np.add(cash, net, out=net), cash, gross)


def closes_at(series: BarColumns, steps: Steps | None, moments: Times) -> Floats:
    """The symbol's last price at each moment; zero before its first."""
    import numpy as np

    at, close = series.columns.at, series.columns.close
    if steps is not None:
        at = np.concatenate((at, np.array(steps.at, dtype=np.int64)))
        order = np.argsort(at, kind="stable")
        at, close = at[order], np.concatenate((close, np.array(steps.value)))[order]
    elif len(at) == len(moments):
        return close
    place: NDArray[np.intp] = at.searchsorted(moments, "right")
    return np.concatenate(([0.0], close))[place]


def _at(steps: Steps, moments: Times) -> Floats:
    import numpy as np

    # Steps are few and moments many: each step is looked up among the moments, and not the other way round.
    begins: NDArray[np.intp] = moments.searchsorted(np.array(steps.at, dtype=np.int64))
    return np.concatenate(([0.0], steps.value)).repeat(np.diff(begins, prepend=0, append=len(moments)))
