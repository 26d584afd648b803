"""IB's rules on how often past bars may be asked for: https://interactivebrokers.github.io/tws-api/historical_limitations.html"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from engine.brokers.ib.facts import RequestFailed
from engine.feeds.history import PausedError

SPAN_S, MOST = 600.0, 60
"""No more than sixty requests in ten minutes."""
SAME_AGAIN_S = 15.0
"""The very same one not before that."""
CONTRACT_SPAN_S, CONTRACT_MOST = 2.0, 5
"""IB takes six within two seconds for the same contract as a violation."""
VIOLATED_S = (15.0, 30.0, 60.0)
"""How long nothing is asked once TWS said that it was too often; the last one repeats."""
_TOLD_S = 3.0
"""Shorter waits are nobody's news."""


class AskedAlready(PausedError):  # noqa: N818 - nothing is wrong
    """The same was asked so lately that nothing new can have come: nobody's news."""


class Pacing:
    """Of one connection. Lives in its thread. `say` is told in words what is waited for."""

    def __init__(self, *, mono: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._mono, self._sleep = mono, sleep
        self._asked: deque[tuple[float, str, str]] = deque()
        self._not_before = 0.0
        self._violations = 0

    async def turn(self, contract: str, what: str, patience_s: float, say: Callable[[str], None]) -> None:
        """Waits until `what` may be asked of `contract`, and counts it as asked. Raises PausedError, at once, where that is longer than
        `patience_s`."""
        while (wait := self.wait_s(contract, what)) > 0:
            paused, words = self._why()
            if wait > patience_s:
                raise paused(f"{words}: the next may go in {wait:.0f} s.", wait)
            if wait > _TOLD_S:
                say(f"{words}: it goes on in {wait:.0f} s")
            await self._sleep(min(wait, 1.0))
            patience_s -= min(wait, 1.0)
        self._asked.append((self._mono(), contract, what))

    def _why(self) -> tuple[type[PausedError], str]:
        """What it is that is waited for."""
        if self._not_before > self._mono():
            return PausedError, "IB says that it is asked for past bars too often"
        if len(self._asked) >= MOST:
            return PausedError, f"IB is asked for past bars as often as it lets us, {MOST} times in {SPAN_S / 60:g} minutes"
        return AskedAlready, "IB was asked for these very bars a moment ago"

    def wait_s(self, contract: str, what: str) -> float:
        """For how long `what` may not be asked of `contract`; 0 where it may."""
        now, asked = self._mono(), self._asked
        while asked and now - asked[0][0] >= SPAN_S:
            asked.popleft()
        free = self._not_before
        if len(asked) >= MOST:
            free = max(free, asked[-MOST][0] + SPAN_S)
        of_it = [at for at, each, _ in asked if each == contract]
        if len(of_it) >= CONTRACT_MOST:
            free = max(free, of_it[-CONTRACT_MOST] + CONTRACT_SPAN_S)
        same = [at for at, each, other in asked if (each, other) == (contract, what)]
        if same:
            free = max(free, same[-1] + SAME_AGAIN_S)
        return max(0.0, free - now)

    def violated(self) -> None:
        """TWS says that it was too often: somebody else of this user may be asking, too."""
        self._not_before = self._mono() + VIOLATED_S[min(self._violations, len(VIOLATED_S) - 1)]
        self._violations += 1

    def answered(self) -> None:
        self._violations = 0


def is_pacing(failed: RequestFailed) -> bool:
    """Whether TWS refuses a question for having been asked too often. Its code stands for much else, too."""
    return "pacing" in str(failed).casefold()
