"""Closing a position at the market although its own exits hold it back: they are cancelled first, and once the last of them has ended
what is held by then is closed.

Nothing of this outlives the run or the stop: after either, whoever wanted it closed presses again.
"""

from __future__ import annotations

from msgspec import Struct

from engine.core.commands import Commands
from engine.core.desk import SECOND, Desk
from engine.model.inputs import ClosePosition, Submit
from engine.model.modes import Level, TradingState
from engine.model.money import ZERO
from engine.model.orders import Intent, Order, Source

PATIENCE_S = 5
"""How long the cancels are waited for. After that nothing is sent: a close that comes when nobody expects it any more is a surprise."""


class _Waiting(Struct, frozen=True):
    """A close that waits for the end of `exits`, and of the entries they belong to, until `until` at the most, in monotonic nanoseconds."""

    command: ClosePosition
    exits: tuple[Order, ...]
    until: int


class Closer:
    """One close a symbol at a time. `settle` is called after every input."""

    __slots__ = ("_commands", "_desk", "_waiting")

    def __init__(self, desk: Desk, commands: Commands) -> None:
        self._desk = desk
        self._commands = commands
        self._waiting: dict[str, _Waiting] = {}

    def on_close(self, command: ClosePosition) -> None:
        desk, symbol = self._desk, command.symbol
        wish = self._wish(command)
        if symbol in self._waiting:
            desk.reply(command.id, False, f"{symbol} is being closed already: its exits are being cancelled")
            return
        if not wish.quantity:
            desk.reply(command.id, False, f"{symbol} was not closed: it is not held any more")
            return
        exits = self._in_the_way(command)
        if not exits:
            self._commands.on_submit(Submit(command.id, wish, confirmed=True))
            return
        # What would be refused anyway must not cost the position its stop first.
        if not self._commands.would_pass(command.id, wish, [order.id for order in exits]):
            return
        asked = desk.cancel(exits, f"{symbol} is being closed")
        desk.note(Level.INFO, "close", f"{symbol}: {', '.join(f'#{order.number}' for order in asked)} cancelled first, then it is closed")
        self._waiting[symbol] = _Waiting(command, exits, desk.mono + PATIENCE_S * SECOND)

    def settle(self) -> None:
        """Goes on with each close whose exits have ended, and gives up those that cannot go on."""
        for symbol, waiting in tuple(self._waiting.items()):
            command, desk = waiting.command, self._desk
            left = ", ".join(f"#{order.number} is {order.state}" for order in waiting.exits if not order.state.is_final)
            if desk.state.trading is TradingState.HALTED:
                desk.reply(command.id, False, f"{symbol} was not closed: trading was halted meanwhile")
            elif not left:
                self._go_on(command)
            elif desk.mono >= waiting.until:
                desk.reply(command.id, False, f"{symbol} was not closed: after {PATIENCE_S} s {left}. No closing order was sent")
            else:
                continue
            del self._waiting[symbol]

    def _in_the_way(self, command: ClosePosition) -> tuple[Order, ...]:
        """What works to close the position, and what still enters it and would be left without those exits."""
        book = self._desk.state.book
        exits = [o for o in book.working(command.symbol) if o.side is command.side and o.source is not Source.FLATTEN]
        entries = {order.parent: entry for order in exits if (entry := book.open.get(order.parent)) is not None and entry not in exits}
        return (*exits, *entries.values())

    def _go_on(self, command: ClosePosition) -> None:
        wish = self._wish(command)
        if wish.quantity:
            self._commands.on_submit(Submit(command.id, wish, confirmed=True))
        else:
            self._desk.reply(command.id, True, f"{wish.symbol} is closed: an exit filled before it was cancelled")

    def _wish(self, command: ClosePosition) -> Intent:
        """To close what is held by now, and never more than was asked for."""
        held = -self._desk.state.portfolio.position(command.symbol) * command.side.sign
        return Intent(command.symbol, command.side, max(min(command.quantity, held), ZERO), reduce_only=True)
