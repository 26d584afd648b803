"""Yahoo's numbers, as they were on their day: splits undone, digits that mean nothing taken off, pence told from pounds."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from engine.feeds.actions import Action
from engine.feeds.bar_columns import BarColumns, Columns
from engine.feeds.calendar import Calendar
from engine.model.money import exact, is_amount


def actions_of(symbol: str, frame: Any) -> list[Action]:
    """By the frame's own days, as Yahoo tells them: in shares of today."""
    found = []
    for kind, column in (("split", "stock splits"), ("dividend", "dividends")):
        told = frame[frame[column] > 0]
        for moment, number in zip(told["time"], told[column].tolist(), strict=True):
            value = exact(number)
            if is_amount(value):
                found.append(Action(symbol, moment.date(), "split" if kind == "split" else "dividend", value))
    return found


def as_traded(bars: BarColumns, splits: Iterable[Action], calendar: Calendar) -> BarColumns:
    """Prices and volumes as they were on their day."""
    at, open_, high, low, close, volume = bars.columns
    for split in splits:
        session = calendar.session_on(split.day)
        if session is None:
            continue
        import numpy as np

        ratio = np.where(at <= session.pre, float(split.value), 1.0)
        open_, high, low, close, volume = open_ * ratio, high * ratio, low * ratio, close * ratio, volume / ratio
    return BarColumns(bars.symbol, Columns(at, open_, high, low, close, volume))


def as_paid(action: Action, splits: Iterable[Action]) -> Action:
    """A dividend for a share of its day."""
    if action.kind == "split":
        return action
    value = action.value
    for split in splits:
        if split.day > action.day:
            value *= split.value
    return replace(action, value=Decimal(f"{value.normalize():f}"))


def narrowed(values: Any) -> Any:
    """Yahoo's numbers are of single precision, written with digits that mean nothing: 187.49000549316406 is 187.49."""
    import numpy as np

    single = values.astype(np.float32)
    with np.errstate(invalid="ignore"):
        return np.where(single.astype(np.float64) == values, single.astype(str).astype(np.float64), values)


def dividends_in_hundredths(frame: Any) -> Any:
    """The dividends of prices in pence. Yahoo tells some in pounds: which they are is seen by how far they moved the adjusted close."""
    import numpy as np

    told = frame["dividends"].to_numpy(dtype=float).copy()
    if "adj close" not in frame:
        return told
    factor, close = (frame["adj close"] / frame["close"]).to_numpy(), frame["close"].to_numpy()
    for place in np.flatnonzero(told > 0).tolist():
        if not place:
            continue
        fell = close[place - 1] * (1 - factor[place - 1] / factor[place])
        if fell > 0 and abs(np.log(told[place] * 100 / fell)) < abs(np.log(told[place] / fell)):
            told[place] *= 100
    return told
