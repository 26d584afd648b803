"""The emergency stop, the flatten, and the way out of them: one person's key shuts the account to trading, and one reason opens it again.

Cancels are asked for again until nothing works; no race of them with a fill takes a position across zero.
"""

from __future__ import annotations

from decimal import Decimal

from engine.core.breakers import Breakers, closing
from engine.core.desk import SECOND, Desk
from engine.core.signals import Signals
from engine.model.effects import Latch
from engine.model.inputs import EmergencyStop, Flatten, Resume
from engine.model.modes import Level, TradingState
from engine.model.orders import Intent, Order, OrderState, Side, Source, TimeInForce
from engine.model.records import ModeChanged, TradingStateChanged

_CANCEL_AGAIN_EVERY = SECOND
_MAY_TRADE = frozenset({OrderState.ACCEPTED, OrderState.HELD, OrderState.WORKING, OrderState.PARTIAL})


class Stop:
    """Shuts the account to trading, cancels what works, and closes what is held."""

    __slots__ = ("_breakers", "_cancel_due", "_desk", "_flattens", "_signals", "_told")

    def __init__(self, desk: Desk, signals: Signals, breakers: Breakers) -> None:
        self._desk = desk
        self._signals = signals
        self._breakers = breakers
        self._cancel_due = 0
        self._flattens = False
        self._told: dict[str, str] = {}
        """What was last said of a symbol that could not be closed: said once, however often it is tried."""

    def watch(self) -> None:
        """While HALTED, looks after what still works. Called with every tick of the clock."""
        if self._desk.state.trading is TradingState.HALTED and self._desk.mono >= self._cancel_due:
            self._cancel_everything()

    def hold(self, order: Order) -> None:
        """Cancels an order that is found to work after the stop: not for a tick of the clock longer."""
        if self._desk.state.trading is TradingState.HALTED and order.state in _MAY_TRADE and order.source is not Source.FLATTEN:
            self._cancel_everything()

    def left(self) -> list[Order]:
        """What must not work while HALTED and still may."""
        working = self._desk.state.book.working()
        protective = [o for o in working if o.source is Source.FLATTEN or o.type.is_stop]
        spares = self._desk.settings.stop.keep_protective and not self._flattens
        spared = closing(self._desk.state, protective) if spares else set()
        return [o for o in working if o.source is not Source.FLATTEN and o.id not in spared]

    def on_emergency_stop(self, command: EmergencyStop) -> None:
        again = self._desk.state.trading is TradingState.HALTED
        if not again:
            self._desk.record(TradingStateChanged(TradingState.HALTED, command.by, command.reason, self._desk.now))
            self._desk.ask(Latch(True, command.reason))
        self._flattens = self._flattens or command.flatten
        self._signals.void("stop", "the emergency stop was pressed")
        asked = self._cancel_everything()
        count = f"{len(asked)} working order{'s' if len(asked) != 1 else ''} being cancelled"
        text = count if asked else "no order is known to work; the broker is asked for its list"
        self._desk.reply(command.id, True, f"HALTED{' already' if again else ''}: {text}")

    def on_flatten(self, command: Flatten) -> None:
        """One closing order a symbol, and none while an earlier one still works: no race takes a position across zero."""
        working = {o.symbol: o for o in self._desk.state.book.working() if o.source is Source.FLATTEN}
        left = []
        for symbol, held in command.positions:
            if held and symbol not in working:
                order = self._close(symbol, held)
                if order is None:
                    left.append(symbol)
                else:
                    working[symbol] = order
        words = [f"#{order.number} {order.side} {order.quantity:f} {order.symbol}" for order in working.values()]
        if left:
            words.append(f"{', '.join(left)} not closed, the log says why")
        self._desk.reply(command.id, not left, f"flatten: {', '.join(words) or 'nothing to close'}")

    def _close(self, symbol: str, held: Decimal) -> Order | None:
        """Places the order that closes `held` (signed) shares, or says why there is none."""
        side = Side.SELL if held > 0 else Side.BUY
        # A cancel may come too late, so what still works on this side counts as if it had traded.
        working = self._desk.state.book.working_quantity(symbol, side)
        if working:
            self._tell(Level.WARNING, symbol, f"{working:f} {symbol} may still trade in working orders: left to those")
        if working >= abs(held):
            return None
        # Until it is done, whatever the session: nobody asks a second time for what a DAY order left open.
        wish = Intent(symbol, side, abs(held) - working, tif=TimeInForce.GTC, source=Source.FLATTEN, reduce_only=True, reason="flatten")
        judgement = self._desk.gate.judge(wish, self._desk.now, self._desk.mono)
        if judgement.passes:
            return self._desk.place(judgement, abs(held))
        if self._tell(Level.ERROR, symbol, f"{symbol} cannot be closed: {judgement.verdict.text}"):
            self._desk.deny(judgement)
        return None

    def _tell(self, level: Level, symbol: str, text: str) -> bool:
        """Says it, unless it was the last thing said of the symbol. Whether it is news."""
        if self._told.get(symbol) == text:
            return False
        self._told[symbol] = text
        self._desk.note(level, "flatten", text)
        return True

    def on_resume(self, command: Resume) -> None:
        state = self._desk.state
        if state.trading is TradingState.ACTIVE:
            self._desk.reply(command.id, False, "trading is not halted")
        elif not command.reason.strip():
            self._desk.reply(command.id, False, "say why: the reason goes to the audit log")
        elif state.trading is TradingState.REDUCING and (refusal := self._breakers.refusal()):
            self._desk.reply(command.id, False, refusal)
        else:
            # A limit outlives a stop: leaving HALTED while one is tripped leads back to REDUCING, and only from there is it released.
            if state.trading is TradingState.REDUCING:
                self._breakers.release(command.reason)
            tripped = self._breakers.tripped()
            after = TradingState.REDUCING if tripped else TradingState.ACTIVE
            self._flattens = False
            self._told.clear()
            self._desk.record(TradingStateChanged(after, "you", self._breakers.why() or command.reason, self._desk.now))
            self._desk.record(ModeChanged(self._desk.by_hand, "resume", self._desk.now))
            self._desk.ask(Latch(False, command.reason))
            self._desk.reply(command.id, True, f"resumed in {self._desk.by_hand}{f', reducing only: {tripped}' if tripped else ''}")

    def _cancel_everything(self) -> list[Order]:
        """Asks for every cancel, again and again while HALTED, until nothing works. Closing orders of a flatten stay."""
        self._cancel_due = self._desk.mono + _CANCEL_AGAIN_EVERY
        return self._desk.cancel(self._soonest_first(self.left()))

    def _soonest_first(self, orders: list[Order]) -> list[Order]:
        """What may open a position before what closes one, and of each what is nearest to its price: a broker takes so many cancels a
        second and no more, and what waits longest should be what is least likely to trade."""
        closes = closing(self._desk.state, orders)

        def away(order: Order) -> float:
            price, last = order.limit or order.stop, self._desk.prices.last(order.symbol)
            return abs(float(price) / last - 1) if price and last else 0.0

        return sorted(orders, key=lambda order: (order.id in closes, away(order)))
