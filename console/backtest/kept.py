"""Backtests as they are kept: run, written, and read again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from console.backtest.job import Job
from console.backtest.packed import Points, kept_places, pack_curve, pack_trades, unpack_curve, unpack_trades
from console.backtest.summary import Summary, code_fingerprint, code_of, outcome_of, profile_fingerprint, read_summary, summary_of
from console.replay.backtests import keep_recording, key_of, recordings
from engine.backtest.hold import held_value
from engine.backtest.looks import Looks
from engine.backtest.player import Orders
from engine.backtest.result import Result
from engine.backtest.runner import Progress, run
from engine.backtest.trades import Trade
from storage.backtests import (
    BacktestRow,
    BacktestsError,
    StoredBacktest,
    backtest_rows,
    delete_backtests,
    keep_backtest,
    read_backtest,
)
from storage.codec import to_json
from storage.recordings import BacktestFiles


class Finished(Struct, frozen=True):
    """A backtest that has just ended, and how it is to be kept; its row has no number yet. `ordered` is all that was ordered in it, and
    `looks` what its indicators stood at."""

    result: Result
    summary: Summary
    stored: StoredBacktest
    ordered: tuple[Orders, ...]
    looks: Looks


class Kept(Struct, frozen=True):
    """A backtest that was read again."""

    row: BacktestRow
    summary: Summary
    points: Points
    trades: tuple[Trade, ...]


def carry_out(job: Job, progress: Progress | None = None, say: Callable[[str], None] | None = None) -> Finished:
    """Runs it; `say` is told what has to be fetched before. Raises FeedError where there is no such data, StrategyError where there is no
    such strategy, BacktestError where the run cannot begin or ended early."""
    # numpy's linear algebra begins a thread for each processor, which takes a tenth of a short run, and whose sums differ by their number.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    data = job.open(say)
    job = job.anywhere().pinned(data)
    code = code_of(job)
    began, made_at = time.perf_counter(), time.time_ns()
    ordered: list[Orders] = []
    looks = Looks()
    result = run(data, job.profile, progress, ordered.append, looks)
    took_s = time.perf_counter() - began
    summary = summary_of(job, code, result)
    figures, places = result.figures, kept_places(result.curve)
    held = held_value(data, data.played(), float(job.profile.paper.cash), result.curve.at[places])
    row = BacktestRow(
        number=0,
        made_at=made_at,
        took_s=took_s,
        strategies=", ".join(each.name for each in summary.strategies),
        symbols=", ".join(summary.symbols),
        source=summary.source,
        first_at=summary.first_at,
        last_at=summary.last_at,
        bars=summary.bars,
        trades=figures.trades.count,
        final_value=summary.final_value,
        total_return=figures.total_return,
        drawdown=figures.drawdown.depth,
        sharpe=figures.sharpe,
        data=summary.data,
        code=code_fingerprint(summary),
        profile=profile_fingerprint(job),
        outcome=outcome_of(result),
    )
    stored = StoredBacktest(row, to_json(summary), pack_curve(result.curve, held, places), pack_trades(result.trades))
    return Finished(result, summary, stored, tuple(ordered), looks)


def keep(path: Path, finished: Finished) -> tuple[int, str]:
    """Writes it into the database at `path`, and its recording beside it. Answers its number, and a sentence where it cannot be replayed.
    Raises BacktestsError."""
    number = keep_backtest(path, finished.stored)
    return number, record(path, finished.stored.row, finished)


def record(path: Path, row: BacktestRow, finished: Finished) -> str:
    """Writes what `finished` ordered as the recording of the backtest `row`. Answers a sentence where that fails."""
    try:
        keep_recording(recordings(path), key_of(row), finished.result, finished.ordered, finished.looks)
    except OSError as error:
        return f"It cannot be replayed: its recording could not be written ({error.strerror}). All else of it is kept."
    return ""


def delete(path: Path, numbers: Sequence[int]) -> int:
    """Takes these out, and their recordings where no other is the same run. Answers how many there were. Raises BacktestsError."""
    gone = {key_of(row) for row in backtest_rows(path) if row.number in numbers}
    count = delete_backtests(path, numbers)
    files = BacktestFiles(recordings(path))
    try:
        for key in gone - {key_of(row) for row in backtest_rows(path)}:
            files.delete(key)
    except OSError as error:
        raise BacktestsError(
            f"Deleted, but a recording in {files.folder} could not be taken away ({error.strerror}). It does no harm; delete it by hand."
        ) from error
    return count


def read_kept(path: Path, number: int) -> Kept:
    """The backtest of this number in the database at `path`. Raises BacktestsError."""
    stored = read_backtest(path, number)
    try:
        return Kept(stored.row, read_summary(stored.told), unpack_curve(stored.curve), unpack_trades(stored.trips))
    except (msgspec.MsgspecError, ValueError) as error:
        raise BacktestsError(
            f"Backtest #{number} cannot be read: {error}. The others can. `tradeconsole backtests delete {number}` takes it out."
        ) from error


def numbered(finished: Finished, number: int) -> Kept:
    """As it would be read again, once it is kept."""
    stored = finished.stored
    return Kept(replace(stored.row, number=number), finished.summary, unpack_curve(stored.curve), tuple(finished.result.trades))
