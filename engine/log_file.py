"""The log on disk: one JSON object a line, in a rotated file of its owner's alone, written by a thread so that no order waits for it.

What libraries say through `logging` goes there too, from WARNING up: on standard error it would tear the screen.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Final

import msgspec

from engine.model.modes import Level
from engine.model.settings import LogSettings
from engine.model.views import LogLine
from engine.secrets import Redactor

LONGEST_QUEUE: Final = 10_000
"""Lines that may wait for a disk that does not answer; what comes then is lost to the file, not to the screen."""

_LEVELS: Final = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.ERROR: logging.ERROR}
_encode = msgspec.json.Encoder().encode


class LogFile:
    """Writes to `path`, keeping `settings.files` older ones beside it. Thread-safe. Raises OSError where the file cannot be opened."""

    def __init__(self, path: Path, settings: LogSettings, run_id: str, redactor: Redactor) -> None:
        self.path = path
        self._run_id = run_id
        self._redactor = redactor
        self._least = _LEVELS[settings.level]
        self._queue: queue.Queue[logging.LogRecord] = queue.Queue(LONGEST_QUEUE)
        self._file = _OwnersFile(path, settings)
        self._file.setFormatter(_JsonLines())
        self._listener = logging.handlers.QueueListener(self._queue, self._file)
        self._libraries = _FromLibraries(self)
        logging.getLogger().addHandler(self._libraries)
        self._listener.start()

    @property
    def problem(self) -> str:
        """Why lines are missing in the file, in words; empty where none are."""
        return self._file.problem

    def write(self, line: LogLine) -> None:
        self.put(_LEVELS[line.level], line.wall, line.source, line.text, line.detail)

    def put(self, level: int, wall: int, source: str, text: str, detail: str = "") -> None:
        """Queues a line; `wall` is nanoseconds UTC."""
        if level < self._least:
            return
        record = logging.LogRecord(source, level, "", 0, text, None, None)
        record.json = self._line(level, wall, source, text, detail)
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            self._file.problem = f"{self.path} is not written fast enough: lines are missing in it"

    def _line(self, level: int, wall: int, source: str, text: str, detail: str) -> str:
        at = datetime.fromtimestamp(wall // 1_000 / 1e6, UTC).isoformat(timespec="microseconds")
        fields = {"time": at, "level": logging.getLevelName(level), "run": self._run_id, "source": source, "text": text}
        if detail:
            fields["detail"] = detail
        clean = {name: self._redactor.clean(value).encode("utf-8", "replace").decode() for name, value in fields.items()}
        return _encode(clean).decode()

    def close(self) -> None:
        """Writes what is queued, and closes."""
        logging.getLogger().removeHandler(self._libraries)
        self._listener.stop()
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

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.shouldRollover(record):
                self.doRollover()
            if self.stream is None:
                self.stream = self._open()
            self.stream.write(self.format(record) + self.terminator)
            self.stream.flush()
        except OSError as error:
            self.problem = f"{self.baseFilename} cannot be written ({error.strerror}): lines are missing in it"
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
        except (TypeError, ValueError) as error:
            text = f"{record.msg} ({error})"
        detail = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self._file.put(record.levelno, int(record.created * 1e9), record.name, text, detail)
