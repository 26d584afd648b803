"""Comparing our books with the broker's own word: on start, on every link up, and from time to time.

Orders first, so that fills we missed are booked; then positions. It never trades, and a second pass over the same snapshot changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from engine.core.desk import Desk
from engine.core.order_book import ALIVE
from engine.core.portfolio import Holding
from engine.model.inputs import BrokerOrder, BrokerSnapshot, OrderUpdate
from engine.model.modes import Level
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderState, Source, TimeInForce
from engine.model.records import OrderPlaced, PositionAdopted
from engine.model.verdicts import PASSED


def reconcile(desk: Desk, snapshot: BrokerSnapshot, take_over: Callable[[OrderUpdate], None]) -> None:
    """Brings our books to the broker's. Orders whose submission has not been answered yet are left alone.

    `take_over` books one order's news, as if the broker had just told it.
    """
    first = not desk.state.book.orders and not desk.state.portfolio.holdings
    told = set()
    for listed in snapshot.orders:
        told.add(listed.order_id)
        event = listed.event
        ours = desk.state.book.orders.get(listed.order_id)
        if ours is None:
            _adopt(desk, listed)
        elif event in ALIVE and ours.state in (OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED):
            event = OrderEvent.LIST
            desk.note(Level.ERROR, "reconcile", f"#{ours.number} {ours.symbol} was {ours.state.lower()} here and works at the broker")
        take_over(
            OrderUpdate(
                listed.order_id,
                event,
                listed.broker_id,
                listed.filled,
                listed.cost,
                listed.fees,
                "reconcile",
                listed.reason,
            )
        )
    for order in desk.state.book.working():
        if order.id in told or order.id in desk.in_flight:
            continue
        if order.state in (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN) or (
            order.state is OrderState.PENDING_CANCEL and not order.broker_id
        ):
            take_over(OrderUpdate(order.id, OrderEvent.REJECT, reason="it never reached the broker"))
        else:
            take_over(OrderUpdate(order.id, OrderEvent.LOSE, reason="the broker does not list it"))
            desk.note(Level.ERROR, "reconcile", f"#{order.number} {order.symbol} is not among the broker's orders: asking for it by its id")
    desk.cancel([order for order in desk.state.book.working() if order.state is OrderState.PENDING_CANCEL])
    _compare_positions(desk, snapshot, first)


def _adopt(desk: Desk, listed: BrokerOrder) -> None:
    """Takes over an order that was placed elsewhere: it counts for every limit and every cancel like one of ours."""
    number = desk.state.book.last_number + 1
    desk.record(
        OrderPlaced(
            id=listed.order_id,
            number=number,
            symbol=listed.symbol,
            side=listed.side,
            quantity=listed.quantity,
            requested=listed.quantity,
            type=listed.type,
            limit=listed.limit,
            stop=listed.stop,
            tif=TimeInForce.GTC,
            source=Source.EXTERNAL,
            strategy="",
            signal_id="",
            reduce_only=False,
            reason="placed elsewhere",
            mark=listed.limit or listed.stop or desk.prices.reference(listed.symbol, listed.side) or ZERO,
            verdict=PASSED,
            at=desk.now,
        )
    )
    desk.note(
        Level.WARNING, "reconcile", f"#{number} {listed.side} {listed.quantity:f} {listed.symbol} was placed elsewhere and is taken over"
    )


def _compare_positions(desk: Desk, snapshot: BrokerSnapshot, first: bool) -> None:
    """An empty book takes over what the broker holds. After that a difference is shown and shuts the symbol to entries."""
    portfolio = desk.state.portfolio
    theirs = {symbol: (quantity, average) for symbol, quantity, average in snapshot.positions}
    mismatched: dict[str, str] = {}
    for symbol in sorted(set(theirs) | set(portfolio.holdings)):
        quantity, average = theirs.get(symbol, (ZERO, ZERO))
        ours = portfolio.position(symbol)
        if first:
            _take_over(desk, symbol, quantity, average, snapshot.cash - portfolio.cash)
        elif quantity != ours:
            mismatched[symbol] = f"The broker holds {_shares(quantity)} {symbol}, our books say {_shares(ours)}"
    for symbol in sorted(set(mismatched) - set(desk.gate.mismatched)):
        desk.note(Level.ERROR, "reconcile", f"{mismatched[symbol]}: no entries in {symbol} until both agree")
    desk.gate.mismatched = mismatched


def _take_over(desk: Desk, symbol: str, quantity: Decimal, average: Decimal, cash: Decimal) -> None:
    """Makes a position ours, with the broker's cash. An open order that was taken over may have booked a part of it, and its money, which
    the broker's cash knew already: neither may count twice."""
    booked = desk.state.portfolio.holdings.get(symbol) or Holding(symbol)
    rest = quantity - booked.quantity
    if rest and booked.quantity:
        average = (quantity * average - booked.basis) / rest
    if rest or cash:
        desk.record(PositionAdopted(symbol, rest, average, cash, "held at the first start", desk.now))
    last = desk.prices.last(symbol)
    if last is not None:
        desk.state.portfolio.mark(symbol, last)


def _shares(quantity: Decimal) -> str:
    return f"{quantity:f}" if quantity else "no"
