"""The walk under the simulated market's prices, stepped by hand over long times."""

from __future__ import annotations

from itertools import pairwise
from statistics import correlation, stdev

import pytest

from engine.feeds.walk import MarketWalk, SymbolWalk

MINUTE_S = 60.0


def lasts(seed: int, symbol: str, steps: int) -> list[float]:
    market, walk = MarketWalk(seed, MINUTE_S), SymbolWalk(seed, symbol, MINUTE_S)
    return [walk.step(market.step()).last for _ in range(steps)]


def moves(prices: list[float]) -> list[float]:
    return [later / price - 1 for price, later in pairwise(prices)]


def test_a_price_stays_near_its_level_for_a_month_of_running() -> None:
    prices = lasts(7, "AAPL", 30 * 24 * 60)
    assert 187.5 * 0.85 < min(prices) < 187.5 < max(prices) < 187.5 * 1.15


def test_volatility_is_that_of_a_real_stock() -> None:
    minutes_a_year = 252 * 6.5 * 60
    for symbol in ("AAPL", "IBM", "TSLA", "ZZZ"):
        assert 0.25 < stdev(moves(lasts(7, symbol, 5000))) * minutes_a_year**0.5 < 0.75


def test_another_seed_is_another_market() -> None:
    assert abs(correlation(moves(lasts(1, "AAPL", 3000)), moves(lasts(2, "AAPL", 3000)))) < 0.1


@pytest.mark.parametrize("step_s", [0.0001, 0.25, 3600.0, 100_000.0])
def test_prices_stay_near_their_level_however_rarely_they_are_quoted(step_s: float) -> None:
    market, walk = MarketWalk(7, step_s), SymbolWalk(7, "AAPL", step_s)
    steps = [walk.step(market.step()) for _ in range(5_000)]
    assert all(0.6 * walk.level < step.bid < step.ask < 1.6 * walk.level for step in steps)
    assert all(min(step.bid_size, step.ask_size) > 0 for step in steps)
