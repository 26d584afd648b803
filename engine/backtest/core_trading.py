"""Orders of every kind, by the core and the paper broker.

Most bars fill nothing and change no order. So where no limit looks at the account in between, core and broker are told of a bar only when
it matters: while an order works in its symbol, or when somebody is about to order, the latest of each symbol that is held or ordered. What
they know then is what they would know had they heard every bar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.backtest.account import Account
from engine.backtest.player import Orders
from engine.backtest.profile import Profile
from engine.backtest.sessions import Sessions
from engine.backtest.shell import Shell
from engine.backtest.trading import OnBooked, OnSplit, Trading
from engine.core.portfolio import Portfolio
from engine.model.market import Bar, Dividend, MarketEvent, Split
from engine.model.records import Record

_ALWAYS = (True,)


class CoreTrading(Trading):
    def __init__(
        self, profile: Profile, symbols: tuple[str, ...], account: Account, sessions: Sessions, on_booked: OnBooked, on_split: OnSplit
    ) -> None:
        """Raises BacktestError where a cost model cannot be used."""
        super().__init__(account, sessions, on_booked, on_split)
        self._shell = Shell(profile, symbols, lambda event, owner: self.on_booked(event, owner))
        self._book = self._shell.core.state.book
        self._free = profile.is_free
        # While limits look at the account, or an order works, the market is told of every moment.
        self.working = self._book.open if self._free else _ALWAYS
        self._heard: dict[str, Bar] = {}
        """The last bar of each symbol that core and broker know."""
        self.denied, self.cut, self.ended = self._shell.denied, self._shell.cut, self._shell.ended
        self.notes = self._shell.notes

    @property
    def signals(self) -> int:  # type: ignore[override]
        return self._shell.signals

    @property
    def portfolio(self) -> Portfolio:
        return self._shell.core.state.portfolio

    @property
    def open_orders(self) -> int:
        return len(self._book.open)

    @property
    def slipped(self) -> float:
        return self._shell.broker.matching.slipped

    def listen(self, told: Callable[[MarketEvent | tuple[Record, ...]], None]) -> None:
        """From now on `told` hears what the core hears of the market, and what it records."""
        self._shell.listen = told

    def start(self, source: str, at: int) -> None:
        self._shell.start(source, at)
        self._tell_first(at)

    def match(self, bars: Sequence[Bar], last: int, at: int) -> None:
        self.tell_session(last, at)
        if self._free:
            resting = set(self._book.symbols())
            for bar in bars:
                if bar.symbol in resting:
                    self._hear(bar)
            self._close(at)
        else:
            for bar in bars:
                self._hear(bar)
            self._close(at)
            self._shell.look()

    def submit(self, orders: Orders) -> None:
        proposals = orders.player.proposals(orders)
        self.tell_session(orders.last, orders.at)
        latest, heard = self.account.latest, self._heard
        for symbol in (*self.account.positions, *(proposal.symbol for proposal in proposals), orders.symbol):
            newest = latest.get(symbol)
            if newest is not None and heard.get(symbol) is not newest:
                self._hear(newest)
        self._close(orders.at)
        for proposal in proposals:
            self._shell.handle(proposal)

    def end(self, last: int) -> None:
        if self._book.open:
            self._shell.market(self._sessions.end(last))
        for symbol, bar in self.account.latest.items():
            if self._heard.get(symbol) is not bar:
                self._hear(bar)

    def _hear(self, bar: Bar) -> None:
        self._heard[bar.symbol] = bar
        self._shell.market(bar)

    def _close(self, at: int) -> None:
        for event in self._sessions.after(at):
            self._shell.market(event)

    def _act(self, event: MarketEvent, last: int) -> None:
        if isinstance(event, Split | Dividend):
            newest = self.account.latest.get(event.symbol)
            if newest is not None and self._heard.get(event.symbol) is not newest:
                self._hear(newest)
            self._shell.market(event)
            restated = self._restate(event, last)
            if restated is not None:
                self._heard[event.symbol] = restated
        else:
            self._shell.market(event)
