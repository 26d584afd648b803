"""Which symbols the core knows prices of: those the run began with, and those that somebody wanted watched since."""

from __future__ import annotations

from engine.core.desk import Desk
from engine.model.inputs import Unwatch, Watch
from engine.model.market import Instrument
from engine.model.records import SymbolWatched


class Watching:
    """A symbol that money hangs on is never let go: its price is what positions, orders and limits are judged by."""

    __slots__ = ("_desk", "_named")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._named = frozenset(desk.instruments)
        """Those that the run began with: the settings name them, or the feed by itself."""

    def add(self, instrument: Instrument) -> None:
        """One of an earlier run's. Before the start."""
        self._desk.instruments[instrument.symbol] = instrument

    def wanted(self) -> list[str]:
        """What is needed from the start on beside the symbols the run began with: what is held, what works, what was watched."""
        state = self._desk.state
        held = sorted(h.symbol for h in state.portfolio.holdings.values() if h.quantity)
        working = [order.symbol for order in state.book.working()]
        return [symbol for symbol in dict.fromkeys((*held, *working, *state.watched)) if symbol not in self._named]

    def on_watch(self, command: Watch) -> None:
        desk, symbol = self._desk, command.instrument.symbol
        new = symbol not in desk.instruments
        if new:
            desk.instruments[symbol] = command.instrument
            if command.last is not None and desk.prices.prime(symbol, command.last, command.closes):
                desk.state.portfolio.mark(symbol, command.last)
        if symbol not in self._named and symbol not in desk.state.watched:
            desk.record(SymbolWatched(symbol, True, desk.now))
        desk.reply(command.id, True, f"{symbol} is watched" if new else f"{symbol} is watched already")

    def on_unwatch(self, command: Unwatch) -> None:
        desk, symbol = self._desk, command.symbol
        if why := self._needed(symbol):
            desk.reply(command.id, False, why)
            return
        desk.record(SymbolWatched(symbol, False, desk.now))
        desk.instruments.pop(symbol)
        desk.prices.by_symbol.pop(symbol, None)
        desk.reply(command.id, True, f"{symbol} is watched no longer")

    def _needed(self, symbol: str) -> str:
        """Why `symbol` cannot be let go, or nothing."""
        state = self._desk.state
        if symbol not in self._desk.instruments:
            return f"{symbol} is not watched"
        if symbol in self._named:
            return f"{symbol} is one of the symbols this run began with: it stays watched"
        held = state.portfolio.holdings.get(symbol)
        if held is not None and held.quantity:
            return f"{held.quantity:f} {symbol} are held: it stays watched until they are sold"
        if working := list(state.book.working(symbol)):
            return f"#{working[0].number} {symbol} works: it stays watched until that ends"
        if (why := self._desk.gate.mismatched.get(symbol)) is not None:
            return f"{why}: it stays watched until both agree"
        if any(case.signal.symbol == symbol for case in state.approvals.waiting.values()):
            return f"a signal on {symbol} waits for you: it stays watched until that is decided"
        return ""
