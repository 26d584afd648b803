"""The breakers: limits on loss and drawdown. One trips by itself, is kept in the journal, and is reset by a person alone, with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from engine.core.desk import SECOND, Desk
from engine.core.peak import RollingPeak
from engine.core.state import CIRCUIT_BREAKER, DAILY_LOSS, DRAWDOWN, State, breaker_of
from engine.model.inputs import ResetBreaker
from engine.model.modes import Level, TradingState
from engine.model.money import HUNDRED, ZERO, cents
from engine.model.orders import Order, Source
from engine.model.records import (
    BreakerReset,
    CircuitTripped,
    DrawdownTripped,
    HighWaterSet,
    LossLimitTripped,
    ModeChanged,
    StrategyLossTripped,
    StrategyTripped,
    SymbolLossTripped,
    TradingStateChanged,
)
from engine.model.views import BreakerRow

_UNLOCKS = {
    DAILY_LOSS: "the next session and your word",
    DRAWDOWN: "your word",
    CIRCUIT_BREAKER: "your word",
}
"""What each breaker of the account holds until."""


class Breakers:
    """Leaves the account only what shrinks a position once it has lost too much, and a strategy or a symbol only that once it has."""

    __slots__ = ("_desk", "_own", "_peaks")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._peaks = RollingPeak(self._window)
        """Equity as it was at each look, less what came in from outside: finer than the marks in the journal, which outlive a restart."""
        self._own: dict[str, RollingPeak] = {}
        """The same of the profit of each strategy that has a circuit breaker."""

    @property
    def _minutes(self) -> int:
        return self._desk.settings.limits.circuit_breaker_minutes

    @property
    def _window(self) -> int:
        """The circuit breaker's, in nanoseconds of market time."""
        return self._minutes * 60 * SECOND

    def take_limits(self) -> None:
        """The settings' limits are others now. A longer window is filled by what was marked meanwhile, and by what is to come."""
        for seen in (self._peaks, *self._own.values()):
            seen.keep(self._window)

    def watch(self) -> None:
        """Looks after the limits. Called at each fill and with every tick of the clock."""
        self._watch_daily_loss()
        self._watch_drawdown()
        self._watch_circuit()
        self._watch_session_losses()
        self._watch_strategies_falls()

    def profits(self) -> tuple[tuple[str, Decimal], ...]:
        """What each strategy made so far that is held to a highest of its own."""
        state, strategies = self._desk.state, self._desk.settings.limits.strategies
        held = (name for name, own in strategies.items() if own.max_drawdown_pct is not None or own.circuit_breaker_pct is not None)
        return tuple((name, state.strategy_profit(name)) for name in held)

    # ---- a person's word

    def tripped(self) -> str:
        """Which breakers hold, as `the drawdown limit holds`, or nothing."""
        names = [f"the {name}{'' if name == CIRCUIT_BREAKER else ' limit'}" for name in self._desk.state.trips]
        return f"{' and '.join(names)} hold{'s' if len(names) == 1 else ''}" if names else ""

    def why(self) -> str:
        """Why those hold that do."""
        return "; ".join(trip.reason for trip in self._desk.state.trips.values())

    def refusal(self) -> str:
        """Why no person's word releases what is tripped, or nothing where one does."""
        state = self._desk.state
        holds = DAILY_LOSS in state.trips and state.trips[DAILY_LOSS].session == state.session
        return "the daily loss limit holds until the next session" if holds else ""

    def release(self, reason: str) -> None:
        """A person's word, which `refusal` has nothing against: every breaker is released."""
        for name in list(self._desk.state.trips):
            self._release(name, reason)

    def on_reset(self, command: ResetBreaker) -> None:
        state, desk = self._desk.state, self._desk
        if not command.reason.strip():
            desk.reply(command.id, False, "say why: the reason goes to the audit log")
        elif strategy := next((name for name, trips in state.strategy_breakers.items() if command.name in trips), ""):
            if command.name == breaker_of(strategy, CIRCUIT_BREAKER):
                self._own.pop(strategy, None)
            desk.record(BreakerReset(command.name, command.reason, desk.now))
            left = " and ".join(f"the {name}" for name in state.trips_of(strategy))
            desk.reply(command.id, True, f"{command.name} reset: {f'{left} holds' if left else f'{strategy} may enter again'}")
        elif command.name not in _UNLOCKS:
            desk.reply(command.id, False, f"there is no such breaker; there are {', '.join(_UNLOCKS)}")
        elif command.name not in state.trips:
            desk.reply(command.id, False, f"the {command.name} is not tripped")
        elif command.name == DAILY_LOSS and (refusal := self.refusal()):
            desk.reply(command.id, False, refusal)
        else:
            self._release(command.name, command.reason)
            left = self.tripped()
            if state.trading is TradingState.REDUCING and left:
                desk.record(TradingStateChanged(TradingState.REDUCING, "you", self.why(), desk.now))
            elif state.trading is TradingState.REDUCING:
                desk.record(TradingStateChanged(TradingState.ACTIVE, "you", command.reason, desk.now))
                desk.record(ModeChanged(desk.by_hand, "reset", desk.now))
            desk.reply(command.id, True, f"{command.name} reset: {left or f'trading is {state.trading}'}")

    def _release(self, name: str, reason: str) -> None:
        desk = self._desk
        if name == DRAWDOWN:
            desk.record(HighWaterSet(cents(desk.state.portfolio.equity()), desk.now))
        if name == CIRCUIT_BREAKER:
            self._peaks.clear()
            self._look()
        desk.record(BreakerReset(name, reason, desk.now))

    def window_loss(self) -> Decimal:
        """How far equity lies under the highest that was seen within the circuit breaker's window."""
        state = self._desk.state
        return self._fall(state.portfolio.equity() - state.moved, self._peaks, state.peaks)

    def _fall(self, value: Decimal, *peaks: RollingPeak | None) -> Decimal:
        """How far `value` lies under the highest of `peaks` within the window."""
        now = self._desk.now
        seen = [peak.within(now - self._window, now) for peak in peaks if peak is not None]
        return max([value, *(highest for highest in seen if highest is not None)]) - value

    def rows(self) -> list[BreakerRow]:
        """Every breaker of the account, and those of strategies and symbols that hold."""
        state = self._desk.state
        rows = []
        for name, unlocks in _UNLOCKS.items():
            trip = state.trips.get(name)
            if trip is None:
                rows.append(BreakerRow(name, False, "", unlocks, 0))
            else:
                rows.append(BreakerRow(name, True, trip.reason, unlocks, trip.at, name != DAILY_LOSS or not self.refusal()))
        for strategy, trip in state.strategy_trips.items():
            if state.has_tripped(strategy):
                rows.append(BreakerRow(breaker_of(strategy, DAILY_LOSS), True, trip.reason, "the next session", trip.at))
        for symbol, trip in state.symbol_trips.items():
            if state.has_symbol_tripped(symbol):
                rows.append(BreakerRow(f"{DAILY_LOSS} in {symbol}", True, trip.reason, "the next session", trip.at))
        for trips in state.strategy_breakers.values():
            rows += [BreakerRow(name, True, trip.reason, "your word", trip.at, True) for name, trip in trips.items()]
        return rows

    # ---- what trips

    def _watch_daily_loss(self) -> None:
        state = self._desk.state
        trip = state.trips.get(DAILY_LOSS)
        if not state.session or (trip is not None and trip.session == state.session):
            return
        limit = state.session_equity * self._desk.settings.limits.max_daily_loss_pct / HUNDRED
        loss = state.day_loss(state.portfolio.equity())
        if limit <= 0 or loss < limit:
            return
        self._desk.record(LossLimitTripped(state.session, cents(loss), cents(limit), self._desk.now))
        self._reduce(DAILY_LOSS, f"today's loss of {loss:,.2f} reached the limit of {limit:,.2f}")

    def _watch_drawdown(self) -> None:
        state = self._desk.state
        limit = state.high_water * self._desk.settings.limits.max_drawdown_pct / HUNDRED
        equity = state.portfolio.equity()
        drawdown = state.drawdown(equity)
        if DRAWDOWN in state.trips or limit <= 0 or drawdown < limit:
            return
        self._desk.record(DrawdownTripped(state.high_water, cents(equity), self._desk.now))
        self._reduce(DRAWDOWN, f"equity is {drawdown:,.2f} under its highest, the limit is {limit:,.2f}")

    def _watch_circuit(self) -> None:
        """The fall from the highest equity that was seen within the window. Between two sessions no minute passes: a gap is the daily
        loss limit's business."""
        desk, state = self._desk, self._desk.state
        if CIRCUIT_BREAKER in state.trips:
            return
        self._look()
        loss = self.window_loss()
        limit = (state.portfolio.equity() + loss) * desk.settings.limits.circuit_breaker_pct / HUNDRED
        if limit <= 0 or loss < limit:
            return
        desk.record(CircuitTripped(cents(loss), cents(limit), self._minutes, desk.now))
        self._reduce(CIRCUIT_BREAKER, f"{loss:,.2f} were lost within {self._minutes} minutes, the limit is {limit:,.2f}")

    def _look(self) -> None:
        state = self._desk.state
        self._peaks.add(self._desk.now, state.portfolio.equity() - state.moved)

    def _watch_session_losses(self) -> None:
        """What each strategy and each symbol with a daily limit of its own has lost in this session."""
        desk, state = self._desk, self._desk.state
        limits, session = desk.settings.limits, state.session
        for name, own in limits.strategies.items():
            if lost := self._lost_too_much(name, own.max_daily_loss_pct, state.has_tripped, state.strategy_loss):
                desk.record(StrategyLossTripped(name, session, *lost, desk.now))
                self._shut_out(name, "its", lost, "it enters no more", strategy=name)
        for symbol, its in limits.symbols.items():
            if lost := self._lost_too_much(symbol, its.max_daily_loss_pct, state.has_symbol_tripped, state.symbol_loss):
                desk.record(SymbolLossTripped(symbol, session, *lost, desk.now))
                self._shut_out("risk", f"{symbol}'s", lost, "nothing is entered in it", symbol=symbol)

    def _lost_too_much(
        self, name: str, pct: Decimal | None, has_tripped: Callable[[str], bool], loss_of: Callable[[str], Decimal]
    ) -> tuple[Decimal, Decimal] | None:
        """The loss of `name` in this session and its limit, `pct` of the account's opening equity, where that is reached just now."""
        state = self._desk.state
        if pct is None or not state.session or has_tripped(name):
            return None
        limit, loss = state.session_equity * pct / HUNDRED, loss_of(name)
        return (cents(loss), cents(limit)) if limit and loss >= limit else None

    def _shut_out(self, source: str, whose: str, lost: tuple[Decimal, Decimal], what: str, *, strategy: str = "", symbol: str = "") -> None:
        loss, limit = lost
        text = f"{whose} loss of {loss:,.2f} reached its limit of {limit:,.2f}"
        self._desk.note(Level.ERROR, source, f"{text}: {what} in this session; its resting entries are cancelled")
        cancel_entries(self._desk, strategy, symbol)

    def _watch_strategies_falls(self) -> None:
        """Each strategy's own profit under its highest, ever and within the window, against the account's equity of this moment."""
        desk, state = self._desk, self._desk.state
        equity = state.portfolio.equity()
        for name, own in desk.settings.limits.strategies.items():
            if own.max_drawdown_pct is not None:
                self._trip_strategy(name, DRAWDOWN, state.strategy_drawdown(name), equity * own.max_drawdown_pct / HUNDRED)
            if own.circuit_breaker_pct is not None:
                profit, seen = state.strategy_profit(name), self._own.setdefault(name, RollingPeak(self._window))
                seen.add(desk.now, profit)
                fell = self._fall(profit, seen, state.strategy_peaks.get(name))
                self._trip_strategy(name, CIRCUIT_BREAKER, fell, equity * own.circuit_breaker_pct / HUNDRED)

    def _trip_strategy(self, strategy: str, breaker: str, fell: Decimal, limit: Decimal) -> None:
        desk, name = self._desk, breaker_of(strategy, breaker)
        if name in desk.state.trips_of(strategy) or limit <= 0 or fell < limit:
            return
        minutes = self._minutes if breaker == CIRCUIT_BREAKER else 0
        desk.record(StrategyTripped(strategy, cents(fell), cents(limit), minutes, desk.now))
        reason = desk.state.trips_of(strategy)[name].reason
        desk.note(Level.ERROR, strategy, f"{reason}: it enters no more until your word; its resting entries are cancelled")
        cancel_entries(desk, strategy)

    def _reduce(self, by: str, reason: str) -> None:
        """From now on only what shrinks a position goes through, and no entry goes on working."""
        desk = self._desk
        if desk.state.trading is TradingState.ACTIVE:
            desk.record(TradingStateChanged(TradingState.REDUCING, by, reason, desk.now))
        desk.note(Level.ERROR, "risk", f"{reason}: no entries until {_UNLOCKS[by]}; resting entries are cancelled")
        cancel_entries(desk)


