"""Everything that can happen to the core. `Core.handle` takes one of these, the market's `Bar` and `Quote` included, and answers effects.

A command carries an `id` chosen by whoever sent it; the answer comes back in the view under that id.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from engine.model.market import Close, Instrument, MarketEvent
from engine.model.modes import Level, LinkState, Mode
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Intent, OrderType, Side, Terms, TimeInForce
from engine.model.settings import Limits
from engine.model.signals import SignalEdit, Vote

# ---- commands: a person's, or a script's


class Submit(Struct, frozen=True):
    """A person's own order. `confirmed` says that they were told it looks like a repetition, and mean it."""

    id: str
    intent: Intent
    confirmed: bool = False


class GroupKind(StrEnum):
    """OCO: one cancels the other; both work at once. OTO: one triggers the other, which is held until the first fills."""

    OCO = "OCO"
    OTO = "OTO"


class SubmitGroup(Struct, frozen=True):
    """Two orders of a person that hang together. An entry with its exits is a Submit, whose intent has a bracket."""

    id: str
    kind: GroupKind
    first: Intent
    second: Intent
    confirmed: bool = False


class Replace(Struct, frozen=True):
    """Gives a working order new terms. It keeps its id and its number; until the broker has answered, both old and new terms count."""

    id: str
    order_id: str
    terms: Terms


class Preview(Struct, frozen=True):
    """Asks what the gate would say to an order, and changes nothing."""

    id: str
    intent: Intent


class PreviewReplace(Struct, frozen=True):
    """Asks what the gate would say to new terms of a working order, and changes nothing. The figures of its answer are of what is left of
    the order."""

    id: str
    order_id: str
    terms: Terms


class Approve(Struct, frozen=True):
    """A person's yes to a signal, or with `edit` to what they made of it."""

    id: str
    signal_id: str
    edit: SignalEdit | None = None


class Reject(Struct, frozen=True):
    id: str
    signal_id: str
    reason: str = ""


class Cancel(Struct, frozen=True):
    """Cancels one order by its id, or all of a symbol, or with neither everything that works.

    With `entries_only` orders that close or protect a position stay.
    """

    id: str
    order_id: str = ""
    symbol: str = ""
    entries_only: bool = False


class ClosePosition(Struct, frozen=True):
    """Closes what is held of a symbol at the market, its working exits cancelled first: by an order on `side`, of at most `quantity` shares
    (positive)."""

    id: str
    symbol: str
    side: Side
    quantity: Decimal


class SetMode(Struct, frozen=True):
    id: str
    mode: Mode
    by: str = "you"


class EmergencyStop(Struct, frozen=True):
    """Shuts the gate and cancels everything. With `flatten` positions are to be closed as well, so not even protective orders stay."""

    id: str
    reason: str = "stop key"
    by: str = "you"
    flatten: bool = False


class Flatten(Struct, frozen=True):
    """Closes positions, as the broker itself has just told them: (symbol, signed quantity). Opens no position, whatever races it."""

    id: str
    positions: tuple[tuple[str, Decimal], ...]


class Resume(Struct, frozen=True):
    """Leaves HALTED, into MANUAL. The reason goes to the audit log; an empty one is refused."""

    id: str
    reason: str


class ResetBreaker(Struct, frozen=True):
    """Releases one breaker by its name in the view. The reason goes to the audit log; an empty one is refused."""

    id: str
    name: str
    reason: str


class SetLimits(Struct, frozen=True):
    """The gate's limits from now on, all of them, for this run. Loosening one takes a reason, which goes to the audit log.

    `seen` are those that the change was made from: where others hold by then, it is refused. Without it the change is meant for whatever
    holds."""

    id: str
    limits: Limits
    reason: str = ""
    seen: Limits | None = None


class AcceptPosition(Struct, frozen=True):
    """Takes the broker's figure for a symbol in which the last comparison found ours to differ. The reason goes to the audit log; an empty
    one is refused."""

    id: str
    symbol: str
    reason: str


class Watch(Struct, frozen=True):
    """The feed tells about one more symbol from now on. `last` is its last price and `closes` are what changes count from; without a
    `last` nothing is known of it yet."""

    id: str
    instrument: Instrument
    last: float | None = None
    closes: tuple[Close, ...] = ()


class Unwatch(Struct, frozen=True):
    """A symbol is not to be told about any more. Refused where the account needs its price."""

    id: str
    symbol: str


Command: TypeAlias = (
    Submit
    | SubmitGroup
    | Replace
    | Preview
    | PreviewReplace
    | Approve
    | Reject
    | Cancel
    | ClosePosition
    | SetMode
    | EmergencyStop
    | Flatten
    | Resume
    | ResetBreaker
    | AcceptPosition
    | SetLimits
    | Watch
    | Unwatch
)

# ---- strategies


