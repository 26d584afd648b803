"""The market's side of a backtest: what happens to orders, the same for each of the ways in which it can be worked out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, TypeAlias

from engine.backtest.account import Account, Booked, fills_of
from engine.backtest.player import Orders
from engine.backtest.sessions import Sessions
from engine.core.portfolio import Portfolio
from engine.model.market import Bar, Dividend, MarketEvent, Split
from engine.model.orders import Fill

if TYPE_CHECKING:
    from engine.backtest.fill_columns import FillColumns

OnBooked: TypeAlias = Callable[[Booked, str], None]
OnSplit: TypeAlias = Callable[[Split, int], None]


class Trading(ABC):
    """Between the bars that it is told it does what is due. `account` is the one that it moves, and whose latest bars it reads.

    `on_booked` is told all that moved the account, and whose it was; `on_split` of a split of a symbol that has a price, and when the bars
    before it closed. The counters are of signals and orders: `denied` and `cut` by the rule that refused them or made them smaller, `ended`
    by how an order ended that did not fill. `notes` are sentences of the core's, and how often each was said. `working` is the same object
    as long as this lives: while there is anything in it, every moment must be told by `match`.
    """

    working: Collection[object]
    signals: int
    denied: Counter[str]
    cut: Counter[str]
    ended: Counter[str]
    notes: dict[str, int]
    by_column: FillColumns | None = None
    """All fills and nothing else, where they are kept so: then nothing is booked one by one in the account."""

    def __init__(self, account: Account, sessions: Sessions, on_booked: OnBooked, on_split: OnSplit) -> None:
        self.account = account
        self.on_booked = on_booked
        self.on_split = on_split
        self._sessions = sessions
        self._caught = 0
        """The moment up to which the session is told."""

    @property
    @abstractmethod
    def portfolio(self) -> Portfolio:
        """The books."""

    @property
    @abstractmethod
    def open_orders(self) -> int: ...

    @property
    @abstractmethod
    def slipped(self) -> float:
        """What slippage took so far, in money."""

    @property
    def next_act(self) -> int:
        """A time before which no split and no dividend is due."""
        return self._sessions.next_act

    def fills(self) -> list[Fill]:
        """All of them, in their order."""
        return fills_of(self.account.booked)

    @abstractmethod
    def start(self, source: str, at: int) -> None:
        """The run begins at the market time `at`."""

    @abstractmethod
    def match(self, bars: Sequence[Bar], last: int, at: int) -> None:
        """What the bars that have just closed at `at` do to the orders that work. `last` is when the bars before closed."""

    @abstractmethod
    def submit(self, orders: Orders) -> None:
        """Hands on what was ordered, to a gate that knows the market as of then."""

    @abstractmethod
    def end(self, last: int) -> None:
        """The data ends: what is held stays held, at its last price."""

    @abstractmethod
    def _act(self, event: MarketEvent, last: int) -> None:
        """A session's phase, a split or a dividend."""

    def tell_session(self, last: int, at: int) -> None:
        """What is told between the moment `last` and the bars of `at`, once."""
        if self._caught < at:
            self._caught = at
            for event in self._sessions.before(last, at):
                self._act(event, last)

    def _tell_first(self, at: int) -> None:
        for event in self._sessions.first():
            self._act(event, at)

    def _restate(self, event: Split | Dividend, last: int) -> Bar | None:
        """The account's latest bar of the symbol reads differently from now on: as it does then, None where there is none."""
        restated = self.account.act(event)
        if restated is not None and isinstance(event, Split):
            self.on_split(event, last)
        return restated
