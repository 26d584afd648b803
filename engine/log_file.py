"""The log on disk: one JSON object a line, in a rotated file of its owner's alone, written by a thread so that no order waits for it.

What libraries say through `logging` goes there too, from WARNING up: on standard error it would tear the screen.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
import threading
import time
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from engine.model.modes import Level
from engine.model.settings import LogSettings
from engine.model.views import LogLine
from engine.secrets import Redactor

LONGEST_QUEUE: Final = 10_000
"""Lines that may wait for a disk that does not answer; what comes then is lost to the file, not to the screen."""
CLOSE_S: Final = 2.0
"""How long the end waits for such a disk."""

GATHER_S: Final = 0.02
"""How long the thread lets lines gather: one that worked as soon as there is one would compete with the order that it is about."""

_Line: TypeAlias = tuple[int, int, str, str, str]
"""(level, wall, source, text, detail)"""

_LEVELS: Final = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.ERROR: logging.ERROR}
_encode = msgspec.json.Encoder().encode


class LogFile:
    """Writes to `path`, keeping `settings.files` older ones beside it. Thread-safe. Raises OSError where the file cannot be opened."""

    def __init__(self, path: Path, settings: LogSettings, run_id: str, redactor: Redactor) -> None:
        self.path = path
        self._run_id = run_id
        self._redactor = redactor
        self._least = _LEVELS[settings.level]
        self._queue: queue.SimpleQueue[_Line | None] = queue.SimpleQueue()
        self._dropped = self._refused = self._told = 0
        """Lines that found the queue full, lines that the disk refused, and how many of them all the file speaks of."""
        self._file = _OwnersFile(path, settings)
        self._file.setFormatter(_JsonLines())
        self._writer = threading.Thread(target=self._write_on, name="log", daemon=True)
        self._libraries = _FromLibraries(self)
        logging.getLogger().addHandler(self._libraries)
        self._writer.start()

    @property
    def problem(self) -> str:
        """Why lines are missing in the file, in words; empty while none are."""
        if self._queue.qsize() >= LONGEST_QUEUE:
            return f"{self.path} is not written fast enough: lines are missing in it"
        return self._file.problem

    def write(self, line: LogLine) -> None:
        self.put(_LEVELS[line.level], line.wall, line.source, line.text, line.detail)

    def put(self, level: int, wall: int, source: str, text: str, detail: str = "") -> None:
        """Queues a line; `wall` is nanoseconds UTC."""
        if level < self._least:
            return
        if self._queue.qsize() >= LONGEST_QUEUE:
            self._dropped += 1
        else:
            self._queue.put((level, wall, source, text, detail))

    def _write_on(self) -> None:
        """On the writer's thread. Where lines were lost, the file says so at their place."""
        while (line := self._next()) is not None:
            lost = self._dropped + self._refused
            if lost > self._told:
                text = f"{lost - self._told:,} lines are missing here: the disk did not take them"
                if self._file.wrote(self._record(logging.WARNING, time.time_ns(), "log", text, "")):
                    self._told = lost
            if not self._file.wrote(self._record(*line)):
                self._refused += 1

    def _next(self) -> _Line | None:
        """The oldest line that waits, or the end."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            line = self._queue.get()
            if line is not None:
                time.sleep(GATHER_S)
            return line

    def _record(self, level: int, wall: int, source: str, text: str, detail: str) -> logging.LogRecord:
        record = logging.LogRecord(source, level, "", 0, text, None, None)
        record.json = self._line(level, wall, source, text, detail)
        return record

    def _line(self, level: int, wall: int, source: str, text: str, detail: str) -> str:
        at = datetime.fromtimestamp(wall // 1_000 / 1e6, UTC).isoformat(timespec="microseconds")
        fields = {"time": at, "level": logging.getLevelName(level), "run": self._run_id, "source": source, "text": text}
        if detail:
            fields["detail"] = detail
        clean = {name: self._redactor.clean(value).encode("utf-8", "replace").decode() for name, value in fields.items()}
        return _encode(clean).decode()

    def close(self) -> None:
        """Writes what is queued, and closes. What a disk does not take within `CLOSE_S` is lost."""
        logging.getLogger().removeHandler(self._libraries)
        self._queue.put(None)
        self._writer.join(CLOSE_S)
        if self._writer.is_alive():
            self._file.abandon()
        else:
            self._file.close()


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: str = record.__dict__["json"]
        return line


class _OwnersFile(logging.handlers.RotatingFileHandler):
    """Nobody else may read it. A disk that refuses is a `problem`, told on the screen, and tried again with the next line."""

    def __init__(self, path: Path, settings: LogSettings) -> None:
        self.problem = ""
        super().__init__(path, maxBytes=int(settings.max_mb * 1_000_000), backupCount=settings.files, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        return open(descriptor, "a", encoding="utf-8")

    def wrote(self, record: logging.LogRecord) -> bool:
        """Writes `record`, on the one thread that does. Without the lock of handlers, which the program's end would wait for."""
        self.emit(record)
        return not self.problem

    def abandon(self) -> None:
        """Lets go of a stream that does not answer: nothing may flush or close it any more, or that would hang too."""
        self.stream = None  # as FileHandler itself does

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.stream is None:
                self.stream = self._open()
            # A pipe has no size, and from Python 3.13 on it is asked for in a way that fails.
            if self.stream.seekable() and self.shouldRollover(record):
                self.doRollover()
            self.stream.write(self.format(record) + self.terminator)
            self.stream.flush()
        except OSError as error:
            self.problem = f"{self.baseFilename} cannot be written ({error.strerror or error}): lines are missing in it"
        else:
            self.problem = ""


class _FromLibraries(logging.Handler):
    """What was said through `logging`, by whoever else."""

    def __init__(self, file: LogFile) -> None:
        super().__init__(logging.WARNING)
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
            detail = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        except Exception as error:  # noqa: BLE001 - whatever its arguments do when they are printed, it is no error of who logged it
            text, detail = f"{record.msg!r:.500} ({type(error).__name__}: what it was said with cannot be printed)", ""
        self._file.put(record.levelno, int(record.created * 1e9), record.name, text, detail)
