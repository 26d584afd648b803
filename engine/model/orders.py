"""Orders: what somebody wants (`Intent`), what the gate made of it (`Order`), and what came of it (`Fill`)."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.money import WIDE, ZERO

_WHOLE = Decimal(1)
_PART_OF_A_SHARE = Decimal("1e-10")
"""A ratio of one to three cannot be written out: what it makes of a quantity is rounded to this."""


class Side(StrEnum):
    sign: int

    def __init__(self, name: str) -> None:
        self.sign = 1 if name == "BUY" else -1

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"

    @property
    def is_stop(self) -> bool:
        """Whether it waits for the market to go against whoever placed it: the kind that protects a position."""
        return self in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


class TimeInForce(StrEnum):
    """DAY ends with the session, GTC by its own word. IOC fills what it can at once and FOK all or nothing; OPG trades in the opening
    auction only, CLS in the closing one."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    OPG = "OPG"
    CLS = "CLS"


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

    @property
    def words(self) -> str:
        """As a person reads it, in the spelling of all else that is written here."""
        return "cancelled" if self is OrderState.CANCELED else self.lower().replace("_", " ")


FINAL_STATES = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.REPLACED})


class Terms(Struct, frozen=True):
    """What of an order may be replaced while it works. `quantity` is the whole one, what filled already included.

    `trail` is how far a trailing stop follows the market, in price; `trail_pct` the same in per cent of the market. `exit_pct` is asked
    of an exit that is still held, in the place of its price: how far from its entry's average it is to be, in per cent of that.

    Raises TypeError where one of them is no Decimal.
    """

    quantity: Decimal
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    exit_pct: Decimal | None = None

    def __post_init__(self) -> None:
        _check(self, "an order's terms", _TERMS)

    def less(self, shares: Decimal) -> Terms:
        """The same for so many shares fewer."""
        return Terms(self.quantity - shares, self.limit, self.stop, self.trail, self.trail_pct)


class Exit(Struct, frozen=True):
    """Where an entry's position is left: at `price`, or `pct` per cent away from the entry's average fill price; or, to end a loss, by a
    stop that follows the market by `trail`, in price, or by `trail_pct`. One of the four. Raises TypeError where it is no Decimal."""

    price: Decimal | None = None
    pct: Decimal | None = None
    trail: Decimal | None = None
    trail_pct: Decimal | None = None

    def __post_init__(self) -> None:
        _check(self, "an exit", _EXIT)

    @property
    def trails(self) -> bool:
        return self.trail is not None or self.trail_pct is not None


class Bracket(Struct, frozen=True):
    """The exits that an entry brings along: a limit order that takes the profit, a stop order that ends the loss, or one of them.

    They are held until the entry fills, cover what it filled, and each shrinks and ends with the other's fills.
    """

    take_profit: Exit | None = None
    stop_loss: Exit | None = None