class Proposal(Struct, frozen=True):
    """What a strategy wants. `quantity` None asks for the configured size; `id` is unique for ever and a second one is dropped."""

    id: str
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal | None = None
    type: OrderType = OrderType.MARKET
    limit: Decimal | None = None
    stop: Decimal | None = None
    strength: float = 1.0
    reason: str = ""
    votes: tuple[Vote, ...] = ()
    tif: TimeInForce = TimeInForce.DAY
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    bracket: Bracket | None = None
    heard: int = 0
    """Monotonic nanoseconds at which the engine heard the event that this answers, 0 where there was none."""


class StrategyFailed(Struct, frozen=True):
    """A strategy raised, hung or died. `disabled` says that it will not be started again by itself, `died` that its process is gone
    and with it what it knew about its orders."""

    strategy: str
    error: str
    detail: str = ""
    disabled: bool = False
    died: bool = False


# ---- the broker's word


class OrderUpdate(Struct, frozen=True):
    """News of one order. `filled`, `cost` and `fees` are cumulative, so that a gap, a duplicate or a reordering cannot book twice.

    `order_id` is our own id; `cost` the sum of price x quantity over all fills so far. `at` is the market time it happened at, 0 where the
    broker's clock is not the market's. `terms` is what the order is now at the broker, where it says so; `stop` where a trailing stop
    stands, `triggered` that a stop was reached. `corrected` says that the broker took back an earlier word on fills: only then may
    cumulative figures go down. `surplus` is by how many shares what it filled and may still fill exceeds what was asked for: where a broker
    makes another order of one that is replaced, a fill that crosses that comes on top. `revision` counts the order's terms, these included,
    where the broker does so, else it is 0.
    """

    order_id: str
    event: OrderEvent
    broker_id: str = ""
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    rule: str = ""
    reason: str = ""
    at: int = 0
    terms: Terms | None = None
    stop: Decimal | None = None
    corrected: bool = False
    triggered: bool = False
    surplus: Decimal = ZERO
    revision: int = 0


class BrokerOrder(Struct, frozen=True):
    """One order as a broker lists it: open, or ended since we last heard. `surplus` as in `OrderUpdate`. One that was placed by its value
    has its `notional`, and no quantity before something filled."""

    order_id: str
    broker_id: str
    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType
    limit: Decimal | None
    stop: Decimal | None
    event: OrderEvent
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    reason: str = ""
    tif: TimeInForce = TimeInForce.GTC
    trail: Decimal | None = None
    trail_pct: Decimal | None = None
    extended_hours: bool = False
    surplus: Decimal = ZERO
    notional: Decimal | None = None


class BrokerSnapshot(Struct, frozen=True):
    """The broker's own truth, asked for on start and on every link up. `orders` holds the open ones and any of ours that ended; `closed`
    says in words, without a full stop, why the account takes no entries, and nothing where it does. `awaited` are orders of ours that are
    not among them and may turn up yet: that they are missing proves nothing. With `fees_awaited` its cash counts commissions already that
    it has not told of fills."""

    cash: Decimal
    positions: tuple[tuple[str, Decimal, Decimal], ...]
    """(symbol, signed quantity, average cost)"""
    orders: tuple[BrokerOrder, ...]
    closed: str = ""
    awaited: frozenset[str] = frozenset()
    fees_awaited: bool = False


class AssetTold(Struct, frozen=True):
    """How the broker trades `symbol`: `closed` says in words, without a full stop, why it takes no orders in it, and nothing where it does;
    `fractionable` whether parts of a share trade, `shortable` whether more may be sold than is held."""

    symbol: str
    closed: str = ""
    fractionable: bool = True
    shortable: bool = True


class LinkChanged(Struct, frozen=True):
    """The link of the broker `name` stands otherwise, and why. Of one that is FATAL the reason says what to do."""

    name: str
    state: LinkState
    reason: str = ""

    @property
    def up(self) -> bool:
        return self.state is LinkState.UP


# ---- from the shell around the core


class NotDurable(Struct, frozen=True):
    """These intents could not be written, so they were not sent and never will be."""

    order_ids: tuple[str, ...]
    reason: str


class Unsent(Struct, frozen=True):
    """The stop closed the gate between the write and the send of this order: no byte of it went out."""

    order_id: str


class Tick(Struct, frozen=True):
    """The monotonic clock moved: approvals expire, limits are watched. Comes several times a second.

    `journal_problem` says in words why the journal cannot be written now, empty while it can.
    """

    journal_problem: str = ""


class Note(Struct, frozen=True):
    """Something a person should read that changes nothing: it goes to the log and to the audit."""

    level: Level
    source: str
    text: str
    detail: str = ""


class PriceLag(Struct, frozen=True):
    """The next bars of `symbol`, or its next `quotes`, come so many ns late by the wall clock: their price is that much older than it
    looks."""

    symbol: str
    lag: int
    quotes: bool = False


Input: TypeAlias = (
    MarketEvent
    | Command
    | Proposal
    | StrategyFailed
    | OrderUpdate
    | BrokerSnapshot
    | AssetTold
    | LinkChanged
    | NotDurable
    | Unsent
    | Tick
    | Note
    | PriceLag
)
