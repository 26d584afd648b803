"""What the core asks of the shell around it, in order. The shell writes `Persist` before it performs a `Send` that follows it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from engine.model.orders import Order, Terms
from engine.model.verdicts import Verdict

if TYPE_CHECKING:
    # Making the records' classes takes a tenth of the time to the screen's first picture, which needs a Reply alone.
    from engine.model.records import Record


class Persist(Struct, frozen=True):
    """Append these to the journal, as one unit."""

    records: tuple[Record, ...]


class Send(Struct, frozen=True):
    """Send this order to the broker, once the journal holds it."""

    order: Order


class ReplaceAtBroker(Struct, frozen=True):
    """Ask the broker to give this order new terms, once the journal holds that we ask."""

    order: Order
    terms: Terms


class CancelAtBroker(Struct, frozen=True):
    """Ask the broker to cancel. Not held up by the journal: a cancel adds no risk. But one that `makes_room` for an order that takes the
    place of this one waits until the journal holds that: a crash would leave what is held without an exit."""

    order_ids: tuple[str, ...]
    makes_room: bool = False


class Latch(Struct, frozen=True):
    """Set or clear the stop's latch file."""

    halted: bool
    reason: str


class StopStrategy(Struct, frozen=True):
    """End this strategy's process: it is disabled."""

    strategy: str
    reason: str


class Reply(Struct, frozen=True):
    """The answer to a command. `text` is a sentence; `verdict` and `cost` come with a preview or a denial."""

    command_id: str
    ok: bool
    text: str
    verdict: Verdict | None = None
    quantity: Decimal | None = None
    cost: Decimal | None = None
    buying_power_after: Decimal | None = None
    position_after: Decimal | None = None
    distance: float | None = None
    """From the market, as a fraction: 0.0001 is one hundredth of a per cent away."""


Effect: TypeAlias = Persist | Send | ReplaceAtBroker | CancelAtBroker | Latch | StopStrategy | Reply