class Intent(Struct, frozen=True):
    """A wish to trade, as it stands before the gate. `quantity` is in shares and positive; `limit`, `stop` and `trail` are prices.

    `notional` asks for so much money's worth instead of a quantity, which is zero then; the gate turns it into shares. `trail_pct` is in
    per cent of the market. `extended_hours` lets it trade before and after the regular session too. `reduce_only` can never open or turn
    a position: the gate cuts it to what is held.

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
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    notional: Decimal | None = None
    extended_hours: bool = False
    bracket: Bracket | None = None

    def __post_init__(self) -> None:
        _check(self, "an intent", _INTENT)


_INTENT: tuple[tuple[str, type, bool], ...] = (
    ("symbol", str, False),
    ("side", Side, False),
    ("quantity", Decimal, False),
    ("type", OrderType, False),
    ("limit", Decimal, True),
    ("stop", Decimal, True),
    ("tif", TimeInForce, False),
    ("trail", Decimal, True),
    ("trail_pct", Decimal, True),
    ("notional", Decimal, True),
    ("extended_hours", bool, False),
    ("bracket", Bracket, True),
)
_EXIT = tuple((name, Decimal, True) for name in ("price", "pct", "trail", "trail_pct"))
_TERMS = (("quantity", Decimal, False), *((name, Decimal, True) for name in ("limit", "stop", "trail", "trail_pct", "exit_pct")))


def _check(value: object, what: str, kinds: tuple[tuple[str, type, bool], ...]) -> None:
    for name, kind, optional in kinds:
        given = getattr(value, name)
        if not (isinstance(given, kind) or (optional and given is None)):
            raise TypeError(
                f"{what}'{'' if what.endswith('s') else 's'} {name} must be a {kind.__name__}; it is {given!r}{_instead(kind, given)}"
            )


def _instead(kind: type, value: object) -> str:
    """What to write instead, where that is plain."""
    if kind is Decimal and isinstance(value, int | float):
        return f': write Decimal("{value}")'
    return (
        f": write {kind.__name__}.{value.upper()}" if isinstance(value, str) and value.upper() in getattr(kind, "__members__", ()) else ""
    )


class Order(Struct):
    """An order that passed the gate. Only the order book changes one.

    `id` goes to the broker and is on disk before it does; `number` is what a person calls it (#12). `requested` is the quantity before
    a check cut it down. `filled` is in shares, `cost` the sum of price x quantity over its fills, `fees` their commission.
    `mark` is the price its exposure was reserved at. A trailing stop's `stop` is where it stands now, as the broker last told;
    `triggered` says that a stop was reached and trades.

    `parent` is the order that it waits for: until that fills, this one is not `released`, which is HELD here and not at the broker;
    `exit_pct` is how far from the parent's average its price is kept. One that `succeeds` another takes its place once that has ended.
    Orders of one `oco` share what there is to close, `requested` in all: a fill of one takes from the others. `asked` are the terms of a
    replace that the broker has not answered yet, `asked_mark` the price they were valued at. `corrections` counts how often the broker
    changed its word on fills. `split` is how many shares each of its own has become by splits since it was placed: its quantities stay
    those that the broker tells. `surplus` is by how much `quantity` exceeds what was let through, where a fill crossed a replace.
    `cancel_reason` says why its cancel was asked for here, and is empty where a person wanted it gone; None where nobody has asked.
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
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    extended_hours: bool = False
    parent: str = ""
    oco: str = ""
    exit_pct: Decimal | None = None
    released: bool = True
    asked: Terms | None = None
    succeeds: str = ""
    asked_mark: Decimal = ZERO
    corrections: int = 0
    triggered: bool = False
    split: Decimal = Decimal(1)
    surplus: Decimal = ZERO
    cancel_reason: str | None = None

    @property
    def family(self) -> str:
        """What it shares with the orders that hang together with it: the id of the order they wait for, or their group's, or nothing."""
        return self.parent or self.oco

    @property
    def terms(self) -> Terms:
        return Terms(self.quantity, self.limit, self.stop, self.trail, self.trail_pct)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def may_trade(self) -> Decimal:
        """Shares it may still trade at the broker: none while it is held here, and the more where a replace was not answered yet."""
        if not self.released:
            return ZERO
        most = self.quantity if self.asked is None else max(self.quantity, self.asked.quantity)
        return max(most - self.filled, ZERO)

    @property
    def average(self) -> Decimal | None:
        """The average fill price, or None where nothing filled yet."""
        return self.cost / self.filled if self.filled else None


class Fill(Struct, frozen=True, gc=False):
    """One execution. `cost` is price x quantity as money moved; where fills were missed and booked as one, `price` is their average.

    `rule` is the id of the matching rule that filled it on paper (see the matching rules in `engine.core.matching`), or empty. `ratio` is
    how many shares each of its own had become when it was heard: it traded before a split, and was told after it.
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
    ratio: Decimal = _WHOLE

    @property
    def shares(self) -> Decimal:
        """What it moves a position by, without its sign."""
        return (
            self.quantity
            if self.ratio is _WHOLE or self.ratio == 1
            else WIDE.multiply(self.quantity, self.ratio).quantize(_PART_OF_A_SHARE, context=WIDE)
        )
