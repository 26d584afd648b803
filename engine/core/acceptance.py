"""A person accepts the broker's figure for a symbol in which the comparison found ours to differ, and nothing will explain it any more: an
order that ended long ago was corrected, or it was traded elsewhere."""

from __future__ import annotations

from decimal import Decimal

from engine.core.desk import Desk
from engine.model.inputs import AcceptPosition
from engine.model.money import WIDE, ZERO, cents, exact
from engine.model.orders import OrderState
from engine.model.records import PositionAccepted

_UNSETTLED = frozenset({OrderState.PENDING_SUBMIT, OrderState.UNKNOWN})
_NEAR = Decimal("0.2")
"""A price this much of itself outside all that is known of the symbol is none that anybody traded at: other money moved as well."""


class Acceptance:
    """Books the difference as a trade without fees, so that the position is the broker's and the profit follows from what was booked.

    Its price is what the broker's cash says: where no other symbol differs, the money that our books lack or have too much is what the
    difference was traded for. Where that is no likely price, or the broker tells no cash of the account's own, it is the broker's average,
    and the last price where it holds nothing. What money stays unexplained the next comparisons of cash tell.
    """

    __slots__ = ("_desk",)

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_accept(self, command: AcceptPosition) -> bool:
        """Answers the command; True where it booked something."""
        desk, symbol = self._desk, command.symbol
        refusal = self._refusal(command)
        if refusal:
            desk.reply(command.id, False, refusal)
            return False
        change, average = desk.broker_off[symbol]
        money = self._money(symbol, change, average)
        desk.record(PositionAccepted(symbol, change, money, command.reason.strip(), desk.now))
        last = desk.prices.last(symbol)
        if last is not None:
            desk.state.portfolio.mark(symbol, last)
        del desk.gate.mismatched[symbol], desk.broker_off[symbol]
        desk.broker_cash_off += money
        held = desk.state.portfolio.position(symbol)
        text = f"the broker's {held:f} {symbol} accepted: {change:+f} at {money / change:,.2f} a share are booked"
        desk.reply(command.id, True, text)
        return True

    def _refusal(self, command: AcceptPosition) -> str:
        desk, symbol = self._desk, command.symbol
        if symbol not in desk.broker_off:
            return f"the last comparison found no difference in {symbol}: there is nothing to accept"
        if not command.reason.strip():
            return "say why the broker's figure is right: the reason goes to the audit log"
        open_ = [order for order in desk.state.book.working(symbol) if order.released]
        moving = [order for order in open_ if order.state in _UNSETTLED or order.id in desk.in_flight]
        if moving:
            names = ", ".join(f"#{order.number}" for order in moving)
            return f"what became of {names} in {symbol} is not known yet, and may be the difference: wait until it is"
        return ""

    def _money(self, symbol: str, change: Decimal, average: Decimal) -> Decimal:
        """What `change` (signed) was traded for: positive where it was paid."""
        desk = self._desk
        holding = desk.state.portfolio.holdings.get(symbol)
        last = desk.prices.last(symbol)
        known = [price for price in (average, abs(holding.average) if holding else ZERO, exact(last) if last else ZERO) if price > 0]
        paid = -desk.broker_cash_off
        if desk.gate.capabilities.cash and len(desk.broker_off) == 1 and known:
            price = WIDE.divide(paid, change)
            if min(known) * (1 - _NEAR) <= price <= max(known) * (1 + _NEAR):
                return paid
        price = average if average > 0 else exact(last) if last else max(known, default=ZERO)
        return cents(change * price)
