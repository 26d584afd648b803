"""The figures of a backtest as they are told, on paper and on the screen: each with its name, its text, and what it means.

Their formulas and the sources of these are in `engine/backtest/metrics.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct

from console.backtest.summary import Summary

NONE = "-"
"""What has no value."""
_DAY_NS = 86_400 * 1_000_000_000


class Figure(Struct, frozen=True):
    name: str
    of: Callable[[Summary], str]
    means: str


def percent(value: float | None) -> str:
    return NONE if value is None else f"{value:.2%}"


def number(value: float | None) -> str:
    return NONE if value is None else f"{value:,.2f}"


money = number


def day_of(at: int) -> str:
    """The UTC day of a bar that closed at `at`."""
    return f"{datetime.fromtimestamp((at - 1) // 1_000_000_000, UTC):%Y-%m-%d}"


def span(begin: int | None, end: int | None) -> str:
    if begin is None or end is None:
        return NONE
    days = round((end - begin) / _DAY_NS)
    return f"{days:,} day{'' if days == 1 else 's'}"


def _recovery(run: Summary) -> str:
    fall = run.figures.drawdown
    return span(fall.peak_at, fall.recovered_at) if fall.depth and fall.recovered_at else NONE


def _won(run: Summary) -> str:
    trades = run.figures.trades
    return f"{trades.won:,}{f' ({trades.win_rate:.1%})' if trades.win_rate is not None else ''}"


RETURNS: tuple[Figure, ...] = (
    Figure("Cash at the start", lambda run: f"{run.job.profile.paper.cash:,.2f}", "what the account began with"),
    Figure("Final value", lambda run: f"{run.final_value:,.2f}", "cash, and what is held at its last close"),
    Figure("Total return", lambda run: percent(run.figures.total_return), "final value over the cash at the start, less one"),
    Figure(
        "Buy and hold", lambda run: percent(run.figures.buy_and_hold), "the same cash in equal parts of the symbols, kept, without costs"
    ),
    Figure("Return a year", lambda run: percent(run.figures.annualised_return), "compound: the same each year would end there, too"),
    Figure("Volatility a year", lambda run: percent(run.figures.volatility), "how widely the returns scatter: their standard deviation"),
    Figure("Sharpe", lambda run: number(run.figures.sharpe), "mean return over its scatter, a year; no interest is taken off"),
    Figure("Sortino", lambda run: number(run.figures.sortino), "the same, where only what fell counts as scatter"),
    Figure("Calmar", lambda run: number(run.figures.calmar), "return a year over the maximum drawdown"),
    Figure(
        "Max drawdown",
        lambda run: percent(-run.figures.drawdown.depth if run.figures.drawdown.depth else 0.0),
        "the deepest fall of equity under its highest before",
    ),
    Figure(
        "  to its trough",
        lambda run: span(run.figures.drawdown.peak_at, run.figures.drawdown.trough_at),
        "from that highest to the lowest after it",
    ),
    Figure("  to its recovery", _recovery, "from that highest until equity was there again; - where it never was"),
    Figure("Time in the market", lambda run: percent(run.figures.exposure), "of all bars, those at whose close something was held"),
    Figure("Turnover a year", lambda run: percent(run.figures.turnover), "the lesser of bought and sold, over the average equity"),
)

TRADES: tuple[Figure, ...] = (
    Figure("Round trips", lambda run: f"{run.figures.trades.count:,}", "from flat to flat in one symbol, by one strategy"),
    Figure("Won", _won, "those that made money after fees, and their share"),
    Figure("Average win", lambda run: money(run.figures.trades.average_win), "of those that won"),
    Figure("Average loss", lambda run: money(run.figures.trades.average_loss), "of those that lost"),
    Figure("Profit factor", lambda run: number(run.figures.trades.profit_factor), "all that was won over all that was lost"),
    Figure("Expectancy", lambda run: money(run.figures.trades.expectancy), "the mean result of a round trip"),
    Figure("Best", lambda run: money(run.figures.trades.best), "the best round trip"),
    Figure("Worst", lambda run: money(run.figures.trades.worst), "the worst round trip"),
    Figure(
        "Longest won, lost",
        lambda run: f"{run.figures.trades.longest_won}, {run.figures.trades.longest_lost}",
        "the longest streaks, in the order of the exits",
    ),
    Figure("Average bars", lambda run: number(run.figures.trades.average_bars), "that a round trip took"),
    Figure("Average MAE", lambda run: percent(run.figures.trades.average_mae), "maximum adverse excursion: how far it went against one"),
    Figure("Average MFE", lambda run: percent(run.figures.trades.average_mfe), "maximum favourable excursion: how far it went for one"),
    Figure("Fees", lambda run: money(run.figures.fees), "all commissions"),
    Figure("Slippage", lambda run: money(run.figures.slippage), "what fills cost beside the market's price"),
)
