"""Every message that goes out about orders, executions, the account and prices, its fields in the order of server version 176."""

from __future__ import annotations

from decimal import Decimal

from tests.servers.tws.contracts import Stock
from tests.servers.tws.tickets import Execution, Ticket
from tests.servers.tws.wire import UNSET, text

Message = list[object]


def error(request: int, code: int, words: str) -> Message:
    return [4, 2, request, code, words, ""]


def open_order(ticket: Ticket) -> Message:
    terms = ticket.terms
    return [
        *(5, ticket.order_id, *ticket.stock.contract()),
        *(terms.action, terms.quantity, terms.type, terms.limit or "0.0", terms.aux or "0.0", terms.tif, terms.oca_group),
        *(terms.account, "O", 0, terms.order_ref, ticket.client_id, ticket.perm_id, terms.outside_rth, 0, 0, ""),
        *(
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            None,
            "",
        ),  # allocation, fa group, method, percentage, profile, model, good till, 80A, offset, firm
        *(0, "", -1, 0, None, None, None, None, None, 0, 0, 0, 0, None, terms.oca_type, 0, 0, None, terms.parent_id, 0),
        *(None, None, "", None, 0, None, terms.trail_stop, terms.trail_pct, None, None, ""),
        *(0, 0, 0, None, None, None, "", 0, "", "", 0, 0, "", 0, 0, ticket.status),
        *(UNSET for _ in range(9)),
        *(None, None, None, "", "", 0, 0, 0),  # commissions, their currency, a warning; random size and price; conditions
        *("", UNSET, terms.trail_stop, None, UNSET, UNSET, UNSET, 0, "", "", "", None, 0, 0, 0, 0),
        *(None, None, 0, None, None, None, None, None),
    ]


def order_status(ticket: Ticket) -> Message:
    last = ticket.executions[-1].price if ticket.executions else 0
    return [
        *(3, ticket.order_id, ticket.status, ticket.filled, ticket.remaining, ticket.average, ticket.perm_id, ticket.terms.parent_id),
        *(last, ticket.client_id, ticket.why_held, 0),
    ]


def execution(ticket: Ticket, traded: Execution, request: int = -1) -> Message:
    side = "BOT" if ticket.terms.action == "BUY" else "SLD"
    return [
        *(11, request, ticket.order_id, *ticket.stock.contract()),
        *(traded.exec_id, traded.time, ticket.terms.account, ticket.stock.primary, side, traded.shares, traded.price),
        *(ticket.perm_id, ticket.client_id, 0, traded.cumulative, traded.average, ticket.terms.order_ref, "", None, "", 2),
    ]


def commission(traded: Execution, currency: str) -> Message:
    """In no `currency` it is not known yet."""
    return [59, 1, traded.exec_id, traded.fee if currency else UNSET, currency, UNSET, UNSET, ""]


def completed_order(ticket: Ticket) -> Message:
    terms = ticket.terms
    return [
        *(101, *ticket.stock.contract()),
        *(terms.action, terms.quantity, terms.type, terms.limit or "0.0", terms.aux or "0.0", terms.tif, terms.oca_group),
        *(terms.account, "O", 0, terms.order_ref, ticket.perm_id, terms.outside_rth, 0, 0, ""),
        *("", "", "", "", "", "", "", None, ""),  # fa group, method, percentage, profile; model; good till; 80A; offset; firm
        *(0, "", -1, None, None, None, None, None, 0, 0, 0, None, terms.oca_type, 0, None, None, "", None),
        *(0, None, terms.trail_stop, terms.trail_pct, "", 0, 0, 0, None, None, None, ""),
        *("", "", 0, 0, "", 0, ticket.status, 0, 0, 0),
        *(terms.trail_stop, None, None, 0, 0, "", ticket.filled, 0, 0, "", 0, 0, 0, "20261128 15:00:00 US/Eastern", ticket.completed),
        *(None, None, None, None, None),
    ]


def position(account: str, stock: Stock, shares: Decimal, cost: Decimal) -> Message:
    contract = stock.contract("")
    return [61, 3, account, *contract, shares, text(cost)]


def portfolio(account: str, stock: Stock, shares: Decimal, cost: Decimal, price: Decimal) -> Message:
    contract = [*stock.contract()[:7], stock.primary, *stock.contract()[8:]]
    return [7, 8, *contract, shares, price, price * shares, cost, (price - cost) * shares, 0, account]


def tick_price(request: int, kind: int, price: Decimal, size: Decimal) -> Message:
    return [1, 6, request, kind, price, size, 0]


def realtime_bar(request: int, at: int, price: Decimal) -> Message:
    return [50, 3, request, at, price, price, price, price, 100, price, 1]
