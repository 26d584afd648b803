"""The limits on loss and drawdown. A breaker trips by itself and is reset by a person alone, with a reason."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.desk import Desk
from engine.core.state import State
from engine.model.modes import Level, TradingState
from engine.model.money import HUNDRED, ZERO, cents
from engine.model.orders import Order, OrderType, Source
from engine.model.records import DrawdownTripped, HighWaterSet, LossLimitTripped, TradingStateChanged


class Breakers:
    """Leaves the account only what shrinks a position once it has lost too much."""

    __slots__ = ("_desk",)

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def watch(self) -> None:
        """Looks after the limits. Called with every tick of the clock."""
        self._watch_daily_loss()
        self._watch_drawdown()

    def tripped(self) -> str:
        """Which limit is tripped, in words, or nothing."""
        state = self._desk.state
        if state.session and state.loss_session == state.session:
            return "the daily loss limit"
        return "the drawdown limit" if state.drawdown_tripped else ""

    def refusal(self) -> str:
        """Why no person's word releases what is tripped, or nothing where one does."""
        state = self._desk.state
        return "the daily loss limit holds until the next session" if state.loss_session == state.session else ""

    def release(self) -> None:
        """A person's word: what it may release is released."""
        if self._desk.state.drawdown_tripped:
            self._desk.record(HighWaterSet(cents(self._desk.state.portfolio.equity()), self._desk.now))

    def _watch_daily_loss(self) -> None:
        state = self._desk.state
        if not state.session or state.loss_session == state.session:
            return
        limit = state.session_equity * self._desk.settings.limits.max_daily_loss_pct / HUNDRED
        loss = state.day_loss(state.portfolio.equity())
        if not limit or loss < limit:
            return
        self._desk.record(LossLimitTripped(state.session, cents(loss), cents(limit), self._desk.now))
        self._reduce("daily loss", f"today's loss of {loss:,.2f} reached the limit of {limit:,.2f}", "the next session and your word")

    def _watch_drawdown(self) -> None:
        state = self._desk.state
        limit = state.high_water * self._desk.settings.limits.max_drawdown_pct / HUNDRED
        equity = state.portfolio.equity()
        drawdown = state.drawdown(equity)
        if state.drawdown_tripped or not limit or drawdown < limit:
            return
        self._desk.record(DrawdownTripped(state.high_water, cents(equity), self._desk.now))
        self._reduce("drawdown", f"equity is {drawdown:,.2f} under its highest, the limit is {limit:,.2f}", "your word")

    def _reduce(self, by: str, reason: str, until: str) -> None:
        """From now on only what shrinks a position goes through, and no entry goes on working."""
        state = self._desk.state
        if state.trading is TradingState.ACTIVE:
            self._desk.record(TradingStateChanged(TradingState.REDUCING, by, reason, self._desk.now))
        self._desk.note(Level.ERROR, "risk", f"{reason}: no entries until {until}; resting entries are cancelled")
        spared = closing(state, state.book.working())
        self._desk.cancel([o for o in state.book.working() if o.id not in spared])


def closing(state: State, orders: Iterable[Order]) -> set[str]:
    """Those of `orders` that together close no more than is held. What would take a position across zero is an entry; where there is
    too much, a flatten's order is spared before a stop, and a stop before the rest."""
    held = {symbol: holding.quantity for symbol, holding in state.portfolio.holdings.items()}
    spared = set()
    for order in sorted(orders, key=lambda o: (o.source is not Source.FLATTEN, o.type is not OrderType.STOP)):
        left = held.get(order.symbol, ZERO)
        if order.side.sign * left < 0 and order.remaining <= abs(left):
            held[order.symbol] = left + order.side.sign * order.remaining
            spared.add(order.id)
    return spared
