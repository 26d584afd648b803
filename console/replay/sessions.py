"""Sessions that can be replayed, and one of them opened. Everything here blocks, and reads alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.journal import JournalError
from engine.model.recording import Replayable
from engine.model.records import Checkpoint, Record, RunEnded
from engine.replay.recording import ReplayError
from storage.codec import decode, encode
from storage.folds import CHECKPOINTS_APART
from storage.sessions import MarketFiles, journal_runs, read_before, read_run

if TYPE_CHECKING:
    from engine.replay.index import Progress
    from engine.replay.replay import Replay

_SECOND = 1_000_000_000
_EVERY = 1_000
_NO_END = (
    "Its end is not recorded: it goes on still, or it broke off. Of its last minute prices may be missing; orders and fills are all there."
)
_NO_PRICES = "its market data are not kept: prices are those of its fills"


def sessions(database: Path, running: str = "") -> list[Replayable]:
    """The runs of the console, the newest first; `running` is the id of the one under way. Raises ReplayError."""
    try:
        runs = journal_runs(database)
    except JournalError as error:
        raise ReplayError(str(error)) from error
    priced = MarketFiles(database).runs()
    return [
        Replayable(
            kind="session",
            key=run.run_id,
            title=f"{run.account} session, prices from {run.feed}",
            day=f"{datetime.fromtimestamp(run.started / _SECOND, UTC).astimezone():%Y-%m-%d}",
            made_at=run.started,
            first_at=run.first_at,
            last_at=run.last_at,
            running=run.run_id == running,
            ordered=run.ordered,
            lacks="" if run.run_id in priced else _NO_PRICES,
        )
        for run in runs
    ]


def open_session(database: Path, run_id: str, title: str, progress: Progress | None = None) -> Replay:
    """Opens the run, up to what is written of it by now. Raises ReplayError in words."""
    from engine.replay.replay import Replay
    from engine.replay.rows import rows_of
    from engine.replay.sessions import SessionRecording

    try:
        before = _before(database, run_id, progress)
        records = read_run(database, run_id)
    except JournalError as error:
        raise ReplayError(str(error)) from error
    try:
        pieces, problems = MarketFiles(database).read(run_id)
    except FileNotFoundError:
        pieces, problems = [], [f"{title}: {_NO_PRICES}."]
    except OSError as error:
        pieces, problems = [], [f"The market data of {title} cannot be read ({error.strerror}): prices are those of its fills."]
    rows, unread = rows_of(pieces)
    if not any(isinstance(record, RunEnded) for _, record in records):
        problems.append(_NO_END)
    return Replay(SessionRecording(title, rows, before, records, (*problems, *unread)), progress)


def _before(database: Path, run_id: str, progress: Progress | None) -> Sequence[Record]:
    """What the core knew when the run began: the records from before it, or, where these are many, one checkpoint of them all, which is
    kept so that the next replay begins there. Raises JournalError."""
    from engine.core.checkpoint import SHAPE, save, take_over
    from engine.core.state import State

    files = MarketFiles(database)
    with suppress(OSError, JournalError):
        kept = files.read_before(run_id)
        checkpoint = decode(0, Checkpoint.__name__, kept.decode("utf-8", "replace")) if kept else None
        if isinstance(checkpoint, Checkpoint) and checkpoint.shape == SHAPE:
            return (checkpoint,)
    records = read_before(database, run_id, SHAPE)
    first = list(islice(records, CHECKPOINTS_APART))
    if len(first) < CHECKPOINTS_APART:
        return first
    state = State()
    for count, record in enumerate(chain(first, records)):
        take_over(state, record)
        if progress is not None and count % _EVERY == 0:
            progress(0, 1)
    checkpoint = save(state, 0)
    with suppress(OSError):  # then the next replay reads them once more
        files.write_before(run_id, encode(checkpoint)[1].encode())
    return (checkpoint,)
