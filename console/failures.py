"""Errors of the screen itself. The engine and the stop need none of it, so they go on: a person is told in words, the traceback goes to the
log file alone, where no key and no escape sequence gets through.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from engine.secrets import without_secrets

AGAIN_S = 60.0
"""So long the same error is not told again: what fails in every frame fails many times a second."""
_FOLDERS = ("console", "widgets", "themes", "engine", "storage")


class Failures:
    """`tell` hears each new one in words; `clock` is monotonic seconds."""

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._tell = tell
        self._clock = clock
        self._told: dict[str, float] = {}

    def take(self, error: BaseException) -> None:
        """Call it from the screen's loop, in the handler of `error`."""
        what, now = named(error), self._clock()
        if what in self._told and now - self._told[what] < AGAIN_S:
            return
        self._told[what] = now
        logging.getLogger("screen").error("%s", what, exc_info=error)
        self._tell(f"The screen failed at something: {what}. Trading and the stop go on; look whether what you did last was done.")


def named(error: BaseException) -> str:
    """What `error` is, on one line, and where in our own code it came up. No secret is in it."""
    error = getattr(error, "error", None) or error  # a worker's wraps what went wrong in it
    place, trace = "", error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if set(_FOLDERS) & set(file.parts[-5:-1]) and "site-packages" not in file.parts[-5:-1]:
            place = f" in {file.name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    text = without_secrets(" ".join(str(error).split()))
    return f"{type(error).__name__}{f' ({text:.200})' if text else ''}{place}"
