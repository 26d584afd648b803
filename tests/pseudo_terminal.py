"""A program in a pseudo-terminal of its own: what it writes, and when."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress


def spawn(command: Sequence[str], size: tuple[int, int] = (120, 36), variables: Mapping[str, str] | None = None) -> tuple[int, int]:
    """Start `command` in a terminal of (columns, rows), with `variables` in its environment: its process id and the file to talk to it."""
    pid, file = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        # Not os.environ: readline puts LINES and COLUMNS of the test's own terminal behind its back.
        environment = {name: value for name, value in os.environ.items() if name not in {"LINES", "COLUMNS", "NO_COLOR"}}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(variables or {})}
        os.execve(command[0], list(command), environment)
    return pid, file


class PseudoTerminal:
    """Reads a program as fast as it writes. `close` kills it."""

    def __init__(self, command: Sequence[str], size: tuple[int, int] = (120, 36), variables: Mapping[str, str] | None = None) -> None:
        self.count = 0
        """Bytes read so far."""
        self.recent = b""
        self.began = time.perf_counter()
        self.pid, self.file = spawn(command, size, variables)

    def write(self, data: bytes) -> None:
        self.recent = b""
        os.write(self.file, data)

    def read(self, seconds: float) -> bool:
        """Wait for output, at most so long; False where the time is over or the program has ended."""
        if not select.select([self.file], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = os.read(self.file, 65_536)
        except OSError:
            return False
        if b"\x1b[?2026$p" in data:
            # As today's terminals do: a frame is shown whole.
            os.write(self.file, b"\x1b[?2026;2$y")
        self.count += len(data)
        self.recent = (self.recent + data)[-1_000_000:]
        return bool(data)

    def until(self, text: bytes, patience: float = 20.0) -> float:
        """Read until `text` was written since the last key: when, in seconds of time.perf_counter. Raises TimeoutError."""
        return self.until_match(re.escape(text), patience)

    def until_match(self, pattern: bytes, patience: float = 20.0) -> float:
        """The same for a regular expression."""
        end = time.perf_counter() + patience
        while re.search(pattern, self.recent) is None:
            if time.perf_counter() > end:
                raise TimeoutError(f"{pattern!r} was never written; the last was {self.recent[-1000:]!r}")
            self.read(0.05)
        return time.perf_counter()

    def bytes_in(self, seconds: float) -> int:
        """How many bytes come within so many seconds."""
        before, end = self.count, time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)
        return self.count - before

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)
