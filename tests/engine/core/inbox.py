"""Inputs one after another, as the engine's loop has them: what one brings about, and is an input itself, waits its turn."""

from __future__ import annotations

from collections import deque

from engine.model.inputs import Input


class Inbox:
    """Subclasses say how one is handled."""

    def __init__(self) -> None:
        self._inbox: deque[Input] = deque()
        self._busy = False

    def _handle_one(self, event: Input) -> None:
        raise NotImplementedError

    def handle(self, event: Input) -> None:
        self._inbox.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox:
                self._handle_one(self._inbox.popleft())
        finally:
            self._busy = False
