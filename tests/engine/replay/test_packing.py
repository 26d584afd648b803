"""Columns to bytes and back: bit for bit, the same bytes with numpy and without, and few of them."""

from __future__ import annotations

import struct
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.replay.packing import pack_bars, pack_floats, pack_ints, unpack_bars, unpack_floats, unpack_ints
from engine.replay.plain_packing import pack_plain_floats, pack_plain_ints
from tests.bench.bench_replay import bars_of_a_walk

INTS = st.lists(st.integers(-(2**61), 2**61), max_size=40)
PRICES = st.lists(st.decimals(0, 10_000, places=2).map(float), max_size=40)
FLOATS = st.lists(st.floats(), max_size=40)


@given(INTS)
def test_whole_numbers_come_back(numbers: list[int]) -> None:
    packed = pack_ints(np.array(numbers, dtype=np.int64))
    assert unpack_ints(packed).tolist() == numbers
    assert pack_plain_ints(numbers) == packed


@given(PRICES | FLOATS)
def test_floats_come_back_bit_for_bit(numbers: list[float]) -> None:
    packed = pack_floats(np.array(numbers, dtype=np.float64))
    assert unpack_floats(packed).tobytes() == struct.pack(f"<{len(numbers)}d", *numbers)
    assert pack_plain_floats(array("d", numbers)) == packed


def test_bars_come_back_and_the_same_bars_give_the_same_bytes() -> None:
    bars = bars_of_a_walk(5_000)
    packed = pack_bars(bars)
    again = unpack_bars("AAPL", packed)
    assert list(again) == list(bars)
    assert pack_bars(again) == packed


def test_a_bar_takes_less_than_forty_bytes() -> None:
    assert len(pack_bars(bars_of_a_walk(50_000))) / 50_000 < 16


@pytest.mark.parametrize("damaged", [b"", b"\x01", bytes(40), b"\xff" * 40])
def test_what_is_no_column_is_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"column|bars"):
        unpack_bars("AAPL", damaged)
