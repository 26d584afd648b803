"""Comparing our books with the broker's own word: on start, on every link up, and from time to time.

Orders first, so that fills we missed or had told wrongly are booked; then positions, then cash. It never trades, and once both agree a
further pass changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_UP, Decimal

from msgspec.structs import replace

from engine.core.desk import SECOND, Desk
from engine.core.news import ALIVE
from engine.core.portfolio import Holding
from engine.model.inputs import BrokerOrder, BrokerSnapshot, OrderUpdate
from engine.model.modes import Level
from engine.model.money import ZERO, cents
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, OrderType, Source, Terms
from engine.model.records import CashMoved, OrderPlaced, PositionAdopted
from engine.model.verdicts import PASSED

REPLACE_ANSWER_S = 10
"""How long the answer to a replace is waited for before the broker's list of orders stands for it."""


def reconcile(desk: Desk, snapshot: BrokerSnapshot, take_over: Callable[[OrderUpdate], None]) -> list[Order]:
    """Brings our books to the broker's. Orders whose submission has not been answered yet are left alone, and so are those still held here.

    `take_over` books one order's news, as if the broker had just told it. Returns the orders that turned out never to have been sent.
    """
    book = desk.state.book
    first = not book.orders and not desk.state.portfolio.holdings
    agreed = _agreed_symbols(desk, snapshot)
    told = set()
    for listed in (_in_shares(desk, each) for each in snapshot.orders):
        told.add(listed.order_id)
        event, reason = listed.event, listed.reason
        ours = book.orders.get(listed.order_id)
        if book.has_forgotten(listed.order_id):
            _tell_if_alive(desk, listed)
            continue
        if ours is None:
            _adopt(desk, listed)
        elif event in ALIVE and listed.filled < listed.quantity and ours.state in _REVIVED:
            event = OrderEvent.LIST
            desk.note(Level.ERROR, "reconcile", f"#{ours.number} {ours.symbol} was {ours.state.words} here and works at the broker")
        elif event in ALIVE and _is_unanswered(desk, ours, listed):
            event, reason = OrderEvent.REFUSE_REPLACE, reason or "the broker has it under its old terms"
        take_over(
            OrderUpdate(
                listed.order_id,
                event,
                listed.broker_id,
                listed.filled,
                listed.cost,
                listed.fees,
                "reconcile",
                reason,
                terms=_terms(listed),
                stop=listed.stop if listed.type is OrderType.TRAILING_STOP else None,
                corrected=ours is not None and _corrects(ours, listed, agreed),
                surplus=listed.surplus,
            )
        )
    unsent = []
    for order in book.working():
        if order.id in told or order.id in desk.in_flight or order.id in snapshot.awaited or not order.released:
            continue
        if order.state in (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN) or (
            order.state is OrderState.PENDING_CANCEL and not order.broker_id
        ):
            if order.state is OrderState.PENDING_SUBMIT:
                unsent.append(order)
            take_over(OrderUpdate(order.id, OrderEvent.REJECT, reason="it never reached the broker"))
        else:
            take_over(OrderUpdate(order.id, OrderEvent.LOSE, reason="the broker does not list it"))
            desk.note(Level.ERROR, "reconcile", f"#{order.number} {order.symbol} is not among the broker's orders: asking for it by its id")
    desk.cancel([order for order in book.working() if order.state is OrderState.PENDING_CANCEL])
    _compare_positions(desk, snapshot, first)
    _compare_cash(desk, snapshot)
    _heed(desk, snapshot.closed)
    return unsent


_REVIVED = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED})
"""Ends that a broker's list of its open orders outweighs: a replace that we never heard of makes more of a filled order."""


