"""Orders: what somebody wants (`Intent`), what the gate made of it (`Order`), and what came of it (`Fill`)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from engine.model.money import ZERO


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"


class TimeInForce(StrEnum):
    DAY = "DAY"
    GTC = "GTC"


class Source(StrEnum):
    """Who wants it. A person's own order is approved by its confirmation; a strategy's asks the mode."""

    PERSON = "PERSON"
    STRATEGY = "STRATEGY"
    FLATTEN = "FLATTEN"
    EXTERNAL = "EXTERNAL"


class OrderState(StrEnum):
    """Where an order stands. The allowed steps between them are the table in `order_states`."""

    PENDING_SUBMIT = "PENDING_SUBMIT"
    UNKNOWN = "UNKNOWN"
    ACCEPTED = "ACCEPTED"
    HELD = "HELD"
    WORKING = "WORKING"
    PARTIAL = "PARTIAL"
    PENDING_CANCEL = "PENDING_CANCEL"
    PENDING_REPLACE = "PENDING_REPLACE"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    REPLACED = "REPLACED"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES


FINAL_STATES = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.REPLACED})


@dataclass(frozen=True, slots=True)
class Intent:
    """A wish to trade, as it stands before the gate. `quantity` is in shares and positive; `limit` and `stop` are prices.

    `reduce_only` can never open or turn a position: the gate cuts it to what is held.

    Raises TypeError where a field is of another type: a script's "BUY" is no Side, and a float is not exact.
    """

    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType = OrderType.MARKET
    limit: Decimal | None = None
    stop: Decimal | None = None
    tif: TimeInForce = TimeInForce.DAY
    source: Source = Source.PERSON
    strategy: str = ""
    signal_id: str = ""
    reduce_only: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        for name, kind, optional in _INTENT:
            value = getattr(self, name)
            if not (isinstance(value, kind) or (optional and value is None)):
                raise TypeError(f"an intent's {name} must be a {kind.__name__}; it is {value!r}{_instead(kind, value)}")


_INTENT = (
    ("symbol", str, False),
    ("side", Side, False),
    ("quantity", Decimal, False),
    ("type", OrderType, False),
    ("limit", Decimal, True),
    ("stop", Decimal, True),
    ("tif", TimeInForce, False),
)


def _instead(kind: type, value: object) -> str:
    """What to write instead, where that is plain."""
    if kind is Decimal and isinstance(value, int | float):
        return f': write Decimal("{value}")'
    return (
        f": write {kind.__name__}.{value.upper()}" if isinstance(value, str) and value.upper() in getattr(kind, "__members__", ()) else ""
    )


@dataclass(slots=True)
class Order:
    """An order that passed the gate. Only the order book changes one.

    `id` goes to the broker and is on disk before it does; `number` is what a person calls it (#12). `requested` is the quantity before
    a check cut it down. `filled` is in shares, `cost` the sum of price x quantity over its fills, `fees` their commission.
    `mark` is the price its exposure was reserved at.
    """

    id: str
    number: int
    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType
    limit: Decimal | None
    stop: Decimal | None
    tif: TimeInForce
    source: Source
    created_at: int
    mark: Decimal
    requested: Decimal
    strategy: str = ""
    signal_id: str = ""
    reduce_only: bool = False
    reason: str = ""
    state: OrderState = OrderState.PENDING_SUBMIT
    broker_id: str = ""
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    changed_at: int = 0

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def average(self) -> Decimal | None:
        """The average fill price, or None where nothing filled yet."""
        return self.cost / self.filled if self.filled else None


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. `cost` is price x quantity as money moved; where fills were missed and booked as one, `price` is their average.

    `rule` is the id of the matching rule that filled it on paper (see the matching rules in `engine.core.matching`), or empty.
    """

    id: str
    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    cost: Decimal
    fees: Decimal
    at: int
    rule: str = ""
