"""Reads a broker's news of an order: whatever was doubled, lost, late or corrected, each share and each cent becomes a fact once.

Figures are cumulative, so the difference to what is booked is what is new. Only a broker that says so takes an earlier word back.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from engine.model.inputs import OrderUpdate
from engine.model.money import ZERO, is_amount
from engine.model.order_states import OrderEvent, next_state
from engine.model.orders import Fill, Order, OrderState, OrderType, Terms
from engine.model.records import FillBooked, FillCorrected, OrderChanged, OrderReplaced, OrderTrailed

ALIVE = frozenset({OrderEvent.ACCEPT, OrderEvent.HOLD, OrderEvent.WORK, OrderEvent.FILL_PART, OrderEvent.FILL_ALL})
_ANSWERS = frozenset({OrderEvent.REPLACE, OrderEvent.REFUSE_REPLACE})


class News(Struct, frozen=True):
    """What an update means for us, each part absent where it says nothing new. `complaint` says where it made no sense."""

    replaced: OrderReplaced | None = None
    fill: FillBooked | None = None
    corrected: FillCorrected | None = None
    trailed: OrderTrailed | None = None
    change: OrderChanged | None = None
    complaint: str = ""


def read(order: Order, update: OrderUpdate, at: int) -> News:
    """What `update` says of `order` that we did not know. Changes nothing."""
    figures, complaint = _figures(order, update, at)
    filled = order.filled
    if isinstance(figures, FillBooked):
        filled += figures.fill.quantity
    elif figures is not None:
        filled += figures.quantity
    terms, nonsense = _terms(order, update)
    event = _event(order, update, filled, terms)
    after = next_state(order.state, event)
    replaced: OrderReplaced | None = None
    if terms is not None:
        as_before = order.asked is not None and terms == _terms_now(order)
        replaced = OrderReplaced(order.id, terms, at, _exit_pct(order, terms), update.surplus, as_before=as_before)
    quantity = order.quantity if terms is None else terms.quantity
    change: OrderChanged | None = None
    if after is None:
        complaint = f"#{order.number} is {order.state} and cannot take {event}: ignored"
        replaced = None
    else:
        if after is OrderState.WORKING and filled:
            after = OrderState.PARTIAL
        if filled > quantity and isinstance(figures, FillBooked):
            complaint = f"#{order.number} was overfilled: {filled} of {quantity}; all of it is booked"
        broker_id = update.broker_id or order.broker_id
        answered = event is OrderEvent.REFUSE_REPLACE and order.asked is not None
        if after is not order.state or broker_id != order.broker_id or answered:
            change = OrderChanged(order.id, event, after, broker_id, update.reason, at)
    return News(
        replaced=replaced,
        fill=figures if isinstance(figures, FillBooked) else None,
        corrected=figures if isinstance(figures, FillCorrected) else None,
        trailed=_trailed(order, update, at),
        change=change,
        complaint=complaint or nonsense,
    )


def _figures(order: Order, update: OrderUpdate, at: int) -> tuple[FillBooked | FillCorrected | None, str]:
    """The difference to what is booked already. A lower figure is old news, unless the broker says that it corrects itself."""
    if not (update.filled.is_finite() and update.cost.is_finite() and update.fees.is_finite()):
        return None, f"#{order.number}: the broker told a fill without numbers; nothing booked until it is asked again"
    quantity, cost, fees = update.filled - order.filled, update.cost - order.cost, update.fees - order.fees
    if quantity > 0 and cost > 0:
        # After a correction the same total may be reached twice, and no two fills may share an id.
        again = f"/{order.corrections}" if order.corrections else ""
        fill_id = f"{order.id}/{update.filled}{again}"
        fill = Fill(fill_id, order.id, order.symbol, order.side, quantity, cost / quantity, cost, fees, at, update.rule, order.split)
        return FillBooked(fill), ""
    if update.corrected and (quantity or cost or fees):
        if update.filled < 0 or (update.cost > 0) != (update.filled > 0):
            return (
                None,
                f"#{order.number}: the broker corrected it to {update.filled} for {update.cost}; nothing booked until it is asked again",
            )
        return _correction(order, quantity, cost, fees, update.reason, at), ""
    if quantity > 0:
        return None, f"#{order.number}: the broker told a fill of {quantity} without a price; nothing booked until it is asked again"
    if not quantity and fees > 0:
        return _correction(order, ZERO, ZERO, fees, "fees told after the fill", at), ""
    return None, ""


def _correction(order: Order, quantity: Decimal, cost: Decimal, fees: Decimal, reason: str, at: int) -> FillCorrected:
    return FillCorrected(order.id, order.symbol, order.side, quantity, cost, fees, reason, at)


def _terms(order: Order, update: OrderUpdate) -> tuple[Terms | None, str]:
    """The terms it works under from now on, None where they are as before; and what was wrong with the ones that were told."""
    told = update.terms
    if told is None:
        taken = update.event is OrderEvent.REPLACE or _shows_taken(order, update)
        return (order.asked if taken else None), ""
    if not _is_sound(told):
        return None, f"#{order.number}: the broker told terms that are none; the old ones stand until it is asked again"
    now = _terms_now(order)
    if order.type is OrderType.TRAILING_STOP:
        told = replace(told, stop=None)
    # The answer to what was asked is one however many fills overtook it.
    answers = update.event is OrderEvent.REPLACE and told.less(update.surplus) == order.asked
    old = update.filled < order.filled and not update.corrected and not answers
    ended = order.state.is_final and update.event is not OrderEvent.LIST
    if ended or old or update.event is OrderEvent.REFUSE_REPLACE:
        return None, ""
    settles = order.asked is not None and order.state is not OrderState.PENDING_REPLACE
    return (told if told != now or settles else None), ""


def _terms_now(order: Order) -> Terms:
    """Without the stop of a trailing one, which moves by itself and is told as such."""
    return replace(order.terms, stop=None) if order.type is OrderType.TRAILING_STOP else order.terms


def _exit_pct(order: Order, terms: Terms) -> Decimal | None:
    """How far from its entry's average it is kept: no more where somebody else gave it another price."""
    ours = terms == order.asked or (terms.limit, terms.stop) == (order.limit, order.stop)
    return order.exit_pct if ours else None


