"""Threads for a library that blocks. They are daemons: one that hangs in the network must not keep the program from its end."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Answered = TypeVar("Answered")


class _Job:
    __slots__ = ("answer", "given_up", "lock", "loop", "work")

    def __init__(self, work: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.answer: asyncio.Future[Any] = loop.create_future()
        self.lock = threading.Lock()
        self.given_up = False


class Lane:
    """Does one thing after the other, or as many at once as it has threads. What nobody waits for any more before it began is never done:
    an order that is taken for lost by then must not go out."""

    def __init__(self, name: str, threads: int = 1) -> None:
        self._name = name
        self._most = threads
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = 0

    async def run(self, work: Callable[[], Answered]) -> Answered:
        """What `work` answers, or raises."""
        job = _Job(work, asyncio.get_running_loop())
        self._busy += 1
        if self._busy > len(self._threads) < self._most:
            thread = threading.Thread(target=self._serve, name=f"{self._name} {len(self._threads) + 1}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(job)
        try:
            answer: Answered = await job.answer
        except asyncio.CancelledError:
            with job.lock:
                job.given_up = True
            raise
        finally:
            self._busy -= 1
        return answer

    def close(self) -> None:
        """Ends the threads as they come free."""
        for _ in self._threads:
            self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            # Between this look and the work itself nobody gives up: whoever does later finds it begun.
            with job.lock:
                if job.given_up:
                    continue
            try:
                answer, error = job.work(), None
            except BaseException as failed:  # noqa: BLE001 - it is raised where it is waited for
                answer, error = None, failed
            try:
                job.loop.call_soon_threadsafe(_tell, job.answer, answer, error)
            except RuntimeError:
                return  # the loop has ended, and with it everybody who asked


def _tell(waiting: asyncio.Future[Any], answer: Any, error: BaseException | None) -> None:
    if waiting.done():
        return
    if error is None:
        waiting.set_result(answer)
    else:
        waiting.set_exception(error)
