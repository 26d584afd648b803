"""The order state machine: one table, every state x event pair in it.

A cell is the next state, `.` keeps the state (a duplicate or a late message: legal, says nothing new), and `-` is illegal: it is refused,
logged, and changes nothing. Terminal states stick: a late ACCEPT revives nothing. Two things are stronger than an end we believed in: a
fill of the whole quantity, which shows that nothing was left to cancel, and the broker's own list of its open orders (LIST), which shows
that the order works. Every fill is booked, whatever the state.

UNKNOWN ends by a broker's evidence alone, so asking to cancel an UNKNOWN order leaves it UNKNOWN.
WORKING and PARTIAL are one state but for the filled quantity, so the order book shows PARTIAL for WORKING once something filled.
"""

from __future__ import annotations

from enum import StrEnum

from engine.model.orders import OrderState


class OrderEvent(StrEnum):
    """What can happen to an order: REQUEST_* come from us, the rest is a broker's word, or the lack of it (LOSE).

    LIST is the broker's list of open orders naming one that we believe ended. REPLACE: the broker took our new terms, and the order works
    on under its own id. SUPERSEDE: somebody else replaced it there by another order.
    """

    ACCEPT = "ACCEPT"
    HOLD = "HOLD"
    WORK = "WORK"
    FILL_PART = "FILL_PART"
    FILL_ALL = "FILL_ALL"
    REQUEST_CANCEL = "REQUEST_CANCEL"
    REFUSE_CANCEL = "REFUSE_CANCEL"
    CANCEL = "CANCEL"
    REQUEST_REPLACE = "REQUEST_REPLACE"
    REFUSE_REPLACE = "REFUSE_REPLACE"
    REPLACE = "REPLACE"
    SUPERSEDE = "SUPERSEDE"
    EXPIRE = "EXPIRE"
    REJECT = "REJECT"
    LOSE = "LOSE"
    LIST = "LIST"


_TABLE = """
                 ACCEPT    HOLD  WORK     FILL_PART  FILL_ALL  REQUEST_CANCEL  REFUSE_CANCEL  CANCEL    REQUEST_REPLACE  REFUSE_REPLACE  REPLACE  SUPERSEDE  EXPIRE   REJECT    LOSE     LIST
PENDING_SUBMIT   ACCEPTED  HELD  WORKING  PARTIAL    FILLED    PENDING_CANCEL  -              CANCELED  -                -               -        REPLACED   EXPIRED  REJECTED  UNKNOWN  WORKING
UNKNOWN          ACCEPTED  HELD  WORKING  PARTIAL    FILLED    .               .              CANCELED  -                .               WORKING  REPLACED   EXPIRED  REJECTED  .        WORKING
ACCEPTED         .         HELD  WORKING  PARTIAL    FILLED    PENDING_CANCEL  .              CANCELED  PENDING_REPLACE  .               .        REPLACED   EXPIRED  REJECTED  UNKNOWN  .
HELD             ACCEPTED  .     WORKING  PARTIAL    FILLED    PENDING_CANCEL  .              CANCELED  PENDING_REPLACE  .               .        REPLACED   EXPIRED  REJECTED  UNKNOWN  .
WORKING          .         HELD  .        PARTIAL    FILLED    PENDING_CANCEL  .              CANCELED  PENDING_REPLACE  .               .        REPLACED   EXPIRED  REJECTED  UNKNOWN  .
PARTIAL          .         HELD  .        PARTIAL    FILLED    PENDING_CANCEL  .              CANCELED  PENDING_REPLACE  .               .        REPLACED   EXPIRED  REJECTED  UNKNOWN  .
PENDING_CANCEL   .         .     .        .          FILLED    .               WORKING        CANCELED  -                .               .        REPLACED   EXPIRED  REJECTED  UNKNOWN  .
PENDING_REPLACE  .         .     .        .          FILLED    PENDING_CANCEL  .              CANCELED  .                WORKING         WORKING  REPLACED   EXPIRED  REJECTED  UNKNOWN  .
FILLED           .         .     .        .          .         -               .              .         -                .               .        .          .        -         .        WORKING
CANCELED         .         .     .        .          FILLED    -               .              .         -                .               .        .          .        .         .        WORKING
EXPIRED          .         .     .        .          FILLED    -               .              .         -                .               .        .          .        .         .        WORKING
REJECTED         .         .     .        .          FILLED    -               .              .         -                .               .        .          .        .         .        WORKING
REPLACED         .         .     .        .          FILLED    -               .              .         -                .               .        .          .        .         .        -
"""


def _read(table: str) -> dict[tuple[OrderState, OrderEvent], OrderState | None]:
    header, *rows = [line.split() for line in table.strip().splitlines()]
    cells: dict[tuple[OrderState, OrderEvent], OrderState | None] = {}
    for name, *row in rows:
        state = OrderState(name)
        for event, cell in zip(header, row, strict=True):
            cells[state, OrderEvent(event)] = None if cell == "-" else state if cell == "." else OrderState(cell)
    return cells


TRANSITIONS = _read(_TABLE)
"""(state, event) -> next state, or None where the event is illegal in that state."""


def next_state(state: OrderState, event: OrderEvent) -> OrderState | None:
    """The state after `event`, the same state where it says nothing new, or None where it is illegal."""
    return TRANSITIONS[state, event]
