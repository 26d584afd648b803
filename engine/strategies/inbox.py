"""What waits to be told to one strategy, in the order it was heard: bars, fills, updates, and of quotes the newest of each symbol."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeAlias

from engine.model.market import Bar, Quote
from engine.model.orders import Fill

QUEUE = 1_000
"""Bars and fills that may wait for a strategy. One that falls further behind is treated as one that hangs."""
UPDATES = QUEUE // 2
"""Where so much waits for it already, a strategy gets no further update: what it falls behind with by its own clock costs it no bar."""

Waiting: TypeAlias = Bar | Fill | Quote | int
"""A number is the market time of an update that is due."""


class Inbox:
    """`clock` is monotonic nanoseconds; each event is kept with the time it was heard at."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.behind = 0
        """How much waited when a bar came that there was no more room for, 0 while there is room."""
        self._clock = clock
        self._queue: deque[tuple[int, Bar | Fill | int]] = deque()
        self._quotes: dict[str, tuple[int, Quote]] = {}
        self._told_until: dict[str, int] = {}
        self._update_due = 0

    def __len__(self) -> int:
        return len(self._queue) + len(self._quotes)

    def put(self, event: Bar | Fill | int, *, running: bool) -> None:
        """A strategy that is not `running` yet loses its oldest event where there is no room: it comes back to it as history."""
        if len(self._queue) >= QUEUE and isinstance(event, Bar):
            if running:
                self.behind = len(self._queue)
                return
            self._queue.popleft()
        self._queue.append((self._clock(), event))

    def put_quote(self, quote: Quote) -> None:
        self._quotes[quote.symbol] = self._clock(), quote

    def update_due(self, at: int, step: int) -> int | None:
        """The market time of the update that fell due before `at`, one each `step` nanoseconds. Of several that fell due while nothing
        happened, the last one tells as much."""
        due = (at - 1) // step * step if self._update_due and at > self._update_due and len(self._queue) < UPDATES else None
        self._update_due = max(self._update_due, -(-at // step) * step)
        return due

    def next(self) -> tuple[int, Waiting] | None:
        """The event to tell next, and when it was heard. A quote waits for what was heard before it, but for bars and fills alone."""
        while self._queue:
            heard, event = self._queue[0]
            if isinstance(event, int) and (before := self._quote_before(heard)):
                return before
            self._queue.popleft()
            if not isinstance(event, Bar):
                return heard, event
            if event.at > self._told_until.get(event.symbol, -1):
                self._told_until[event.symbol] = event.at
                return heard, event
        return self._quote_before(self._clock())

    def _quote_before(self, heard: int) -> tuple[int, Waiting] | None:
        """A quote that waits since `heard` or longer."""
        symbol = next((symbol for symbol, (since, _) in self._quotes.items() if since <= heard), None)
        return None if symbol is None else self._quotes.pop(symbol)

    def told(self, bars: Iterable[Bar]) -> None:
        """These were told as history: what came in meanwhile is not told again."""
        for bar in bars:
            self._told_until[bar.symbol] = bar.at

    # ---- letting go

    def drop_bars(self, symbol: str = "") -> None:
        """Those of one symbol, its quote with them, or all."""
        self._queue = deque(item for item in self._queue if not (isinstance(item[1], Bar) and symbol in ("", item[1].symbol)))
        self._quotes.pop(symbol, None)

    def drop_quotes(self) -> None:
        self._quotes.clear()

    def catch_up(self) -> None:
        """Where it fell behind only fills are kept: all else is history by the time it runs again."""
        if self.behind:
            self._queue = deque(item for item in self._queue if isinstance(item[1], Fill))
            self.behind = 0

    def clear(self) -> None:
        self._queue.clear()
