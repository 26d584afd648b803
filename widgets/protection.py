"""What of the positions no stop covers. Imports no Textual: a run without a screen tells it, too."""

from __future__ import annotations

from decimal import Decimal

from engine.model.orders import OrderState, OrderType, Side
from engine.model.views import View

PROTECTING = frozenset({OrderState.ACCEPTED, OrderState.HELD, OrderState.WORKING, OrderState.PARTIAL, OrderState.PENDING_REPLACE})
"""States in which a stop order is known to be at the broker and to stay there."""

STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


def unprotected(view: View) -> tuple[tuple[str, Decimal], ...]:
    """Positions that no working stop order of the opposite side covers in full: (symbol, signed quantity left uncovered)."""
    covered: dict[tuple[str, Side], Decimal] = {}
    for order in view.orders:
        if order.type in STOPS and order.released and order.state in PROTECTING:
            place = order.symbol, order.side
            covered[place] = covered.get(place, Decimal(0)) + order.quantity - order.filled
    left = []
    for position in view.positions:
        held = position.quantity
        side = Side.SELL if held > 0 else Side.BUY
        bare = abs(held) - covered.get((position.symbol, side), Decimal(0))
        if held and bare > 0:
            left.append((position.symbol, bare.copy_sign(held)))
    return tuple(left)
