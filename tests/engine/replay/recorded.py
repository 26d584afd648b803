"""Backtests that were recorded, and their replays."""

from __future__ import annotations

from typing import Any

from engine.backtest.data import Data
from engine.backtest.looks import Looks
from engine.backtest.player import Orders
from engine.backtest.profile import Profile
from engine.backtest.result import Result
from engine.backtest.runner import run
from engine.model.settings import PaperSettings, StrategySettings
from engine.replay.backtests import BacktestRecording, effects_of
from engine.replay.outline import Run, pieces_of, run_of
from engine.replay.packing import pack_bars
from engine.replay.replay import Replay
from tests.engine.backtest.market import FREE


class Recorded:
    """A run, as it ended and as it was written and read again."""

    def __init__(self, result: Result, run: Run) -> None:
        self.result = result
        self.run = run
        self._recording = BacktestRecording("a backtest", run, effects_of(run))

    def replay(self) -> Replay:
        return Replay(self._recording)


def recorded(data: Data, file: str, *, paper: PaperSettings = FREE, **profile: Any) -> Recorded:
    ordered: list[Orders] = []
    looks = Looks()
    result = run(data, Profile((StrategySettings(file),), paper, **profile), None, ordered.append, looks)
    pieces, bars = pieces_of(result, ordered, looks)
    kept = {name: pack_bars(series) for name, series in bars.items()}
    return Recorded(result, run_of(pieces, kept.__getitem__))
