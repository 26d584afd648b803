"""The columns of `packing` without numpy, the same bytes for the same numbers: for whoever trades meanwhile and imports nothing heavy."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from itertools import islice
from operator import sub

from engine.replay.packing import MOST, RAW, SCALES, WIDTHS, deflated, headed

_CODES = {1: "b", 2: "h", 4: "i", 8: "q"}


def pack_plain_ints(values: Sequence[int]) -> bytes:
    """As `pack_ints`."""
    if not values:
        return headed(0, 0, 0, b"")
    steps = list(map(sub, islice(values, 1, None), values))
    largest = max(map(abs, steps), default=0)
    width = next(width for width in WIDTHS if width == 8 or largest < 1 << (8 * width - 1))
    return headed(len(values), width, values[0], deflated(_bytes(array(_CODES[width], steps)), width))


def pack_plain_floats(values: array[float]) -> bytes:
    """As `pack_floats`."""
    kept = values.tobytes()
    for place, scale in enumerate(SCALES):
        try:
            whole = [round(value * scale) for value in values]
        except (ValueError, OverflowError):  # not a number, or without end
            break
        if all(-MOST < number < MOST for number in whole) and array("d", [number / scale for number in whole]).tobytes() == kept:
            return bytes((place,)) + pack_plain_ints(whole)
    return bytes((RAW,)) + headed(len(values), 8, 0, deflated(_bytes(array("d", values)), 8))


def _bytes(numbers: array[int] | array[float]) -> bytes:
    """Little end first."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
