"""The engine's end of the link to its broker: opened, listened to, asked and closed in bounded time, whatever the adapter does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from engine import waits
from engine.books import paid
from engine.brokers.base import STOPPING, AmbiguousError, Broker, BrokerEvent, BusyError, Heard, Reminded
from engine.clock import Clock
from engine.core.core import Core
from engine.latch import StopSwitch
from engine.model.inputs import LinkChanged
from engine.model.modes import TradingState

_SECOND = 1_000_000_000

Found = TypeVar("Found")


class BrokerLink:
    """Lives on the engine's loop. `told` gets every event of the broker's."""

    def __init__(self, core: Core, broker: Broker, clock: Clock, switch: StopSwitch, told: Callable[[BrokerEvent], None]) -> None:
        self.heard = 0
        """Monotonic nanoseconds of the broker's last word, 0 before the first."""
        self.news = 0
        """Events so far: an answer that one of them overtook proves nothing."""
        self.came_up = asyncio.Event()
        """Set when the link comes up next; then another takes its place."""
        self.shut = False
        """Whether nothing is sent any more but cancels, as the program ends."""
        self._core = core
        self._broker = broker
        self._clock = clock
        self._switch = switch
        self._told = told
        self._settled_at = 0

    async def open(self) -> None:
        """Raises ConnectionError in words."""
        if isinstance(self._broker, Reminded):
            self._broker.remind(paid(self._core.state))
        await self._broker.connect(self._hear)
        self.unsettle()

    async def close(self) -> str:
        """Why it did not close in order, or nothing."""
        closing = asyncio.ensure_future(self._broker.close())
        await asyncio.wait((closing,), timeout=waits.CLOSE_S)
        if not closing.done():
            closing.cancel()
            return f"the link to {self._broker.name} did not close within {waits.CLOSE_S:g} s"
        (broke,) = await asyncio.gather(closing, return_exceptions=True)
        return f"the link to {self._broker.name} did not close in order: {broke}" if broke is not None else ""

    @property
    def stopped(self) -> bool:
        return self._switch.closed or self._core.state.trading is TradingState.HALTED

    # ---- what the broker says

    def _hear(self, event: BrokerEvent | Heard) -> None:
        self.answers()
        if isinstance(event, Heard):
            return
        self.tell(event)
        if isinstance(event, LinkChanged) and event.up:
            self.unsettle()
            self.came_up.set()
            self.came_up = asyncio.Event()

    def answers(self) -> None:
        """The broker is there."""
        self.heard = self._clock.mono()

    def tell(self, event: BrokerEvent) -> None:
        """`event` is news, be it said by the broker or by the lack of its answer."""
        self.news += 1
        self._told(event)

    def unsettle(self) -> None:
        """From now on for a while, an order that the broker does not list may be on its way."""
        self._settled_at = self._clock.mono() + int(self._broker.settle_s * _SECOND)

    @property
    def settled(self) -> bool:
        return self._clock.mono() >= self._settled_at

    # ---- what it is asked

    async def ask(self, question: Coroutine[Any, Any, Found], within_s: float | None = None) -> Found:
        """The broker's answer; AmbiguousError where none came in time, the link broke, or the adapter itself failed over it. Raises
        BusyError."""
        within_s = within_s or waits.ANSWER_S
        before = STOPPING.set(self.stopped)
        try:
            return await asyncio.wait_for(question, within_s)
        except (AmbiguousError, BusyError):
            raise
        except TimeoutError:
            raise AmbiguousError(f"no answer within {within_s:g} s") from None
        except OSError as error:
            raise AmbiguousError(str(error)) from error
        except Exception as error:
            # An adapter that stumbles over an answer has proved nothing about the order.
            raise AmbiguousError(f"its answer was not understood ({type(error).__name__}: {error})") from error
        finally:
            STOPPING.reset(before)

    async def pause(self, seconds: Sequence[float], attempt: int, came_up: asyncio.Event) -> None:
        """Waits before the next attempt, not longer than until the link comes up.

        `came_up` was taken before the attempt: a link that came up while it was under way ends the wait at once.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds[min(attempt, len(seconds) - 1)]):
                await came_up.wait()