def _event(order: Order, update: OrderUpdate, filled: Decimal, terms: Terms | None) -> OrderEvent:
    """What happened, as the figures show it: a filled quantity outranks the word that came with it, a late WORK after a partial fill is
    still a partial fill. While a replace is not answered, the order is filled once it covers the larger of both terms."""
    event = update.event
    if order.state is OrderState.PENDING_REPLACE and terms is not None and terms.less(update.surplus) == order.asked and event in ALIVE:
        event = OrderEvent.REPLACE
    quantity = order.quantity if terms is None else terms.quantity
    most = quantity if order.asked is None or terms is not None or event in _ANSWERS else max(quantity, order.asked.quantity)
    if filled >= most or (event is OrderEvent.FILL_ALL and filled >= quantity):
        return OrderEvent.FILL_ALL
    if event not in ALIVE:
        return event
    if filled:
        return OrderEvent.FILL_PART
    return OrderEvent.WORK if event in (OrderEvent.FILL_PART, OrderEvent.FILL_ALL) else event


def _trailed(order: Order, update: OrderUpdate, at: int) -> OrderTrailed | None:
    """Where a trailing stop stands now, or that a stop of any kind was reached."""
    moves = order.type is OrderType.TRAILING_STOP and update.stop is not None and is_amount(update.stop)
    stop = update.stop if moves else order.stop
    triggered = order.triggered or update.triggered
    if stop is None or order.state.is_final or (stop == order.stop and triggered == order.triggered):
        return None
    return OrderTrailed(order.id, stop, at, triggered)


def _shows_taken(order: Order, update: OrderUpdate) -> bool:
    """Whether what filled shows that the broker took the replace it has not answered yet: more than the old terms allow, or all of the
    new ones where these are for fewer."""
    if order.asked is None:
        return False
    whole = update.event is OrderEvent.FILL_ALL and update.filled == order.asked.quantity < order.quantity
    return whole or order.quantity < update.filled <= order.asked.quantity


def _is_sound(terms: Terms) -> bool:
    prices = (terms.limit, terms.stop, terms.trail, terms.trail_pct)
    return is_amount(terms.quantity) and all(price is None or is_amount(price) for price in prices)
