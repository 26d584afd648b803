"""What a check may look at: one wish to trade and the account it meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from engine.model.market import Instrument
from engine.model.modes import TradingState
from engine.model.money import ZERO
from engine.model.orders import Intent, Order, Side
from engine.model.settings import Limits


@dataclass(slots=True)
class RiskCase:
    """`price` values the order at the most a share of it may trade at, `market` is what a market order would pay now; None where no
    price is known.

    `sent_within` answers how many orders the intent's strategy sent in so many nanoseconds of market time up to now.
    `crossing` is our own working limit order on the other side that is nearest to trading with this one, None where there is none.
    `position` is signed; `working_buys` and `working_sells` are shares that open orders in the symbol may still trade; `exposure` is
    the gross value of all positions and of all working orders that may add to one; `maintenance` is the equity that what is held must be
    covered with, zero in a cash account; an order asks for `cushion` times its value of buying power; `price_age_s` is None before the
    first event.
    """

    intent: Intent
    instrument: Instrument
    limits: Limits
    price: Decimal | None
    market: Decimal | None
    crossing: Order | None
    sent_within: Callable[[int], int]
    fresh: bool
    price_age_s: float | None
    price_life_s: float
    equity: Decimal
    buying_power: Decimal
    exposure: Decimal
    position: Decimal
    working_buys: Decimal
    working_sells: Decimal
    day_loss: Decimal
    session_equity: Decimal
    trading: TradingState
    trading_reason: str
    maintenance: Decimal = ZERO
    cushion: Decimal = Decimal(1)

    @property
    def closable(self) -> Decimal:
        """Shares this order could sell (or buy back) without opening anything, given what working orders may already close."""
        if self.intent.side is Side.SELL:
            return max(self.position - self.working_sells, ZERO)
        return max(-self.position - self.working_buys, ZERO)

    @property
    def reduces(self) -> bool:
        return self.intent.quantity <= self.closable

    @property
    def opening(self) -> Decimal:
        """The part of the quantity that opens or adds."""
        return self.intent.quantity - min(self.closable, self.intent.quantity)

    @property
    def committed(self) -> Decimal:
        """Shares held on this order's side, and those that working orders on it may add."""
        held, working = self.position, self.working_buys
        if self.intent.side is Side.SELL:
            held, working = -self.position, self.working_sells
        return max(held, ZERO) + max(working - max(-held, ZERO), ZERO)
