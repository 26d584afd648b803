"""Which symbols the venue has halted: facts of the journal, which hold over a restart until the market itself shows that they are over."""

from __future__ import annotations

from engine.core.desk import Desk
from engine.model.market import Halt
from engine.model.records import HaltChanged


class Halts:
    """Books halts and their ends as the feed tells them.

    A feed that begins tells of a halted symbol before its first price. So a halt of an earlier run holds until this run's feed says a word
    on the symbol: a halt confirms it, and a price that comes first shows that it is over. A market that began anew, be it simulated,
    played from files or another one than before, shuts nothing for good that way.
    """

    __slots__ = ("_desk", "_unconfirmed")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._unconfirmed: set[str] = set()
        """Symbols that an earlier run left halted, and of which this run's feed has said nothing yet."""

    def begin(self) -> None:
        """A run begins: what is halted now, an earlier one was told."""
        self._unconfirmed = set(self._desk.state.halts)

    def on_halt(self, event: Halt) -> None:
        desk = self._desk
        desk.now = max(desk.now, event.at)
        self._unconfirmed.discard(event.symbol)
        if desk.state.halts.get(event.symbol) != (event.reason if event.halted else None):
            desk.record(HaltChanged(event.symbol, event.halted, event.reason, event.at))

    def on_price(self, symbol: str) -> None:
        """The feed told a price of `symbol`."""
        if symbol in self._unconfirmed:
            self._unconfirmed.discard(symbol)
            self._desk.record(HaltChanged(symbol, False, "the feed tells its prices again", self._desk.now))
