"""Everything that can be replayed, backtests and sessions alike: listed, found by what a person types, and opened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from console.replay.backtests import open_kept
from console.replay.sessions import open_session, sessions
from engine.model.recording import Replayable
from engine.replay.recording import ReplayError
from storage.backtests import BacktestsError, backtest_rows

if TYPE_CHECKING:
    from engine.replay.index import Progress
    from engine.replay.replay import Replay

LATEST = "latest"
Opener = Callable[["Progress"], "Replay"]
"""Opens a recording, told how far that is. Blocks, and raises ReplayError."""
_SECOND = 1_000_000_000
_SHOWN = 10


def replayables(database: Path | None, backtests: Path) -> list[Replayable]:
    """The sessions on `database` and the backtests kept in `backtests`, the newest first. Raises ReplayError."""
    try:
        rows = backtest_rows(backtests)
    except BacktestsError as error:
        raise ReplayError(str(error)) from error
    found = [
        Replayable(
            kind="backtest",
            key=f"#{row.number}",
            title=f"{row.strategies} on {row.symbols}",
            day=f"{datetime.fromtimestamp(row.made_at / _SECOND, UTC).astimezone():%Y-%m-%d}",
            made_at=row.made_at,
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in rows
    ]
    if database is not None:
        found += sessions(database)
    return sorted(found, key=lambda each: each.made_at, reverse=True)


def find(asked: str, database: Path | None, backtests: Path) -> Replayable:
    """What is asked for: `latest`, a backtest's number, a session's run id, or the last session that began on a day (YYYY-MM-DD). Raises
    ReplayError where there is none. The latest is the last in which anything was ordered, where there is one: whoever watched a replay
    before left a session behind by that, in which nothing happened."""
    known = replayables(database, backtests)
    if asked == LATEST and known:
        return next((each for each in known if each.ordered), known[0])
    for each in known:
        if asked in (each.key, each.key.removeprefix("#")) or (each.kind == "session" and asked == each.day):
            return each
    newest = ", ".join(f"{each.key} ({each.day})" for each in known[:_SHOWN])
    has = f"The newest are {newest}" if known else "Nothing is kept yet"
    raise ReplayError(f"There is nothing to replay under {asked}. {has}. Give latest, a backtest's number, a session's id, or a day.")


def opener(found: Replayable, database: Path | None, backtests: Path) -> Opener:
    """What opens it."""
    if found.kind == "backtest":
        return partial(open_kept, backtests, int(found.key.removeprefix("#")))
    assert database is not None
    return partial(open_session, database, found.key, found.title)
