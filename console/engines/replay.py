"""The engine that plays a recording: no strategy runs a second time, and what comes out is what was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from console.backtest.terms import job_of
from console.engines.backtest import failed, result_of, terms_of
from engine.engine_types import ALL_ORDERS, EngineInfo, EngineResult, EngineRun, misfits_of

if TYPE_CHECKING:
    from engine.strategies.analysis import Requirements

INFO = EngineInfo("replay", "a recorded run, forward and back", ("bars", "fills", "updates"), ALL_ORDERS, "nobody: it shows what was sent")


class ReplayEngine:
    def info(self) -> EngineInfo:
        return INFO

    def misfits(self, needs: Requirements) -> tuple[str, ...]:
        return misfits_of(INFO, needs)

    def run(self, run: EngineRun) -> EngineResult:
        """Records a backtest of the strategy, and plays the recording to its end: the value is the recording's."""
        from engine.backtest.errors import BacktestError
        from engine.backtest.player import Orders
        from engine.backtest.runner import run as play
        from engine.feeds.base import FeedError
        from engine.replay.backtests import BacktestRecording, effects_of
        from engine.replay.outline import pieces_of, run_of
        from engine.replay.packing import pack_bars
        from engine.replay.recording import ReplayError
        from engine.replay.replay import Replay
        from engine.strategies.params import StrategyError

        began = time.perf_counter()
        try:
            job = job_of(terms_of(run), run.settings)
            ordered: list[Orders] = []
            result = play(job.open(), job.profile, ordered=ordered.append)
            pieces, bars = pieces_of(result, ordered)
            recorded = run_of(pieces, {key: pack_bars(each) for key, each in bars.items()}.__getitem__)
            replay = Replay(BacktestRecording(run.strategy, recorded, effects_of(recorded)))
            replay.seek(replay.steps - 1)
        except (BacktestError, FeedError, ReplayError, StrategyError) as error:
            return failed(INFO.name, run, error, began)
        value = replay.view().account.equity
        total = float(value / job.profile.paper.cash) - 1
        return replace(result_of(INFO.name, run, result, began), final_value=value, total_return=total)
