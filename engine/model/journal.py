"""The journal as the engine needs it: append, wait until durable, read back. `storage` implements it on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from engine.model.records import Record


class JournalError(Exception):
    """The journal cannot be written or read. The message says what happened and what to do."""


class Journal(Protocol):
    """Append-only, one writer. Every method is called on the loop of the engine."""

    def append(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """Queue `records` behind all earlier ones, as one unit.

        The future resolves once they are durable. It fails with JournalError where the write failed; the records stay queued and are
        tried again, so that nothing that happened is lost, but the caller must not act as if they were durable.
        """

    def read(self, shape: str = "") -> AsyncIterator[Record]:
        """All records, oldest first; where the newest checkpoint is of this `shape`, it and what came after it."""

    @property
    def backlog(self) -> int:
        """Records that are queued and not yet durable."""

    @property
    def written_at(self) -> int:
        """When the newest record that is no note was queued, by this run or an earlier one: the wall clock's nanosecond, 0 where there is
        none. A start that is refused leaves a note, and knows nothing new."""

    @property
    def problem(self) -> str | None:
        """Why it cannot be written now, in words; None while it can."""

    @property
    def history_problem(self) -> str | None:
        """Why the history made of it stands still, in words; None while it follows. Trading goes on without."""

    async def close(self) -> None:
        """Write what is queued, and close."""
