"""The history as the screen asks it: a thread of its own reads the database, and the screen looks for the answer in a later frame."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from storage.history import History

T = TypeVar("T")


class Question(Generic[T]):
    """What was asked. Once it is `done`, either `answer` holds what the history said or `problem` says in words why it said nothing."""

    def __init__(self, ask: Callable[[History], Awaitable[T]], path: Path | None = None) -> None:
        self.ask = ask
        self.path = path
        """The database that it is asked of."""
        self.done = False
        self.answer: T | None = None
        self.problem = ""
        self.dropped = False

    def drop(self) -> None:
        """Nobody waits for the answer any more: it need not be looked for."""
        self.dropped = True


class Archive:
    """The history in the database at `path`; None where none is kept. Asking returns at once, from any thread. Another `path` may be set
    at any time: what is asked from then on is answered from there.

    Questions are answered one after another, on a connection that can only read. The database is opened at the first question, and again
    after one that failed: there may be none yet, or the engine may just be making its tables anew.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._history: History | None = None
        self._opened: Path | None = None
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._queue: asyncio.Queue[Question[Any] | None] | None = None
        self._closed = False

    def ask(self, question: Callable[[History], Awaitable[T]]) -> Question[T]:
        """Hands `question` to the thread. Look at the answer's `done` in a later frame."""
        with self._lock:
            asked = Question(question, self.path)
            if self.path is None or self._closed:
                asked.problem, asked.done = "No history is kept here.", True
                return asked
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._queue = asyncio.Queue()
                self._thread = threading.Thread(target=self._run, args=(self._loop, self._queue), name="archive", daemon=True)
                self._thread.start()
            assert self._queue is not None
            self._loop.call_soon_threadsafe(self._queue.put_nowait, asked)
        return asked

    def close(self, timeout: float = 2.0) -> None:
        """Blocks until the question that is being answered is, or `timeout` seconds have passed; the rest are left."""
        with self._lock:
            self._closed = True
            loop, queue, thread = self._loop, self._queue, self._thread
        if loop is not None and queue is not None and thread is not None and thread.is_alive():
            loop.call_soon_threadsafe(queue.put_nowait, None)
            thread.join(timeout)

    # ---- on the thread

    def _run(self, loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[Question[Any] | None]) -> None:
        try:
            loop.run_until_complete(self._serve(queue))
        finally:
            loop.close()

    async def _serve(self, queue: asyncio.Queue[Question[Any] | None]) -> None:
        while (question := await queue.get()) is not None:
            if self._closed:
                question.problem, question.done = "The console is ending.", True
            elif not question.dropped:
                await self._answer(question)
        await self._let_go()

    async def _answer(self, question: Question[Any]) -> None:
        from engine.model.journal import JournalError
        from engine.secrets import without_secrets

        try:
            assert question.path is not None
            question.answer = await question.ask(await self._open(question.path))
        except JournalError as error:
            question.problem = without_secrets(str(error))
            await self._let_go()
        except Exception as error:  # noqa: BLE001 - see below
            # Whatever it is, the screen that asked must not wait for ever, nor the thread end and leave every later question open.
            problem = f"The history could not be read ({type(error).__name__}: {error}). Trading is not touched by it."
            question.problem = without_secrets(problem)
            await self._let_go()
        question.done = True

    async def _open(self, path: Path) -> History:
        if self._history is not None and path != self._opened:
            await self._let_go()
        if self._history is None:
            from storage.history import open_history

            self._history, self._opened = await open_history(path), path
        return self._history

    async def _let_go(self) -> None:
        history, self._history = self._history, None
        if history is not None:
            await history.close()
