"""One life of a strategy's process: started, spoken to one message at a time, watched, and killed when it does not answer.

Nothing here waits on the process: writes go into the transport's buffer, which one outstanding message bounds, and a process that does
not read, does not answer or does not beat is killed by the deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import msgspec

from engine.priority import AGAIN_S, put_behind
from engine.secrets import NAMES
from engine.strategies.params import Value
from engine.strategies.wire import LENGTH_BYTES, MAX_FRAME, Beat, Load, Log, Reply, ToStrategy, decode_from_strategy, frame
from engine.text import many_lines

LOAD_S = 30.0
"""How long loading may take: starting Python, importing what the strategy needs (pandas and more), and its on_start."""
ALARM_GRACE_S = 2.0
"""The kernel's alarm in the process comes this long after the deadline here, so that the words about it are ours."""
BEAT_S = 1.0
CLOSE_S = 1.0
"""How long pipes that a child of the strategy holds open are waited for, once the strategy's own process has ended."""
RAW_PAUSE_S = 0.05
"""A pause after each piece that the process wrote past Python, to its raw descriptors: a flood holds up the strategy and nobody else."""
LAST_WORDS = 2_000
UNASKED_A_SECOND = 300
"""Beats and log lines; an honest process is far below, and one that is not may hold up the engine's loop as little as any other."""
ROOT = Path(__file__).resolve().parents[2]


class HostGoneError(Exception):
    """The process is no more, and this is why; `detail` is what it wrote last past Python's own streams."""

    def __init__(self, words: str, detail: str = "") -> None:
        super().__init__(words)
        self.detail = detail


