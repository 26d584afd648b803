"""A question to the history that a screen asks again and again while it is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from console.archive import Archive, Question

if TYPE_CHECKING:
    from storage.history import History

T = TypeVar("T")


class Standing(Generic[T]):
    """Asks at the first `look`, and again `every` so many seconds after an answer; with 0 only after one that failed.

    `ask` is called on the archive's thread. `answer` is the newest there was, `problem` why the last one brought nothing.
    """

    RETRY_S = 1.0

    def __init__(self, archive: Archive, ask: Callable[[History], Awaitable[T]], every: float = 0.0) -> None:
        self.answer: T | None = None
        self.problem = ""
        self._archive = archive
        self._ask = ask
        self._every = every
        self._asked: Question[T] | None = None
        self._due: float | None = 0.0

    def look(self, now: float) -> bool:
        """Whether news came since the last look. `now` is monotonic seconds."""
        if self._asked is None:
            if self._due is not None and now >= self._due:
                self._asked = self._archive.ask(self._ask)
            else:
                return False
        asked = self._asked
        if not asked.done:
            return False
        self._asked = None
        if asked.problem:
            news = asked.problem != self.problem
            self.problem, self._due = asked.problem, now + self.RETRY_S
            return news
        news = bool(self.problem) or asked.answer != self.answer
        self.problem, self.answer = "", asked.answer
        self._due = now + self._every if self._every else None
        return news

    @property
    def waiting(self) -> bool:
        """Whether nothing was answered yet."""
        return self.answer is None and not self.problem

    def drop(self) -> None:
        if self._asked is not None:
            self._asked.drop()
        self._asked, self._due = None, None
