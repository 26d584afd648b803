"""One thread for a library that blocks: a call at a time, awaited from a loop, and never waited for at the end of the program."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_IDLE_S = 30.0
"""After so long without a call the thread ends; the next call starts another."""


class Worker:
    """Made on any thread; `call` is awaited on one loop. What hangs in a call holds up the calls behind it, and nobody else."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running = False

    async def call(self, work: Callable[[], T]) -> T:
        """What `work` answers or raises. Given up by its caller, it is not begun, or goes on to nobody's ears."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._calls.put((future, work))
            if not self._running:
                self._running = True
                # A daemon: the program may end in the middle of a request.
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return await future

    def _work(self) -> None:
        while True:
            try:
                future, work = self._calls.get(timeout=_IDLE_S)
            except queue.Empty:
                with self._lock:
                    if self._calls.empty():
                        self._running = False
                        return
                continue
            if future.cancelled():
                continue
            try:
                answer = work()
            except BaseException as error:  # noqa: BLE001 - whatever it is belongs to who waits for it
                _settle(future, None, error)
            else:
                _settle(future, answer, None)
            del future, work


def _settle(future: asyncio.Future[Any], answer: Any, error: BaseException | None) -> None:
    def settle() -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(answer)

    try:
        future.get_loop().call_soon_threadsafe(settle)
    except RuntimeError:
        return  # its loop has ended, and nobody waits any more
