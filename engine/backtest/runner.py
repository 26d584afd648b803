"""Runs strategies over data: the loop.

A bar is seen at its close; an order made on it is matched from its symbol's next bar on. At each moment the market comes first: what fills
in the bars that have just closed is booked, then the strategies are told of the fills, and then of the bars.

Most bars fill nothing and change no order. So where no limit looks at the account in between, core and broker are told of a bar only when
it matters: while an order works in its symbol, or when somebody is about to order, the latest of each symbol that is held or ordered. What
they know then is what they would know had they heard every bar.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from heapq import merge
from operator import attrgetter

from engine.backtest.account import Account
from engine.backtest.data import Data
from engine.backtest.errors import BacktestError
from engine.backtest.player import Player
from engine.backtest.profile import Profile
from engine.backtest.result import Result, result_of
from engine.backtest.shell import Booked, Shell
from engine.backtest.timeline import Timeline
from engine.feeds.base import FeedError
from engine.feeds.played_sessions import PlayedSessions
from engine.feeds.timeframe import DAY_S
from engine.model.inputs import Proposal
from engine.model.market import Bar, Dividend, MarketEvent, Split
from engine.model.orders import Fill
from engine.strategies.base import Context, Strategy
from engine.strategies.names import strategy_names

Progress = Callable[[int, int], None]
"""Told how many bars of how many are done, every few thousand."""
_SECOND = 1_000_000_000
_NEVER = 2**63 - 1


def run(data: Data, profile: Profile, progress: Progress | None = None) -> Result:
    """The result of `profile`'s strategies over `data`. Raises BacktestError in words: a strategy that cannot be loaded or that failed,
    bars it cannot have, a cost model that is not there."""
    with _few_collections():
        return _Run(data, profile, progress).result()


@contextmanager
def _few_collections() -> Iterator[None]:
    """Has Python look for garbage seldom: bars, orders and fills hang together in no circles, and what was there before stays."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class _Run:
    def __init__(self, data: Data, profile: Profile, progress: Progress | None) -> None:
        symbols = tuple(data.bars)
        self._account = account = Account()
        names = strategy_names(profile.settings(symbols))
        self._players = [Player(each, name, symbols, account.equity) for each, name in zip(profile.strategies, names, strict=True)]
        self._data = _as_wanted(data, self._players)
        self._bars = self._data.played()
        self._profile = profile
        self._progress = progress
        self._timeline = Timeline(self._bars)
        self._shell = Shell(profile, symbols, self._booked)
        self._book = self._shell.core.state.book
        self._sessions = _Sessions(self._data, int(self._timeline.moments[0]))
        self._fills: list[tuple[str, Fill]] = []
        """Those of this moment, which their strategies have not been told yet."""
        self._heard: dict[str, Bar] = {}
        """The last bar of each symbol that core and broker know."""
        self._heard_by: dict[str, dict[str, tuple[Player, Context, Callable[[Bar], None], Callable[[Context, Bar], None]]]] = {
            symbol: {} for symbol in self._bars
        }
        """By symbol and strategy: whom to tell of a bar, and how."""
        self._caught = 0
        """The moment up to which they know the session."""

    def result(self) -> Result:
        first = int(self._timeline.moments[0])
        for player in self._players:
            self._warm(player, first - 1, self._data.calendar.day_of(first) - timedelta(days=1))
        self._shell.start(self._data.name, first - self._data.spacing_s * _SECOND)
        for event in self._sessions.first():
            self._act(event)
        self._moved(first - 1)
        self._end(self._play(first))
        return result_of(
            self._data,
            self._profile,
            self._bars,
            self._timeline.moments,
            self._account,
            self._shell,
            {player.name: player.strategy for player in self._players},
        )

    def _warm(self, player: Player, until: int, day: date) -> None:
        past = (self._data.past(symbol, player.wants.warmup, until, day) for symbol in player.symbols)
        player.warm(list(merge(*past, key=attrgetter("at"))))
        for symbol in player.symbols:
            if symbol in self._bars:
                self._heard_by[symbol][player.name] = player, player.context, player.context.adders()[symbol], player.strategy.on_bar

    # ---- the loop

    def _play(self, first: int) -> int:
        """Answers the last moment."""
        latest, changed, sessions = self._account.latest, self._account.changed, self._sessions
        # While limits look at the account, or an order works, the market is told of every moment.
        working: object = self._book.open if self._profile.is_free else True
        updating = [player for player in self._players if player.wants.update_ns]
        heard_by = self._heard_by
        last, act = first - 1, sessions.next_act
        for chunk in self._timeline.chunks():
            for bars in chunk:
                at = bars[0].at
                updates = [proposal for player in updating for proposal in player.update(at)] if updating else ()
                if working:
                    self._match(bars, last, at)
                elif at > act:
                    self._tell_session(last, at)
                    act = sessions.next_act
                for bar in bars:
                    latest[bar.symbol] = bar
                if changed:
                    self._moved(at)
                    self._tell_fills(bars[0], last)
                if updates:
                    self._submit(updates, bars[0], last)
                for bar in bars:
                    for player, context, add, on_bar in heard_by[bar.symbol].values():
                        context.now = at
                        add(bar)
                        try:
                            on_bar(context, bar)
                        except (Exception, SystemExit) as error:  # noqa: BLE001 - told in words
                            player.fail(error, "on_bar", bar)
                        if context.drafts:
                            self._submit(player.proposals("on_bar", bar), bar, last)
                last = at
            for player in self._players:
                player.context.trim()
            if self._progress is not None:
                self._progress(self._timeline.until(last), len(self._timeline))
        return last

    def _match(self, bars: Sequence[Bar], last: int, at: int) -> None:
        """Has the market do what it does in these bars."""
        self._tell_session(last, at)
        if self._profile.is_free:
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

    def _submit(self, proposals: Sequence[Proposal], bar: Bar, last: int) -> None:
        """Hands on what was ordered at `bar`, to a core that knows the market as of it."""
        self._tell_session(last, bar.at)
        latest, heard = self._account.latest, self._heard
        for symbol in (*self._account.positions, *(proposal.symbol for proposal in proposals), bar.symbol):
            newest = latest.get(symbol)
            if newest is not None and heard.get(symbol) is not newest:
                self._hear(newest)
        self._close(bar.at)
        for proposal in proposals:
            self._shell.handle(proposal)

    def _tell_fills(self, bar: Bar, last: int) -> None:
        told, self._fills[:] = list(self._fills), ()
        for owner, fill in told:
            for player in self._players:
                if player.name == owner and (proposals := player.fill(fill)):
                    self._submit(proposals, bar, last)

    def _end(self, last: int) -> None:
        """The data ends: what is held stays held, at its last price."""
        if self._book.open:
            self._shell.market(self._sessions.end(last))
        for symbol, bar in self._account.latest.items():
            if self._heard.get(symbol) is not bar:
                self._hear(bar)
        self._moved(last)
        for owner, fill in self._fills:
            for player in self._players:
                if player.name == owner:
                    player.fill(fill)
        for player in self._players:
            player.stop()

    # ---- what core and broker know

    def _hear(self, bar: Bar) -> None:
        self._heard[bar.symbol] = bar
        self._shell.market(bar)

    def _tell_session(self, last: int, at: int) -> None:
        """What is told between the moment `last` and the bars of `at`, once."""
        if self._caught < at:
            self._caught = at
            for event in self._sessions.before(last, at):
                self._act(event)

    def _close(self, at: int) -> None:
        for event in self._sessions.after(at):
            self._shell.market(event)

    def _act(self, event: MarketEvent) -> None:
        if isinstance(event, Split | Dividend):
            newest = self._account.latest.get(event.symbol)
            if newest is not None and self._heard.get(event.symbol) is not newest:
                self._hear(newest)
            self._shell.market(event)
            restated = self._account.act(event)
            if restated is not None:
                self._heard[event.symbol] = restated
                if isinstance(event, Split):
                    self._begin_again(event, restated.at)
        else:
            self._shell.market(event)

    def _begin_again(self, split: Split, until: int) -> None:
        """What a strategy knows of a symbol that split is in other shares: it begins anew, with its history in these, as it does live."""
        for player in self._players:
            if split.symbol in player.symbols:
                player.stop()
                player.begin()
                self._warm(player, until, date.fromisoformat(split.ex_date))
                player.see(self._account.cash, self._account.positions)

    # ---- the account

    def _booked(self, event: Booked, owner: str) -> None:
        self._account.book(event, owner)
        if isinstance(event, Fill):
            self._fills.append((owner, event))

    def _moved(self, at: int) -> None:
        """Everybody sees the account as it is at the moment `at`."""
        self._account.take(self._shell.core.state.portfolio, at)
        for player in self._players:
            player.see(self._account.cash, self._account.positions)


