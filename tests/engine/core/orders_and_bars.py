"""What the tests of matching share: an order whose type follows from its prices, bars and quotes to meet it, and what came of that."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine.core.matching import Ended, Execution, Matcher, Outcome
from engine.core.slippage import basis_points
from engine.model.market import Bar, MarketStatus, Phase, Quote
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Side, Source, TimeInForce
from tests.engine.core.floor import facts

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def order(
    side: Side,
    quantity: object = 100,
    *,
    limit: object = None,
    stop: object = None,
    trail: object = None,
    trail_pct: object = None,
    tif: TimeInForce = TimeInForce.GTC,
    name: str = "o",
    filled: int = 0,
    extended: bool = False,
    oco: str = "",
    parent: str = "",
) -> Order:
    """An order whose type follows from its prices."""
    trails, limits, stops = trail is not None or trail_pct is not None, limit is not None, stop is not None
    kind = OrderType.STOP_LIMIT if limits and stops else OrderType.LIMIT if limits else OrderType.STOP if stops else OrderType.MARKET
    limit, stop, trail, trail_pct = (None if each is None else D(str(each)) for each in (limit, stop, trail, trail_pct))
    shares = D(str(quantity))
    return Order(
        name, 1, "AAPL", side, shares, OrderType.TRAILING_STOP if trails else kind, limit, stop, tif, Source.PERSON, 0, D(100), shares,
        filled=D(filled), trail=trail, trail_pct=trail_pct, extended_hours=extended, oco=oco, parent=parent,
    )  # fmt: skip


def matcher(*orders: Order, cap: float = 1.0, bps: float = 0.0) -> Matcher:
    made = Matcher(volume_cap=cap, slip=basis_points(bps))
    for each in orders:
        made.add(each, placed_at=0)
    return made


def bar(open: float, high: float, low: float, close: float, volume: float = 1e6, at: int = 10) -> Bar:  # noqa: A002
    return Bar("AAPL", at, open, high, low, close, volume)


def quote(bid: float, ask: float, size: float = 1e6, at: int = 10, *, last: float = 0.0, bid_size: float | None = None) -> Quote:
    return Quote("AAPL", at, bid, ask, size if bid_size is None else bid_size, size, last or (bid + ask) / 2)


def status(phase: Phase, session: str, at: int = 0) -> MarketStatus:
    return MarketStatus(phase, phase.lower(), session, at)


def fills(outcomes: Sequence[Outcome]) -> list[Execution]:
    return [outcome for outcome in outcomes if isinstance(outcome, Execution)]


def only(outcomes: Sequence[Outcome]) -> tuple[object, ...]:
    executions = fills(outcomes)
    assert len(executions) <= 1
    return facts(executions[0].rule, executions[0].price) if executions else ()


def ends(outcomes: Sequence[Outcome]) -> list[tuple[str, OrderEvent]]:
    return [(outcome.order_id, outcome.event) for outcome in outcomes if isinstance(outcome, Ended)]


BAR = bar(100, 105, 95, 102)
IOC, FOK, OPG, CLS = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS
