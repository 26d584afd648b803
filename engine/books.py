"""Whose books a database holds: one broker's, of one account, for ever."""

from __future__ import annotations

from engine.brokers.base import Broker, BrokerError, Numbered


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
