"""The engine that runs a strategy as the console does, in a process of its own and on paper money."""

from __future__ import annotations

import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.engine_types import ALL_ORDERS, EngineInfo, EngineResult, EngineRun, misfits_of
from engine.model.modes import Mode
from engine.model.settings import Settings, StrategySettings

if TYPE_CHECKING:
    from engine.backtest.data import Data
    from engine.live import Engine
    from engine.model.orders import Fill
    from engine.strategies.analysis import Requirements

INFO = EngineInfo(
    "paper",
    "the market as it comes, or played",
    ("bars", "quotes", "fills", "updates"),
    ALL_ORDERS,
    "a paper market: no money moves",
    real_time=True,
)
_QUIET_S = 0.5
_LATEST_S = 30.0


class PaperEngine:
    def info(self) -> EngineInfo:
        return INFO

    def misfits(self, needs: Requirements) -> tuple[str, ...]:
        return misfits_of(INFO, needs)

    def run(self, run: EngineRun) -> EngineResult:
        """In FULL_AUTO, on an account of its own that is removed at the end; until the data end, or, of a market that goes on, for
        `seconds`."""
        from console.engines.backtest import failed
        from engine.feeds.base import FeedError
        from engine.strategies.params import StrategyError

        began = time.perf_counter()
        try:
            settings, data = settings_of(run)
        except (FeedError, StrategyError) as error:
            return failed(INFO.name, run, error, began)
        with tempfile.TemporaryDirectory() as folder:
            return _played(INFO.name, run, replace(settings, database=Path(folder) / "paper.sqlite"), data, began)


def settings_of(run: EngineRun) -> tuple[Settings, Data | None]:
    """The engine's settings, and what is played; None of a market that goes on. Raises FeedError and StrategyError."""
    from engine.backtest.data import open_data
    from engine.feeds.base import FeedError
    from engine.feeds.names import is_fetched
    from engine.strategies.loader import check

    if run.end is not None:
        raise FeedError("Paper plays to the end of the data: `end` is for backtest and replay.")
    check(run.strategy, run.params)
    data = None
    feed = replace(run.settings.feed, source=run.data, timeframe=run.granularity or run.settings.feed.timeframe)
    if run.data != "sim" and not is_fetched(run.data):
        data = open_data(feed, run.symbols).latest(run.days, run.start, run.end)
        first = data.calendar.day_of(data.first) if run.start or run.days else None
        feed = replace(feed, start=first.isoformat() if first else "", pace=run.pace)
    strategy = StrategySettings(run.strategy, params=dict(run.params), symbols=run.symbols)
    return replace(run.settings, mode=Mode.FULL_AUTO, symbols=run.symbols, feed=feed, strategies=(strategy,)), data


def _played(name: str, run: EngineRun, settings: Settings, data: Data | None, began: float) -> EngineResult:
    from console.build import create_engine
    from engine.model.market import Bar
    from engine.model.records import FillBooked, StrategyErrored

    fills: list[Fill] = []
    errors: list[str] = []
    last = max(int(series.columns.at[-1]) for series in data.bars.values()) if data else 0
    over = threading.Event()
    engine: Engine = create_engine(settings)
    engine.subscribe(FillBooked, lambda record: fills.append(record.fill))
    engine.subscribe(StrategyErrored, lambda record: errors.append(record.error))
    engine.subscribe(Bar, lambda bar: over.set() if last and bar.at >= last else None)
    engine.start()
    try:
        engine.wait_ready()
        if last:
            while not over.wait(_QUIET_S) and not engine.view().health.failed:
                pass
            _until_quiet(engine)
        else:
            over.wait(run.seconds)
        value = engine.status().account.equity
    except TimeoutError as error:
        errors.append(str(error))
        value = settings.paper.cash
    finally:
        engine.shutdown()
    problem = engine.view().health.problem or "; ".join(errors[:3])
    return _result(name, run, settings, data, fills, value, began, problem)


def _until_quiet(engine: Engine) -> None:
    """The data are over: what the strategy still answers, and what still fills, comes within moments."""
    give_up, seen = time.monotonic() + _LATEST_S, None
    while time.monotonic() < give_up:
        view = engine.status()
        happened = view.orders, view.positions, view.signals, [(strategy.signals, strategy.errors) for strategy in view.strategies]
        if happened == seen:
            return
        seen = happened
        time.sleep(_QUIET_S)


def _result(
    name: str, run: EngineRun, settings: Settings, data: Data | None, fills: list[Fill], value: Decimal, began: float, problem: str
) -> EngineResult:
    from engine.backtest.metrics import trade_figures
    from engine.backtest.trades import trades_of

    trades = trades_of(fills, [Path(run.strategy).stem] * len(fills), data.bars if data else {})
    figures = trade_figures(trades)
    total = float(value / settings.paper.cash) - 1
    return EngineResult(
        engine_type=name,
        strategy=run.strategy,
        total_return=total,
        final_value=value,
        trades=tuple(trades),
        metrics={"total_return": total, "win_rate": figures.win_rate, "profit_factor": figures.profit_factor},
        execution_time=time.perf_counter() - began,
        error=problem,
    )
