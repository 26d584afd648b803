"""Looks after what nobody tells: a stream that is open and mute, REST that is gone, a clock that is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from engine.brokers.alpaca.link import Link
from engine.brokers.alpaca.questions import Questions
from engine.brokers.alpaca.rest import RefusedError
from engine.brokers.alpaca.stream import TradeUpdates
from engine.brokers.alpaca.tickets import Ticket, Tickets
from engine.brokers.alpaca.timings import Timings
from engine.brokers.alpaca.words import moment
from engine.brokers.base import AmbiguousError
from engine.model.modes import Level, LinkState

SKEW_S = 2.0
_SECOND = 1_000_000_000


class Watch:
    """`tell` gets each order of which something is new, `note` what a person should know."""

    def __init__(
        self,
        questions: Questions,
        tickets: Tickets,
        link: Link,
        stream: TradeUpdates,
        timings: Timings,
        *,
        tell: Callable[[Ticket], None],
        note: Callable[[Level, str], None],
    ) -> None:
        self._questions = questions
        self._tickets = tickets
        self._link = link
        self._stream = stream
        self._timings = timings
        self._tell = tell
        self._note = note
        self._skewed = False

    async def run(self) -> None:
        clock_due = 0.0
        while not self._link.fatal:
            up = self._link.state is LinkState.UP
            try:
                if self._link.doubted:
                    await self._questions.account()
                if time.monotonic() >= clock_due or self._link.shaken.is_set():
                    clock_due = time.monotonic() + self._timings.clock_s
                    await self._look_at_clock()
                if self._tickets.open() or not up:
                    await self._look_at_orders()
            except RefusedError:
                pass  # the key: the link says so, and ends or has it asked again
            except AmbiguousError:
                pass  # the link counts it, and asks sooner
            if self._link.state is LinkState.UP:
                # The first request that is lost says nothing yet: the next one is not left to chance, which may come a minute later.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._timings.poll_s - self._timings.poll_down_s):
                        await self._link.shaken.wait()
            await asyncio.sleep(self._timings.poll_down_s)

    async def _look_at_orders(self) -> None:
        """Asks for all that works, and for what works here and not there; what the stream should have told, it is not waited for."""
        open_before = {ticket.order_id: _stand(ticket) for ticket in self._tickets.open()}
        listed: set[str] = set()
        for told in await self._questions.open_orders():
            self._tickets.adopt(told)
            listed.update(each.id for each in (told, *told.legs))
        for order_id in open_before:
            ticket = self._tickets.get(order_id)
            if ticket is not None and ticket.current.seen.id not in listed:
                await self._questions.learn(order_id)
        changed = [
            ticket
            for order_id, before in open_before.items()
            if (ticket := self._tickets.get(order_id)) is not None and _stand(ticket) != before
        ]
        await self._questions.settle(changed)
        for ticket in changed:
            self._tell(ticket)
        for ticket in self._tickets.open():
            if not ticket.shared:
                self._tell(ticket)
        if changed and self._link.state is LinkState.UP:
            await self._look_at_stream(changed)

    async def _look_at_stream(self, changed: list[Ticket]) -> None:
        """Whether it tells the same soon. One that has not said a word for as long as nobody looked is mute."""
        told = {ticket.order_id: ticket.current.seen.updated_at for ticket in changed}
        await asyncio.sleep(self._timings.grace_s)
        missed = [ticket for ticket in changed if ticket.current.streamed_at < told[ticket.order_id]]
        silent = time.monotonic() - self._stream.heard >= self._timings.poll_s
        if missed and silent:
            await self._stream.again("it is open and says nothing")

    async def _look_at_clock(self) -> None:
        asked = time.time_ns()
        told = moment((await self._questions.clock()).get("timestamp"))
        answered = time.time_ns()
        if not told:
            return
        off_s = (told - (asked + answered) // 2) / _SECOND
        skewed = abs(off_s) > SKEW_S + (answered - asked) / 2 / _SECOND
        if skewed and not self._skewed:
            which = "behind" if off_s > 0 else "ahead of"
            self._note(
                Level.ERROR, f"this machine's clock is {abs(off_s):.1f} s {which} Alpaca's: set it, for times of orders and bars are off"
            )
        elif self._skewed and not skewed:
            self._note(Level.INFO, "this machine's clock agrees with Alpaca's again")
        self._skewed = skewed


def _stand(ticket: Ticket) -> tuple[object, ...]:
    """What the stream tells the changes of; a trailing stop moves without a word."""
    now = ticket.current.seen
    return now.id, now.status, now.filled, now.quantity
