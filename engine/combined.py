"""The limits that several accounts of one console keep together, each with an engine and a thread of its own.

Where there are such limits, one account at a time takes what may send an order: under the lock its gate sees where all the others stand,
and before the lock is free the others see what it reserved. So two orders at the same moment cannot both have the last room. Market data
take no turn, for they open nothing. Without such limits nobody waits for a turn; they may come, change and
go while it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.model.inputs import Cancel, EmergencyStop, Flatten, Input
from engine.model.limit_changes import combined_changes
from engine.model.market import Auction, Bar, Dividend, Halt, MarketStatus, Quote, SessionClose, Split
from engine.model.settings import ALONE, CombinedLimits
from engine.model.standing import Standing, together

if TYPE_CHECKING:
    # A console makes this before its first picture.
    from engine.core.core import Core

PATIENCE_S = 0.25
"""How long an account waits for its turn. A turn takes microseconds: who has it longer hangs."""
_AT_ONCE = (EmergencyStop, Flatten, Cancel)
"""These open nothing, and wait for nobody."""
_MARKET = (Bar, Quote, MarketStatus, Auction, SessionClose, Halt, Split, Dividend)


class Combined:
    """One for all accounts of a console, `names`, under these `limits`. Thread-safe."""

    def __init__(self, names: Iterable[str], limits: CombinedLimits) -> None:
        self._lock = threading.Lock()
        self._standings: dict[str, Standing | None] = dict.fromkeys(names)
        self._books: dict[str, int] = {}
        """Of each account that counts by its books alone, when these were last written, in nanoseconds."""
        self._left_out: set[str] = set()
        """What a person said holds nothing, until it tells by itself."""
        self._whose = ""
        self._limits = limits

    @property
    def limits(self) -> CombinedLimits:
        """Those in force."""
        return self._limits

    def change(self, limits: CombinedLimits, reason: str = "") -> None:
        """These hold from each account's next turn on, also in one that hangs now. Waits for nobody. Raises ValueError where one lets more
        through than before and there is no `reason`."""
        looser = [str(change) for change in combined_changes(self._limits, limits) if change.looser]
        if looser and not reason.strip():
            raise ValueError(f"to loosen {', '.join(looser)} takes a reason")
        self._limits = limits

    def whole(self) -> Standing | None:
        """Where all accounts stand together; None where one has not told."""
        return None if self.unknown else together(standing for standing in self._standings.values() if standing is not None)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Of these nobody knows what they hold: under a limit on all accounts no other enters."""
        return tuple(name for name, standing in self._standings.items() if standing is None and name not in self._left_out)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Those that count as nothing by a person's word."""
        return tuple(name for name in self._standings if name in self._left_out)

    def leave_out(self, name: str, reason: str) -> None:
        """Of an unknown one a person says that it holds nothing: so it counts, until it tells by itself. Waits for nobody. Raises
        ValueError without a `reason`."""
        if not reason.strip():
            raise ValueError(f"to leave {name} out takes a reason")
        if name in self.unknown:
            self._left_out.add(name)

    def has_told(self, name: str) -> bool:
        """Whether it has told by itself where it stands."""
        return self._standings[name] is not None and name not in self._books

    @property
    def counts_several(self) -> bool:
        return len(self._standings) > 1

    def seat(self, name: str) -> Seat:
        return Seat(self, name)

    # ---- for the seats

    def tell(self, name: str, standing: Standing) -> None:
        self._standings[name] = standing
        self._books.pop(name, None)
        self._left_out.discard(name)

    def remember(self, name: str, standing: Standing, at: int) -> None:
        """What its books say, until it tells by itself."""
        if self._standings[name] is None or name in self._books:
            self._books[name] = at
            self._standings[name] = standing
            self._left_out.discard(name)

    def counted(self, name: str, now: int) -> str:
        """How an account that does not run counts in the others' entries, in a sentence; nothing where no limit is on all of them."""
        standing, at = self._standings[name], self._books.get(name)
        if self._limits == ALONE or not self.counts_several:
            return ""
        if name in self._left_out:
            return "By your word it counts as nothing in the limits on all accounts, until it has started."
        if standing is None:
            return (
                "What it holds is not known: under the limits on all accounts no other enters, exits go. If it holds nothing, say so in "
                "the preferences by LOOSEN."
            )
        if at is None:
            return "In the limits on all accounts it counts with where it stood last."
        return (
            f"In the limits on all accounts it counts as its books were left {_ago(now - at)} ago, with an exposure of "
            f"{standing.exposure:,.2f}: the others enter within what that leaves. What was done elsewhere since is not in it."
        )

    @contextmanager
    def turn(self, name: str, patience_s: float) -> Iterator[str]:
        """Gives the name of the account that does not let go of its turn, empty where this one has it now."""
        if not self._lock.acquire(timeout=patience_s):
            # Who took the turn a moment ago may not have said so yet; it is not ours all the same.
            yield self._whose or "another one"
            return
        self._whose = name
        try:
            yield ""
        finally:
            self._lock.release()

    def others(self, name: str) -> Standing | str:
        """The others together, or the name of one that has not told yet where it stands."""
        told = [(other, standing) for other, standing in self._standings.items() if other != name and other not in self._left_out]
        silent = [other for other, standing in told if standing is None]
        return silent[0] if silent else together(standing for _, standing in told if standing is not None)


class Seat:
    """One account's place among them."""

    def __init__(self, combined: Combined, name: str) -> None:
        self._combined = combined
        self._name = name
        self._hangs = ""
        self._is_compared = False

    def remember(self, core: Core, at: int) -> None:
        """The others see where `core` stands by its journal, last written `at`, so that a feed or a broker that cannot be reached, or a key
        that is refused, keeps nobody else from trading. Of an account that never ran nobody knows what it holds."""
        if core.state.runs:
            self._combined.remember(self._name, core.gate.standing(), at)

    @property
    def has_others(self) -> bool:
        return self._combined.counts_several

    def take(self, core: Core) -> None:
        """From now on the gate of `core` sees the others, and they see where it stands as soon as it handles something."""
        core.gate.others = lambda: self._hangs or self._combined.others(self._name)

    def _tell(self, core: Core) -> None:
        """From the first comparison with the broker on. Until then its books say more, and already a link that is down comes here."""
        self._is_compared = self._is_compared or core.gate.ready
        if self._is_compared:
            self._combined.tell(self._name, core.gate.standing())

    @contextmanager
    def turn(self, core: Core, event: Input) -> Iterator[None]:
        """While `event` is handled nobody else's gate judges anything. Where it left the account is told at the end, whatever happened."""
        limits = self._combined.limits
        core.gate.take_combined(limits)
        if isinstance(event, _MARKET):
            yield
            return
        if limits == ALONE:
            # Nobody waits for a turn, but where all stand is known once there is a limit.
            self._hangs = ""
            try:
                yield
            finally:
                self._tell(core)
            return
        with self._combined.turn(self._name, 0 if isinstance(event, _AT_ONCE) else PATIENCE_S) as self._hangs:
            try:
                yield
            finally:
                self._tell(core)


def _ago(nanoseconds: int) -> str:
    minutes = max(nanoseconds, 0) // 60_000_000_000
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
