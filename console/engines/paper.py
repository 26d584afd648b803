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
    from engine.backtest.account import Booked
    from engine.backtest.data import Data
    from engine.live import Engine
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
        `seconds`. The metrics are a backtest's where the data are played. Of a market that goes on those of its trades and fees alone have
        a value: its minutes say nothing by the year, and nobody wrote its bars down."""
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
    from engine.model.records import DividendBooked, FillBooked, SplitBooked, StrategyErrored

    booked: list[Booked] = []
    errors: list[str] = []
    first = 0
    last = max(int(series.columns.at[-1]) for series in data.bars.values()) if data else 0
    over = threading.Event()
    engine: Engine = create_engine(settings)

    def on_bar(bar: Bar) -> None:
        nonlocal first
        first = first or bar.at
        if last and bar.at >= last:
            over.set()

    engine.subscribe(FillBooked, lambda record: booked.append(record.fill))
    engine.subscribe(SplitBooked, booked.append)
    engine.subscribe(DividendBooked, booked.append)
    engine.subscribe(StrategyErrored, lambda record: errors.append(record.error))
    engine.subscribe(Bar, on_bar)
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
    # It may begin with a later bar than the data do.
    played = None if data is None or not first else replace(data, first=first)
    return _result(name, run, settings, played, booked, value, began, problem)


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
    name: str, run: EngineRun, settings: Settings, data: Data | None, booked: list[Booked], value: Decimal, began: float, problem: str
) -> EngineResult:
    from console.engines.backtest import METRICS
    from engine.backtest.account import fills_of
    from engine.backtest.metrics import trade_figures
    from engine.backtest.trades import trades_of

    strategy = Path(run.strategy).stem
    trades = trades_of(booked, [strategy] * len(booked), data.bars if data else {})
    if data is not None:
        metrics = _metrics(data, settings.paper.cash, booked, strategy)
    else:
        figures, fees = trade_figures(trades), float(sum(fill.fees for fill in fills_of(booked)))
        known = {"win_rate": figures.win_rate, "profit_factor": figures.profit_factor, "fees": fees}
        metrics = {name: known.get(name) for name in METRICS}
    total = float(value / settings.paper.cash) - 1
    return EngineResult(
        engine_type=name,
        strategy=run.strategy,
        total_return=total,
        final_value=value,
        trades=tuple(trades),
        metrics={**metrics, "total_return": total},
        execution_time=time.perf_counter() - began,
        error=problem,
    )


def _metrics(data: Data, cash: Decimal, booked: list[Booked], owner: str) -> dict[str, float | None]:
    """A backtest's figures of what was `booked`, over the bars that were played."""
    from console.engines.backtest import metrics_of
    from engine.backtest.account import Account, fills_of
    from engine.backtest.curve import curve_of
    from engine.backtest.result import figures_of, filled_of
    from engine.backtest.timeline import Timeline
    from engine.core.portfolio import Portfolio
    from engine.model.market import Dividend, Split
    from engine.model.orders import Fill
    from engine.model.records import SplitBooked

    bars, portfolio, account = data.played(), Portfolio(cash), Account()
    account.take(portfolio, data.first - 1)
    for event in booked:
        account.book(event, owner)
        if isinstance(event, Fill):
            portfolio.book(event)
        else:
            series = bars[event.symbol]
            if before := int(series.columns.at.searchsorted(event.at)):
                account.latest[event.symbol] = series[before - 1]
            if isinstance(event, SplitBooked):
                portfolio.split(event)
                account.act(Split(event.symbol, event.at, event.ratio))
            else:
                portfolio.receive_dividend(event)
                account.act(Dividend(event.symbol, event.at, event.amount))
        account.take(portfolio, event.at)
    curve = curve_of(account, bars, Timeline(bars).moments)
    filled = filled_of(account, fills_of(account.booked), bars)
    return metrics_of(figures_of(data, float(cash), bars, curve, filled, None, (owner,)))
