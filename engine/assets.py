"""Asks the broker how it trades each symbol that may be ordered, before anybody orders it.

Behind everything else: no order waits for it, what is not known yet denies nothing, and a symbol that was just added comes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from engine.brokers.base import AmbiguousError
from engine.core.core import Core
from engine.courier import Courier
from engine.model.inputs import Input
from engine.model.modes import LinkState

PACE_S = 2.0
"""Between two questions: what the broker takes in a minute is for orders first."""
FRESH_S = 900.0
"""How long an answer holds: whether a share can be lent for a short sale changes within the day."""
FAILED_S = 60.0
"""When one that was not answered is asked for again."""


class Assets:
    """Lives on the engine's loop. `sleep` waits for some seconds, `mono` is monotonic seconds; tests hand in their own."""

    def __init__(
        self,
        core: Core,
        courier: Courier,
        *,
        handle: Callable[[Input], None],
        mono: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._core = core
        self._courier = courier
        self._handle = handle
        self._mono = mono
        self._sleep = sleep
        self._due: dict[str, float] = {}
        """When each symbol that was asked for is asked for next."""

    async def run(self) -> None:
        """At once for a broker that tells nothing of the kind."""
        while self._courier.tells_assets:
            if self._core.gate.ready and self._core.gate.link is LinkState.UP and (symbol := self._next()) is not None:
                await self._ask(symbol)
            await self._sleep(PACE_S)

    def _next(self) -> str | None:
        """Of those that were never asked for the latest added, then the one that is due the longest."""
        symbols = list(self._core.desk.instruments)
        if new := [symbol for symbol in symbols if symbol not in self._due]:
            return new[-1]
        due = min(symbols, key=self._due.__getitem__, default=None)
        return due if due is not None and self._due[due] <= self._mono() else None

    async def _ask(self, symbol: str) -> None:
        try:
            told = await self._courier.asset(symbol)
        except AmbiguousError:
            # What was known holds on; the link says by itself where it is down.
            self._due[symbol] = self._mono() + FAILED_S
            return
        self._due[symbol] = self._mono() + FRESH_S
        if told is not None and told != self._core.gate.assets.get(symbol):
            self._handle(told)
