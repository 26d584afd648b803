"""The engine that runs a strategy over past bars, in seconds."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING

from console.backtest.terms import Terms, job_of
from engine.engine_types import ALL_ORDERS, EngineInfo, EngineResult, EngineRun, misfits_of

if TYPE_CHECKING:
    from engine.backtest.result import Figures, Result
    from engine.strategies.analysis import Requirements

INFO = EngineInfo(
    "backtest", "past bars, as fast as they are read", ("bars", "fills", "updates"), ALL_ORDERS, "a simulated market: nothing leaves"
)


_FIGURES = (
    "total_return",
    "annualised_return",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "exposure",
    "turnover",
    "buy_and_hold",
    "fees",
)
METRICS = (*_FIGURES, "max_drawdown", "win_rate", "profit_factor")
"""What a result tells."""


class BacktestEngine:
    def info(self) -> EngineInfo:
        return INFO

    def misfits(self, needs: Requirements) -> tuple[str, ...]:
        return misfits_of(INFO, needs)

    def run(self, run: EngineRun) -> EngineResult:
        from engine.backtest.errors import BacktestError
        from engine.backtest.runner import run as play
        from engine.feeds.base import FeedError
        from engine.strategies.params import StrategyError

        began = time.perf_counter()
        try:
            job = job_of(terms_of(run), run.settings)
            return result_of(INFO.name, run, play(job.open(), job.profile), began)
        except (BacktestError, FeedError, StrategyError) as error:
            return failed(INFO.name, run, error, began)


def terms_of(run: EngineRun) -> Terms:
    return Terms(
        run.strategy,
        run.data,
        run.symbols,
        run.start,
        run.end,
        params=run.params,
        days=run.days,
        granularity=run.granularity,
    )


def result_of(engine: str, run: EngineRun, result: Result, began: float) -> EngineResult:
    return EngineResult(
        engine_type=engine,
        strategy=run.strategy,
        total_return=result.figures.total_return,
        final_value=Decimal(result.final_value),
        trades=tuple(result.trades),
        metrics=metrics_of(result.figures),
        execution_time=time.perf_counter() - began,
    )


def metrics_of(figures: Figures) -> dict[str, float | None]:
    return {
        **{name: getattr(figures, name) for name in _FIGURES},
        "max_drawdown": figures.drawdown.depth,
        "win_rate": figures.trades.win_rate,
        "profit_factor": figures.trades.profit_factor,
    }


def failed(name: str, run: EngineRun, error: Exception, began: float) -> EngineResult:
    return EngineResult(engine_type=name, strategy=run.strategy, execution_time=time.perf_counter() - began, error=str(error))
