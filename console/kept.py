"""What the screen keeps from one start to the next, beside config and history: a small JSON file a subject, such as `columns.json`.

These are conveniences. A file that cannot be read or written costs its content and a sentence, and never a start.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

Told = Callable[[str], None]
"""Tells a person what went wrong. Called on any thread."""


class Kept:
    """One folder of such files. `save` returns at once; a thread of its own writes, whole files only, the newest content last.

    `told` hears what could not be read or written, in words. With no `folder` nothing is kept.
    """

    def __init__(self, folder: Path | None, told: Told) -> None:
        self._folder = folder
        self._told = told
        self._lock = threading.Lock()
        self._waiting: dict[str, bytes] = {}
        self._writer: ThreadPoolExecutor | None = None

    def load(self, name: str, kind: type[T], default: T) -> T:
        """The content of `name`, of a type that msgspec can read; `default` where there is none, or none that can be read."""
        file = self._file(name)
        if file is None:
            return default
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return default
        except OSError as error:
            self._told(f"{file} cannot be read ({error.strerror}): what was kept in it is not used now.")
            return default
        # Not before there is something to read: the first picture waits for it.
        import msgspec

        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            aside = file.with_suffix(".unreadable")
            try:
                os.replace(file, aside)
            except OSError:
                aside = file
            self._told(f"{file} cannot be understood ({error}): it begins anew; the old file is {aside}.")
            return default

    def save(self, name: str, value: object) -> None:
        """Has `value` written as the content of `name`, soon."""
        import msgspec

        if self._folder is None:
            return
        with self._lock:
            self._waiting[name] = msgspec.json.format(msgspec.json.encode(value))
            if self._writer is None:
                self._writer = ThreadPoolExecutor(1, "kept")
            self._writer.submit(self._write, name)

    def close(self) -> None:
        """Blocks until all that was saved is written or could not be."""
        if self._writer is not None:
            self._writer.shutdown()

    def _file(self, name: str) -> Path | None:
        return self._folder / f"{name}.json" if self._folder is not None else None

    def _write(self, name: str) -> None:
        with self._lock:
            content = self._waiting.pop(name, None)
        file = self._file(name)
        if content is None or file is None:
            return
        new = file.with_suffix(".new")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(new, file)
        except OSError as error:
            self._told(f"{file} cannot be written ({error.strerror}): what you changed holds until you quit.")
