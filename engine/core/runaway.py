"""What a strategy must not be able to do however broken it is: trade again and again on one signal, or more than was let through."""

from __future__ import annotations

from collections.abc import Callable

from engine.core.breakers import cancel_entries
from engine.core.desk import Desk
from engine.model.effects import StopStrategy
from engine.model.inputs import EmergencyStop
from engine.model.money import ZERO
from engine.model.orders import Order
from engine.model.records import StrategyErrored

EXECUTIONS = 5
"""Orders that trade on one signal. An entry and its two exits are three."""


class Runaway:
    """Looks at every fill of a strategy's order. `stop` is the emergency stop."""

    __slots__ = ("_desk", "_stop")

    def __init__(self, desk: Desk, stop: Callable[[EmergencyStop], None]) -> None:
        self._desk = desk
        self._stop = stop

    def on_fill(self, order: Order) -> None:
        state = self._desk.state
        if not order.signal_id:
            return
        # One that took another's place goes on with what that one began.
        traded = [each for order_id in state.traded.get(order.signal_id, ()) if not (each := state.book.orders[order_id]).succeeds]
        opened = [each for each in traded if not each.parent]
        # What a signal opens was let through as one quantity, whatever number of orders came of it.
        approved = opened[0].quantity - opened[0].surplus if opened else ZERO
        filled = sum((each.filled for each in opened), ZERO)
        if filled <= approved:
            filled, approved = order.filled, order.quantity - order.surplus
        if filled > approved:
            text = f"{filled:f} {order.symbol} were traded on a signal of {order.strategy} for which {approved:f} were approved"
            self._stop(EmergencyStop("", text, "runaway"))
        if len(traded) >= EXECUTIONS and order.strategy not in state.disabled:
            disable(self._desk, order.strategy, f"It traded {len(traded)} orders without a new signal.")


def disable(desk: Desk, strategy: str, error: str, detail: str = "") -> None:
    """Ends a strategy in this run: its resting entries are cancelled, its process is stopped, and it enters no more."""
    desk.record(StrategyErrored(strategy, error, detail, True, desk.now))
    cancel_entries(desk, strategy)
    desk.ask(StopStrategy(strategy, error))
