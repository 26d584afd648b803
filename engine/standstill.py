"""After the stop: asks the broker until it says itself that nothing works and, for a flatten, that nothing is held.

The core has shut the gate and asks for every cancel again and again; here the broker's own list is what counts, taken anew each time, so
that an order placed elsewhere, or one whose end was never told, is found. What keeps the account from its standstill is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from typing import Any

from engine.brokers.base import AmbiguousError
from engine.clock import Clock
from engine.core.core import Core
from engine.courier import Courier
from engine.model.effects import Reply
from engine.model.inputs import Cancel, Flatten, Input, Note
from engine.model.modes import Level, TradingState
from engine.model.money import ZERO
from engine.model.orders import Order, Source
from engine.model.views import StopView

LOOK_AGAIN_S = (0.5, 1.0, 2.0, 5.0)
"""How long the news is waited for before the broker is asked again; the last one repeats."""
NAMED_AFTER_S = 5.0
"""When what is still not at rest is named in the log."""
CLOSE_ANYWAY_S = 3.0
"""How long a flatten waits for the last cancel: after that it closes what no working order may still close."""
LAG_S = 1.0
"""How long a broker's positions and its fills may trail behind each other: what was closed is closed again, and what closes too much
cancelled, only where they still differ after that."""
_SECOND = 1_000_000_000


class Standstill:
    """Lives on the engine's loop. `until` waits for what inputs bring about, at most so many seconds; `spawn` runs a task of it."""

    def __init__(
        self,
        core: Core,
        courier: Courier,
        clock: Clock,
        *,
        handle: Callable[[Input], None],
        answer: Callable[[Reply], None],
        until: Callable[[Callable[[], bool], float], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._core = core
        self._courier = courier
        self._clock = clock
        self._handle = handle
        self._answer = answer
        self._until = until
        self._spawn = spawn
        self._running = False
        self._began = 0
        self._named = False
        self._verified = False
        self._flattens = False
        self._asked_at = 0
        self._unanswered: list[str] = []
        self._held: dict[str, Decimal] = {}
        """What the broker told last to be held, of what a flatten is to close."""
        self._held_since: dict[str, int] = {}
        """Since when the broker has told the same of a symbol, in monotonic nanoseconds."""
        self._closed: set[str] = set()
        """Symbols for which this flatten has sent an order."""
        self._surplus: dict[str, int] = {}
        """Closing orders of which more works than is held, and since when, in monotonic nanoseconds."""

    def watch(self) -> None:
        """Begins to look as soon as trading is halted, and again where something turns up. Called with every tick of the clock."""
        if not self._halted:
            self._forget()
        elif not self._running and not (self._verified and not self._core.stop.left()):
            self._running, self._verified, self._named = True, False, False
            self._began = self._clock.mono()
            self._spawn(self._reach())
        elif self._running and not self._named and self._clock.mono() - self._began >= NAMED_AFTER_S * _SECOND:
            self._named = True
            what = "; ".join(self._left()) or "the broker has not told where the account stands"
            self._handle(Note(Level.ERROR, "stop", f"not at rest after {NAMED_AFTER_S:g} s: {what}. It is asked again until it is."))

    def look(self) -> None:
        """Looks anew: the stop was pressed, for the first time or once more."""
        self._verified = False
        self.watch()

    def flatten(self, command_id: str) -> None:
        """Closes everything as well. The answer, under `command_id`, is what was sent to close it. Trading must be halted by now."""
        self._unanswered.append(command_id)
        if not self._flattens:
            self._flattens, self._asked_at = True, self._clock.mono()
        self.look()

    def view(self) -> StopView | None:
        """How far it has come; None while trading is not halted."""
        if not self._halted:
            return None
        left = self._left()
        verified = self._verified and not left
        return StopView(self._flattens, verified, left, len(self._core.stop.left()), late=self._named and not verified)

    # ---- inside

    @property
    def _halted(self) -> bool:
        return self._core.state.trading is TradingState.HALTED

    def _forget(self) -> None:
        self._verified = self._flattens = False
        self._held.clear()
        self._held_since.clear()
        self._closed.clear()
        self._surplus.clear()
        for command_id in self._unanswered:
            self._answer(Reply(command_id, False, "flatten: given up, for trading was resumed"))
        self._unanswered.clear()

    def _left(self) -> tuple[str, ...]:
        """What is not at rest, in words."""
        closing = {order.symbol: order for order in self._closing()}
        market = self._core.gate.market
        when = "at the open, for the market is closed" if market is not None and not market.open else "now"
        words = [f"#{o.number} {o.side} {o.remaining:f} {o.symbol} is {o.state}" for o in self._core.stop.left()]
        for symbol, quantity in sorted(self._held.items()) if self._flattens else ():
            order = closing.get(symbol)
            words.append(f"{quantity:f} {symbol} is held" + (f", #{order.number} closes it {when}" if order else ""))
        if self._flattens:
            done = (order for symbol, order in closing.items() if symbol not in self._held)
            words += [f"#{o.number} {o.side} {o.remaining:f} {o.symbol} is {o.state}, with nothing to close" for o in done]
        return tuple(words)

    def _closing(self) -> list[Order]:
        return [order for order in self._core.state.book.working() if order.source is Source.FLATTEN]

    async def _reach(self) -> None:
        attempt = 0
        try:
            while self._halted:
                pause = LOOK_AGAIN_S[min(attempt, len(LOOK_AGAIN_S) - 1)]
                try:
                    await self._news(pause, attempt)
                    if self._halted and await self._is_at_rest():
                        self._verified = True
                        self._handle(Note(Level.INFO, "stop", self._rest_in_words()))
                        return
                except Exception as error:  # noqa: BLE001 - whoever looks after the stop must not be the one who gives up
                    if attempt < len(LOOK_AGAIN_S):
                        self._handle(Note(Level.ERROR, "stop", f"looking at the broker's list failed ({error}): done again in {pause:g} s"))
                    await asyncio.sleep(pause)
                attempt += 1
        finally:
            self._running = False

    async def _news(self, within_s: float, attempt: int) -> None:
        """Waits until it is worth while to ask the broker: at once where nothing is left at the first time, later after a pause."""
        moving, flattens, link_down = self._moves() or not attempt, self._flattens, self._core.gate.link_down

        def worth_while() -> bool:
            came_back = bool(link_down) and not self._core.gate.link_down
            return not self._halted or came_back or self._flattens is not flattens or (moving and not self._moves())

        await self._until(worth_while, within_s)

    def _moves(self) -> bool:
        """Whether an order may still trade that is to end before the standstill."""
        return bool(self._core.stop.left() or self._closing())

    async def _is_at_rest(self) -> bool:
        """Whether the broker itself lists nothing that should not work and, for a flatten, nothing held; what is held is to be closed."""
        compared = await self._courier.reconcile()
        flattens = self._flattens
        at_rest = compared and not self._core.stop.left()
        if flattens and (at_rest or self._waited_s() >= CLOSE_ANYWAY_S):
            at_rest = await self._close() and at_rest
        # A flatten that was asked for meanwhile has not had its turn.
        return at_rest and flattens is self._flattens

    def _waited_s(self) -> float:
        return (self._clock.mono() - self._asked_at) / _SECOND

    async def _close(self) -> bool:
        """Sends what closes the positions that the broker tells now; whether there are none."""
        try:
            told = dict(await self._courier.positions())
        except AmbiguousError as error:
            text = f"flatten: the broker does not tell its positions ({error}); it is asked again, and they are closed when it does"
            self._answer_all(Reply("", False, text))
            return False
        if not self._halted:
            return False
        now, before = self._clock.mono(), self._held
        self._held = {symbol: quantity for symbol, quantity in told.items() if quantity}
        self._held_since = {s: self._held_since.get(s, now) if before.get(s) == q else now for s, q in self._held.items()}
        due = tuple((s, q) for s, q in self._held.items() if s not in self._closed or now - self._held_since[s] >= LAG_S * _SECOND)
        for command_id in self._unanswered or ([""] if due else []):
            self._handle(Flatten(command_id, due))
        self._unanswered.clear()
        self._closed.update(order.symbol for order in self._closing())
        self._cancel_surplus(now)
        return not (self._held or self._closing())

    def _cancel_surplus(self, now: int) -> None:
        """Cancels what closes more than is held, for something else closed it: its fill would open a position. What is still held is
        closed anew."""
        surplus = [order for order in self._closing() if order.remaining > -self._held.get(order.symbol, ZERO) * order.side.sign]
        self._surplus = {order.id: self._surplus.get(order.id, now) for order in surplus}
        for order in surplus:
            if now - self._surplus[order.id] >= LAG_S * _SECOND:
                self._handle(Cancel("", order.id))

    def _answer_all(self, reply: Reply) -> None:
        for command_id in self._unanswered:
            self._answer(Reply(command_id, reply.ok, reply.text))
        self._unanswered.clear()

    def _rest_in_words(self) -> str:
        does = {order.number: "closes" if order.source is Source.FLATTEN else "protects" for order in self._core.state.book.working()}
        works = [f"#{number}, which {what}," for number, what in does.items()]
        # What the broker holds, as it told last, where our books say otherwise.
        off = self._core.desk.broker_off
        ours = {h.symbol: h.quantity for h in self._core.state.portfolio.holdings.values()}
        theirs = {symbol: ours.get(symbol, ZERO) + (off[symbol][0] if symbol in off else ZERO) for symbol in (*ours, *off)}
        held = [f"{quantity:f} {symbol}" for symbol, quantity in theirs.items() if quantity]
        still = f"only {' and '.join(works)} still works" if works else "nothing works"
        return f"verified with the broker: {still}; held: {', '.join(held) or 'nothing'}"
