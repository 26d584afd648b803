"""Whose books a database holds: one broker's, of one account, for ever. And what a broker is reminded of that they know."""

from __future__ import annotations

from engine.brokers.base import Broker, BrokerError, Numbered, Paid
from engine.core.state import State
from engine.model.money import ZERO


def venue_of(broker: Broker) -> str:
    """The broker, and the account's number there as far as it is known by now."""
    number = broker.account if isinstance(broker, Numbered) else ""
    return f"{broker.name} {number}".rstrip()


def refuse_another(books: str, venue: str) -> None:
    """Raises BrokerError in words where the books of one account would be gone on with by another. Books of nobody, as an earlier version
    left them, are whose they are gone on with by."""
    name, _, number = books.partition(" ")
    name_now, _, number_now = venue.partition(" ")
    if books and (name != name_now or (number and number_now and number != number_now)):
        raise BrokerError(
            f"This database holds the books of {books}, and this is {venue}: two accounts never share a file. Nothing was written. Leave "
            "--database out, or give it another file."
        )


def paid(state: State) -> dict[str, list[Paid]]:
    """What each order that has not ended paid for what it filled so far, fill by fill; in one where not every fill is still at hand."""
    orders = {}
    for order in state.book.working():
        if order.filled:
            holding = state.portfolio.holdings.get(order.symbol)
            fills = [(f.quantity, f.fees) for _, f in (holding.recent if holding is not None else ()) if f.order_id == order.id]
            whole = (order.filled, order.fees)
            orders[order.id] = fills if (sum((q for q, _ in fills), ZERO), sum((f for _, f in fills), ZERO)) == whole else [whole]
    return orders