def nonsense(snapshot: BrokerSnapshot) -> str:
    """What in a broker's word on the account is no number, in words; nothing where all of it can be reckoned with."""
    if not snapshot.cash.is_finite():
        return f"it told cash of {snapshot.cash}"
    for symbol, quantity, average in snapshot.positions:
        if not (quantity.is_finite() and average.is_finite()):
            return f"it told {quantity} {symbol} at {average}"
    for listed in snapshot.orders:
        figures = (listed.quantity, listed.filled, listed.cost, listed.fees)
        prices = (listed.limit, listed.stop, listed.trail, listed.trail_pct)
        if not all(figure is None or figure.is_finite() for figure in (*figures, *prices)):
            return f"it told an order in {listed.symbol} ({listed.order_id}) with a number that is none"
    return ""


def _terms(listed: BrokerOrder) -> Terms:
    return Terms(listed.quantity, listed.limit, listed.stop, listed.trail, listed.trail_pct)


def _in_shares(desk: Desk, listed: BrokerOrder) -> BrokerOrder:
    """One that was placed by its value and of which nothing filled yet: the shares it was taken over for, or where it had no price then,
    those it is worth now."""
    if listed.notional is None or listed.quantity:
        return listed
    ours, price = desk.state.book.orders.get(listed.order_id), _price(desk, listed)
    if ours is not None and ours.quantity and (ours.mark != _UNKNOWN or price is None):
        return replace(listed, quantity=ours.quantity)
    return replace(listed, quantity=(listed.notional / (price or _UNKNOWN)).quantize(_SHARES, ROUND_UP))


_SHARES = Decimal("0.001")
_UNKNOWN = Decimal(1)
"""What a share of an order that was placed by its value is taken to cost where there is no price: it counts for all its money, and for more
shares than it buys."""


def _price(desk: Desk, listed: BrokerOrder) -> Decimal | None:
    return listed.limit or listed.stop or desk.prices.reference(listed.symbol, listed.side)


def _heed(desk: Desk, closed: str) -> None:
    """Whether the broker takes entries for this account."""
    if closed and closed != desk.gate.closed:
        desk.note(Level.ERROR, "broker", f"{closed}: no entries until that has ended; exits go out as the broker takes them")
    elif desk.gate.closed and not closed:
        desk.note(Level.INFO, "broker", "The broker takes entries for this account again")
    desk.gate.closed = closed


def _is_unanswered(desk: Desk, ours: Order, listed: BrokerOrder) -> bool:
    """Whether a replace has had its time, and the broker lists the order as if nobody had asked."""
    if ours.state is not OrderState.PENDING_REPLACE or ours.asked is None:
        return False
    asked_at = desk.replacing.get(ours.id)
    terms = _terms(listed).less(listed.surplus)
    taken = ours.asked == (replace(terms, stop=ours.asked.stop) if ours.type is OrderType.TRAILING_STOP else terms)
    return not taken and (asked_at is None or desk.mono - asked_at >= REPLACE_ANSWER_S * SECOND)


def _agreed_symbols(desk: Desk, snapshot: BrokerSnapshot) -> set[str]:
    """Symbols where the broker's position differs from ours by just what its orders have filled otherwise than we booked."""
    difference = {symbol: quantity for symbol, quantity, _ in snapshot.positions}
    for symbol, holding in desk.state.portfolio.holdings.items():
        difference[symbol] = difference.get(symbol, ZERO) - holding.quantity
    for listed in snapshot.orders:
        if desk.state.book.has_forgotten(listed.order_id):
            continue
        ours = desk.state.book.orders.get(listed.order_id)
        filled = ours.filled if ours is not None else ZERO
        difference[listed.symbol] = difference.get(listed.symbol, ZERO) - listed.side.sign * (listed.filled - filled)
    return {symbol for symbol, rest in difference.items() if not rest}


def _corrects(ours: Order, listed: BrokerOrder, agreed: set[str]) -> bool:
    """Whether what the broker lists takes back what it told before: another price or fee for the same fills; fewer fills, or more for less
    money, only where its own position says the same, for a list may lag behind."""
    if listed.filled == ours.filled:
        return listed.cost > 0
    return (listed.filled < ours.filled or listed.cost <= ours.cost) and listed.symbol in agreed


