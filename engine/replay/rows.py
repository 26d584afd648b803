"""The market data of a session as columns again, from the pieces that `engine.replay.market_log` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from engine.feeds.bar_columns import BarColumns, Columns, Floats, Times
from engine.model.recording import SessionAbout
from engine.replay.market_log import ABOUT, HISTORY, ROWS, SEEN
from engine.replay.packages import unpack
from engine.replay.packing import unpack_floats, unpack_ints
from engine.replay.seen_columns import SeenColumns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Kinds = NDArray[np.uint8]


_COLUMNS = 4
"""Of whole numbers, beside the symbols': when by the market and by the monotonic clock, after how many records, and how late."""


class Rows(Struct):
    """What was heard, in order. `lags` says by how many ns a price is older than the moment in which it was heard. `values` are five
    columns; a row of another kind than a bar or a quote is the next of `others`. `history` are the bars that each of a symbol's Primed
    came with; `seen` is what strategies saw."""

    about: SessionAbout | None
    kinds: Kinds
    symbols: list[str]
    at: Times
    mono: Times
    records: Times
    lags: Times
    values: list[Floats]
    others: list[Any]
    history: dict[str, list[BarColumns]]
    seen: SeenColumns


def rows_of(pieces: Sequence[tuple[str, bytes]]) -> tuple[Rows, list[str]]:
    """The rows, and in words what of them cannot be read."""
    import numpy as np

    about: SessionAbout | None = None
    kinds: list[bytes] = []
    symbols: list[str] = []
    columns: list[list[Times]] = []
    values: list[list[Floats]] = []
    others: list[Any] = []
    history: dict[str, list[BarColumns]] = {}
    seen = SeenColumns()
    lost: list[str] = []
    for name, body in pieces:
        try:
            if name == ABOUT:
                about = msgspec.msgpack.decode(body, type=SessionAbout, strict=False)
            elif name == HISTORY:
                symbol, packed = msgspec.msgpack.decode(body)
                bars = BarColumns(symbol, Columns(unpack_ints(packed[0]), *map(unpack_floats, packed[1:])))
                history.setdefault(symbol, []).append(bars)
            elif name == ROWS:
                chunk, packed_columns, packed_values, packed_others, names = msgspec.msgpack.decode(body)
                numbers, *rest = map(unpack_ints, packed_columns)
                if len(rest) < _COLUMNS:  # until 2026-11 nobody wrote down how late a price came
                    rest.append(np.zeros(len(numbers), dtype=np.int64))
                floats = [unpack_floats(column) for column in packed_values]
                found = unpack(packed_others)
                kinds.append(chunk)
                symbols += [names[number] if names else "" for number in numbers.tolist()]
                columns.append(rest)
                values.append(floats)
                others += [item for _, item in found]
            elif name == SEEN:
                seen.add(body)
        except (ValueError, msgspec.MsgspecError, IndexError):
            lost.append(name)
    none: Times = np.zeros(0, dtype=np.int64)
    at, mono, records, lags = [np.concatenate(parts) for parts in zip(*columns, strict=True)] or [none] * _COLUMNS
    floated: list[Floats] = [np.concatenate(parts) for parts in zip(*values, strict=True)] or [np.zeros(0)] * 5
    told = list(_told(len(lost) - lost.count(SEEN), "its market data", "prices stand still there"))
    told += _told(lost.count(SEEN), "what strategies saw", "their indicators are unknown there")
    heard = np.frombuffer(b"".join(kinds), dtype=np.uint8)
    rows = Rows(about, heard, symbols, at, mono, records, lags, floated, others, history, seen)
    return rows, told


def _told(lost: int, what: str, then: str) -> Iterator[str]:
    if lost:
        yield f"{lost} piece{'s' if lost > 1 else ''} of {what} cannot be read: {then}."
