"""A backtest's curve and trades in few bytes: columns, compressed.

A curve of up to `WHOLE` points is kept as it is. Of a longer one each UTC day keeps its last point, exactly, and its highest and its lowest
equity, so that neither a day's value nor the drawdown is lost: a million minutes are eight thousand points.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

import msgspec

from engine.backtest.curve import Curve
from engine.backtest.trades import Trade
from engine.feeds.bar_columns import Floats, Times

WHOLE: Final = 10_000
_DAY_NS: Final = 86_400 * 1_000_000_000


class Points(msgspec.Struct, frozen=True):
    """Columns of one length: ns UTC, the account's equity, its cash and the gross value of its positions, and what holding what was traded
    would have been worth."""

    at: Sequence[int]
    equity: Sequence[float]
    cash: Sequence[float]
    gross: Sequence[float]
    held: Sequence[float]


class _Packed(msgspec.Struct, array_like=True):
    count: int
    columns: list[bytes]


def kept_places(curve: Curve) -> Times:
    """Which points of a curve are kept, ascending."""
    import numpy as np

    count = len(curve.at)
    if count <= WHOLE:
        return np.arange(count)
    days = (curve.at - 1) // _DAY_NS
    begins = np.concatenate(([0], np.flatnonzero(np.diff(days)) + 1))
    ends = np.append(begins[1:], count)
    kept = [ends - 1]
    for values in (curve.equity, -curve.equity):
        # By day, then by value: the first of each day is its lowest.
        order = np.lexsort((values, days))
        kept.append(order[begins])
    return np.unique(np.concatenate((*kept, [0])))


def pack_curve(curve: Curve, held: Floats, places: Times) -> bytes:
    """The curve at these places; `held` is already at them."""
    at = array("q", curve.at[places].tolist())
    steps = array("q", (now - before for now, before in zip(at, [0, *at[:-1]], strict=True)))
    columns = [array("d", column[places].tolist()) for column in (curve.equity, curve.cash, curve.gross)]
    return _packed(len(at), [steps, *columns, array("d", held.tolist())])


def unpack_curve(packed: bytes) -> Points:
    """Raises ValueError where these bytes are none."""
    steps, equity, cash, gross, held = _unpacked(packed, "qdddd")
    return Points(list(accumulate(steps)), equity, cash, gross, held)


def pack_trades(trades: Sequence[Trade]) -> bytes:
    columns = {name: [getattr(trade, name) for trade in trades] for name in Trade.__struct_fields__}
    return zlib.compress(msgspec.msgpack.encode(columns))


def unpack_trades(packed: bytes) -> tuple[Trade, ...]:
    """Raises ValueError where these bytes are none."""
    try:
        columns: dict[str, list[Any]] = msgspec.msgpack.decode(zlib.decompress(packed))
        rows = zip(*columns.values(), strict=True)
        return msgspec.convert([dict(zip(columns, row, strict=True)) for row in rows], tuple[Trade, ...])
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(str(error)) from error


def _packed(count: int, columns: Iterable[array[Any]]) -> bytes:
    told = []
    for column in columns:
        if sys.byteorder == "big":
            column.byteswap()
        told.append(zlib.compress(column.tobytes()))
    return msgspec.msgpack.encode(_Packed(count, told))


def _unpacked(packed: bytes, kinds: str) -> list[Sequence[Any]]:
    try:
        read = msgspec.msgpack.decode(packed, type=_Packed)
        columns: list[Sequence[Any]] = []
        for kind, told in zip(kinds, read.columns, strict=True):
            column: array[Any] = array(kind, zlib.decompress(told))
            if sys.byteorder == "big":
                column.byteswap()
            columns.append(column)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(str(error)) from error
    if any(len(column) != read.count for column in columns):
        raise ValueError("its columns are of different lengths")
    return columns
