"""Sessions that can be replayed, and one of them opened. Everything here blocks, and reads alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.journal import JournalError
from engine.model.recording import Replayable
from engine.model.records import RunEnded
from engine.replay.recording import ReplayError
from storage.sessions import MarketFiles, journal_runs, read_run

if TYPE_CHECKING:
    from engine.replay.index import Progress
    from engine.replay.replay import Replay

_SECOND = 1_000_000_000
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
            lacks="" if run.run_id in priced else _NO_PRICES,
        )
        for run in runs
    ]


def open_session(database: Path, run_id: str, title: str, progress: Progress | None = None) -> Replay:
    """Opens the run, up to what is written of it by now. Raises ReplayError in words."""
    from engine.core.checkpoint import SHAPE
    from engine.replay.replay import Replay
    from engine.replay.rows import rows_of
    from engine.replay.sessions import SessionRecording

    try:
        before, records = read_run(database, run_id, SHAPE)
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
