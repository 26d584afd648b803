"""The process a strategy runs in: `python -m engine.strategies.host`, started by the supervisor and by nobody else.

Nothing in here is trusted to end, so three things hold from outside: the supervisor's deadline, its pipe (when that closes, the engine is
gone and so are we), and the kernel's alarm clock, which is set before each callback and ends a process that holds the interpreter even
when nobody is left to kill it.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from engine.model.market import Bar
from engine.model.settings import is_timeframe
from engine.strategies.base import Context, Position, Strategy
from engine.strategies.params import StrategyError
from engine.strategies.seen import Sight
from engine.strategies.wire import (
    LENGTH_BYTES,
    MAX_DRAFTS,
    Answer,
    Beat,
    FromStrategy,
    Load,
    Loaded,
    Log,
    OnBar,
    OnFill,
    OnQuote,
    OnUpdate,
    Refused,
    Reply,
    State,
    Stop,
    ToStrategy,
    Warm,
    decode_for_strategy,
    frame,
)

MAX_WARMUP = 100_000
MIN_UPDATE_S, MAX_UPDATE_S = 0.1, 86_400.0
LINES_A_SECOND = 10
LINE_LENGTH = 500
DETAIL_LENGTH = 8_000


class Channel:
    """The two pipes to the engine, moved off the standard descriptors before any code of the strategy can write there."""

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        # Whatever is written to the raw descriptors, by a C library or a dying interpreter, ends in the one that is not the protocol.
        os.dup2(2, 1)
        self._buffer = bytearray()
        self._lock = threading.Lock()

    def receive(self, timeout: float) -> ToStrategy | None:
        """The next message, or None when there is none within `timeout` seconds. Raises EOFError when the engine is gone."""
        while True:
            length = int.from_bytes(self._buffer[:LENGTH_BYTES], "big")
            end = LENGTH_BYTES + length
            if len(self._buffer) >= LENGTH_BYTES and len(self._buffer) >= end:
                body = bytes(self._buffer[LENGTH_BYTES:end])
                del self._buffer[:end]
                return decode_for_strategy.decode(body)
            if not select.select([self._in], [], [], timeout)[0]:
                return None
            chunk = os.read(self._in, 1 << 16)
            if not chunk:
                raise EOFError
            self._buffer += chunk

    def send(self, message: FromStrategy) -> None:
        data = memoryview(frame(message))
        # Threads of the strategy's own may print while the main one answers.
        with self._lock:
            while data:
                data = data[os.write(self._out, data) :]


class Printed(io.TextIOBase):
    """Stands in for sys.stdout and sys.stderr: lines become log messages, and no more of them than a person could read."""

    encoding = "utf-8"

    def __init__(self, send: Callable[[Log], None]) -> None:
        self._send = send
        self._rest = ""
        self._second = 0
        self._lines = 0
        self._dropped = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        *lines, rest = (self._rest + text[: LINE_LENGTH * 100]).split("\n")
        self._rest = rest[:LINE_LENGTH]
        for line in lines:
            if line.strip():
                self._line(line)
        return len(text)

    def _line(self, line: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                self._send(Log(f"({dropped:,} more printed lines were dropped)"))
        self._lines += 1
        if self._lines <= LINES_A_SECOND:
            self._send(Log(line[:LINE_LENGTH].encode(errors="replace").decode()))
        else:
            self._dropped += 1


class Host:
    """Answers the engine's messages with the strategy's callbacks, one at a time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._strategy = Strategy()
        self._context = Context(())
        self._sight = Sight(self._strategy, self._context)
        self._beat_s = 1.0
        self._alarm_s = 0.0

    def run(self) -> None:
        """Serve until the engine's end of the pipe closes."""
        while True:
            message = self._channel.receive(self._beat_s)
            if message is None:
                # From this loop and never from a thread: a thread would go on beating while the strategy spins.
                self._channel.send(Beat())
                continue
            signal.setitimer(signal.ITIMER_REAL, message.load_alarm_s if isinstance(message, Load) else self._alarm_s)
            reply = self._load(message) if isinstance(message, Load) else self._event(message)
            signal.setitimer(signal.ITIMER_REAL, 0)
            try:
                self._channel.send(reply)
            except ValueError as error:
                # Too long, or text that is no text (a lone surrogate).
                words = f"its answer cannot be sent: {error}"[:LINE_LENGTH]
                self._channel.send(Refused(words, "") if isinstance(message, Load) else Answer([], words))

    def _load(self, message: Load) -> Reply:
        from engine.strategies.loader import load

        self._beat_s, self._alarm_s = message.beat_s, message.alarm_s
        try:
            self._strategy = load(message.file, message.params)
        except BaseException as error:  # noqa: BLE001 - told to the engine in words
            cause = error.__cause__ if isinstance(error, StrategyError) else error
            return Refused(words(error), traceback_of(cause) if cause else "")
        self._context = Context(message.symbols)
        try:
            self._strategy.on_start(self._context)
            wants = wants_of(self._strategy)
        except BaseException as error:  # noqa: BLE001 - told to the engine in words
            return Refused(f"on_start: {words(error)}", "" if isinstance(error, StrategyError) else traceback_of(error))
        self._context.start(wants.warmup)
        self._sight = Sight(self._strategy, self._context)
        return wants

    def _event(self, message: ToStrategy) -> Answer:
        context = self._context
        if isinstance(message, Warm):
            return self._warm(message.bars)
        context.warming = False
        try:
            self._call(message)
            drafts = context.take()
            if len(drafts) > MAX_DRAFTS:
                raise StrategyError(f"it ordered {len(drafts):,} times in one callback; {MAX_DRAFTS} are allowed")
        except BaseException as error:  # noqa: BLE001 - told to the engine in words
            # A callback that failed half way meant none of it, or all of it; nobody knows which.
            context.take()
            return Answer([], f"{_callback(message)}: {words(error)}", traceback_of(error))
        return Answer(drafts, seen=self._sight.at(message.bar) if isinstance(message, OnBar) else None)

    def _call(self, message: ToStrategy) -> None:
        strategy, context = self._strategy, self._context
        match message:
            case OnBar(bar, state):
                self._see(state)
                context.reveal(bar)
                strategy.on_bar(context, bar)
            case OnQuote(quote, state):
                self._see(state)
                context.now = quote.at
                strategy.on_quote(context, quote)
            case OnUpdate(at, state):
                self._see(state)
                context.now = at
                strategy.on_update(context)
            case OnFill(fill, state):
                self._see(state)
                strategy.on_fill(context, fill)
            case Stop(state):
                self._see(state)
                strategy.on_stop(context)
                context.take()
            case _:
                raise TypeError(f"{type(message).__name__} is not an event")

    def _see(self, state: State) -> None:
        context = self._context
        context.cash, context.equity = state.cash, state.equity
        context.positions = {symbol: Position(*held) for symbol, held in state.positions.items()}

    def _warm(self, bars: list[Bar]) -> Answer:
        """Every bar is told, whatever one of them raises; the first error is answered."""
        self._context.warming = True
        failed = Answer([])
        for bar in bars:
            try:
                self._context.reveal(bar)
                self._strategy.on_bar(self._context, bar)
            except BaseException as error:  # noqa: BLE001 - told to the engine in words
                if not failed.error:
                    failed = Answer([], f"on_bar, while warming up: {words(error)}", traceback_of(error))
        return failed


