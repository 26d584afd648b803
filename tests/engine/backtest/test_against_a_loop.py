"""The sample's five symbols, by the engine and by a loop of a few lines that knows nothing of it: the trades are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest
from msgspec.structs import replace

from engine.backtest.data import open_data
from engine.backtest.profile import Profile
from engine.backtest.result import Result
from engine.backtest.runner import run
from engine.feeds.sample_bars import SYMBOLS, sample_bars
from engine.model.settings import FeedSettings, StrategySettings
from tests.engine.backtest.market import FREE
from tests.engine.backtest.workloads import CROSS, crossing

Wish = bool | None
"""To be in the market, to be out of it, or nothing new."""


def cross(closes: Sequence[float], bar: int) -> Wish:
    def above(at: int) -> bool | None:
        return sum(closes[at - 9 : at + 1]) / 10 > sum(closes[at - 29 : at + 1]) / 30 if at >= 29 else None

    now, before = above(bar), above(bar - 1)
    return now if before is not None and now != before else None


def reversion(closes: Sequence[float], bar: int) -> Wish:
    """Wilder's index over 14 changes, from the beginning each time."""
    now, before = index(closes[: bar + 1]), index(closes[:bar])
    if before is None or now is None:
        return None
    return True if now < 30 <= before else False if now > 55 >= before else None


def index(closes: Sequence[float]) -> float | None:
    changes = [after - before for before, after in pairwise(closes)]
    if len(changes) < 14:
        return None
    gain = sum(max(change, 0.0) for change in changes[:14]) / 14
    loss = sum(max(-change, 0.0) for change in changes[:14]) / 14
    for change in changes[14:]:
        gain, loss = (gain * 13 + max(change, 0.0)) / 14, (loss * 13 + max(-change, 0.0)) / 14
    return 100 * gain / (gain + loss)


def by_hand(symbol: str, wish: Callable[[Sequence[float], int], Wish], last: int) -> Iterator[tuple[int, float, int, float]]:
    """(entered at, for, left at, for) of each round trip of a symbol, at the open after the wish."""
    bars = sample_bars((symbol,))[symbol][:last]
    closes = [bar.close for bar in bars]
    entered: tuple[int, float] | None = None
    for bar, following in zip(range(len(bars)), bars[1:], strict=False):
        wanted = wish(closes, bar)
        if wanted and entered is None:
            entered = following.at, following.open
        elif wanted is False and entered is not None:
            yield *entered, following.at, following.open
            entered = None


def trips(result: Result, symbol: str) -> list[tuple[int, float, int, float]]:
    return [(trade.entry_at, trade.entry, trade.exit_at, trade.exit) for trade in result.trades if trade.symbol == symbol]


@pytest.fixture(scope="module")
def crossed() -> Result:
    return run(open_data(FeedSettings(source="sample"), SYMBOLS), crossing(CROSS.with_name("cross_closes.py")))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_crossing_averages_make_the_same_trades(symbol: str, crossed: Result) -> None:
    wanted = list(by_hand(symbol, cross, 10_000))
    assert len(wanted) >= 3
    assert trips(crossed, symbol) == [pytest.approx(trip) for trip in wanted]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_rsi_reversion_makes_the_same_trades(symbol: str) -> None:
    data = open_data(FeedSettings(source="sample"), (symbol,))
    data = replace(data, bars={symbol: data.bars[symbol][:800]})
    result = run(data, Profile((StrategySettings("rsi_reversion"),), FREE))
    wanted = list(by_hand(symbol, reversion, 800))
    assert wanted or symbol == "FB"
    assert trips(result, symbol) == [pytest.approx(trip) for trip in wanted]