class _Sessions:
    """What the feed would tell between the bars, worked out only where somebody needs it. `next_act` is a time before which no split and
    no dividend is due."""

    def __init__(self, data: Data, first: int) -> None:
        self._calendar = data.calendar
        self._first, self._spacing = first, data.spacing_s * _SECOND
        self._daily = data.spacing_s >= DAY_S
        self._told = PlayedSessions(data.calendar, data.actions, self._price, daily=self._daily)
        self._prices = data.bars
        self._quiet = 0
        """Up to this time nothing is to be told: of the session under way, no edge lies before it."""
        day = data.calendar.day_of(first)
        self._days = [action.day for action in data.actions if action.day >= day]
        self.next_act = _NEVER
        self._plan()

    def first(self) -> Iterator[MarketEvent]:
        yield from self._counted(self._told.first(self._first - self._spacing, self._first))

    def before(self, last: int, at: int) -> Iterator[MarketEvent]:
        if at >= self._quiet or at > self.next_act:
            yield from self._counted(self._told.before(last, at))

    def after(self, at: int) -> Iterator[MarketEvent]:
        if at < self._quiet or self._daily:
            return
        yield from self._told.after(at)
        session = self._calendar.current_or_next(at)
        edges = (session.pre, session.opens, *(session.pause or ()), session.closes, session.post)
        self._quiet = min((edge for edge in edges if edge > at), default=0)

    def end(self, last: int) -> MarketEvent:
        return self._told.end(last)

    def _counted(self, events: Iterator[MarketEvent]) -> Iterator[MarketEvent]:
        for event in events:
            if isinstance(event, Split | Dividend):
                self._days.pop(0)
                self._plan()
            yield event

    def _plan(self) -> None:
        if self._days:
            midnight = datetime.combine(self._days[0], time(), self._calendar.zone)
            self.next_act = int(midnight.timestamp()) * _SECOND
        else:
            self.next_act = _NEVER

    def _price(self, symbol: str, at: int) -> float | None:
        columns = self._prices[symbol].columns
        end = int(columns.at.searchsorted(at, "right"))
        return float(columns.close[end - 1]) if end else None


def _as_wanted(data: Data, players: Sequence[Player]) -> Data:
    """In the bars that the strategies ask for: all of them the same. Raises BacktestError."""
    wanted = {player.wants.timeframe: player.name for player in players}
    if len(wanted) > 1:
        asked = ", ".join(f"{name} {timeframe or 'the bars as they are'}" for timeframe, name in wanted.items())
        raise BacktestError(f"The strategies of one backtest are told the same bars, and these ask for different ones: {asked}.")
    for player in players:
        if player.wants.quotes and type(player.strategy).on_bar is Strategy.on_bar and not player.wants.update_ns:
            raise BacktestError(f"{player.name} trades on quotes alone, and recorded bars have none: it can only run live.")
    timeframe = next(iter(wanted), "")
    try:
        return data.in_timeframe(timeframe) if timeframe else data
    except FeedError as error:
        raise BacktestError(str(error)) from error
