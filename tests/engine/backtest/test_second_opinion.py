"""The figures against another's: what empyrical-reloaded 0.7.1 says of the sample's prices, and pandas of random ones.

That library asks for a peewee that yfinance does not go with, so its answers were taken once, in an environment of its own, and stand here:
`annual_volatility`, `sharpe_ratio`, `sortino_ratio` and `max_drawdown` of the daily returns, the first of them none, with the periods a
year that are counted here; `annual_return` and `calmar_ratio` of those from the second day on, for a year is counted from close to close.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest

from engine.backtest.curve import Curve
from engine.backtest.metrics import (
    annualised_return,
    calmar,
    max_drawdown,
    monthly,
    periods_of,
    sharpe,
    sortino,
    total_return,
    trade_figures,
    volatility,
)
from engine.backtest.trades import Trade
from engine.feeds.sample_bars import sample_bars
from engine.model.orders import Side

DAY_S = 86_400
DAY = DAY_S * 1_000_000_000
NAMES = ("total", "annualised", "volatility", "sharpe", "sortino", "drawdown", "calmar")
EMPYRICAL = {
    "AAPL": (
        *(12.213721126544431, 0.21965568183410866, 0.4590987607856232, 0.6751343276309523, 0.9502580223730809),
        *(0.8180178930577712, 0.26852185471521933),
    ),
    "IBM": (
        *(1.024039900249384, 0.05573897135993722, 0.2796112952743643, 0.33355465755613406, 0.48539178593340393),
        *(0.5878919404325367, 0.09481159295861026),
    ),
}


def told(at: Any, equity: Any) -> dict[str, float | None]:
    curve, first = Curve(at, equity, equity, equity), float(equity[0])
    periods = periods_of(curve, first, DAY_S)
    total, depth = total_return(first, float(equity[-1])), max_drawdown(curve, first).depth
    annualised = annualised_return(total, periods.years)
    values = (total, annualised, volatility(periods), sharpe(periods), sortino(periods), depth, calmar(annualised, depth))
    return dict(zip(NAMES, values, strict=True))


@pytest.mark.parametrize("symbol", EMPYRICAL)
def test_empyrical_says_the_same_of_real_prices(symbol: str) -> None:
    bars = sample_bars((symbol,))[symbol]
    ours = told(np.array([bar.at for bar in bars]), np.array([bar.close for bar in bars]))
    assert ours == pytest.approx(dict(zip(NAMES, EMPYRICAL[symbol], strict=True)), rel=1e-11)


@pytest.mark.parametrize("seed", range(5))
def test_pandas_says_the_same_of_random_ones(seed: int) -> None:
    chance = np.random.default_rng(seed)
    days = np.cumsum(chance.integers(1, 4, 700))
    equity = 50_000 * np.exp(np.cumsum(chance.normal(0.0002, 0.013, len(days))))
    series = pd.Series(equity, index=pd.to_datetime(days * DAY, unit="ns", utc=True))
    returns, log = series.pct_change().fillna(0.0), np.log(series)
    years = (series.index[-1] - series.index[0]) / pd.Timedelta(days=365.25)
    a_year = (len(series) - 1) / years
    depth = (1 - series / series.cummax()).max()
    annualised = np.expm1((log.iloc[-1] - log.iloc[0]) / years)
    downside = np.sqrt(returns.clip(upper=0).pow(2).sum() / len(returns))
    assert told(days * DAY, equity) == pytest.approx(
        {
            "total": np.expm1(log.iloc[-1] - log.iloc[0]),
            "annualised": annualised,
            "volatility": returns.std() * a_year**0.5,
            "sharpe": returns.mean() / returns.std() * a_year**0.5,
            "sortino": returns.mean() / downside * a_year**0.5,
            "drawdown": depth,
            "calmar": annualised / depth,
        },
        rel=1e-9,
    )
    ends = (series.shift(freq="-1ns")).resample("ME").last().dropna()
    by_month = ends / ends.shift(fill_value=equity[0]) - 1
    told_by_month = monthly(periods_of(Curve(days * DAY, equity, equity, equity), float(equity[0]), DAY_S), float(equity[0]))
    assert [gain for _, _, gain in told_by_month] == pytest.approx(by_month.to_list(), rel=1e-9, abs=1e-12)
    assert [(year, month) for year, month, _ in told_by_month] == [(end.year, end.month) for end in by_month.index]


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_pandas_says_the_same_of_round_trips(count: int) -> None:
    profits = np.random.default_rng(count).normal(3, 40, count).round(0)
    trades = [
        Trade("s", "A", Side.BUY, 1, place, place + 1, 100, 100 + profit, 0.5, float(profit), profit / 100, 1, abs(profit) / 90, 0.01)
        for place, profit in enumerate(profits)
    ]
    figures, series = trade_figures(trades), pd.Series(profits, dtype=float)
    wins, losses = series[series > 0], series[series < 0]

    def known(value: float) -> float | None:
        return None if np.isnan(value) or np.isinf(value) else float(value)

    assert (figures.count, figures.won, figures.lost) == (count, len(wins), len(losses))
    assert figures.win_rate == (pytest.approx(len(wins) / count) if count else None)
    assert figures.average_win == (None if wins.empty else pytest.approx(wins.mean()))
    assert figures.average_loss == (None if losses.empty else pytest.approx(losses.mean()))
    assert figures.expectancy == (None if not count else pytest.approx(series.mean()))
    assert figures.profit_factor == (None if losses.empty else pytest.approx(wins.sum() / -losses.sum()))
    assert (figures.best, figures.worst) == (known(series.max()), known(series.min()))
    for kind, longest in ((series > 0, figures.longest_won), (series < 0, figures.longest_lost)):
        streaks = kind.groupby((kind != kind.shift()).cumsum()).sum()
        assert longest == (0 if streaks.empty else int(streaks.max()))
    assert figures.average_mae == (None if not count else pytest.approx(series.abs().div(90).mean()))
