"""What the tests of brackets and groups share: a bracket at work, a pair that closes a position, and brokers that tell things late."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.model.capabilities import Capabilities
from engine.model.inputs import OrderUpdate
from engine.model.orders import Intent, Order, OrderType, Side, TimeInForce
from engine.model.settings import Settings
from tests.engine.core.floor import OPEN_LIMITS, settings
from tests.engine.core.told import Told, bought

D = Decimal
WITHOUT_REPLACE = Capabilities(replace=False)


def bracketed(told: Told, quantity: int = 100, take_profit: object = 110, stop_loss: object = 95) -> tuple[Order, Order, Order]:
    """An entry with both exits, at work."""
    entry = told.submit(bought(quantity, take_profit, stop_loss))
    profit, loss = told.orders[-2:]
    return entry, profit, loss


def closing_pair(told: Told, first: int = 100, second: int = 100) -> tuple[Intent, Intent]:
    """What takes the profit of a long position, and what ends its loss."""
    target = Intent("AAPL", Side.SELL, D(first), OrderType.LIMIT, limit=D(110), tif=TimeInForce.GTC, reduce_only=True)
    stop = Intent("AAPL", Side.SELL, D(second), OrderType.STOP, stop=D(95), tif=TimeInForce.GTC, reduce_only=True)
    return target, stop


def holding(can: Capabilities | None = None, quantity: int = 100) -> Told:
    told = Told(can)
    told.fill(told.submit(bought(quantity)), quantity)
    return told


def news_of(told: Told, order: Order) -> OrderUpdate:
    ticket = told.tickets[order.id]
    return OrderUpdate(order.id, ticket.event, f"T{order.number}", ticket.filled, ticket.cost, ticket.fees)


def shorting() -> Settings:
    return settings(limits=replace(OPEN_LIMITS, short_selling=True))
