"""The figures of a run. Floats; None where a figure has no value: nothing divides by zero, and too short a run is no year.

Returns are simple ones from one close of a period to the next, the first from the cash the run began with. A period is a bar where bars
are a day or longer, else a UTC day: a minute's returns are mostly noise of the tick, and a year's worth of them is of no use to anybody.
`Periods.per_year` is counted, not looked up: as many as came a year in these data, about 252 of a stock's days, 365 where markets never
close. The risk-free rate is taken as zero throughout.

Two sums need no function. Fees are all fills' commissions and fees: the explicit part of what the Global Investment Performance Standards
(GIPS), 2020, glossary, call transaction costs. Slippage is the sum of |price filled - the market's| * quantity, the market's price being
the one that a fill's matching rule found before the slippage model made it worse: the execution cost of A. Perold, The Implementation
Shortfall: Paper versus Reality, Journal of Portfolio Management 14 (1988), without its cost of not trading. Profits are net of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import isfinite, sqrt
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.backtest.curve import Curve
from engine.backtest.trades import Trade, Trades
from engine.feeds.bar_columns import Floats, Times

if TYPE_CHECKING:
    from numpy.typing import NDArray

YEAR_NS = 365.25 * 86_400 * 1e9
_FIELDS = Trade.__struct_fields__
_DAY_NS = 86_400 * 1_000_000_000
_LEAST_YEARS = 1 / 365.25
"""Of a shorter run no figure is told by the year."""


class Periods(Struct, frozen=True):
    """Closes of periods: `at` (ns UTC) and the account's `equity` there; `returns` of each, `years` in all."""

    at: Times
    equity: Floats
    returns: Floats
    years: float

    @property
    def per_year(self) -> float | None:
        return (len(self.at) - 1) / self.years if self.years >= _LEAST_YEARS and len(self.at) > 1 else None


