"""What TWS said, as plain values: each of these is one message, or the part of it that matters here."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from engine.model.money import ZERO
from engine.text import one_line

CURRENCY = "USD"
"""What is traded here is priced in it, and the books are kept in it alone: no amount of another is ever booked."""


class Contract(Struct, frozen=True):
    con_id: int
    symbol: str
    kind: str
    """STK for a stock; no other kind is traded here."""
    currency: str
    local_symbol: str = ""
    primary: str = ""
    exchange: str = ""
    """Where orders for it go; TWS does not say it of a position."""


class OrderFields(Struct, frozen=True):
    """An order in TWS's own words, as it is sent, and as it is told. A price that is not set is None."""

    action: str
    quantity: Decimal
    type: str
    limit: Decimal | None = None
    aux: Decimal | None = None
    tif: str = "DAY"
    outside_rth: bool = False
    trail_stop: Decimal | None = None
    trail_pct: Decimal | None = None
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    ref: str = ""


class OrderTold(Struct, frozen=True):
    """An openOrder message, or with `completed` a completedOrder one, which knows neither client nor order id."""

    perm_id: int
    client_id: int
    order_id: int
    contract: Contract
    fields: OrderFields
    status: str
    completed: bool = False
    filled: Decimal = ZERO
    words: str = ""


class StatusTold(Struct, frozen=True):
    perm_id: int
    client_id: int
    order_id: int
    status: str
    filled: Decimal
    average: Decimal
    why_held: str = ""
    remaining: Decimal = ZERO


class ExecutionTold(Struct, frozen=True):
    """`cumulative` and `average` are of the order up to this execution."""

    exec_id: str
    perm_id: int
    client_id: int
    order_id: int
    ref: str
    contract: Contract
    action: str
    shares: Decimal
    price: Decimal
    cumulative: Decimal
    average: Decimal


class FeeTold(Struct, frozen=True):
    exec_id: str
    fee: Decimal
    currency: str = CURRENCY


class ErrorTold(Struct, frozen=True):
    """`request` is a request's or an order's number, -1 where it is about neither."""

    request: int
    code: int
    words: str


class NotUnderstood(Struct, frozen=True):
    """A message made no sense, to the library or to us: whatever it said is lost. `asked`: while an answer was waited for."""

    kind: str
    words: str
    asked: bool


Fact: TypeAlias = OrderTold | StatusTold | ExecutionTold | FeeTold | ErrorTold | NotUnderstood


class Held(Struct, frozen=True):
    """A position. `average` has fees in it, as IB tells it."""

    account: str
    contract: Contract
    quantity: Decimal
    average: Decimal


class CashTold(Struct, frozen=True):
    """What an account has in each currency; `base` is the one that it is kept in, empty where TWS did not say."""

    base: str
    amounts: dict[str, Decimal]


class RequestFailed(Exception):  # noqa: N818 - it is TWS's answer, not an error of ours
    """TWS answered a request with an error code."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{one_line(words)} (code {code})")
        self.code = code
