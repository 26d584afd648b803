"""Compares our books with the broker's own every minute, and whenever a person asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.core.core import Core
from engine.courier import Courier
from engine.model.effects import Reply

SYNC_S = 60.0


class Comparison:
    """Lives on the engine's loop."""

    def __init__(self, core: Core, courier: Courier, answer: Callable[[Reply], None]) -> None:
        self._core = core
        self._courier = courier
        self._answer = answer

    async def run(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
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
