"""Numbers to bytes and back: columns that take a few bytes a row, without loss, the same bytes for the same numbers.

A column of whole numbers is kept as differences in the smallest width that holds them; one of prices as whole numbers of its smallest
decimal step where that gives every price back to the last bit, else as the floats' own bytes. Then the bytes are put in planes (all first
bytes, all second bytes, ...) and deflated.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from engine.feeds.bar_columns import BarColumns, Columns, Floats, Times

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTHS: Final = (1, 2, 4, 8)
SCALES: Final = (1.0, 100.0, 10_000.0, 1_000_000.0)
RAW: Final = 255
_LEVEL: Final = 1
MOST: Final = 2.0**52


def pack_ints(values: Times) -> bytes:
    """`values` as bytes: how many, their first, and the differences between them."""
    import numpy as np

    if not len(values):
        return headed(0, 0, 0, b"")
    steps = np.diff(values)
    largest = int(np.abs(steps).max(initial=0))
    width = next(width for width in WIDTHS if width == 8 or largest < 1 << (8 * width - 1))
    return headed(len(values), width, int(values[0]), deflated(steps.astype(f"<i{width}").tobytes(), width))


def unpack_ints(packed: bytes) -> Times:
    """What `pack_ints` made of them. Raises ValueError where these are no such bytes."""
    import numpy as np

    count, width, first, rest = _taken(packed)
    if not count:
        return np.zeros(0, dtype=np.int64)
    steps = np.frombuffer(_inflated(rest, width), dtype=f"<i{width}").astype(np.int64)
    if len(steps) != count - 1:
        raise ValueError("a column has another length than it says")
    return np.concatenate((np.array([first], dtype=np.int64), steps)).cumsum()


def pack_floats(values: Floats) -> bytes:
    """`values` as bytes, bit for bit: not-a-number and minus zero come back as they are."""
    import numpy as np

    for place, scale in enumerate(SCALES):
        with np.errstate(all="ignore"):
            whole = np.rint(values * scale)
            fits = bool((np.abs(whole) < MOST).all()) and (whole.astype(np.int64) / scale).tobytes() == values.tobytes()
        if fits:
            return bytes((place,)) + pack_ints(whole.astype(np.int64))
    return bytes((RAW,)) + headed(len(values), 8, 0, deflated(values.astype("<f8").tobytes(), 8))


def unpack_floats(packed: bytes) -> Floats:
    """What `pack_floats` made of them. Raises ValueError where these are no such bytes."""
    import numpy as np

    if packed[:1] == bytes((RAW,)):
        count, width, _, rest = _taken(packed[1:])
        values: NDArray[np.float64] = np.frombuffer(_inflated(rest, width), dtype="<f8").astype(np.float64)
        if len(values) != count:
            raise ValueError("a column has another length than it says")
        return values
    if packed[:1] not in {bytes((place,)) for place in range(len(SCALES))}:
        raise ValueError("a column of an unknown kind")
    whole: Floats = unpack_ints(packed[1:]) / SCALES[packed[0]]
    return whole


def pack_bars(bars: BarColumns) -> bytes:
    """One symbol's bars, without its name."""
    columns = bars.columns
    parts = [pack_ints(columns.at), *(pack_floats(column) for column in columns[1:])]
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def unpack_bars(symbol: str, packed: bytes) -> BarColumns:
    """Raises ValueError where these are no bars."""
    parts, place = [], 0
    while place < len(packed):
        size = int.from_bytes(packed[place : place + 4], "little")
        parts.append(packed[place + 4 : place + 4 + size])
        place += 4 + size
    if len(parts) != len(Columns._fields):
        raise ValueError(f"{len(parts)} columns of bars")
    columns = Columns(unpack_ints(parts[0]), *map(unpack_floats, parts[1:]))
    if len({len(column) for column in columns}) != 1:
        raise ValueError("columns of different lengths")
    return BarColumns(symbol, columns)


def headed(count: int, width: int, first: int, rest: bytes) -> bytes:
    """A packed column: how many numbers, the width of a difference, the first of them, and the differences deflated."""
    return count.to_bytes(4, "little") + bytes((width,)) + first.to_bytes(8, "little", signed=True) + rest


def _taken(packed: bytes) -> tuple[int, int, int, bytes]:
    count, width = int.from_bytes(packed[:4], "little"), packed[4] if len(packed) > 4 else 0
    if count and width not in WIDTHS:
        raise ValueError("a column of an unknown width")
    return count, width, int.from_bytes(packed[5:13], "little", signed=True), packed[13:]


def deflated(data: bytes, width: int) -> bytes:
    """`data`, numbers of `width` bytes each, in planes and deflated."""
    return zlib.compress(b"".join(data[plane::width] for plane in range(width)), _LEVEL)


def _inflated(data: bytes, width: int) -> bytes:
    try:
        planes = zlib.decompress(data)
    except zlib.error as error:
        raise ValueError(f"a column cannot be inflated: {error}") from None
    count = len(planes) // width
    joined = bytearray(len(planes))
    for plane in range(width):
        joined[plane::width] = planes[plane * count : (plane + 1) * count]
    return bytes(joined)
