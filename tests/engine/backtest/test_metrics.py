"""The figures, against series that were worked out by hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from inspect import getmembers, isfunction
from math import sqrt
from typing import Any

import numpy as np
import pytest

from engine.backtest import metrics
from engine.backtest.curve import Curve
from engine.backtest.metrics import (
    Drawdown,
    annualised_return,
    buy_and_hold,
    calmar,
    exposure,
    max_drawdown,
    monthly,
    periods_of,
    sharpe,
    sortino,
    total_return,
    trade_figures,
    turnover,
    volatility,
)
from engine.backtest.trades import Trade
from engine.model.orders import Side

DAY_S = 86_400
SECOND = 1_000_000_000


def at(day: float) -> int:
    """That many days after 31 January 2023."""
    return round((datetime(2023, 1, 31, tzinfo=UTC) + timedelta(days=day)).timestamp()) * SECOND


def curve(*equity: float, step: float = 1.0, gross: list[float] | None = None) -> Curve:
    values: Any = np.array(equity, dtype=float)
    moments = np.array([at(step * number) for number in range(len(equity))], dtype=np.int64)
    return Curve(moments, values, values, np.zeros(len(equity)) if gross is None else np.array(gross))


def trade(profit: float, *, fees: float = 0.0, bars: int = 1, mae: float | None = None) -> Trade:
    return Trade("s", "AAPL", Side.BUY, 1, 0, 1, 100, 100 + profit, fees, profit, profit / 100, bars, mae, None)


def test_returns_are_from_close_to_close_and_the_first_from_the_cash() -> None:
    periods = periods_of(curve(110, 99, 99), 100, DAY_S)
    assert periods.returns.tolist() == [pytest.approx(0.1), pytest.approx(-0.1), 0.0]
    assert periods.years == pytest.approx(2 / 365.25)
    assert periods.per_year == pytest.approx(365.25)


def test_a_year_is_counted_in_the_periods_that_came() -> None:
    weekly = periods_of(curve(*range(100, 153), step=7), 100, 7 * DAY_S)
    assert weekly.per_year == pytest.approx(365.25 / 7)
    minutes = periods_of(curve(*range(1, 2881), step=1 / 1440), 1, 60)
    # The first of these bars closes at midnight, the last a minute before one: that is a day of one bar, and two more.
    assert minutes.equity.tolist() == [1, 1441, 2880]


def test_the_ratios_of_four_returns() -> None:
    periods = periods_of(curve(101, 101 * 0.98, 101 * 0.98 * 1.03, 101 * 0.98 * 1.03), 100, DAY_S)
    # 1 %, -2 %, 3 %, 0: a mean of 0.5 %, squared distances of 0.25, 6.25, 6.25 and 0.25 (in 1e-4) over 3.
    deviation = sqrt(13e-4 / 3)
    assert volatility(periods) == pytest.approx(deviation * sqrt(365.25))
    assert sharpe(periods) == pytest.approx(0.005 / deviation * sqrt(365.25))
    # Downside: the root of 0.0004 over four periods.
    assert sortino(periods) == pytest.approx(0.005 / 0.01 * sqrt(365.25))


def test_a_year_of_growth() -> None:
    assert total_return(100, 144) == pytest.approx(0.44)
    assert annualised_return(0.44, 2) == pytest.approx(0.2)
    assert annualised_return(-1.2, 2) == -1
    assert annualised_return(0.44, 1 / 400) is None
    assert annualised_return(1e300, 1 / 365) is None
    assert total_return(0, 1) is None


def test_the_deepest_fall_with_its_length_and_its_recovery() -> None:
    fall = max_drawdown(curve(100, 120, 90, 96, 120, 110), 100)
    assert fall == Drawdown(0.25, at(1), at(2), at(4))
    assert max_drawdown(curve(100, 120, 90), 100).recovered_at is None
    assert max_drawdown(curve(100, 101, 102), 100) == Drawdown()
    assert max_drawdown(curve(75, 90), 100) == Drawdown(0.25, at(0), at(0), None)
    assert calmar(0.5, 0.25) == 2
    assert calmar(0.5, 0) is None


def test_trades_won_and_lost() -> None:
    figures = trade_figures([trade(profit, mae=0.01) for profit in (10, 20, -15, -5, -4, 0, 6)])
    assert (figures.count, figures.won, figures.lost, figures.win_rate) == (7, 3, 3, 3 / 7)
    assert (figures.average_win, figures.average_loss) == (12, -8)
    assert figures.profit_factor == 36 / 24
    assert figures.expectancy == pytest.approx(12 / 7)
    assert (figures.best, figures.worst, figures.longest_won, figures.longest_lost) == (20, -15, 2, 3)
    assert figures.average_mae == pytest.approx(0.01)
    assert figures.average_mfe is None


def test_no_trade_and_one_trade_are_fine() -> None:
    nothing = trade_figures([])
    assert (nothing.count, nothing.win_rate, nothing.profit_factor, nothing.expectancy, nothing.best) == (0, None, None, None, None)
    one = trade_figures([trade(5)])
    assert (one.win_rate, one.profit_factor, one.average_loss, one.longest_lost) == (1, None, None, 0)


def test_time_in_the_market_and_turnover() -> None:
    held = curve(100, 100, 100, 100, gross=[0, 50, 50, 0])
    assert exposure(held) == 0.5
    assert turnover(200, 100, held, 0.5) == 2
    assert turnover(200, 100, held, 0) is None


def test_the_table_of_months() -> None:
    # The last close of January is of its 31st; February's first return counts from there.
    periods = periods_of(curve(100, 110, 121, step=14), 100, DAY_S)
    assert monthly(periods, 100) == [(2023, 1, 0.0), (2023, 2, pytest.approx(0.21))]


def test_a_close_at_midnight_is_of_the_day_that_ends() -> None:
    periods = periods_of(curve(100, 110, step=1), 100, DAY_S)
    assert [month for _, month, _ in monthly(periods, 100)] == [1]


def test_equal_parts_bought_and_held() -> None:
    assert buy_and_hold([(10, 20), (10, 10)]) == 0.5
    assert buy_and_hold([]) is None


@pytest.mark.parametrize("equity", [(100.0,), (100.0, 100.0), (100.0, 0.0, 0.0), (100.0, -5.0, 3.0)])
def test_nothing_divides_by_zero(equity: tuple[float, ...]) -> None:
    held = curve(*equity)
    periods = periods_of(held, 100, DAY_S)
    for figure in (volatility(periods), sharpe(periods), sortino(periods)):
        assert figure is None or np.isfinite(figure)
    assert np.isfinite(max_drawdown(held, 100).depth)
    monthly(periods, 100)


def test_every_figure_says_where_its_formula_is_from() -> None:
    mine = {name: made.__doc__ or "" for name, made in getmembers(metrics, isfunction) if made.__module__ == metrics.__name__}
    own = {name: text for name, text in mine.items() if not name.startswith("_") and name != "periods_of"}
    assert {"exposure", "buy_and_hold", "trade_figures", "total_return"} <= own.keys()
    assert [name for name, text in own.items() if not re.search(r"\b(19|20)\d\d\b|\bForm N-1A\b|[Bb]y definition", text)] == []
    for figure in ("Win rate", "average win and loss", "Profit factor", "Expectancy", "MAE and MFE", "best and worst", "streaks"):
        assert figure in (metrics.trade_figures.__doc__ or "")
    for sum_of in ("Fees are", "Slippage is"):
        assert sum_of in (metrics.__doc__ or "")
