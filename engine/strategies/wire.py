"""What the engine and a strategy's process say to each other: msgpack, each message after its length in four bytes.

The engine speaks first and one message at a time; every one but the first is an event, and each has exactly one reply. Beats and log lines
come in between.
"""

from __future__ import annotations

import msgspec

from engine.model.market import Bar, Quote
from engine.model.orders import Fill
from engine.strategies.base import Draft
from engine.strategies.params import Value

LENGTH_BYTES = 4
MAX_FRAME = 4 * 1024 * 1024
MAX_DRAFTS = 100
"""Orders in one answer. The host says so to the strategy; the engine checks again, for it does not believe what comes through the pipe."""


class State(msgspec.Struct, frozen=True, array_like=True):
    """The account as of an event, for the context: positions are (quantity, average cost) by symbol, flat ones left out."""

    cash: float
    equity: float
    positions: dict[str, tuple[float, float]]


# ---- to the strategy


class Load(msgspec.Struct, frozen=True, tag=True):
    """Load this and start it; answered by Loaded or Refused. `beat_s` is the pause between beats.

    `load_alarm_s` is the most that loading, `alarm_s` the most that a callback may take before the kernel ends the process.
    """

    file: str
    params: dict[str, Value]
    symbols: tuple[str, ...]
    beat_s: float
    load_alarm_s: float
    alarm_s: float


class Warm(msgspec.Struct, frozen=True, tag=True):
    """Past bars, oldest first."""

    bars: list[Bar]


class OnBar(msgspec.Struct, frozen=True, tag=True):
    bar: Bar
    state: State


class OnQuote(msgspec.Struct, frozen=True, tag=True):
    quote: Quote
    state: State


class OnFill(msgspec.Struct, frozen=True, tag=True):
    fill: Fill
    state: State


class OnUpdate(msgspec.Struct, frozen=True, tag=True):
    """The strategy's interval has passed, at market time `at`."""

    at: int
    state: State


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Call on_stop. After the answer the process ends as soon as its pipe closes."""

    state: State


# ---- from the strategy


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """`warmup` bars of each symbol are wanted; `quotes` says whether quotes are; `update_ns` is the interval of its updates, 0 for none;
    `timeframe` that of its bars, empty for the feed's."""

    warmup: int
    quotes: bool
    update_ns: int = 0
    timeframe: str = ""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """It cannot be loaded, or on_start failed."""

    error: str
    detail: str


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What it saw at a bar: its indicators by name, and what a function answered, `side` 1, -1 or 0 for BUY, SELL and HOLD."""

    side: int
    strength: float
    values: dict[str, float]


class Answer(msgspec.Struct, frozen=True, tag=True):
    """What came of an event: orders asked for, or the error that its callback raised. `seen` is told of bars alone."""

    drafts: list[Draft]
    error: str = ""
    detail: str = ""
    seen: Seen | None = None


class Beat(msgspec.Struct, frozen=True, tag=True):
    """The main loop is alive and waits for an event."""


class Log(msgspec.Struct, frozen=True, tag=True):
    """A line that the strategy printed."""

    text: str


ToStrategy = Load | Warm | OnBar | OnQuote | OnFill | OnUpdate | Stop
Reply = Loaded | Refused | Answer
FromStrategy = Reply | Beat | Log

_encoder = msgspec.msgpack.Encoder()
decode_for_strategy: msgspec.msgpack.Decoder[ToStrategy] = msgspec.msgpack.Decoder(ToStrategy)
decode_from_strategy: msgspec.msgpack.Decoder[FromStrategy] = msgspec.msgpack.Decoder(FromStrategy)


def frame(message: ToStrategy | FromStrategy) -> bytes:
    """`message` as bytes with its length before it. Raises ValueError where it is too long."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise ValueError(f"a message of {len(body):,} bytes is longer than the {MAX_FRAME:,} allowed")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body
