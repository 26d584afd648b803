"""Splits and dividends: what they do to an account, worked out in one place for the books and for the paper broker alike."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from engine.core.portfolio import Holding, Portfolio
from engine.model.market import Dividend, Instrument, Split
from engine.model.modes import Level
from engine.model.money import WIDE, ZERO, cents, exact, is_amount, is_price, to_lot
from engine.model.records import DividendBooked, SplitBooked

if TYPE_CHECKING:
    from engine.core.desk import Desk
    from engine.core.signals import Signals

_DIGITS = Decimal("1e-12")
"""A ratio of one to three cannot be written out: a quantity this much of itself away from a whole number of steps is that number."""


def split_booked(event: Split, portfolio: Portfolio, step: Decimal) -> SplitBooked | None:
    """What `event` makes of the position in its symbol, in whole multiples of `step`: the rest is paid out, to the cent.

    None where it is booked already, or the ratio is no number of shares; and where nothing was ever held of it, unless it may be told once
    more when something is.
    """
    holding = _holding(event, portfolio)
    if holding is None or not is_amount(event.ratio) or portfolio.knows(event):
        return None
    wanted = WIDE.multiply(holding.quantity, event.ratio)
    quantity = (abs(wanted) / step).quantize(Decimal(1), ROUND_HALF_EVEN, WIDE) * step
    # To the whole step it is but for rounding, else down to one, written with no more decimals than it needs.
    quantity = to_lot(quantity if abs(quantity - abs(wanted)) <= abs(wanted) * _DIGITS else abs(wanted), step)
    if wanted < 0:
        quantity = -quantity
    known = event.price is not None and is_price(event.price)
    price = exact(event.price) if known and event.price is not None else abs(holding.average)
    cash = ZERO if abs(wanted - quantity) <= abs(wanted) * _DIGITS else cents((wanted - quantity) * price / event.ratio)
    return SplitBooked(event.symbol, event.ratio, quantity, cash, event.at, event.ex_date)


def dividend_booked(event: Dividend, portfolio: Portfolio) -> DividendBooked | None:
    """What `event` pays for the position in its symbol, to the cent. None as for a split."""
    holding = _holding(event, portfolio)
    if holding is None or not is_amount(event.amount) or portfolio.knows(event):
        return None
    return DividendBooked(event.symbol, event.amount, holding.quantity, cents(holding.quantity * event.amount), event.at, event.ex_date)


def _holding(event: Split | Dividend, portfolio: Portfolio) -> Holding | None:
    return portfolio.holdings.get(event.symbol) or (Holding(event.symbol) if event.ex_date else None)


class Corporate:
    """Books what the feed tells of companies' own acts."""

    __slots__ = ("_desk", "_signals")

    def __init__(self, desk: Desk, signals: Signals) -> None:
        self._desk = desk
        self._signals = signals

    def on_split(self, event: Split) -> None:
        """Orders and signals in the old shares end: their prices and quantities mean something else now. Brokers do the same."""
        desk, symbol = self._desk, event.symbol
        desk.now = max(desk.now, event.at)
        if not is_amount(event.ratio):
            desk.note(Level.ERROR, "feed", f"a split of {symbol} by {event.ratio}, which is no number of shares: ignored")
            return
        desk.prices.on_split(symbol, event.ratio)
        if desk.state.portfolio.knows(event):
            self._mark(symbol)
            return
        record = split_booked(event, desk.state.portfolio, _step(desk, symbol))
        if record is not None or self._is_known(symbol):
            desk.record(record or SplitBooked(symbol, event.ratio, ZERO, ZERO, event.at))
        what = f"{symbol} split {ratio_text(event.ratio)}"
        desk.broker_off.pop(symbol, None)  # it was told in the old shares: the next comparison tells it anew
        orders = desk.cancel(desk.state.book.working(symbol))
        if orders:
            names = ", ".join(f"#{order.number}" for order in orders)
            desk.note(Level.WARNING, "split", f"{what}: {names} had prices and quantities of before it: cancelled, place them anew")
        self._signals.void("split", f"{what} while it waited", symbol)

    def on_dividend(self, event: Dividend) -> None:
        desk, symbol = self._desk, event.symbol
        desk.now = max(desk.now, event.at)
        if not is_amount(event.amount):
            desk.note(Level.ERROR, "feed", f"a dividend of {event.amount} on {symbol}, which is no amount: ignored")
            return
        desk.prices.on_dividend(symbol, event.amount)
        if desk.state.portfolio.knows(event):
            self._mark(symbol)
            return
        record = dividend_booked(event, desk.state.portfolio)
        if record is not None or self._is_known(symbol):
            desk.record(record or DividendBooked(symbol, event.amount, ZERO, ZERO, event.at))

    def _mark(self, symbol: str) -> None:
        """What is held is in the new shares already; the price from before the first event of this run was not."""
        last = self._desk.prices.last(symbol)
        if last is not None:
            self._desk.state.portfolio.mark(symbol, last)

    def _is_known(self, symbol: str) -> bool:
        """Whether something is to be reckoned in new shares though none was ever held: a fill that is told late, a signal's shadow."""
        state = self._desk.state
        if any(order.symbol == symbol for order in state.book.orders.values()):
            return True
        return any(case.signal.symbol == symbol for case in state.approvals.cases.values())


def _step(desk: Desk, symbol: str) -> Decimal:
    """The smallest quantity of `symbol` that the broker can hold."""
    lot, fraction = desk.instruments.get(symbol, Instrument(symbol)).lot, desk.gate.capabilities.fraction
    return lot if fraction is None else min(lot, fraction)


def ratio_text(ratio: Decimal) -> str:
    """A split's ratio as a trader says it: 4 for 1, 1 for 10, 3 for 2."""
    for old in range(1, 101):
        new = round(ratio * old)
        if new and abs(ratio * old - new) <= new * _DIGITS:
            return f"{new} for {old}"
    return f"{ratio:f} for 1"
