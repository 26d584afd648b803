"""What the screen needs of an engine. `engine.live.Engine` is one; the screen's tests bring another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.latch import LATCH_S
from engine.model import Intent, Level, Mode, View
from engine.model.market import Listing, MarketEvent
from engine.model.orders import Side, Terms
from engine.model.settings import Limits
from engine.model.signals import SignalEdit

if TYPE_CHECKING:
    from decimal import Decimal

    from engine.model.inputs import GroupKind

E = TypeVar("E", bound=MarketEvent)


class TradingEngine(Protocol):
    """Every method but `shutdown` returns at once and may be called from any thread.

    Those that answer a string answer a command's id; what came of it is the Reply of that id in a later View. Errors of the engine
    itself are told in `View.health.problem`.
    """

    def start(self) -> None: ...

    def view(self) -> View:
        """The latest View; asks for the next to be built."""

    def focus(self, symbol: str, timeframe: str = "") -> None:
        """The symbol that View.chart is to show, and in which of the time frames it offers; without one it stays as it is."""

    def submit(self, intent: Intent, *, confirmed: bool = False) -> str:
        """`confirmed` says that an order which looks like a repetition is meant."""

    def submit_group(self, kind: GroupKind, first: Intent, second: Intent, *, confirmed: bool = False) -> str:
        """Two orders of which one cancels the other, or of which the first triggers the second."""

    def replace(self, order_id: str, terms: Terms) -> str:
        """Gives a working order new terms; `terms.quantity` is the whole one, what filled already included."""

    def preview(self, intent: Intent) -> str: ...

    def preview_replace(self, order_id: str, terms: Terms) -> str: ...

    def approve(self, signal_id: str, edit: SignalEdit | None = None) -> str:
        """Says yes to a signal, or with `edit` to what a person made of it."""

    def reject(self, signal_id: str, reason: str = "") -> str: ...

    def cancel(self, order_id: str = "", symbol: str = "") -> str:
        """One order, all of a symbol, or with neither everything that works."""

    def close_position(self, symbol: str, side: Side, quantity: Decimal) -> str:
        """By an order on `side`, of at most `quantity` shares. What works to close it is cancelled first; the answer comes after that."""

    def set_mode(self, mode: Mode) -> str: ...

    def emergency_stop(self, reason: str = "stop key", *, latch_s: float = LATCH_S) -> str:
        """The gate is closed before this returns, whatever the engine's loop is doing. The latch is waited for, `latch_s` at most."""

    def latched(self, within_s: float) -> bool:
        """Whether the latch of every stop so far is on the disk, or was refused by it, after `within_s` at most. That one is late the log
        says, and when it is there."""

    def sync(self) -> str:
        """Compares orders and positions with the broker's now; the answer says what differs."""

    def accept_position(self, symbol: str, reason: str) -> str:
        """Book the broker's figure of one of `View.mismatches`. Refused in words where there is none, or it is not sure."""

    def liquidate_all(self, *, latch_s: float = LATCH_S) -> str:
        """The emergency stop, and then close every position."""

    def resume(self, reason: str) -> str:
        """Leave HALTED, into MANUAL."""

    def reset_breaker(self, name: str, reason: str) -> str:
        """Release one of `View.breakers`."""

    def set_limits(self, limits: Limits, reason: str = "", seen: Limits | None = None) -> str:
        """For this run. To loosen one takes a reason."""

    def watch(self, symbol: str) -> str:
        """Follow another symbol of the feed."""

    def unwatch(self, symbol: str) -> str:
        """Follow a symbol that was added no longer, unless it is needed."""

    def offers(self) -> tuple[Listing, ...] | None:
        """What the feed knows of, None while that is not known yet: asking has it looked up."""

    def note(self, level: Level, source: str, text: str) -> None:
        """A line for the log."""

    def subscribe(self, kind: type[E], callback: Callable[[E], None]) -> Callable[[], None]:
        """Calls back with each event of `kind`, on the engine's thread. Returns what ends it."""

    def shutdown(self, timeout: float = 5.0) -> None:
        """Blocking: end in order, as the settings say."""
