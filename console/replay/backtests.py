"""A backtest's recording on the disk: written when the run has ended, opened to be replayed. Everything here blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.replay.recording import ReplayError
from storage.backtests import BacktestRow, BacktestsError, backtest_rows
from storage.recordings import BacktestFiles

if TYPE_CHECKING:
    from engine.backtest.looks import Looks
    from engine.backtest.player import Orders
    from engine.backtest.result import Result
    from engine.replay.index import Progress
    from engine.replay.replay import Replay

EFFECTS = "effects"


def recordings(database: Path) -> Path:
    """The folder of the recordings that belong to the backtests in `database`."""
    return database.with_name(f"{database.stem}-recordings")


def recording_key(*fingerprints: str) -> str:
    """What the recording of a run is found by: the same for runs of the same data, code, profile and outcome."""
    return hashlib.sha256("\n".join(fingerprints).encode()).hexdigest()[:32]


def key_of(row: BacktestRow) -> str:
    """What the recording of this backtest is found by."""
    return recording_key(row.data, row.code, row.profile, row.outcome)


def keep_recording(folder: Path, key: str, result: Result, ordered: Sequence[Orders], looks: Looks) -> None:
    """Writes what `result` was run with, all that was `ordered`, and the `looks` at its indicators, see `engine.backtest.runner.run`.
    Raises OSError."""
    from engine.replay.outline import pieces_of
    from engine.replay.packing import pack_bars

    pieces, bars = pieces_of(result, ordered, looks)
    BacktestFiles(folder).write(key, pieces, {name: partial(pack_bars, series) for name, series in bars.items()})


def open_backtest(folder: Path, key: str, title: str, progress: Progress | None = None) -> Replay:
    """Opens it. The first time what was decided is worked out from what was ordered, which takes some seconds for thousands of orders, and
    kept. Raises ReplayError in words."""
    from engine.replay.backtests import BacktestRecording, effects_of
    from engine.replay.outline import run_of
    from engine.replay.replay import Replay

    files = BacktestFiles(folder)
    try:
        pieces, problems = files.read(key)
    except FileNotFoundError:
        raise ReplayError(
            f"{title} has no recording: it was made before there were any, or its file was deleted. Run it once more, in the list of "
            f"backtests or by `tradeconsole backtests repeat`: that one can be replayed."
        ) from None
    except OSError as error:
        raise ReplayError(f"The recording of {title} cannot be read ({error.strerror}). Nothing is lost; try again.") from error
    try:
        run = run_of(pieces, files.read_bars)
    except ReplayError as error:
        raise ReplayError(" ".join([*problems, str(error)])) from error
    aside = files.read_aside(key, EFFECTS)
    if aside is None:
        effects = effects_of(run, progress)
        try:
            files.write_aside(key, EFFECTS, [(EFFECTS, block) for block in effects])
        except OSError as error:
            problems = [*problems, f"What was worked out of it could not be kept ({error.strerror}): opening it again takes as long."]
    else:
        effects = [body for _, body in aside]
    return Replay(BacktestRecording(title, run, effects, tuple(problems)), progress)


def open_kept(database: Path, number: int, progress: Progress | None = None) -> Replay:
    """Opens the kept backtest of this number. Raises ReplayError in words."""
    try:
        row = next((row for row in backtest_rows(database) if row.number == number), None)
    except BacktestsError as error:
        raise ReplayError(str(error)) from error
    if row is None:
        raise ReplayError(f"There is no backtest #{number}. `tradeconsole backtests` lists those that are kept.")
    return open_backtest(recordings(database), key_of(row), f"#{number} {row.strategies} on {row.symbols}", progress)
