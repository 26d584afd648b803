"""What the engine asks of a broker. Every method is called on the engine's loop, and every event is told on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct

from engine.model.capabilities import Capabilities
from engine.model.modes import LinkState
from engine.model.orders import Order, Terms

if TYPE_CHECKING:
    from engine.model.inputs import AssetTold, BrokerSnapshot, LinkChanged, Note, OrderUpdate


class Heard(Struct, frozen=True):
    """The broker answered, and there is nothing new: the link lives."""


BrokerEvent: TypeAlias = "OrderUpdate | LinkChanged | Note"
"""A LinkChanged that says UP means: reconcile before anything else is sent; any other blocks orders, and none of them cancels. A Note is
for a person alone."""


STOPPING: ContextVar[bool] = ContextVar("STOPPING", default=False)
"""Whether what is asked of a broker is asked while trading is stopped: it waits for nothing that could be spared for it."""


class AmbiguousError(Exception):
    """The broker did not answer, or not in words we know: the order may or may not exist there. It is not a rejection."""


class BusyError(Exception):
    """The broker gets too many requests and has certainly not taken this one: nothing came of it, and it may be asked again, under the same
    id, in `after_s` seconds where that is known."""

    def __init__(self, text: str, after_s: float | None = None) -> None:
        super().__init__(text)
        self.after_s = after_s


class AwayError(ConnectionError):
    """There is no link to be had now, in words; `state` is how it stands until there is."""

    def __init__(self, text: str, state: LinkState = LinkState.DOWN) -> None:
        super().__init__(text)
        self.state = state


class BrokerError(OSError):
    """There is no such broker, or it cannot be used as the config has it: a sentence for a person, which says what to do."""


@runtime_checkable
class Numbered(Protocol):
    """A broker that tells the number of the account, empty before it is connected."""

    @property
    def account(self) -> str: ...


Paid: TypeAlias = tuple[Decimal, Decimal]
"""Shares that were booked together, and the fees for them."""


@runtime_checkable
class Reminded(Protocol):
    """A broker that tells what is paid today alone. `remind` is called before `connect`, with what the books have of each order that has
    not ended, in the order in which it was booked."""

    def remind(self, paid: Mapping[str, Sequence[Paid]]) -> None: ...


@runtime_checkable
class KnowsAssets(Protocol):
    """A broker that can be asked how it trades a symbol, without an order."""

    async def asset(self, symbol: str) -> AssetTold | None:
        """None where there is no telling. Raises AmbiguousError, and BusyError where it gets too many requests."""


class Broker(Protocol):
    name: str
    capabilities: Capabilities
    settle_s: float
    """For how long after the link came up an order sent just before may still turn up: until then "never seen" proves nothing."""

    async def connect(self, tell: Callable[[BrokerEvent | Heard], None]) -> None:
        """Open the link; from now on call `tell` with every event. Raises ConnectionError in words where there is no link to be had; it is
        called again then, after `close`. BrokerError, or any other OSError, says that trying again makes no sense, as with credentials that
        are wrong; of a link that was up, a LinkChanged that says FATAL does."""

    async def submit(self, order: Order) -> None:
        """Send `order` once, under its own id. A rejection is told as an event; raises AmbiguousError where the outcome is unknown, and
        BusyError where it is known that it was not taken."""

    async def submit_group(self, orders: Sequence[Order]) -> None:
        """The same for orders of one `oco`, of which the broker itself takes each fill from the others. Called where it says that it does
        (`capabilities.oco`); one that is left of a group comes by `submit`. Raises AmbiguousError where nothing is known of any of them,
        and BusyError where none was taken."""

    async def replace(self, order: Order, terms: Terms) -> None:
        """Ask for `order` to work under `terms` from now on. What comes of it, a refusal too, is told as an event with the terms that
        hold then. Raises AmbiguousError where the request may be lost, and BusyError where it was not taken."""

    async def cancel(self, orders: Sequence[Order]) -> None:
        """Ask for these to be cancelled. What comes of it is told as events. Raises AmbiguousError where the request may be lost,
        and BusyError where it was not taken for some of them."""

    async def find(self, order_id: str) -> OrderUpdate | None:
        """Where the order with our id stands, or None where the broker has never seen it. Raises AmbiguousError."""

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        """Cash, positions, all open orders, and how those of `order_ids` ended that are not open. Raises AmbiguousError."""

    async def close(self) -> None:
        """Drop the link. Working orders stay as they are."""