def _tell_if_alive(desk: Desk, listed: BrokerOrder) -> None:
    """Of an order that ended long ago the fills are booked and no more kept: taken for a new one they would be booked again."""
    if listed.event in ALIVE and listed.filled < listed.quantity:
        text = f"{listed.side} {listed.quantity:f} {listed.symbol} ({listed.order_id}) ended here long ago and works at the broker"
        desk.note(Level.ERROR, "reconcile", f"{text}: cancel it there")


def _adopt(desk: Desk, listed: BrokerOrder) -> None:
    """Takes over an order that was placed elsewhere: it counts for every limit and every cancel like one of ours."""
    number = desk.state.book.last_number + 1
    by_value = "" if listed.notional is None else f" by its value, {listed.notional:,.2f}"
    price = _price(desk, listed)
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
            tif=listed.tif,
            source=Source.EXTERNAL,
            strategy="",
            signal_id="",
            reduce_only=False,
            reason=f"placed elsewhere{by_value}",
            mark=price or (_UNKNOWN if by_value else ZERO),
            verdict=PASSED,
            at=desk.now,
            trail=listed.trail,
            trail_pct=listed.trail_pct,
            extended_hours=listed.extended_hours,
        )
    )
    what = f"#{number} {listed.side} {listed.quantity:f} {listed.symbol} was placed elsewhere{by_value} and is taken over"
    if by_value:
        what += f"; its shares are reckoned at {price:f}" if price else "; as long as it has no price its money counts, and not its shares"
    desk.note(Level.WARNING, "reconcile", what)


def _compare_positions(desk: Desk, snapshot: BrokerSnapshot, first: bool) -> None:
    """An empty book takes over what the broker holds. After that a difference is shown and shuts the symbol to entries."""
    portfolio = desk.state.portfolio
    theirs = {symbol: (quantity, average) for symbol, quantity, average in snapshot.positions}
    mismatched: dict[str, str] = {}
    desk.broker_off = {}
    desk.broker_cash_off = snapshot.cash - portfolio.cash
    for symbol in sorted(set(theirs) | set(portfolio.holdings)):
        quantity, average = theirs.get(symbol, (ZERO, ZERO))
        ours = portfolio.position(symbol)
        if first:
            _take_over(desk, symbol, quantity, average, snapshot.cash - portfolio.cash)
        elif quantity != ours:
            desk.broker_off[symbol] = (quantity - ours, average)
            mismatched[symbol] = f"The broker holds {_shares(quantity)} {symbol}, our books say {_shares(ours)}"
    for symbol in sorted(set(mismatched) - set(desk.gate.mismatched)):
        desk.note(Level.ERROR, "reconcile", f"{mismatched[symbol]}: no entries in {symbol} until both agree")
    desk.gate.mismatched = mismatched


def _compare_cash(desk: Desk, snapshot: BrokerSnapshot) -> None:
    """A difference that stays from one comparison to the next, while all orders are told and positions agree, is no fill on its way: money
    came in or went out at the broker. Where the broker's word on cash is not the account's own, it is only shown."""
    difference = cents(snapshot.cash - desk.state.portfolio.cash)
    if desk.gate.mismatched or not difference or snapshot.awaited or snapshot.fees_awaited:
        desk.cash_off = ZERO
        desk.cash_told = False
        return
    stays, desk.cash_off = difference == desk.cash_off, difference
    if not stays:
        desk.cash_told = False
    elif desk.gate.capabilities.cash:
        desk.record(CashMoved(difference, "no trade explains it", desk.now))
        desk.cash_off = ZERO
    elif not desk.cash_told:
        desk.cash_told = True
        text = f"The broker's cash is {snapshot.cash:,.2f}, our books say {desk.state.portfolio.cash:,.2f}, and no trade explains it"
        desk.note(Level.WARNING, "reconcile", text)


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
