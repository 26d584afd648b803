"""What is kept of a long curve and of many trades: every day's value and every fall, in few bytes."""

from __future__ import annotations

import time

import numpy as np
import pytest

from console.backtest.packed import WHOLE, kept_places, pack_curve, pack_trades, unpack_curve, unpack_trades
from engine.backtest.curve import Curve
from engine.backtest.metrics import max_drawdown
from engine.backtest.trades import Trade
from engine.model.orders import Side

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def minutes(count: int) -> Curve:
    """So many minutes, 390 a day."""
    place = np.arange(count)
    at = (place // 390) * DAY + (place % 390 + 870) * 60 * SECOND
    equity = 100_000 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 2e-4, count)))
    return Curve(at, equity, equity / 2, equity / 2)


def test_a_million_bars_stay_small_and_lose_no_days_value_and_no_fall() -> None:
    curve = minutes(1_000_000)
    places = kept_places(curve)
    packed = pack_curve(curve, curve.equity[places], places)
    assert len(packed) < 400_000
    points = unpack_curve(packed)
    kept = Curve(np.array(points.at), np.array(points.equity), np.array(points.cash), np.array(points.gross))
    fall, exact_fall = max_drawdown(kept, 100_000.0), max_drawdown(curve, 100_000.0)
    assert (fall.depth, fall.peak_at, fall.trough_at) == (exact_fall.depth, exact_fall.peak_at, exact_fall.trough_at)
    last_of_days = np.flatnonzero(np.diff(curve.at // DAY, append=10**9))
    exact = dict(zip(points.at, points.equity, strict=True))
    assert [exact[at] for at in curve.at[last_of_days].tolist()] == curve.equity[last_of_days].tolist()


def test_a_short_curve_is_kept_whole() -> None:
    curve = minutes(WHOLE)
    places = kept_places(curve)
    points = unpack_curve(pack_curve(curve, curve.equity, places))
    assert list(points.at) == curve.at.tolist()
    assert list(points.equity) == curve.equity.tolist()
    assert list(points.gross) == curve.gross.tolist()


def trades(count: int) -> list[Trade]:
    return [
        Trade("cross", "AAPL", Side.SELL, 100.0, place * DAY, place * DAY + 1, 10.1, 11.0 + place / 7, 0.7, -3.3, -0.01, 2, None, 0.5)
        for place in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_trades_come_back_as_they_were(count: int) -> None:
    assert unpack_trades(pack_trades(trades(count))) == tuple(trades(count))


def test_packing_takes_a_small_part_of_the_time_that_was_packed() -> None:
    """What a run of a million bars takes at the very least is a pass over them in Python."""
    curve, many = minutes(1_000_000), trades(10_000)
    began = time.process_time()
    sum(1 for _ in zip(curve.at.tolist(), curve.equity.tolist(), curve.cash.tolist(), strict=True) for _ in range(10))
    passed = time.process_time() - began
    began = time.process_time()
    places = kept_places(curve)
    pack_curve(curve, curve.equity[places], places)
    pack_trades(many)
    assert time.process_time() - began < passed


def test_bytes_that_are_none_are_refused() -> None:
    for broken in (b"", b"\x93\x01\x02", pack_trades(trades(2))[:-5]):
        with pytest.raises(ValueError, match=r"."):
            unpack_trades(broken)
        with pytest.raises(ValueError, match=r"."):
            unpack_curve(broken)