def cancel_entries(desk: Desk, strategy: str = "", symbol: str = "") -> None:
    """Cancels all that would open a position, of one strategy or everybody, in one symbol or all. What closes or protects one stays."""
    working = list(desk.state.book.working(symbol))
    spared = closing(desk.state, working)
    desk.cancel([order for order in working if order.id not in spared and (not strategy or order.strategy == strategy)])


def closing(state: State, orders: Iterable[Order]) -> set[str]:
    """Those of `orders` that together close no more than is held. What would take a position across zero is an entry; where there is
    too much, a flatten's order is spared before a stop, and a stop before the rest. Of orders that share what they close the largest
    counts. One that is still held here trades nothing: it is spared, and ends with the order it waits for."""
    held = {symbol: holding.quantity for symbol, holding in state.portfolio.holdings.items()}
    shared: dict[str, Decimal] = {}
    spared = set()
    for order in sorted(orders, key=lambda o: (o.source is not Source.FLATTEN, not o.type.is_stop)):
        left = held.get(order.symbol, ZERO)
        takes = max(order.remaining - shared.get(order.oco, ZERO), ZERO) if order.oco else order.remaining
        if not order.released:
            spared.add(order.id)
        elif (order.side.sign * left < 0 and takes <= abs(left)) or (not takes and order.oco in shared):
            held[order.symbol] = left + order.side.sign * takes
            spared.add(order.id)
            if order.oco:
                shared[order.oco] = shared.get(order.oco, ZERO) + takes
    return spared
