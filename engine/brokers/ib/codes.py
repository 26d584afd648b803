"""TWS's codes, and what each means for an order or the link. https://interactivebrokers.github.io/tws-api/message_codes.html"""

from __future__ import annotations

CONNECTIVITY_LOST = frozenset({1100, 2110})
"""TWS is there, IB's servers behind it are not: nothing new is sent."""
CONNECTIVITY_RESTORED = frozenset({1101, 1102})
CLIENT_ID_IN_USE = 326
TOO_FAST = 100
PORT_RESET = 1300
DATA_TAKEN = 10197

SAID_BESIDE = frozenset({202, 399, 404, 2109, 10349})
"""Said of an order that lives on, or whose end is told by its status: cancelled, queued for the open, shares are looked for, a flag is
ignored, a time in force is taken from a preset."""
REJECTS = frozenset({103, 110, 200, 201, 203, 321, 387, 388, 10243})
"""Refuse a new order, of which TWS has nothing then. After a modification or a cancel they prove nothing."""
ENDED_BEFORE = frozenset({161, 10147, 10148})
"""Answer the cancel of an order that has ended, among others."""

_CLOCK = "IB restarts its servers each night around midnight New York time, and once a week asks for a log-in"
NOT_THERE = f"{_CLOCK}: see whether TWS or Gateway runs, is logged in and has its API port open"


def is_warning(code: int) -> bool:
    return 2100 <= code < 2200 and code not in CONNECTIVITY_LOST


def for_a_person(code: int) -> str:
    """What a code that is about no order means, in words that say what to do; empty where it is none of ours to tell."""
    match code:
        case 100:
            return "TWS says that it is asked too much a second; what was asked is asked again"
        case 1300:
            return "TWS listens on another port now: set IB_PORT and start again"
        case 10197:
            return "market data goes to another session of this user: log out there to have it here"
    return ""
