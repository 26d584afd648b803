"""A backtest that runs beside the console: started, watched and ended here. Its process is `console.backtest.worker`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from console.backtest.worker import Order, Told
from engine.priority import AGAIN_S, put_behind
from engine.secrets import NAMES

ROOT = Path(__file__).resolve().parents[2]
_WORDS = 300
_ENDING_S = 5.0
"""How long a process may take to end that has said all it had to say."""


class Running:
    """From its making on; no method waits. `progress` is the newest there is, `outcome` what it ended with, None until then.

    `clock` is monotonic seconds.
    """

    def __init__(self, order: Order, name: str, clock: Callable[[], float]) -> None:
        self.name = name
        self.began = clock()
        self.progress = Told()
        self.outcome: Told | None = None
        self._order = order
        self._cancelled = False
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name="backtest", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """0 before there is a process."""
        return self._process.pid if self._process is not None else 0

    def cancel(self) -> None:
        """Ends it, and whatever its strategy started."""
        with self._lock:
            self._cancelled = True
            self._kill()

    def close(self, timeout: float = 2.0) -> None:
        """Blocks until its process is gone, or `timeout` seconds have passed."""
        self.cancel()
        self._thread.join(timeout)

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    # ---- on the thread

    def _watch(self) -> None:
        try:
            said = self._run()
        except OSError as error:
            said = Told(problem=f"The backtest's process could not be started: {error.strerror}. Nothing was run.")
        if said.problem and self._cancelled:
            done = f" after {self.progress.done:,} of {self.progress.total:,} bars" if self.progress.total else ""
            said = Told(problem=f"Cancelled{done}. Nothing was kept.")
        self.outcome = said

    def _run(self) -> Told:
        environment = {name: value for name, value in os.environ.items() if not NAMES.search(name)}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
        with self._lock:
            if self._cancelled:
                return Told(problem="Cancelled.")
            self._process = process = subprocess.Popen(
                (sys.executable, "-P", "-m", "console.backtest.worker"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with process:
            # Before it is told what to run: until then it only waits.
            while process.poll() is None and not put_behind(process.pid):
                time.sleep(AGAIN_S)
            words: list[bytes] = []
            listener = threading.Thread(target=_listen, args=(process.stderr.fileno(), words), daemon=True)
            listener.start()
            # Its input stays open while it runs: it ends when that does.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(msgspec.json.encode(self._order) + b"\n")
                process.stdin.flush()
            for line in process.stdout:
                told = _read(line)
                if told.text or told.problem:
                    return told
                self.progress = told
            try:
                code = process.wait(_ENDING_S)
            except subprocess.TimeoutExpired:
                with self._lock:
                    self._kill()
                code = process.wait()
            listener.join(1)
        return Told(problem=_ended(code, b"".join(words)))


def _read(line: bytes) -> Told:
    try:
        return msgspec.json.decode(line, type=Told)
    except msgspec.MsgspecError:
        return Told(problem="The backtest's process said something that cannot be understood. Nothing was kept.")


def _listen(source: int, words: list[bytes]) -> None:
    """Keeps the last of what the process writes to its standard error."""
    with contextlib.suppress(OSError):
        while chunk := os.read(source, 1 << 12):
            words[:] = [(b"".join(words) + chunk)[-2_000:]]


def _ended(code: int, words: bytes) -> str:
    """Why a process ended that told nothing more."""
    lines = words.decode("utf-8", "replace").strip().splitlines()
    last = f" It said last: {lines[-1][:_WORDS]}" if lines else ""
    if code < 0:
        name = signal.Signals(-code).name
        why = ", perhaps because memory ran out," if -code == signal.SIGKILL else ""
        return f"The backtest's process was ended by {name}{why} before it came to its end. Nothing was kept.{last}"
    return f"The backtest's process ended by itself with code {code}. Nothing was kept.{last}"
