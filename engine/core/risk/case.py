"""What a check may look at: one wish to trade and the account it meets."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from engine.core.risk.bounds import Bounds
from engine.model.market import Instrument, Phase
from engine.model.modes import TradingState
from engine.model.money import ZERO
from engine.model.orders import Intent, Order, Side
from engine.model.settings import ALONE, CombinedLimits, Limits
from engine.model.standing import Standing


class RiskCase(Struct):
    """`price` values the order at the most a share of it may trade at, `market` is what a market order would pay now; None where no
    price is known.

    `strategy_sent`, `symbol_sent` and `account_sent` answer how many orders the intent's strategy sent, and everybody in its symbol and in
    all, in so many nanoseconds of market time up to now. `crossing` is our own working limit order on the other side that is nearest to
    trading with this one, None where there is none. `doubt` says why the price may not be traded on however young it is, `halt` why the
    venue halted the symbol, None where it did not; `phase` is None before the feed has told one.

    `position` is signed; `working_buys` and `working_sells` are shares that open orders in the symbol may still trade. `exposure` is
    the gross value of all positions and of all working orders that may add to one, `net` what lies net on this order's side: long less
    short for a buy, short less long for a sale, with the working orders that may add to it. `maintenance` is the equity that what is held
    must be covered with, zero in a cash account; an order asks for `cushion` times its value of buying power. `price_age_s` is None before
    the first event. `strategy_loss` is what the intent's strategy lost in this session, `strategy_tripped` that it was too much once;
    `symbol_loss` and `symbol_tripped` are the same of everybody in its symbol. `strategy_trip` is why a breaker of the strategy holds,
    empty where none does. `strategy_exposure` is the gross value of what the strategy itself holds and its working orders may add,
    zero where no limit asks for it.
    """

    intent: Intent
    instrument: Instrument
    bounds: Bounds
    price: Decimal | None
    market: Decimal | None
    crossing: Order | None
    strategy_sent: Callable[[int], int]
    symbol_sent: Callable[[int], int]
    account_sent: Callable[[int], int]
    fresh: bool
    doubt: str
    price_age_s: float | None
    price_life_s: float
    phase: Phase | None
    halt: str | None
    equity: Decimal
    buying_power: Decimal
    exposure: Decimal
    net: Decimal
    position: Decimal
    working_buys: Decimal
    working_sells: Decimal
    day_loss: Decimal
    session_equity: Decimal
    strategy_loss: Decimal
    strategy_tripped: bool
    strategy_trip: str
    strategy_exposure: Decimal
    symbol_loss: Decimal
    symbol_tripped: bool
    trading: TradingState
    trading_reason: str
    maintenance: Decimal = ZERO
    cushion: Decimal = Decimal(1)
    shortable: bool = True
    """Whether the broker lends the symbol for a short sale, as far as is known."""
    combined: CombinedLimits = ALONE
    others: Standing | str | None = None
    """Where the console's other accounts stand together, or the name of one of which that is not known."""

    @property
    def limits(self) -> Limits:
        return self.bounds.limits

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

    @property
    def waits(self) -> bool:
        """Whether the market is closed to it. It would wait for the open, so that no price of this moment is the one it trades at."""
        if self.phase is None or self.phase is Phase.REGULAR:
            return False
        return self.phase is Phase.CLOSED or not self.intent.extended_hours

    @property
    def worth(self) -> Decimal:
        """`price`, where a check ran that needs one."""
        if self.price is None:
            raise ValueError("a check that values the order ran before the one that asks for a price")
        return self.price
