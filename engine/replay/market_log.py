"""Writes down what the core hears of the market, and what strategies see in it, for a replay.

In chunks of columns, packed and written by a thread of its own.

The engine's loop appends numbers to columns and nothing else. What is lost in a crash is the chunk that was not full yet, of market data
alone: orders, fills and all else that is money are in the journal.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Final, Protocol

import msgspec

from engine.model.market import Bar, MarketEvent, Quote
from engine.model.recording import Facts, Primed, SessionAbout
from engine.model.signals import Vote
from engine.replay.seen_columns import SeenChunk

ABOUT: Final = "about"
HISTORY: Final = "history"
ROWS: Final = "rows"
SEEN: Final = "seen"
BAR, QUOTE, OTHER = 0, 1, 2
"""What a row is of."""
CHUNK: Final = 2_048
"""Rows of a chunk: packed in a few milliseconds, which is all that the loop may feel of it."""
CHUNK_NS: Final = 60 * 1_000_000_000
"""After so long one is written, full or not: a crash loses no more than that."""
_CLOSE_S: Final = 1.0


class Sink(Protocol):
    """Where pieces go, one after the other. Both methods block, and raise OSError."""

    def add(self, piece: tuple[str, bytes]) -> None: ...

    def close(self) -> None: ...


class _Chunk:
    """Rows under way. `values` are five columns: a bar's prices and volume, or a quote's bid, ask, their sizes and the last price."""

    __slots__ = ("at", "kinds", "lags", "mono", "others", "records", "symbols", "values")

    def __init__(self) -> None:
        self.kinds = bytearray()
        self.symbols = array("H")
        self.at = array("q")
        self.mono = array("q")
        self.records = array("q")
        self.lags = array("q")
        self.values = [array("d") for _ in range(5)]
        self.others: list[Any] = []


class ColumnLog:
    """Implements `MarketLog`. `open_sink` is called on the thread, once a run has begun."""

    def __init__(self, open_sink: Callable[[str], Sink]) -> None:
        self.problem = ""
        self._open_sink = open_sink
        self._queue: SimpleQueue[Callable[[Sink], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._names: dict[str, int] = {}
        self._named: list[str] = []
        self._chunk = _Chunk()
        self._seen = SeenChunk()
        self._began = 0
        self._records = 0
        self._facts: Facts | None = None

    # ---- on the engine's loop

    def begin(self, about: SessionAbout) -> None:
        self._thread = threading.Thread(target=self._run, args=(about.run_id,), name="market log", daemon=True)
        self._thread.start()
        self._queue.put(lambda sink: sink.add((ABOUT, msgspec.msgpack.encode(about))))

    def prime(self, primed: Primed | None, bars: Sequence[Bar]) -> None:
        if bars:
            self._queue.put(lambda sink: sink.add((HISTORY, _packed_history(bars))))
        if primed is not None:
            self._other(primed, primed.at, 0)

    def hear(self, event: MarketEvent, mono: int, lag: int = 0) -> None:
        kind = type(event)
        if kind is Quote:
            assert isinstance(event, Quote)
            numbers = event.bid, event.ask, event.bid_size, event.ask_size, event.last
            row = QUOTE
        elif kind is Bar:
            assert isinstance(event, Bar)
            numbers = event.open, event.high, event.low, event.close, event.volume
            row = BAR
        else:
            self._other(event, event.at, mono)
            return
        for column, number in zip(self._chunk.values, numbers, strict=True):
            column.append(number)
        self._row(row, self._number(event.symbol), event.at, mono, lag)

    def see(self, symbol: str, at: int, vote: Vote, proposed: tuple[str, ...]) -> None:
        self._seen.add(self._number(symbol), at, vote, proposed)
        if len(self._seen) >= CHUNK:
            self._flush()

    def recorded(self, count: int) -> None:
        self._records += count

    def look(self, facts: Facts, at: int, mono: int) -> None:
        if facts != self._facts:
            self._facts = facts
            self._other(facts, at, mono)
        elif (self._chunk.kinds or self._seen) and mono - self._began >= CHUNK_NS:
            self._flush()

    def close(self) -> None:
        if self._thread is None:
            return
        self._flush()
        self._queue.put(None)
        self._thread.join(_CLOSE_S)

    def _number(self, symbol: str) -> int:
        number = self._names.get(symbol)
        if number is None:
            number = self._names[symbol] = len(self._named)
            self._named.append(symbol)
        return number

    def _other(self, item: Any, at: int, mono: int) -> None:
        self._chunk.others.append(item)
        self._row(OTHER, 0, at, mono)

    def _row(self, kind: int, symbol: int, at: int, mono: int, lag: int = 0) -> None:
        chunk = self._chunk
        if not chunk.kinds:
            self._began = mono
        chunk.kinds.append(kind)
        chunk.symbols.append(symbol)
        chunk.at.append(at)
        chunk.mono.append(mono)
        chunk.records.append(self._records)
        chunk.lags.append(lag)
        if len(chunk.kinds) >= CHUNK or mono - self._began >= CHUNK_NS:
            self._flush()

    def _flush(self) -> None:
        chunk, self._chunk = self._chunk, _Chunk()
        seen, self._seen = self._seen, SeenChunk()
        names = tuple(self._named)
        if chunk.kinds:
            self._queue.put(lambda sink: sink.add((ROWS, packed_rows(chunk, names))))
        if seen:
            self._queue.put(lambda sink: sink.add((SEEN, seen.packed(names))))

    # ---- on the thread

    def _run(self, run_id: str) -> None:
        sink: Sink | None = None
        while (work := self._queue.get()) is not None:
            try:
                sink = sink or self._open_sink(run_id)
                work(sink)
            except Exception as error:  # noqa: BLE001 - whatever it is, it costs a replay its prices, and trading goes on
                self.problem = (
                    f"The market data of this run cannot be written ({error}): its replay lacks prices from here on. Orders, fills and "
                    "positions are kept as ever."
                )
            else:
                self.problem = ""
        if sink is not None:
            sink.close()


def packed_rows(chunk: _Chunk, names: tuple[str, ...]) -> bytes:
    """A chunk as bytes, the same for the same rows; `names` are the symbols by their numbers."""
    from engine.replay.packages import pack
    from engine.replay.plain_packing import pack_plain_floats, pack_plain_ints

    columns = [chunk.symbols, chunk.at, chunk.mono, chunk.records, chunk.lags]
    parts = (
        bytes(chunk.kinds),
        [pack_plain_ints(column.tolist()) for column in columns],
        [pack_plain_floats(column) for column in chunk.values],
        pack(enumerate(chunk.others)),
        names,
    )
    return msgspec.msgpack.encode(parts)


def _packed_history(bars: Sequence[Bar]) -> bytes:
    from engine.replay.plain_packing import pack_plain_floats, pack_plain_ints

    columns = zip(*((bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars), strict=True)
    packed = [pack_plain_ints([bar.at for bar in bars]), *(pack_plain_floats(array("d", column)) for column in columns)]
    return msgspec.msgpack.encode((bars[0].symbol, packed))