def wants_of(strategy: Strategy) -> Loaded:
    """What a strategy that was started asks for. Raises StrategyError where that is nothing it can have."""
    warmup, interval, timeframe = strategy.warmup, strategy.update_interval, strategy.timeframe
    if type(warmup) is not int or not 0 <= warmup <= MAX_WARMUP:
        raise StrategyError(f"warmup must be a whole number of bars from 0 to {MAX_WARMUP:,}; it is {warmup!r}")
    if not (isinstance(interval, int | float) and (interval == 0 or MIN_UPDATE_S <= interval <= MAX_UPDATE_S)):
        raise StrategyError(f"update_interval must be {MIN_UPDATE_S:g} to {MAX_UPDATE_S:g} seconds, or 0; it is {interval!r}")
    if not isinstance(timeframe, str) or not is_timeframe(timeframe):
        raise StrategyError(f"timeframe must be {is_timeframe.__doc__}, or empty for the feed's own; it is {timeframe!r}")
    return Loaded(warmup, type(strategy).on_quote is not Strategy.on_quote, round(interval * 1e9), timeframe)


def _callback(message: ToStrategy) -> str:
    return {OnBar: "on_bar", OnQuote: "on_quote", OnFill: "on_fill", OnUpdate: "on_update", Stop: "on_stop"}.get(type(message), "")


def words(error: BaseException) -> str:
    if isinstance(error, StrategyError):
        return str(error)[:LINE_LENGTH]
    if isinstance(error, SystemExit):
        return "it called sys.exit; a strategy that has no more to do returns"
    try:
        return f"{type(error).__name__}: {error}"[:LINE_LENGTH]
    except Exception as broken:  # noqa: BLE001 - a strategy's own exception class may fail to say itself
        return f"{type(error).__name__} (which cannot be printed: {type(broken).__name__})"


def traceback_of(error: BaseException) -> str:
    import traceback

    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__, limit=-30)
    except Exception as broken:  # noqa: BLE001 - as above
        return f"the traceback cannot be printed: {type(broken).__name__}"
    return "".join(lines)[-DETAIL_LENGTH:]


def main() -> NoReturn:
    channel = Channel()
    # Ctrl+C belongs to the console; what it means to a strategy is said through the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # Where memory runs out, the kernel ends this process and not the console. Only Linux can be asked for that.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    sys.stdout = sys.stderr = Printed(channel.send)
    with contextlib.suppress(EOFError, BrokenPipeError):
        Host(channel).run()
    # Not sys.exit: neither an atexit handler nor a thread of the strategy's may keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