def periods_of(curve: Curve, cash: float, spacing_s: int) -> Periods:
    """Of a curve that began with `cash`; `spacing_s` is how far apart its moments usually are."""
    import numpy as np

    at, equity = curve.at, curve.equity
    if spacing_s < 86_400 and len(at):
        # Days are few and moments many: each day's end is looked up among the moments, and not the other way round.
        first, end = (int(at[place] - 1) // _DAY_NS for place in (0, -1))
        ends = np.arange(first + 1, end + 2) * _DAY_NS
        last = np.unique(at.searchsorted(ends, "right")) - 1
        at, equity = at[last], equity[last]
    before = np.concatenate(([cash], equity[:-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.where(before > 0, equity / before - 1, 0.0)
    years = float(curve.at[-1] - curve.at[0]) / YEAR_NS if len(at) else 0.0
    return Periods(at, equity, returns, years)


def total_return(first: float, last: float) -> float | None:
    """The holding-period return, last / first - 1, with dividends in the last. Z. Bodie, A. Kane and A. Marcus, Investments (10th edition,
    2014), chapter 5."""
    return last / first - 1 if first > 0 else None


def annualised_return(total: float | None, years: float) -> float | None:
    """The compound annual growth rate, (1 + total) ** (1 / years) - 1, with years of 365.25 days. CFA Institute, Global Investment
    Performance Standards (GIPS), 2020, glossary: annualized return. None under a day, -1 where all was lost."""
    if total is None or years < _LEAST_YEARS:
        return None
    if total <= -1:
        return -1.0
    try:
        return float((1 + total) ** (1 / years) - 1)
    except OverflowError:
        return None


def volatility(periods: Periods) -> float | None:
    """Sample standard deviation of the returns times the square root of the periods a year. J. Hull, Options, Futures, and Other
    Derivatives (9th edition, 2014), chapter 15, estimating volatility from historical data; there of logarithmic returns, here of simple
    ones, as the ratios below are."""
    deviation, per_year = _deviation(periods.returns), periods.per_year
    return None if deviation is None or per_year is None else deviation * sqrt(per_year)


def sharpe(periods: Periods) -> float | None:
    """Mean return over its sample standard deviation, times the square root of the periods a year. W. F. Sharpe, The Sharpe Ratio, Journal
    of Portfolio Management 21 (1994); annualised as A. Lo, The Statistics of Sharpe Ratios (2002), does for independent returns."""
    deviation, per_year = _deviation(periods.returns), periods.per_year
    if deviation is None or per_year is None or deviation < 1e-15:
        return None
    return float(periods.returns.mean()) / deviation * sqrt(per_year)


def sortino(periods: Periods) -> float | None:
    """Mean return over the downside deviation below a target of zero, the root of the mean of min(return, 0) squared over all periods,
    times the square root of the periods a year. F. Sortino and L. Price, Performance Measurement in a Downside Risk Framework, Journal of
    Investing 3 (1994)."""
    import numpy as np

    per_year = periods.per_year
    if per_year is None or len(periods.returns) < 2:
        return None
    downside = sqrt(float(np.square(np.minimum(periods.returns, 0.0)).mean()))
    return float(periods.returns.mean()) / downside * sqrt(per_year) if downside > 1e-15 else None


def calmar(annualised: float | None, drawdown: float) -> float | None:
    """Annualised return over the maximum drawdown, here of the whole run. T. Young, Calmar Ratio: A Smoother Tool, Futures 20 (1991)."""
    return None if annualised is None or drawdown <= 0 else annualised / drawdown


class Drawdown(Struct, frozen=True):
    """The deepest fall from a peak: `depth` as a fraction of it. Times are ns UTC; `recovered_at` is None where the peak was not reached
    again, `peak_at` the run's beginning where nothing was higher than the first cash."""

    depth: float = 0.0
    peak_at: int | None = None
    trough_at: int | None = None
    recovered_at: int | None = None


def max_drawdown(curve: Curve, cash: float) -> Drawdown:
    """max over t of 1 - equity(t) / max over s <= t of equity(s). M. Magdon-Ismail and A. Atiya, Maximum Drawdown, Risk 17 (2004). At
    every bar's close, not only at a day's."""
    import numpy as np

    if not len(curve.at):
        return Drawdown()
    peaks = np.maximum.accumulate(curve.equity)
    np.maximum(peaks, cash, out=peaks)
    # Peaks never fall, so those of nothing come first: of them nothing can be lost.
    first = int(peaks.searchsorted(0.0, "right"))
    left = np.ones(len(peaks))
    np.divide(curve.equity[first:], peaks[first:], out=left[first:])
    trough = int(left.argmin())
    depth = 1 - float(left[trough])
    if depth <= 0:
        return Drawdown()
    before = np.flatnonzero(curve.equity[: trough + 1] == peaks[trough])
    after = np.flatnonzero(curve.equity[trough:] >= peaks[trough])
    return Drawdown(
        depth=depth,
        peak_at=int(curve.at[before[-1]] if len(before) else curve.at[0]),
        trough_at=int(curve.at[trough]),
        recovered_at=int(curve.at[trough + after[0]]) if len(after) else None,
    )


class TradeFigures(Struct, frozen=True):
    """Of round trips that ended. Money is net of fees; a trade that made nothing is neither won nor lost."""

    count: int
    won: int
    lost: int
    win_rate: float | None
    average_win: float | None
    average_loss: float | None
    profit_factor: float | None
    expectancy: float | None
    best: float | None
    worst: float | None
    longest_won: int
    longest_lost: int
    average_bars: float | None
    average_mae: float | None
    average_mfe: float | None
    profit: float
    fees: float


def trade_figures(trades: Sequence[Trade]) -> TradeFigures:
    """Win rate is won / all, average win and loss are the mean profit of those that won and of those that lost: T. Stridsman, Trading
    Systems and Money Management (2003), part 1. Profit factor is the sum of profits over the sum of losses, R. Pardo, The Evaluation and
    Optimization of Trading Strategies (2008). Expectancy is the mean profit a trade, V. K. Tharp, Trade Your Way to Financial Freedom
    (1998), in money. MAE and MFE are the means of the trades' own, whose source `Trade` tells. By definition best and worst are the
    highest and the lowest profit, and streaks the most that won, or lost, one after another in the order of the exits."""
    columns = trades if isinstance(trades, Trades) else Trades([[getattr(trade, name) for trade in trades] for name in _FIELDS])
    profits, bars, fees = columns.column("profit"), columns.column("bars"), columns.column("fees")
    adverse, favourable = ([each for each in columns.column(name) if each is not None] for name in ("mae", "mfe"))
    wins, losses = [p for p in profits if p > 0], [p for p in profits if p < 0]
    return TradeFigures(
        count=len(trades),
        won=len(wins),
        lost=len(losses),
        win_rate=_ratio(len(wins), len(trades)),
        average_win=_mean(wins),
        average_loss=_mean(losses),
        profit_factor=_ratio(sum(wins), -sum(losses)),
        expectancy=_mean(profits),
        best=max(profits, default=None),
        worst=min(profits, default=None),
        longest_won=_longest([profit > 0 for profit in profits]),
        longest_lost=_longest([profit < 0 for profit in profits]),
        average_bars=_mean(bars),
        average_mae=_mean(adverse),
        average_mfe=_mean(favourable),
        profit=sum(profits),
        fees=sum(fees),
    )


def exposure(curve: Curve) -> float | None:
    """The share of moments at whose close a position was held: moments with one / all. T. Stridsman, Trading Systems and Money Management
    (2003), part 1, the relative time spent in the market; he adds up the bars of trades, which counts those of two at once twice."""
    return float((curve.gross > 0).mean()) if len(curve.at) else None


def turnover(bought: float, sold: float, curve: Curve, years: float) -> float | None:
    """The lesser of purchases and sales over the average equity, a year: the portfolio turnover rate of the SEC's Form N-1A, item 13, which
    divides by the average value of the securities held. A strategy may be out of the market most of the time, and hold next to none."""
    if years < _LEAST_YEARS or not len(curve.at):
        return None
    average = float(curve.equity.mean())
    return min(bought, sold) / average / years if average > 0 else None


def monthly(periods: Periods, cash: float) -> list[tuple[int, int, float | None]]:
    """(year, month, return) of each month that has a period, from the close of the one before, by UTC: by definition the `total_return` of
    each. None after all was lost."""
    import numpy as np

    table: list[tuple[int, int, float | None]] = []
    if not len(periods.at):
        return table
    months = (periods.at - 1).astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    last = np.append(np.flatnonzero(np.diff(months)), len(months) - 1)
    for month, equity in zip(months[last].tolist(), periods.equity[last].tolist(), strict=True):
        table.append((1970 + month // 12, month % 12 + 1, total_return(cash, equity)))
        cash = equity
    return table


def buy_and_hold(prices: Iterable[tuple[float, float]]) -> float | None:
    """The total return of equal parts in each symbol, bought at its first close and kept until its last, without costs; `prices` are those
    two, in the same shares. A symbol that starts late waits as cash.

    The mean of last / first - 1: the buy-and-hold return of B. Barber and J. Lyon, Detecting Long-run Abnormal Stock Returns, Journal of
    Financial Economics 43 (1997), equally weighted. What a trading rule is held against since E. Fama and M. Blume, Filter Rules and
    Stock-Market Trading, Journal of Business 39 (1966).
    """
    returns = [last / first - 1 for first, last in prices if first > 0]
    return _mean(returns)


def _deviation(returns: NDArray | Floats) -> float | None:  # type: ignore[type-arg]
    return float(returns.std(ddof=1)) if len(returns) > 1 else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _ratio(part: float, whole: float) -> float | None:
    ratio = part / whole if whole > 0 else None
    return ratio if ratio is None or isfinite(ratio) else None


def _longest(counts: Iterable[bool]) -> int:
    return max((len(list(run)) for holds, run in groupby(counts) if holds), default=0)
