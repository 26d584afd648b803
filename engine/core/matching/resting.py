"""An order as the market sees it, and what can come of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from engine.model.market import Bar
from engine.model.money import ZERO, exact, to_tick
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Side, Terms, TimeInForce

TOLD_SHARE = 0.1
"""On quotes a trailing stop's move is told once it is this part of its trail: each is written down, and quotes come by the thousand."""


class Execution(Struct, frozen=True):
    order_id: str
    quantity: Decimal
    price: Decimal
    rule: str


class Ended(Struct, frozen=True):
    """The order ended without another fill: `event` is CANCEL or EXPIRE."""

    order_id: str
    event: OrderEvent
    reason: str


class Moved(Struct, frozen=True):
    """A trailing stop stands at `stop` now, or a stop was reached there: `triggered`."""

    order_id: str
    stop: Decimal
    triggered: bool


class Reduced(Struct, frozen=True):
    """Another order of its `oco` traded so much of what this one was to trade too."""

    order_id: str
    quantity: Decimal


class Worked(Struct, frozen=True):
    """The order's session has come: it takes part in the market from now on."""

    order_id: str


Outcome: TypeAlias = Execution | Ended | Moved | Reduced | Worked


class Passed(Struct, eq=False, gc=False):
    """A bar that has passed, when it began, whether it was of the regular session, and what all orders together took of it."""

    bar: Bar
    began: int
    regular: bool
    taken: Decimal = ZERO


class Rest(NamedTuple):
    """What of a bar that has `passed` came after an entry's fill, as a bar that opens with it."""

    bar: Bar
    passed: Passed


class Resting(Struct, eq=False):
    """`placed_at` is the market time it was sent at, `eligible_at` that from which it may meet quotes. Prices are floats, 0 where none.

    `at_once` and `in_auction` say what its time in force asks for. `met` says that its session has come, `triggered` that its stop was
    reached, `told` where a trailing stop was last said to stand. `ahead` are the shares queued before it at its limit, None until its
    price was shown; `shown` is what its side showed there last, `last` the last trade. An exit has yet to meet the `rests` of bars that
    came after the fill of its entry, `parent`.
    """

    order_id: str
    symbol: str
    side: Side
    type: OrderType
    tif: TimeInForce
    remaining: Decimal
    lot: Decimal
    tick: Decimal
    limit: float
    stop: float
    trail: float
    trail_pct: float
    placed_at: int
    eligible_at: int
    extended: bool
    oco: str
    parent: str
    buying: bool
    at_once: bool
    in_auction: bool
    triggered: bool
    met: bool
    told: float = 0.0
    ahead: float | None = None
    shown: float = 0.0
    last: float = 0.0
    rests: Sequence[Rest] = ()

    @property
    def is_limit(self) -> bool:
        """Whether it trades as a limit now."""
        return self.type is OrderType.LIMIT or (self.type is OrderType.STOP_LIMIT and self.triggered)

    @property
    def is_idle(self) -> bool:
        """Whether an event that does not fill it changes nothing about it."""
        return self.met and not self.at_once and self.type is OrderType.LIMIT

    def follow(self, price: float) -> None:
        """Moves a trailing stop after the market at `price`, never back. Its first price sets it."""
        away = price * self.trail_pct / 100 if self.trail_pct else self.trail
        if self.buying:
            stop = price + away
            self.stop = min(self.stop, stop) if self.stop else stop
        else:
            stop = price - away
            self.stop = max(self.stop, stop) if self.stop else stop

    def moved(self, at_least: float = 0.0) -> Moved | None:
        """Where its stop stands, on the tick, if that is news: a move of at least `at_least` of its trail."""
        away = self.stop * self.trail_pct / 100 if self.trail_pct else self.trail
        # Half a tick, for what floats leave of a whole one.
        if self.told and abs(self.stop - self.told) < at_least * away - float(self.tick) / 2:
            return None
        stop = to_tick(exact(self.stop), self.tick)
        if stop <= 0 or float(stop) == self.told:
            return None
        self.told = float(stop)
        return Moved(self.order_id, stop, triggered=False)

    def reached(self) -> Moved:
        """Its stop was reached where it stands."""
        return Moved(self.order_id, to_tick(exact(self.stop), self.tick), triggered=True)

    def take(self, terms: Terms, filled: Decimal, at: int) -> None:
        """Works under `terms` from the market time `at` on. What asks for more, or another price, queues anew, and was placed only then: a
        bar that had begun knows nothing of it."""
        remaining = terms.quantity - filled
        limit, stop = float(terms.limit or 0), float(terms.stop or 0)
        trail, trail_pct = float(terms.trail or 0), float(terms.trail_pct or 0)
        moves = trail != self.trail or trail_pct != self.trail_pct if self.type is OrderType.TRAILING_STOP else stop != self.stop
        if remaining > self.remaining or limit != self.limit or moves:
            self.placed_at = max(self.placed_at, at)
        if remaining > self.remaining or limit != self.limit:
            self.ahead = None
        if self.type is OrderType.TRAILING_STOP:
            self._trail_by(trail, trail_pct)
        elif stop != self.stop:
            self.stop, self.triggered = stop, False
        self.remaining, self.limit = remaining, limit

    def _trail_by(self, trail: float, trail_pct: float) -> None:
        """Follows the best price so far at another distance."""
        sign = 1 if self.buying else -1
        if self.stop:
            best = self.stop / (1 + sign * self.trail_pct / 100) if self.trail_pct else self.stop - sign * self.trail
            self.stop = best * (1 + sign * trail_pct / 100) if trail_pct else best + sign * trail
        self.trail, self.trail_pct = trail, trail_pct


def resting(order: Order, *, placed_at: int, eligible_at: int, lot: Decimal, tick: Decimal, met: bool, triggered: bool) -> Resting:
    """`order` as the market sees it."""
    return Resting(
        order_id=order.id,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        tif=order.tif,
        remaining=order.remaining,
        lot=lot,
        tick=tick,
        limit=float(order.limit or ZERO),
        stop=float(order.stop or ZERO),
        trail=float(order.trail or ZERO),
        trail_pct=float(order.trail_pct or ZERO),
        placed_at=placed_at,
        eligible_at=eligible_at,
        extended=order.extended_hours,
        oco=order.oco,
        parent=order.parent,
        buying=order.side is Side.BUY,
        at_once=order.tif in (TimeInForce.IOC, TimeInForce.FOK),
        in_auction=order.tif in (TimeInForce.OPG, TimeInForce.CLS),
        triggered=triggered,
        met=met,
        told=float(order.stop or ZERO),
    )