class HostProcess(asyncio.SubprocessProtocol):
    """Owned by one StrategyRunner. `gone` is None while it lives; `on_gone` is called once, on the loop, when that changes."""

    def __init__(self, deadline_s: float, clock: Callable[[], int], on_log: Callable[[str], None], on_gone: Callable[[], None]) -> None:
        self.gone: HostGoneError | None = None
        self.pid = 0
        self._deadline_s = deadline_s
        self._clock = clock
        self._on_log, self._on_gone = on_log, on_gone
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._reply: asyncio.Future[Reply] | None = None
        self._received = bytearray()
        self._unasked, self._unasked_since = 0, clock()
        self._last_words = b""
        self._why = ""
        self._closing = False
        self._allowed_s = LOAD_S
        self._heard = self._looked = clock()
        self._step_s = min(0.5, deadline_s / 5)
        self._watch = self._loop.call_later(self._step_s, self._look)

    @classmethod
    async def start(
        cls, deadline_s: float, clock: Callable[[], int], on_log: Callable[[str], None], on_gone: Callable[[], None]
    ) -> HostProcess:
        """Raises HostGoneError where the system gives us no process."""
        # -P keeps the working directory off sys.path: an engine.py that lies there is not ours. So our own place is told.
        environment = {name: value for name, value in os.environ.items() if not NAMES.search(name)}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
        host = cls(deadline_s, clock, on_log, on_gone)
        command = (sys.executable, "-P", "-m", "engine.strategies.host")
        try:
            # A session of its own: the terminal's Ctrl+C does not reach it, and its children die with its process group.
            await host._loop.subprocess_exec(lambda: host, *command, env=environment, start_new_session=True)
        except OSError as error:
            host._watch.cancel()
            raise HostGoneError(f"its process could not be started: {error.strerror}") from error
        host._step_back()
        return host

    async def load(self, file: str, params: Mapping[str, Value], symbols: tuple[str, ...]) -> Reply:
        """Loaded or Refused. Raises HostGoneError."""
        allowed_s = max(LOAD_S, self._deadline_s)
        return await self._ask(
            Load(
                file,
                dict(params),
                symbols,
                beat_s=min(BEAT_S, self._deadline_s / 4),
                load_alarm_s=allowed_s + ALARM_GRACE_S,
                alarm_s=self._deadline_s + ALARM_GRACE_S,
            ),
            allowed_s,
        )

    async def ask(self, message: ToStrategy) -> Reply:
        """Send one message and wait for its reply. Raises HostGoneError where none will come."""
        return await self._ask(message, self._deadline_s)

    async def _ask(self, message: ToStrategy, allowed_s: float) -> Reply:
        if self.gone:
            raise self.gone
        self._reply = self._loop.create_future()
        self._allowed_s, self._heard = allowed_s, self._clock()
        stdin = self._transport.get_pipe_transport(0)
        cast(asyncio.WriteTransport, stdin).write(frame(message))
        try:
            return await self._reply
        finally:
            self._reply = None
            self._allowed_s = self._deadline_s

    def kill(self) -> None:
        """Kill the process and every process it started."""
        if not self.pid:  # not started yet: group 0 would be our own
            return
        # The group may be gone already, and on macOS a group of zombies may not be signalled.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Kill what is left, and let go of the pipes. Returns soon, whatever the process does."""
        self._why = self._why or "it was stopped"
        self._closing = True
        self.kill()
        if self._transport.get_returncode() is not None:
            self._transport.close()
        # Where even SIGKILL waits (a process stuck in a dead disk's driver), the engine does not.
        try:
            await asyncio.wait([self._closed], timeout=CLOSE_S)
        finally:
            self._transport.close()
            self._end()

    # ---- told by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != 1:
            self._last_words = (self._last_words + data)[-LAST_WORDS:]
            pipe = cast(asyncio.ReadTransport, self._transport.get_pipe_transport(fd))
            pipe.pause_reading()
            self._loop.call_later(RAW_PAUSE_S, pipe.resume_reading)
            return
        self._received += data
        try:
            self._read_messages()
        except msgspec.DecodeError as error:
            self._why = self._why or f"its process spoke nonsense ({error})"
            self.kill()

    def process_exited(self) -> None:
        code = self._transport.get_returncode()
        self._why = self._why or _ending(0 if code is None else code)
        self.kill()
        # What is left in the pipes is read to their end; but a child that left the group may hold them open for ever.
        # Not before this moment: closing the transport of a living process reaps it behind asyncio's back.
        self._loop.call_later(0.0 if self._closing else CLOSE_S, self._transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport.close()
        if not self._closed.done():
            self._closed.set_result(None)
        self._end()

    def _read_messages(self) -> None:
        received = self._received
        while len(received) >= LENGTH_BYTES:
            length = int.from_bytes(received[:LENGTH_BYTES], "big")
            if length > MAX_FRAME:
                raise msgspec.DecodeError(f"a message of {length:,} bytes")
            end = LENGTH_BYTES + length
            if len(received) < end:
                return
            message = decode_from_strategy.decode(received[LENGTH_BYTES:end])
            del received[:end]
            if isinstance(message, Log | Beat):
                self._count_unasked()
            if isinstance(message, Log):
                self._on_log(message.text)
            elif isinstance(message, Beat):
                # A beat while an answer is due says nothing about the callback.
                if self._reply is None:
                    self._heard = self._clock()
            elif self._reply is None or self._reply.done():
                raise msgspec.DecodeError("an answer to nothing")
            else:
                self._heard = self._clock()
                self._reply.set_result(message)

    def _count_unasked(self) -> None:
        now = self._clock()
        if now - self._unasked_since > 1e9:
            self._unasked, self._unasked_since = 0, now
        self._unasked += 1
        if self._unasked > UNASKED_A_SECOND:
            raise msgspec.DecodeError(f"more than {UNASKED_A_SECOND} messages a second that nobody asked for")

    def _look(self) -> None:
        """Kill it when the answer, or while nothing is asked the beat, is overdue."""
        before, now = self._looked, self._clock()
        self._looked = now
        # Where this loop itself was held up, an answer may lie unread: then look again after a turn.
        if now - before <= 3 * self._step_s * 1e9 and now - self._heard > self._allowed_s * 1e9:
            self._why = self._why or f"it did not answer for {self._allowed_s:g} s and was killed"
            self.kill()
            return
        self._watch = self._loop.call_later(self._step_s, self._look)

    def _step_back(self) -> None:
        if self.gone is None and self._transport.get_returncode() is None and not put_behind(self.pid):
            self._loop.call_later(AGAIN_S, self._step_back)

    def _end(self) -> None:
        self._watch.cancel()
        if self.gone is None:
            self.gone = HostGoneError(self._why, many_lines(self._last_words.decode(errors="replace"), LAST_WORDS).strip())
            if self._reply and not self._reply.done():
                self._reply.set_exception(self.gone)
            self._on_gone()


def _ending(code: int) -> str:
    if code >= 0:
        return f"its process ended by itself (exit code {code})"
    if -code == signal.SIGALRM:
        return "it did not answer and was ended by its alarm"
    try:
        return f"its process was killed ({signal.Signals(-code).name})"
    except ValueError:
        return f"its process was killed (signal {-code})"
