"""The account and its orders: takes, modifies and cancels orders, books what trades, and says to whom what happened.

`tell` gets (client id of the order, kind of news, message); who is connected, and what of it is lost on the way, is decided behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import count

from tests.servers.tws import say
from tests.servers.tws.contracts import BY_ID, Stock
from tests.servers.tws.exchange import AUCTION, CENT, Exchange
from tests.servers.tws.tickets import ZERO, Execution, Terms, Ticket, modified

CASH = Decimal(1_000_000)
TYPES = ("MKT", "LMT", "STP", "STP LMT", "TRAIL", "MOC", "LOC")
CLOSED_WARNING = "Order Message:\n{} {} {}\nWarning: your order will not be placed at the exchange until 2026-11-30 09:30:00 US/Eastern"
NOT_ENOUGH = (
    "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
    "[{:.2f} USD] MUST EXCEED THE INITIAL MARGIN [{:.2f} USD]"
)


class Gateway:
    def __init__(self, account: str, tell: Callable[[int, str, say.Message], None]) -> None:
        self.account = account
        self.exchange = Exchange()
        self.tickets: list[Ticket] = []
        self.cash = CASH
        self.held: dict[int, list[Decimal]] = {}
        """con id -> [signed shares, what they cost, fees included]"""
        self.kept_in = "USD"
        """The currency of the whole, of which `cash` is the part in dollars and `others` the rest."""
        self.others: dict[str, Decimal] = {}
        self.ledgers = True
        """Whether each currency is told, or the whole alone."""
        self.fees_in = "USD"
        """The currency of fees, none while they are not known."""
        self._tell = tell
        self._perm_ids = count(1_900_000_001)
        self._exec_ids = count(1)
        self.next_order_id = 1

    # ---- what clients ask for

    def find(self, client_id: int, order_id: int) -> Ticket | None:
        return next((t for t in self.tickets if (t.client_id, t.order_id) == (client_id, order_id) and order_id), None)

    def place(self, client_id: int, order_id: int, stock: Stock, terms: Terms, *, told: bool = True) -> Ticket | None:
        """A new order, or None where it is refused at the door. Where it is not to be `told`, its news are lost until somebody asks."""
        terms.account = terms.account or self.account
        self.next_order_id = max(self.next_order_id, order_id + 1)
        if reason := self._refusal(stock, terms):
            self._tell(client_id, "error", say.error(order_id, *reason))
            return None
        ticket = Ticket(client_id, order_id, next(self._perm_ids), stock, terms, told=told)
        self.tickets.append(ticket)
        if not terms.transmit:
            self._news(ticket)
            return ticket
        for each in [*(t for t in self.tickets if t is not ticket and not t.transmitted and _hang_together(t, ticket)), ticket]:
            self._transmit(each)
        return ticket

    def modify(self, ticket: Ticket, terms: Terms) -> None:
        if ticket.done:
            self._tell(ticket.client_id, "error", say.error(ticket.order_id, 104, "Can't modify a filled order."))
            return
        if terms.quantity <= ticket.filled:
            words = f"Order rejected - reason:The quantity must be above what is filled ({ticket.filled:f})."
            self._tell(ticket.client_id, "error", say.error(ticket.order_id, 201, words))
            return
        ticket.terms = modified(ticket.terms, terms)
        self._news(ticket)
        self._sweep([ticket])

    def cancel(self, ticket: Ticket, completed: str = "Cancelled by Trader") -> None:
        if ticket.done:
            return
        ticket.status, ticket.completed = "Cancelled", completed
        self._tell_of(ticket, "error", say.error(ticket.order_id, 202, "Order Canceled - reason:"))
        self._tell_of(ticket, "status", say.order_status(ticket))
        for child in self.tickets:
            if child.terms.parent_id == ticket.order_id and ticket.order_id and child.client_id == ticket.client_id and not ticket.filled:
                self.cancel(child)

    def expire(self) -> None:
        """The session is over: what was for it ends."""
        for ticket in self.tickets:
            if ticket.terms.tif != "GTC" and not ticket.done:
                ticket.status, ticket.completed = "Cancelled", "Cancelled: expired"
                self._tell_of(ticket, "status", say.order_status(ticket))

    def midnight(self) -> None:
        """Executions of the day before are told no more; what orders filled by them stays."""
        for ticket in self.tickets:
            ticket.executions.clear()

    # ---- the market

    def price(self, stock: Stock, last: Decimal, size: Decimal) -> None:
        self.exchange.quote(stock.con_id, last, size)
        self._sweep([ticket for ticket in self.tickets if ticket.stock is stock])

    def open_market(self, is_open: bool) -> None:
        self.exchange.is_open = is_open
        for ticket in self.tickets:
            if is_open and not ticket.done and ticket.transmitted and not ticket.why_held:
                self._route(ticket)

    def auction(self) -> None:
        """The closing one: what is for it trades at the last price."""
        for ticket in self.tickets:
            if ticket.terms.type in AUCTION and not ticket.done and ticket.transmitted:
                self.execute(ticket, ticket.remaining, self.exchange.prices[ticket.stock.con_id].last)

    def execute(self, ticket: Ticket, shares: Decimal, price: Decimal, *, silent: bool = False) -> None:
        """Books a trade. A `silent` one happens without a word, as while nobody was connected."""
        told, ticket.told = ticket.told, ticket.told and not silent
        ticket.filled += shares
        ticket.cost += shares * price
        fee = self._commission(ticket) - ticket.fees
        ticket.fees += fee
        traded = self._execution(ticket, shares, price, fee)
        ticket.executions.append(traded)
        self._book(ticket, shares, price, fee)
        if ticket.remaining <= 0:
            ticket.status, ticket.completed = "Filled", f"Filled Size: {ticket.filled:f}"
        self._tell_of(ticket, "execution", say.execution(ticket, traded))
        self._tell_of(ticket, "open", say.open_order(ticket))
        self._tell_of(ticket, "status", say.order_status(ticket))
        self._tell_of(ticket, "commission", say.commission(traded, self.fees_in))
        ticket.told = told
        self._group(ticket, shares)
        if ticket.status == "Filled":
            for child in self.tickets:
                if child.why_held == "child" and child.terms.parent_id == ticket.order_id and child.client_id == ticket.client_id:
                    child.why_held = ""
                    self._route(child)

    def correct(self, ticket: Ticket, shares: Decimal, price: Decimal) -> None:
        """Takes back the order's last execution, and tells another in its place: its id differs after the last dot alone."""
        old = ticket.executions.pop()
        self._book(ticket, -old.shares, old.price, -old.fee)
        ticket.filled += shares - old.shares
        ticket.cost += shares * price - old.shares * old.price
        ticket.fees -= old.fee
        fee = self._commission(ticket) - ticket.fees
        ticket.fees += fee
        head, tail = old.exec_id.rsplit(".", 1)
        traded = self._execution(ticket, shares, price, fee, f"{head}.{int(tail) + 1:02}")
        ticket.executions.append(traded)
        self._book(ticket, shares, price, fee)
        self._tell_of(ticket, "execution", say.execution(ticket, traded))
        self._tell_of(ticket, "commission", say.commission(traded, self.fees_in))

    def tell_fees(self, ticket: Ticket) -> None:
        """Of all that it traded, once more."""
        for traded in ticket.executions:
            self._tell_of(ticket, "commission", say.commission(traded, self.fees_in))

    # ---- inside

    def _refusal(self, stock: Stock, terms: Terms) -> tuple[int, str] | None:
        if terms.type not in TYPES:
            return 387, "Unsupported order type for this exchange and security type."
        for price in (terms.limit, terms.aux if terms.type != "TRAIL" else None):
            if price is not None and price % CENT:
                return 110, "The price does not conform to the minimum price variation for this contract."
        if terms.type == "TRAIL" and terms.trail_pct is None and not terms.aux:
            return 321, "Error validating request.-'bZ' : cause - Please enter a trailing amount."
        cost, equity = terms.quantity * self.exchange.prices[stock.con_id].last, self.equity()
        if terms.action == "BUY" and cost > 4 * equity:
            return 201, NOT_ENOUGH.format(equity, cost / 4)
        return None

    def _transmit(self, ticket: Ticket) -> None:
        ticket.transmitted = True
        parent = self.find(ticket.client_id, ticket.terms.parent_id)
        if parent is not None and parent.status != "Filled":
            ticket.status, ticket.why_held = "PreSubmitted", "child"
            self._news(ticket)
        else:
            self._route(ticket)

    def _route(self, ticket: Ticket) -> None:
        """It works, or waits at the broker: a stop for its price, any order for the market's opening."""
        terms = ticket.terms
        works = (self.exchange.is_open or terms.outside_rth) and terms.tif != "OPG"
        ticket.status = "Submitted" if works and terms.type in ("MKT", "LMT", "MOC", "LOC") else "PreSubmitted"
        if not works and terms.type in ("MKT", "LMT") and terms.tif != "OPG":
            words = CLOSED_WARNING.format(terms.action, f"{terms.quantity:f}", ticket.stock.symbol)
            self._tell_of(ticket, "error", say.error(ticket.order_id, 399, words))
        if self.exchange.is_open and terms.tif == "OPG" and ticket.status == "PreSubmitted":
            ticket.status = "Submitted"
        self._news(ticket)
        self._sweep([ticket])
        if terms.tif in ("IOC", "FOK") and not ticket.done:
            ticket.status, ticket.completed = "Cancelled", "Cancelled"
            self._tell_of(ticket, "status", say.order_status(ticket))

    def _sweep(self, tickets: Iterable[Ticket]) -> None:
        for ticket in list(tickets):
            while not ticket.done and ticket.transmitted and ticket.why_held != "child":
                before = (ticket.triggered, ticket.terms.trail_stop)
                traded = self.exchange.match(ticket)
                if traded is None:
                    if (ticket.triggered, ticket.terms.trail_stop) != before:
                        self._news(ticket)
                    break
                self.execute(ticket, *traded)

    def _group(self, ticket: Ticket, shares: Decimal) -> None:
        """One cancels all (type 1), or takes from the others what it traded (types 2 and 3)."""
        if not ticket.terms.oca_group:
            return
        for other in self.tickets:
            if other is ticket or other.done or other.terms.oca_group != ticket.terms.oca_group:
                continue
            if other.terms.oca_type > 1 and (left := other.terms.quantity - shares) > other.filled and ticket.status != "Filled":
                other.terms.quantity = left
                self._news(other)
            else:
                self.cancel(other, "Cancelled by OCA group")

    @staticmethod
    def _commission(ticket: Ticket) -> Decimal:
        """Fixed pricing: half a cent a share, at least a dollar, at most one per cent of what was traded."""
        if not ticket.filled:
            return ZERO
        least = max(ticket.filled * Decimal("0.005"), Decimal(1))
        return min(least, ticket.cost / 100).quantize(Decimal("0.0001"))

    def _execution(self, ticket: Ticket, shares: Decimal, price: Decimal, fee: Decimal, exec_id: str = "") -> Execution:
        exec_id = exec_id or f"0000e0d5.{next(self._exec_ids):08x}.01.01"
        now = time.strftime("%Y%m%d %H:%M:%S UTC", time.gmtime())
        return Execution(exec_id, now, shares, price, ticket.filled, ticket.average, fee)

    def _book(self, ticket: Ticket, shares: Decimal, price: Decimal, fee: Decimal) -> None:
        signed = ticket.sign * shares
        self.cash -= signed * price + fee
        holding = self.held.setdefault(ticket.stock.con_id, [ZERO, ZERO])
        before = holding[0]
        holding[0] += signed
        if not holding[0]:
            del self.held[ticket.stock.con_id]
        elif before * signed >= 0:
            holding[1] += signed * price + fee
        elif abs(signed) <= abs(before):
            holding[1] = holding[1] * holding[0] / before
        else:
            holding[1] = holding[0] * price

    def equity(self) -> Decimal:
        return self.cash + sum((shares * self.exchange.prices[i].last for i, (shares, _) in self.held.items()), ZERO)

    def positions(self) -> list[tuple[Stock, Decimal, Decimal]]:
        """(stock, signed shares, average cost)"""
        return [(BY_ID[i], shares, cost / shares) for i, (shares, cost) in self.held.items()]

    def _news(self, ticket: Ticket) -> None:
        self._tell_of(ticket, "open", say.open_order(ticket))
        self._tell_of(ticket, "status", say.order_status(ticket))

    def _tell_of(self, ticket: Ticket, kind: str, message: say.Message) -> None:
        if ticket.told:
            self._tell(ticket.client_id, kind, message)


def _hang_together(one: Ticket, other: Ticket) -> bool:
    """Whether one is the other's parent, or both have the same."""
    parent = other.terms.parent_id
    return bool(parent) and one.client_id == other.client_id and parent in (one.order_id, one.terms.parent_id)
