"""Compares our books with the broker's own every minute, and whenever a person asks for it or accepts what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from engine.core.core import Core
from engine.courier import Courier
from engine.model.effects import Reply
from engine.model.inputs import AcceptPosition, Input

SYNC_S = 60.0


class Comparison:
    """Lives on the engine's loop."""

    def __init__(
        self,
        core: Core,
        courier: Courier,
        *,
        answer: Callable[[Reply], None],
        handle: Callable[[Input], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`sleep` waits for some seconds; tests hand in their own."""
        self._core = core
        self._courier = courier
        self._answer = answer
        self._handle = handle
        self._sleep = sleep

    async def run(self) -> None:
        while True:
            await self._sleep(SYNC_S)
            await self._courier.reconcile()

    async def now(self, command_id: str) -> None:
        """Answers under `command_id` what differs."""
        if not await self._courier.reconcile():
            self._answer(Reply(command_id, False, "sync: the broker did not tell where the account stands; the log says why"))
            return
        state, wrong = self._core.state, self._core.gate.mismatched
        held = sum(1 for holding in state.portfolio.holdings.values() if holding.quantity)
        what = f"{len(list(state.book.working()))} open orders and {held} positions compared with the broker's"
        self._answer(Reply(command_id, not wrong, f"sync: {what}: {'; '.join(wrong.values()) or 'all agree'}"))

    async def accept(self, command: AcceptPosition) -> None:
        """Hands `command` to the core where the broker still says what the person saw: a difference that is on its way to being explained
        must not be booked."""
        seen = self._core.gate.mismatched.get(command.symbol)
        if not await self._courier.reconcile():
            self._answer(Reply(command.id, False, "the broker did not tell where the account stands, so nothing was accepted"))
            return
        now = self._core.gate.mismatched.get(command.symbol)
        if seen != now and now is not None:
            self._answer(Reply(command.id, False, f"{now}: that is not what was to be accepted. Say it again if it is right"))
            return
        self._handle(command)
