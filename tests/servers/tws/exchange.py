"""Prices, and which orders they fill: small, and not the engine's own matching, so that the two are no proof of each other by copy.

A quote is a bid and an ask around the last price, and as many shares as it says. A market order takes the far side, a limit order what is
at its limit or better, a stop waits for the last price, a trailing stop follows it. What a quote cannot fill waits for the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.servers.tws.contracts import STOCKS
from tests.servers.tws.tickets import Ticket

CENT = Decimal("0.01")
PLENTY = Decimal(1_000_000)
AUCTION = ("MOC", "LOC")


@dataclass(slots=True)
class Price:
    last: Decimal
    left: Decimal = PLENTY
    """Shares that may still trade at this quote."""


class Exchange:
    def __init__(self) -> None:
        self.is_open = True
        self.fills = True
        """Whether prices fill orders; if not, only what a test fills by hand trades."""
        self.spread = 2 * CENT
        self.prices = {stock.con_id: Price(stock.price) for stock in STOCKS}

    def quote(self, con_id: int, last: Decimal, size: Decimal = PLENTY) -> None:
        self.prices[con_id] = Price(last, size)

    def side(self, con_id: int, sign: int) -> Decimal:
        """What a buyer (1) pays now, or a seller (-1) gets."""
        return self.prices[con_id].last + sign * self.spread / 2

    def match(self, ticket: Ticket) -> tuple[Decimal, Decimal] | None:
        """(shares, price) that trade now, or None; a stop that is reached is marked, a trailing one moved."""
        price = self.prices[ticket.stock.con_id]
        self._move(ticket, price.last)
        if not (self.fills and self._may_trade(ticket)) or ticket.remaining <= 0:
            return None
        far = self.side(ticket.stock.con_id, ticket.sign)
        if not self._is_met(ticket, price.last, far):
            return None
        shares = min(ticket.remaining, price.left)
        if shares <= 0 or (ticket.terms.tif == "FOK" and shares < ticket.remaining):
            return None
        price.left -= shares
        return shares, far

    def _may_trade(self, ticket: Ticket) -> bool:
        if ticket.status != "Submitted" and not ticket.triggered:
            return False
        return (self.is_open or ticket.terms.outside_rth) and ticket.terms.type not in AUCTION

    def _is_met(self, ticket: Ticket, last: Decimal, far: Decimal) -> bool:
        terms = ticket.terms
        match terms.type:
            case "MKT":
                return True
            case "LMT":
                return self._within(ticket, far)
            case "STP" | "TRAIL":
                return ticket.triggered
            case "STP LMT":
                return ticket.triggered and self._within(ticket, far)
        return False

    @staticmethod
    def _within(ticket: Ticket, far: Decimal) -> bool:
        limit = ticket.terms.limit
        return limit is not None and (limit - far) * ticket.sign >= 0

    def _move(self, ticket: Ticket, last: Decimal) -> None:
        """Triggers a stop that `last` has reached; a trailing one follows it first."""
        terms = ticket.terms
        if ticket.triggered or ticket.why_held == "child" or not self.is_open or not self.fills:
            return
        if terms.type == "TRAIL":
            away = last * terms.trail_pct / 100 if terms.trail_pct else terms.aux or Decimal(0)
            stop = (last + ticket.sign * away).quantize(CENT)
            stops = [stop] if terms.trail_stop is None else [stop, terms.trail_stop]
            terms.trail_stop = min(stops) if ticket.sign > 0 else max(stops)
            at: Decimal | None = terms.trail_stop
        elif terms.type in ("STP", "STP LMT"):
            at = terms.aux
        else:
            return
        ticket.triggered = at is not None and (last - at) * ticket.sign >= 0
